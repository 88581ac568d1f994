// Ctrl+K: everything that can be reached or done, by typing a few letters of it. Shows the shortcut of each item, so people learn it.
import { signal, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { act } from './live/commands';
import { processes, run, active } from './live/store';
import { go, setQuery } from './live/url';
import { keysAll } from './ui/keys';
import { announce } from './ui/toast';
import { RULES } from './live/rules';

export const paletteOpen = signal(false);

interface Item { label: string; kind: string; keys?: string; run: () => void }

/* Letters in order, earlier and closer together is better; null when they do not all occur. What changes something stands behind what only
 * looks, unless it is named. */
export function score(text: string, query: string, acts = false): number | null {
  const t = text.toLowerCase(), q = query.toLowerCase().replace(/\s+/g, '');
  let at = -1, cost = 0;
  for (const c of q) {
    const next = t.indexOf(c, at + 1);
    if (next < 0) return null;
    cost += next - at - 1;
    at = next;
  }
  return cost + t.length / 100 + (acts ? 4 : 0);
}

function items(): Item[] {
  const r = run.value;
  const list: Item[] = keysAll().map(k => ({ label: k.what, kind: k.group, keys: k.keys, run: k.run }));
  if (!r) return list;
  for (const p of processes.value) {
    list.push({ label: `Filter by ${p.name}`, kind: 'service', run: () => setQuery({ service: p.name }, false) });
    if (p.kind !== 'component') list.push({ label: `Configure ${p.name}`, kind: 'service', run: () => go(['run', r.id, 'test', p.name], {}, true) });
    if (active.value) list.push({ label: `Restart ${p.name}`, kind: 'action', run: () => void act({ kind: 'process.restart', on: p.name, args: {} }) });
    list.push({ label: `Logs of ${p.name}`, kind: 'service', run: () => go(['run', r.id, 'observe', 'logs'], { service: p.name }) });
  }
  for (const rule of RULES) list.push({ label: `Explore ${rule}`, kind: 'metric', run: () => go(['run', r.id, 'observe', 'explore'], { q: rule }) });
  return list;
}

function find(text: string): Item[] {
  const all = items();
  const hits = text ? all.map(i => ({ i, s: score(i.label, text, i.kind === 'action') })).filter(x => x.s !== null).sort((a, b) => a.s! - b.s!).map(x => x.i) : all;
  return hits.slice(0, 60);
}

export function Palette({ close }: { close: () => void }): JSX.Element {
  const ref = useRef<HTMLDialogElement>(null);
  const text = useSignal('');
  const at = useSignal(0);
  useLayoutEffect(() => { ref.current!.showModal(); }, []); // before the next key press, which belongs to it already
  const shown = find(text.value);
  const pick = (i: Item | undefined): void => { if (!i) return; close(); i.run(); announce(i.label); };
  const key = (e: KeyboardEvent): void => {
    // Asked anew: a fast typist is ahead of what is drawn, and Enter must never run what was listed a letter ago.
    const shown = find(text.value);
    const n = shown.length;
    if (e.key === 'ArrowDown' && n) at.value = (at.value + 1) % n;
    else if (e.key === 'ArrowUp' && n) at.value = (at.value + n - 1) % n;
    else if (e.key === 'Enter') pick(shown[at.value]);
    else return;
    e.preventDefault();
    requestAnimationFrame(() => ref.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' }));
  };
  return (
    <dialog class="palette" ref={ref} aria-label="Search" onCancel={e => { e.preventDefault(); close(); }} onClick={e => { if (e.target === ref.current) close(); }}>
      <input class="in" placeholder="Service, metric, action…" aria-label="Search services, metrics and actions" role="combobox" aria-expanded="true" aria-controls="palette-list" aria-autocomplete="list"
        aria-activedescendant={shown.length ? `pal-${at.value}` : undefined} value={text.value} onInput={e => { text.value = e.currentTarget.value; at.value = 0; }} onKeyDown={key} autoFocus />
      <ul id="palette-list" role="listbox" aria-label="Results">
        {shown.map((i, n) => (
          <li key={n} id={`pal-${n}`} role="option" aria-selected={n === at.value} onPointerMove={() => { at.value = n; }} onClick={() => pick(i)}>
            <span class="grow ell">{i.label}</span><span class="cap">{i.kind}</span>{i.keys && <span class="row gap4">{i.keys.split(' ').map(k => <kbd key={k}>{k}</kbd>)}</span>}
          </li>
        ))}
      </ul>
      {!shown.length && <div class="pad t2" role="status">Nothing is called "{text.value}". Try the name of a service, such as api.</div>}
    </dialog>
  );
}
