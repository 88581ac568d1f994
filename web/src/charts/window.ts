// The time window that all charts share: live ("the last N minutes", moving) or paused at a fixed range.
import { computed, signal } from '@preact/signals';
import { serverNow } from '../live/clock';
import { route, setQuery } from '../live/url';

export const LAST = ['2m', '5m', '15m', '30m', 'run'] as const;
export type Last = (typeof LAST)[number];
const SECONDS: Record<string, number> = { '2m': 120, '5m': 300, '15m': 900, '30m': 1800 };

/* Set by the run view: wall seconds at which the run began, for "whole run". */
export const runStart = signal<number | null>(null);
export const crosshair = signal(true);

export const last = computed<Last>(() => { const l = route.value.query.last as Last | undefined; return l && LAST.includes(l) ? l : 'run'; });

export const fixed = computed<{ from: number; to: number } | null>(() => {
  const { from, to } = route.value.query;
  const f = Number(from), t = Number(to);
  return from && to && Number.isFinite(f) && Number.isFinite(t) && t > f ? { from: f, to: t } : null;
});

export function span(): { from: number; to: number } {
  if (fixed.value) return fixed.value;
  const to = serverNow() / 1000;
  const width = last.value === 'run' ? Math.min(3600, Math.max(60, runStart.value ? to - runStart.value + 5 : 900)) : SECONDS[last.value]!;
  return { from: to - width, to };
}

/* How much past a table should hold for this window. */
export function depth(): number {
  const { from } = span();
  return Math.min(3600, Math.max(300, Math.ceil(serverNow() / 1000 - from)));
}

const s = (v: number): string => String(Math.round(v * 10) / 10);
export const zoom = (from: number, to: number): void => { if (to - from >= 2) setQuery({ from: s(from), to: s(to) }, false); };
export const live = (): void => setQuery({ from: null, to: null });
export function zoomOut(): void {
  const { from, to } = span();
  const w = to - from;
  zoom(from - w / 2, Math.min(serverNow() / 1000, to + w / 2));
}
export function shift(part: number): void {
  const { from, to } = span();
  const d = (to - from) * part;
  zoom(from + d, to + d);
}
