// The run as lanes over one time axis. Every mark can be reached by Tab and says what it is.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { TimelineItem } from '../live/protocol';
import { at } from '../ui/format';

const LANES: [string, string][] = [['fault', 'Faults'], ['symptom', 'Symptoms'], ['criterion', 'Criteria'], ['hint', 'Hints'], ['say', 'Messages'], ['view', 'You looked'], ['action', 'You changed'], ['agent', 'Agent']];

/* Steps of 10 s, 30 s, 1 min, 5 min …: about six on the axis. */
export function ticks(from: number, to: number): number[] {
  const step = [10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600].map(s => s * 1000).find(s => (to - from) / s <= 7) ?? 7200_000;
  const list: number[] = [];
  for (let t = Math.ceil(from / step) * step; t <= to; t += step) list.push(t);
  return list;
}

export function Lanes({ items, end, limit }: { items: TimelineItem[]; end: number | null; limit: number }): JSX.Element {
  const shown = useSignal<TimelineItem | null>(null);
  const last = Math.max(end ?? 0, ...items.map(i => i.at_ms), 10_000);
  const from = Math.min(0, ...items.map(i => Math.max(i.at_ms, -30_000)));
  const to = Math.min(Math.max(last * 1.02, 10_000), Math.max(limit * 1.1, last));
  const x = (t: number): string => `${Math.max(0, Math.min(100, ((t - from) / (to - from)) * 100))}%`;
  const known = new Set(LANES.map(([id]) => id));
  const lanes: [string, string][] = [...LANES.filter(([id]) => items.some(i => i.lane === id)), ...[...new Set(items.map(i => i.lane).filter(l => !known.has(l)))].map((l): [string, string] => [l, l])];
  if (!items.length) return <p class="t3">Nothing was recorded in this run.</p>;
  return (
    <div class="lanes">
      <div class="lanes-grid">
        {lanes.map(([id, name]) => (
          <div class="lane-row" key={id}>
            <span class="t2 ell">{name}</span>
            <div class="lane-track">
              {from < 0 && <span class="lane-onset" style={{ left: x(0) }} />}
              {items.filter(i => i.lane === id).map((i, n) => (
                <button key={n} class={'dot dot-' + (known.has(id) ? id : 'other')} style={{ left: x(i.at_ms) }} title={`${at(i.at_ms)} ${i.text}`} aria-label={`${name} at ${at(i.at_ms)}: ${i.text}`} onFocus={() => { shown.value = i; }} onPointerEnter={() => { shown.value = i; }} onClick={() => { shown.value = i; }} />
              ))}
            </div>
          </div>
        ))}
        <div class="lane-row axis"><span /><div class="lane-track">{ticks(from, to).map(t => <span key={t} style={{ left: x(t) }}>{at(t)}</span>)}</div></div>
      </div>
      <p class="lane-said" aria-hidden="true">{shown.value ? <><b>{at(shown.value.at_ms)}</b> {shown.value.text}{shown.value.on && <span class="t3"> on {shown.value.on}</span>}</> : <span class="t3">Point at a mark, or walk them with Tab, to read what it was.</span>}</p>
    </div>
  );
}
