// How many lines, over time and by level. Counted by logproc over the whole window; while that is away, of the lines that are here.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { span, zoom } from '../charts/window';
import type { LogCounts, LogLine } from '../live/protocol';
import { logsCount, type LogFilter } from '../live/traces';
import { clockOf, plural } from '../ui/format';

const BINS = 60;
const EVERY_MS = 3000;
const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

export interface Bin { from: number; counts: number[] } // debug, info, warn, error

export function binsOf(c: LogCounts): Bin[] {
  const n = Math.max(1, Math.ceil((c.to_ms - c.from_ms + 1) / c.step_ms));
  const out = Array.from({ length: Math.min(n, 400) }, (_, i) => ({ from: c.from_ms + i * c.step_ms, counts: [0, 0, 0, 0] }));
  for (const [from, ...counts] of c.counts) { const b = out[Math.floor((from! - c.from_ms) / c.step_ms)]; if (b) b.counts = counts; }
  return out;
}

export function counted(list: { time: string; level: string }[], bins = BINS): LogCounts {
  const at = list.map(l => Date.parse(l.time)).filter(Number.isFinite);
  const from_ms = at.length ? Math.min(...at) : 0, to_ms = Math.max(at.length ? Math.max(...at) : 0, from_ms + 1000);
  const step_ms = Math.ceil((to_ms - from_ms + 1) / bins);
  const by = new Map<number, number[]>();
  for (const l of list) {
    const t = Date.parse(l.time), i = LEVELS.indexOf(l.level as 'info');
    if (!Number.isFinite(t)) continue;
    const start = from_ms + Math.floor((t - from_ms) / step_ms) * step_ms;
    const row = by.get(start) ?? [0, 0, 0, 0];
    row[i < 0 ? 1 : i]!++;
    by.set(start, row);
  }
  return { from_ms, to_ms, step_ms, counts: [...by].sort((a, b) => a[0] - b[0]).map(([t, c]) => [t, ...c]) };
}

export function Histogram({ filter, list, fixed }: { filter: LogFilter; list: LogLine[]; fixed: boolean }): JSX.Element | null {
  const answer = useSignal<LogCounts | null>(null);
  const from = useRef<number | null>(null);
  useEffect(() => {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async (): Promise<void> => {
      const w = span();
      try { answer.value = await logsCount(filter, { from: w.from * 1000, to: w.to * 1000, bins: BINS }, abort.signal); } catch { if (!abort.signal.aborted) answer.value = null; }
      if (!fixed && !abort.signal.aborted) timer = setTimeout(() => void ask(), EVERY_MS);
    };
    void ask();
    return () => { abort.abort(); clearTimeout(timer); };
  }, [JSON.stringify(filter), fixed ? JSON.stringify(span()) : '']);
  const c = answer.value ?? (list.length ? counted(list) : null);
  if (!c) return <div class="hist" />;
  const bins = binsOf(c);
  const top = Math.max(1, ...bins.map(b => b.counts.reduce((a, x) => a + x, 0)));
  const sum = LEVELS.map((_, i) => bins.reduce((a, b) => a + (b.counts[i] ?? 0), 0));
  const total = sum.reduce((a, x) => a + x, 0);
  const binAt = (e: PointerEvent): number => { const r = (e.currentTarget as HTMLElement).getBoundingClientRect(); return Math.min(bins.length - 1, Math.max(0, Math.floor(((e.clientX - r.left - 12) / (r.width - 24)) * bins.length))); };
  return (
    <div class="hist" role="img" aria-label={`${plural(total, 'line')} from ${clockOf(c.from_ms)} to ${clockOf(c.to_ms)}: ${sum[3]} errors, ${sum[2]} warnings`}
      title="Drag to see only these lines" onPointerDown={e => { from.current = binAt(e); }} onPointerUp={e => {
        if (from.current === null) return;
        const a = Math.min(from.current, binAt(e)), b = Math.max(from.current, binAt(e));
        from.current = null;
        zoom(bins[a]!.from / 1000, Math.max((bins[b]!.from + c.step_ms) / 1000, bins[a]!.from / 1000 + 2));
      }}>
      {bins.map((b, i) => <span key={i} title={`${clockOf(b.from)}: ${LEVELS.map((l, k) => (b.counts[k] ? `${b.counts[k]} ${l}` : '')).filter(Boolean).join(', ') || 'nothing'}`}>
        {[3, 2, 1, 0].map(k => (b.counts[k] ? <i key={k} class={LEVELS[k]} style={{ height: `${(b.counts[k]! / top) * 100}%` }} /> : null))}
      </span>)}
    </div>
  );
}
