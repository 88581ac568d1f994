// The part of a trace that is shown, in ms from its beginning: zoom, pan, and how it stands in the address. Pure.

export interface View { from: number; to: number }

const DEEPEST = 10_000; // the shortest part is the whole over this

/* Inside the trace, not shorter than the deepest zoom; a part that is moved keeps its length. */
function held(v: View, total: number): View {
  const length = Math.min(total, Math.max(v.to - v.from, total / DEEPEST));
  const from = Math.min(Math.max(0, v.from), total - length);
  return { from, to: from + length };
}

export const whole = (total: number): View => ({ from: 0, to: Math.max(0, total) });
export const isWhole = (v: View, total: number): boolean => v.from <= 0 && v.to >= total;

/* `at` stays where it is; a factor below 1 goes deeper. */
export function zoomAt(v: View, total: number, factor: number, at: number): View {
  const a = Math.min(v.to, Math.max(v.from, at));
  return held({ from: a - (a - v.from) * factor, to: a + (v.to - a) * factor }, total);
}

/* By a share of what is shown. */
export function pan(v: View, total: number, share: number): View {
  const by = (v.to - v.from) * share;
  return held({ from: v.from + by, to: v.to + by }, total);
}

export const centre = (v: View, total: number, at: number): View => held({ from: at - (v.to - v.from) / 2, to: at + (v.to - v.from) / 2 }, total);
export const between = (a: number, b: number, total: number): View => held({ from: Math.min(a, b), to: Math.max(a, b) }, total);

/* "120.5-340" in the address; anything else is the whole. */
export function parseView(text: string, total: number): View {
  const m = /^(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)$/.exec(text);
  return m && Number(m[2]) > Number(m[1]) && Number(m[1]) < total ? held({ from: Number(m[1]), to: Number(m[2]) }, total) : whole(total);
}

/* null: the whole, which is not in the address. */
export const viewText = (v: View, total: number): string | null => (isWhole(v, total) ? null : `${short(v.from)}-${short(v.to)}`);
const short = (x: number): string => String(Math.round(x * 1e4) / 1e4);

/* Where a span is drawn, in percent of what is shown; null: before or behind it. */
export function bar(v: View, at_ms: number, duration_ms: number): { left: number; width: number } | 'before' | 'behind' {
  const length = v.to - v.from, end = at_ms + Math.max(0, duration_ms);
  if (length <= 0) return { left: 0, width: 100 };
  if (at_ms > v.to) return 'behind';
  if (end < v.from) return 'before';
  const left = Math.max(0, ((at_ms - v.from) / length) * 100);
  return { left: Math.min(99.8, left), width: Math.max(0, Math.min(100, ((end - v.from) / length) * 100) - left) };
}
