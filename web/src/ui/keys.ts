// One table of all shortcuts: it drives the listener, the "?" help and the palette. Sequences are two keys within a second.
export interface Key { keys: string; what: string; group: string; run: () => void; when?: () => boolean }

const table: Key[] = [];
let pending = '';
let timer: ReturnType<typeof setTimeout> | undefined;

export function keysAdd(list: Key[]): () => void {
  table.push(...list);
  return () => { for (const k of list) table.splice(table.indexOf(k), 1); };
}
export const keysAll = (): readonly Key[] => table.filter(k => !k.when || k.when());

const typing = (t: EventTarget | null): boolean =>
  t instanceof HTMLElement && (t.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(t.tagName) || t.shadowRoot !== null && t.dataset.editor !== undefined);

export function nameOf(e: { key: string; ctrlKey: boolean; metaKey: boolean; altKey: boolean }): string {
  const mod = e.ctrlKey || e.metaKey ? 'Ctrl+' : '';
  const key = e.key === 'ArrowLeft' ? 'Left' : e.key === 'ArrowRight' ? 'Right' : e.key === 'Escape' ? 'Esc' : e.key.length === 1 && mod ? e.key.toUpperCase() : e.key;
  return mod + key;
}

/* Returns what should run for this key press; the state of a begun sequence is kept here. */
export function keysMatch(name: string, inField: boolean): Key | null {
  const usable = keysAll();
  const seq = pending ? `${pending} ${name}` : name;
  clearTimeout(timer);
  pending = '';
  if (inField && !name.startsWith('Ctrl+K')) return null;
  const hit = usable.find(k => k.keys === seq) ?? usable.find(k => k.keys === name);
  if (hit) return hit;
  if (usable.some(k => k.keys.startsWith(name + ' '))) { pending = name; timer = setTimeout(() => { pending = ''; }, 1000); }
  return null;
}

export function keysStart(): void {
  addEventListener('keydown', e => {
    if (e.defaultPrevented || e.altKey || e.isComposing || ['Control', 'Shift', 'Alt', 'Meta'].includes(e.key)) return;
    if (document.querySelector('dialog[open]') && nameOf(e) !== 'Ctrl+K') return;
    const hit = keysMatch(nameOf(e), typing(e.target));
    if (hit) { e.preventDefault(); hit.run(); }
  });
}
