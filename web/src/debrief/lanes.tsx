// The run as lanes over one time axis. Every mark can be reached by Tab and says what it is.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { TimelineItem } from '../live/protocol';
import { at, cut } from '../ui/format';

const LANES: [string, string][] = [['fault', 'Faults'], ['symptom', 'Symptoms'], ['criterion', 'Criteria'], ['hint', 'Hints'], ['say', 'Messages'], ['view', 'You looked'], ['action', 'You changed'], ['agent', 'Agent']];

/* Steps of 10 s, 30 s, 1 min, 5 min …: about six on the axis. */
export function ticks(from: number, to: number): number[] {
  const step = [10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600].map(s => s * 1000).find(s => (to - from) / s <= 7) ?? 7200_000;
  const list: number[] = [];
  for (let t = Math.ceil(from / step) * step; t <= to; t += step) list.push(t);
  return list;
}

/* Marks nearer than a finger is wide become one, with their number. */
const NEAR = 0.034;
export function cluster(items: TimelineItem[], near_ms: number): TimelineItem[][] {
  const out: TimelineItem[][] = [];
  for (const i of [...items].sort((a, b) => a.at_ms - b.at_ms)) {
    const last = out[out.length - 1];
    if (last && i.at_ms - last[0]!.at_ms < near_ms) last.push(i); else out.push([i]);
  }
  return out;
}

/* rows: which lanes there are, also empty ones; without them those of a run's own timeline that have a mark. */
export function Lanes({ items, end, limit, rows }: { items: TimelineItem[]; end: number | null; limit: number; rows?: [string, string][] }): JSX.Element {
  const shown = useSignal<TimelineItem[]>([]);
  const last = Math.max(end ?? 0, ...items.map(i => i.at_ms), 10_000);
  const from = Math.min(0, ...items.map(i => Math.max(i.at_ms, -30_000)));
  const to = Math.min(Math.max(last * 1.02, 10_000), Math.max(limit * 1.1, last));
  const x = (t: number): string => `${Math.max(0, Math.min(100, ((t - from) / (to - from)) * 100))}%`;
  const known = new Set(LANES.map(([id]) => id));
  const lanes: [string, string][] = rows ?? [...LANES.filter(([id]) => items.some(i => i.lane === id)), ...[...new Set(items.map(i => i.lane).filter(l => !known.has(l)))].map((l): [string, string] => [l, l])];
  if (!items.length) return <p class="t3">Nothing was recorded in this run.</p>;
  return (
    <div class="lanes">
      <div class="lanes-grid">
        {lanes.map(([id, name]) => (
          <div class="lane-row" key={id}>
            <span class="t2 ell">{cut(name, 60)}</span>
            <div class="lane-track">
              {from < 0 && <span class="lane-onset" style={{ left: x(0) }} />}
              {cluster(items.filter(i => i.lane === id), (to - from) * NEAR).map((c, n) => {
                const text = c.map(i => `${at(i.at_ms)} ${cut(i.text, 200)}`).join('; ');
                const show = (): void => { shown.value = c; };
                return <button key={n} class={'dot dot-' + (rows ? (id === 'you' ? 'action' : 'agent') : known.has(id) ? id : 'other')} style={{ left: x(c[0]!.at_ms) }} title={text.slice(0, 300)} aria-label={`${c.length > 1 ? `${c.length} × ` : ''}${name}: ${text}`.slice(0, 600)} onFocus={show} onPointerEnter={show} onClick={show}>{c.length > 1 && <span aria-hidden="true">{c.length}</span>}</button>;
              })}
            </div>
          </div>
        ))}
        <div class="lane-row axis"><span /><div class="lane-track">{ticks(from, to).map(t => <span key={t} style={{ left: x(t) }}>{at(t)}</span>)}</div></div>
      </div>
      <div class="lane-said" aria-hidden="true">
        {shown.value.length ? shown.value.slice(0, 6).map((i, n) => <p key={n} class="any"><b>{at(i.at_ms)}</b> {cut(i.text)}{i.on && <span class="t3"> on {i.on}</span>}</p>) : <span class="t3">Point at a mark, or walk them with Tab, to read what it was.</span>}
      </div>
    </div>
  );
}
