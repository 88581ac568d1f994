// The golden signals: of the users, and for each service latency, traffic, errors and saturation in one row. One service: everything it has.
import type { JSX } from 'preact';
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { Chart, type Line } from '../charts/chart';
import { depth, last, span } from '../charts/window';
import { looked } from '../live/commands';
import { markers } from '../live/markers';
import { onAxis, seen, table, tick } from '../live/metrics';
import type { Process } from '../live/protocol';
import { SERVICE, USER } from '../live/rules';
import { parts, processes } from '../live/store';
import { exemplars, type Exemplar } from '../live/traces';
import { href, route, setQuery } from '../live/url';
import { value, type Unit } from '../ui/format';
import { Icon } from '../ui/icons';
import { Empty } from '../ui/parts';
import { Mark, processState } from '../ui/status';

interface Part { rule: string; label: string; bare?: boolean; scaled?: string }
interface Panel { none?: string; id: string; title: string; unit: Unit; parts: Part[]; max?: number; only?: (name: string) => boolean }

/* The four golden signals: what every row shows. */
const GOLDEN: Panel[] = [
  { id: 'latency', title: 'Latency p95', unit: 's', parts: [{ rule: SERVICE.p95, label: 'p95' }], none: 'no requests yet' },
  { id: 'traffic', title: 'Requests', unit: 'rps', parts: [{ rule: SERVICE.rps, label: 'requests' }], none: 'no requests yet' },
  { id: 'errors', title: 'Errors', unit: 'ratio', parts: [{ rule: SERVICE.errors, label: 'errors' }], max: 0.02, none: 'no requests yet' },
  { id: 'saturation', title: 'Busy workers', unit: 'ratio', parts: [{ rule: SERVICE.saturation, label: 'busy' }], max: 1, none: 'has no workers' },
];
const DETAIL: Panel[] = [
  { id: 'latency', title: 'Latency', unit: 's', parts: [{ rule: SERVICE.p50, label: 'p50' }, { rule: SERVICE.p95, label: 'p95' }, { rule: SERVICE.p99, label: 'p99' }] },
  GOLDEN[1]!, GOLDEN[2]!, GOLDEN[3]!,
  { id: 'queue', title: 'Queue depth', unit: '', parts: [{ rule: SERVICE.queue, label: 'waiting' }], max: 4 },
  { id: 'cpu', title: 'CPU', unit: 'cores', parts: [{ rule: SERVICE.cpu, label: 'cores' }], max: 0.1 },
  { id: 'memory', title: 'Memory', unit: 'bytes', parts: [{ rule: SERVICE.memory, label: 'resident' }] },
  { id: 'restarts', title: 'Restarts in 10 min', unit: '', parts: [{ rule: SERVICE.restarts, label: 'restarts' }], max: 2 },
  { id: 'pool_wait', title: 'Wait for a connection, p95', unit: 's', parts: [{ rule: SERVICE.poolWait, label: 'wait', bare: true }], only: n => n === 'gateway' },
  { id: 'db_connections', title: 'Database connections', unit: '', parts: [{ rule: SERVICE.dbUsed, label: 'used', bare: true }, { rule: SERVICE.dbMax, label: 'limit', bare: true }], only: n => n === 'db' || n === 'api' || n === 'postgres' },
  { id: 'db_query', title: 'Database query, p95', unit: 's', parts: [{ rule: SERVICE.dbQuery, label: 'query', bare: true }], only: n => n === 'db' || n === 'api' || n === 'postgres' },
  { id: 'db_wait', title: 'Wait for a database connection, p95', unit: 's', parts: [{ rule: SERVICE.dbWait, label: 'wait', bare: true }], only: n => n === 'db' || n === 'api' || n === 'postgres' },
  { id: 'cache_hits', title: 'Cache hits', unit: 'ratio', parts: [{ rule: SERVICE.cacheHits, label: 'hits', bare: true }], max: 1, only: n => n === 'cache' || n === 'api' || n === 'redis' },
  { id: 'cache_memory', title: 'Cache memory used', unit: 'ratio', parts: [{ rule: SERVICE.cacheMemory, label: 'used', bare: true }], max: 1, only: n => n === 'cache' || n === 'redis' },
  { id: 'queue_jobs', title: 'Jobs waiting', unit: '', parts: [{ rule: SERVICE.jobs, label: 'waiting', bare: true }], max: 4, only: n => n === 'mq' || n === 'worker' || n === 'nats' },
  { id: 'queue_rate', title: 'Jobs settled', unit: 'rps', parts: [{ rule: SERVICE.jobRate, label: 'settled', bare: true }], only: n => n === 'mq' || n === 'worker' },
  { id: 'queue_age', title: 'Queued to settled, p95', unit: 's', parts: [{ rule: SERVICE.jobAge, label: 'age', bare: true }], only: n => n === 'mq' || n === 'worker' },
  { id: 'dead_letters', title: 'Dead letters', unit: '', parts: [{ rule: SERVICE.deadLetters, label: 'letters', bare: true }], max: 2, only: n => n === 'mq' || n === 'worker' },
];
const USERS: Panel[] = [
  { id: 'success', title: 'Users: success', unit: 'ratio', parts: [{ rule: USER.success, label: 'success', bare: true }], max: 1 },
  { id: 'traffic', title: 'Users: load', unit: 'rps', parts: [{ rule: USER.offered, label: 'wanted', bare: true }, { rule: USER.goodput, label: 'served', bare: true }] },
  { id: 'latency', title: 'Users: latency', unit: 's', parts: [{ rule: USER.p50, label: 'p50', bare: true }, { rule: USER.p95, label: 'p95', bare: true }, { rule: USER.p99, label: 'p99', bare: true }] },
];

/* The window goes along from a chart to its traces. */
const kept = (): Record<string, string> => { const { last: l, from, to } = route.value.query; return { ...(l ? { last: l } : {}), ...(from && to ? { from, to } : {}) }; };

const promql = (p: Part, service: string): string => (p.bare || !service ? p.rule : `${p.rule}{service="${service}"}`);

function PanelChart({ p, service, runId, compact, height, examples }: { p: Panel; service: string; runId: string; compact?: boolean; height: number; examples?: Exemplar[] }): JSX.Element {
  void last.value;
  useEffect(() => { for (const part of p.parts) void table(part.rule).history(Math.max(900, depth())); }, [p]);
  const lines: Line[] = p.parts.map(x => ({ key: x.label, label: x.label }));
  const q = promql(p.parts[p.parts.length > 2 ? 1 : 0]!, service);
  const who = service || 'user';
  const ways = p.id === 'latency' || p.id === 'errors' ? <a class="btn quiet icon small" href={href(['run', runId, 'observe', 'traces'], { ...kept(), ...(service ? { service } : {}), ...(p.id === 'errors' ? { failed: '1' } : {}) })} title={p.id === 'errors' ? 'Traces with an error' : 'Slowest traces'} aria-label={`${p.id === 'errors' ? 'Traces with an error' : 'Slowest traces'} of ${who}`}><Icon name="table" size={14} /></a> : undefined;
  const points = examples?.map(x => ({ t: x.t, v: x.v, href: href(['run', runId, 'observe', 'traces', x.trace], kept()), label: `Trace of a request that took ${value(x.v, 's')}` }));
  return (
    <Chart title={p.title} {...(p.none ? { none: p.none } : {})} unit={p.unit} lines={lines} promql={q} explore={href(['run', runId, 'observe', 'explore'], { q })} {...(p.max !== undefined ? { max: p.max } : {})} {...(compact ? { compact } : {})} height={height}
      {...(ways ? { actions: ways } : {})} {...(points ? { points } : {})} markers={markers} onLook={() => { looked(`panel:${who}.${p.id}`); for (const x of p.parts) looked(`metric:${x.rule}`); }}
      data={() => { const t = table(p.parts[0]!.rule); return { ts: t.ts, cols: p.parts.map(x => onAxis(x.rule, x.bare ? '' : service, t.ts)) }; }} />
  );
}

const has = (p: Panel, service: string): boolean => p.parts.some(x => table(x.rule).cols.has(x.bare ? '' : service));

export function Dashboard({ runId }: { runId: string }): JSX.Element {
  const service = route.value.query.service;
  void seen.value;
  return (
    <div class="dash scroll" tabIndex={0} role="region" aria-label="Charts">
      {service ? <OneService name={service} runId={runId} /> : <AllServices runId={runId} />}
    </div>
  );
}

function AllServices({ runId }: { runId: string }): JSX.Element {
  // A service has a row as soon as any golden signal has been seen for it; the list only grows, so rows do not jump.
  const rows = parts.value.filter(p => p.kind !== 'component' && seen.value.includes(p.name) && (GOLDEN.some(g => has(g, p.name)) || p.kind === 'service'));
  return (
    <>
      <div class="dash-users">{USERS.map(p => <PanelChart key={p.id} p={p} service="" runId={runId} height={118} />)}</div>
      {rows.length === 0 && <Empty title="No service has reported yet">Prometheus reads every service once a second. Charts appear with the first sample.</Empty>}
      {rows.map(p => (
        <section class="dash-row" key={p.name} aria-label={p.title || p.name}>
          <RowHead p={p} />
          <div class="dash-four">{GOLDEN.map(g => <PanelChart key={g.id} p={g} service={p.name} runId={runId} compact height={74} />)}</div>
        </section>
      ))}
    </>
  );
}

function RowHead({ p }: { p: Process }): JSX.Element {
  return (
    <button class="dash-head" onClick={() => setQuery({ service: p.name }, false)} title={`Everything about ${p.name}`}>
      <Mark state={processState(p.state)} size={14} /><b>{p.name}</b><span class="t3 ell">{p.title}</span>
    </button>
  );
}

/* Requests that stand for the latency of a service now, as long as its page is open. */
function useExamples(name: string): { value: Exemplar[] } {
  const list = useSignal<Exemplar[]>([]);
  useEffect(() => {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    list.value = [];
    const ask = async (): Promise<void> => {
      const w = span();
      try { list.value = await exemplars(name, w.from, w.to, abort.signal); } catch { /* the chart is whole without them */ }
      if (!abort.signal.aborted) timer = setTimeout(() => void ask(), 5000);
    };
    void ask();
    return () => { abort.abort(); clearTimeout(timer); };
  }, [name]);
  return list;
}

function OneService({ name, runId }: { name: string; runId: string }): JSX.Element {
  void tick.value;
  const p = processes.value.find(x => x.name === name);
  const examples = useExamples(name);
  const panels = DETAIL.filter(d => (d.only ? d.only(name) : has(d, name)));
  useEffect(() => {
    for (const d of DETAIL) for (const x of d.parts) void table(x.rule).history(Math.max(900, depth()));
    // Opening a service's own page for a moment is looking at its panels.
    const t = setTimeout(() => { for (const d of ['latency', 'traffic', 'errors', 'saturation']) looked(`panel:${name}.${d}`); }, 2500);
    return () => clearTimeout(t);
  }, [name]);
  return (
    <>
      <div class="dash-title"><h2>{p?.title || name}</h2>{p && <span class="t2">{p.state}{p.restarts > 0 ? `, ${p.restarts} restarts` : ''}</span>}<span class="grow" />
        <a class="btn small" href={href(['run', runId, 'observe', 'logs'], { service: name })}>Logs</a>
        <a class="btn small" href={href(['run', runId, 'observe', 'traces'], { ...kept(), service: name })}>Traces</a>
        {p?.kind !== 'component' && <a class="btn small" href={href(['run', runId, 'test', name], { service: name })}>Configure</a>}
        <button class="btn small" onClick={() => setQuery({ service: null }, false)}>All services</button>
      </div>
      {panels.length === 0 ? <Empty title={`${name} reports no metrics of its own`}>{p?.kind === 'component' ? 'Its adapter speaks for it: see db, cache or mq.' : 'Prometheus has not read it in this window. Is the process up?'}</Empty>
        : <div class="dash-detail">{panels.map(d => <PanelChart key={d.id} p={d} service={name} runId={runId} height={150} {...(d.id === 'latency' ? { examples: examples.value } : {})} />)}</div>}
    </>
  );
}
