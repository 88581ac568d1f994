// A trace as rows: which spans are shown, in order, how deep; and what can be computed of them. Pure.
import type { Span } from '../live/protocol';

export interface SpanRow { span: Span; depth: number; parent: Span | null; open: boolean }

/* Without recursion: a trace may be as deep as its author liked. */
function walk(roots: Span[], into: (s: Span) => boolean, see: (s: Span, depth: number, parent: Span | null) => void): void {
  const todo: [Span, number, Span | null][] = roots.map(r => [r, 0, null] as [Span, number, Span | null]).reverse();
  for (let at = todo.pop(); at; at = todo.pop()) {
    const [s, depth, parent] = at;
    see(s, depth, parent);
    if (into(s)) for (let i = s.children.length - 1; i >= 0; i--) todo.push([s.children[i]!, depth + 1, s]);
  }
}

export function rowsOf(roots: Span[], closed: ReadonlySet<string>): SpanRow[] {
  const out: SpanRow[] = [];
  walk(roots, s => !closed.has(s.span_id), (span, depth, parent) => out.push({ span, depth, parent, open: span.children.length > 0 && !closed.has(span.span_id) }));
  return out;
}

export function all(roots: Span[]): Span[] {
  const out: Span[] = [];
  walk(roots, () => true, s => out.push(s));
  return out;
}

export const parents = (roots: Span[]): string[] => all(roots).filter(s => s.children.length > 0).map(s => s.span_id);

/* One level more, or one less, of what is shown: the keys o and p. */
export function level(roots: Span[], closed: ReadonlySet<string>, more: boolean): Set<string> {
  const rows = rowsOf(roots, closed), next = new Set(closed);
  const shut = rows.filter(r => r.span.children.length > 0 && !r.open), open = rows.filter(r => r.open);
  if (more) { const d = Math.min(...shut.map(r => r.depth)); for (const r of shut) if (r.depth === d) next.delete(r.span.span_id); } else { const d = Math.max(...open.map(r => r.depth)); for (const r of open) if (r.depth === d) next.add(r.span.span_id); }
  return next;
}

/* Time in which no child was at work: where this service itself spent it, or waited. */
export function own_ms(s: Span): number {
  const end = s.at_ms + s.duration_ms;
  const parts = s.children.map(c => [Math.max(s.at_ms, c.at_ms), Math.min(end, c.at_ms + c.duration_ms)] as const).filter(([a, b]) => b > a).sort((x, y) => x[0] - y[0]);
  let busy = 0, until = s.at_ms;
  for (const [a, b] of parts) { if (b <= until) continue; busy += b - Math.max(a, until); until = b; }
  return Math.max(0, s.duration_ms - busy);
}

export function matches(s: Span, text: string): boolean {
  const t = text.trim().toLowerCase();
  if (!t) return true;
  return `${s.service} ${s.name} ${s.span_id}`.toLowerCase().includes(t) || Object.entries(s.attrs ?? {}).some(([k, v]) => `${k}=${String(v)}`.toLowerCase().includes(t));
}

/* Ticks of the time axis: five, at round places; and the digits behind the point that tell them apart. */
export function ticks(total_ms: number, from_ms = 0): number[] {
  if (!(total_ms > 0)) return [from_ms];
  const step = stepOf(total_ms), out: number[] = [];
  for (let i = Math.max(0, Math.ceil(from_ms / step - 1e-9)); i * step <= from_ms + total_ms * 1.0001; i++) out.push(Math.round(i * step * 1e6) / 1e6);
  return out;
}
export const tickDigits = (total_ms: number): number => (total_ms > 0 ? Math.min(6, Math.max(0, -Math.floor(Math.log10(stepOf(total_ms)) + 1e-9))) : 0);

function stepOf(total_ms: number): number {
  const rough = total_ms / 5, base = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map(m => m * base).find(x => x >= rough) ?? rough;
}
