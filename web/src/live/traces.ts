// Log lines and traces, asked of the server, which asks logproc. Everything a search wants is in one object, so that list, tail and counts agree.
import { encode, get } from './api';
import type { LogCounts, LogLine, LogLines, Trace, TraceRow } from './protocol';

export interface LogFilter { service: string; q: string; level: string; event: string; trace: string; field: string; not: string }

function search(f: LogFilter, more: Record<string, number | undefined>): string {
  const p = new URLSearchParams();
  for (const [k, v] of Object.entries({ service: f.service, q: f.q, level: f.level, event: f.event, trace_id: f.trace, field: f.field, not: f.not })) if (v) p.set(k, v);
  for (const [k, v] of Object.entries(more)) if (v !== undefined) p.set(k, String(Math.round(v)));
  return p.toString();
}
export const logsFind = (f: LogFilter, o: { from?: number; to?: number; limit: number }, signal: AbortSignal): Promise<LogLines> =>
  get<LogLines>(`/logs?${search(f, o)}`, { signal });
export const logsTail = (f: LogFilter, o: { after?: number; wait_ms: number; limit: number }, signal: AbortSignal): Promise<{ last: number; lines: LogLine[] }> =>
  get<{ last: number; lines: LogLine[] }>(`/logs/tail?${search(f, o)}`, { signal });
export const logsCount = (f: LogFilter, o: { from: number; to: number; bins: number }, signal: AbortSignal): Promise<LogCounts> =>
  get<LogCounts>(`/logs/counts?${search(f, o)}`, { signal });

export interface TraceFilter { service: string; name: string; min: string; failed: boolean; order: 'slowest' | 'newest' }

export function tracesFind(f: TraceFilter, from_ms: number, to_ms: number, limit: number, signal: AbortSignal): Promise<{ traces: TraceRow[] }> {
  const p = new URLSearchParams({ order: f.order, from: String(Math.round(from_ms)), to: String(Math.round(to_ms)), limit: String(limit) });
  if (f.service) p.set('service', f.service);
  if (f.name) p.set('name', f.name);
  if (f.min) p.set('min_ms', f.min);
  if (f.failed) p.set('failed', '1');
  return get<{ traces: TraceRow[] }>(`/traces?${p}`, { signal });
}
export const traceGet = (id: string, signal: AbortSignal): Promise<Trace> => get<Trace>(`/traces/${encode(id)}`, { signal });

/* A request that Prometheus kept as an example of a bucket. */
export interface Exemplar { t: number; v: number; trace: string }
interface ExemplarAnswer { data?: { exemplars: { labels: { trace_id?: string }; value: string; timestamp: number }[] }[] }

/* Only those whose trace logproc kept: quick ones without an error are mostly thrown away, and a dead link teaches nothing. */
export async function exemplars(service: string, from: number, to: number, signal: AbortSignal): Promise<Exemplar[]> {
  const q = `http_server_request_duration_seconds_bucket{service="${service}"}`;
  const [a, kept] = await Promise.all([
    get<ExemplarAnswer>(`/metrics/query_exemplars?query=${encode(q)}&start=${from.toFixed(3)}&end=${to.toFixed(3)}`, { signal }),
    tracesFind({ service, name: '', min: '', failed: false, order: 'slowest' }, from * 1000 - 60_000, to * 1000, 1000, signal),
  ]);
  return pick((a.data ?? []).flatMap(d => d.exemplars), new Set(kept.traces.map(t => t.trace_id)));
}

const POINTS_MAX = 12;
export function pick(all: { labels: { trace_id?: string }; value: string; timestamp: number }[], kept: ReadonlySet<string>): Exemplar[] {
  const by = new Map<string, Exemplar>();
  for (const e of all) {
    const trace = e.labels.trace_id ?? '', v = Number(e.value);
    if (kept.has(trace) && Number.isFinite(v) && !((by.get(trace)?.v ?? -1) >= v)) by.set(trace, { t: e.timestamp, v, trace });
  }
  return [...by.values()].sort((x, y) => y.v - x.v).slice(0, POINTS_MAX);
}
