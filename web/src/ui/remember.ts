// What this browser keeps between visits: widths, saved queries. Never needed: everything works with storage switched off.
import { signal, type Signal } from '@preact/signals';

export function remembered<T>(key: string, initial: T): Signal<T> {
  let start = initial;
  try { const raw = localStorage.getItem('fd-' + key); if (raw !== null) start = JSON.parse(raw) as T; } catch { /* storage is off or holds something old */ }
  const s = signal<T>(start);
  let first = true;
  s.subscribe(v => {
    if (first) { first = false; return; }
    try { localStorage.setItem('fd-' + key, JSON.stringify(v)); } catch { /* storage is off */ }
  });
  return s;
}
