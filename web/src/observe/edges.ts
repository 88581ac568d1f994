// What flows between services now: calls, errors and mean time of each edge of the map, asked of Prometheus every two seconds while it is looked at.
import { signal } from '@preact/signals';
import { encode, get } from '../live/api';
import type { Matrix, PromAnswer } from '../live/protocol';

export interface Flow { rps: number; errors: number; mean_s: number | null } // errors: share of the calls

const by = (q: string, peer: string): string => `label_replace(${q}, "peer", "${peer}", "", "")`;
const rate = (metric: string): string => `rate(${metric}[10s])`;
const users = (q: string): string => by(`label_replace(sum(${q}), "service", "loadgen", "", "")`, 'gateway');

/* Each client counts its own calls, under the name of whom it calls; the users' are at the gateway. */
const CALLS = [
  `sum by (service, peer) (${rate('http_client_request_duration_seconds_count')})`,
  by(`sum by (service) (${rate('db_client_operation_duration_seconds_count')})`, 'postgres'),
  by(`sum by (service) (${rate('cache_client_operation_duration_seconds_count')})`, 'redis'),
  by(`sum by (service) (${rate('mq_publish_duration_seconds_count')} or ${rate('job_duration_seconds_count')})`, 'nats'),
  users(rate('user_requests_total')),
].join(' or ');
const ERRORS = [
  `sum by (service, peer) (${rate('http_client_request_duration_seconds_count{http_response_status_code=~"5.."}')} or ${rate('http_client_errors_total')})`,
  by(`sum by (service) (${rate('db_client_errors_total')})`, 'postgres'),
  by(`sum by (service) (${rate('cache_client_requests_total{outcome="error"}')})`, 'redis'),
  by(`sum by (service) (${rate('orders_published_total{outcome!="ok"}')} or ${rate('mq_fetch_errors_total')})`, 'nats'),
  users(rate('user_requests_total{outcome!="ok"}')),
].join(' or ');
const TIME = CALLS.replace(/_seconds_count/g, '_seconds_sum').replace('user_requests_total', 'user_request_duration_seconds_sum');

export const flows = signal<ReadonlyMap<string, Flow>>(new Map());
export const flowKey = (from: string, to: string): string => `${from}>${to}`;

function values(a: PromAnswer): Map<string, number> {
  const out = new Map<string, number>();
  for (const m of (Array.isArray(a.data?.result) ? a.data.result : []) as Matrix[]) {
    const v = Number(m.value?.[1]), { service, peer } = m.metric;
    if (service && peer && Number.isFinite(v)) out.set(flowKey(service, peer), v);
  }
  return out;
}

export function flowsOf(calls: PromAnswer, errors: PromAnswer, time: PromAnswer): Map<string, Flow> {
  const bad = values(errors), sum = values(time), out = new Map<string, Flow>();
  for (const [k, rps] of values(calls)) out.set(k, { rps, errors: rps > 0 ? Math.min(1, (bad.get(k) ?? 0) / rps) : bad.get(k) ? 1 : 0, mean_s: rps > 0 && sum.has(k) ? sum.get(k)! / rps : null });
  for (const [k, rate] of bad) if (!out.has(k) && rate > 0) out.set(k, { rps: 0, errors: 1, mean_s: null });
  return out;
}

export function flowsWatch(every_ms = 2000): () => void {
  const abort = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const ask = async (): Promise<void> => {
    try {
      const [c, e, t] = await Promise.all([CALLS, ERRORS, TIME].map(q => get<PromAnswer>(`/metrics/query?query=${encode(q)}`, { signal: abort.signal })));
      flows.value = flowsOf(c!, e!, t!);
    } catch { if (!abort.signal.aborted) flows.value = new Map(); /* no made-up traffic while Prometheus is away */ }
    if (!abort.signal.aborted) timer = setTimeout(() => void ask(), every_ms);
  };
  void ask();
  return () => { abort.abort(); clearTimeout(timer); };
}
