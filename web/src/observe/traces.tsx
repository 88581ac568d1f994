// Trace search: a short form, a picture of when and how long, and the list. An empty search shows the slowest of the window. One trace: waterfall.tsx.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { fixed, last, live, span } from '../charts/window';
import { said } from '../live/api';
import type { TraceRow } from '../live/protocol';
import { tracesFind, type TraceFilter } from '../live/traces';
import { href, route, setQuery } from '../live/url';
import { clockOf, plural, value } from '../ui/format';
import { Icon } from '../ui/icons';
import { keysAdd } from '../ui/keys';
import { Empty, ProblemBox, Skeleton } from '../ui/parts';
import { Mark } from '../ui/status';
import { Waterfall } from './waterfall';

const LIMIT = 100;
const EVERY_MS = 4000;

export function Traces({ runId }: { runId: string }): JSX.Element {
  const id = route.value.parts[4];
  return id ? <Waterfall runId={runId} id={id} key={id} /> : <Search runId={runId} />;
}

function Search({ runId }: { runId: string }): JSX.Element {
  const { service = '', op = '', min = '', failed = '', order = '' } = route.value.query;
  const filter: TraceFilter = { service, name: op, min, failed: failed === '1', order: order === 'newest' ? 'newest' : 'slowest' };
  const list = useSignal<TraceRow[] | null>(null);
  const error = useSignal<string | null>(null);
  const names = useSignal<string[]>([]);
  const first = useRef<HTMLInputElement>(null);
  const rows = useRef<HTMLDivElement>(null);
  const turn = useSignal(0);
  const f = fixed.value;
  useEffect(() => {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async (): Promise<void> => {
      const w = span();
      try {
        const a = await tracesFind(filter, w.from * 1000, w.to * 1000, LIMIT, abort.signal);
        list.value = a.traces;
        names.value = [...new Set([...names.value, ...a.traces.map(t => t.name)])].sort().slice(0, 200);
        error.value = null;
      } catch (e) { if (!abort.signal.aborted) error.value = said(e); }
      if (!f && !abort.signal.aborted) timer = setTimeout(() => void ask(), EVERY_MS);
    };
    void ask();
    return () => { abort.abort(); clearTimeout(timer); };
  }, [JSON.stringify(filter), f?.from, f?.to, last.value, turn.value, runId]);
  const move = (by: number): void => {
    const all = [...(rows.current?.querySelectorAll<HTMLElement>('.trace-row') ?? [])];
    const at = all.indexOf(document.activeElement as HTMLElement);
    all[at < 0 ? 0 : Math.min(all.length - 1, Math.max(0, at + by))]?.focus();
  };
  useEffect(() => keysAdd([
    { keys: '/', what: 'Search traces by operation', group: 'Traces', run: () => first.current?.focus() },
    { keys: 'j', what: 'Next trace', group: 'Traces', run: () => move(1) }, { keys: 'k', what: 'Trace before', group: 'Traces', run: () => move(-1) },
  ]), []);
  const searched = !!(service || op || min || failed);
  const t = list.value;
  return (
    <div class="traces">
      <div class="logs-bar">
        <div class="search"><Icon name="search" size={14} /><input ref={first} class="in" type="search" list="trace-names" placeholder="Operation, for example POST /orders" aria-label="Operation" value={op} onChange={e => setQuery({ op: e.currentTarget.value || null })} /></div>
        <datalist id="trace-names">{names.value.map(n => <option key={n} value={n.slice(0, 120)} />)}</datalist>
        <label class="row gap4 t2">at least <input class="in trace-min" type="number" min="0" max="3600000" step="10" aria-label="Least duration in ms" value={min} onChange={e => { const v = e.currentTarget.value; setQuery({ min: /^\d+$/.test(v) && v !== '0' ? v : null }); }} /> ms</label>
        <label class="row gap4 t2"><input type="checkbox" checked={failed === '1'} onChange={e => setQuery({ failed: e.currentTarget.checked ? '1' : null })} /> only errors</label>
        <select class="in pick" aria-label="Order" value={filter.order} onChange={e => setQuery({ order: e.currentTarget.value === 'newest' ? 'newest' : null })}><option value="slowest">Slowest first</option><option value="newest">Newest first</option></select>
        <span class="t3 logs-count">{t ? (t.length === LIMIT ? `the first ${LIMIT}` : plural(t.length, 'trace')) : ''}</span>
      </div>
      {error.value && <div class="pad"><ProblemBox mild text={error.value} retry={() => { turn.value++; }} /></div>}
      {!t && !error.value && <Skeleton lines={10} height={18} />}
      {t && t.length === 0 && <Empty title="No trace matches" action={searched ? <button class="btn" onClick={() => setQuery({ service: null, op: null, min: null, failed: null }, false)}>Show the slowest in this window</button> : f ? <button class="btn" onClick={live}>Back to live</button> : undefined}>Kept are traces with an error, slow ones, and a share of the rest; a new trace appears three seconds after its last span.</Empty>}
      {t && t.length > 0 && <>
        <Scatter list={t} runId={runId} />
        <div class="trace-list scroll" ref={rows} role="region" aria-label={`Traces, ${filter.order} first`} tabIndex={0} onKeyDown={e => { const by = e.key === 'ArrowDown' ? 1 : e.key === 'ArrowUp' ? -1 : 0; if (by) { e.preventDefault(); move(by); } }}>
          {!searched && filter.order === 'slowest' && <p class="cap trace-cap">Slowest in this window</p>}
          <Rows list={t} runId={runId} />
        </div>
      </>}
    </div>
  );
}

const kept = (): Record<string, string> => { const { service, op, min, failed, order, last: l, from, to } = route.value.query; return Object.fromEntries(Object.entries({ service, op, min, failed, order, last: l, from, to }).filter((x): x is [string, string] => x[1] !== undefined)); };
const link = (runId: string, t: TraceRow): string => href(['run', runId, 'observe', 'traces', t.trace_id], kept());

function Rows({ list, runId }: { list: TraceRow[]; runId: string }): JSX.Element {
  const top = Math.max(1, ...list.map(t => t.duration_ms));
  return (
    <>{list.map(t => (
      <a class="trace-row" key={t.trace_id} href={link(runId, t)}>
        <span class="t3">{clockOf(t.start_ms)}</span>
        <Mark state={t.failed ? 'crit' : 'ok'} size={12} /><span class="sr">{t.failed ? 'failed' : 'without error'}</span>
        <span class="ell"><b class="t2">{t.service.slice(0, 60)}</b> {t.name.slice(0, 200)}</span>
        <span class="trace-bar"><i class={t.failed ? 'bad' : ''} style={{ width: `${(t.duration_ms / top) * 100}%` }} /></span>
        <span class="num">{value(t.duration_ms, 'ms')}</span>
        <span class="t3 num wide">{plural(t.spans, 'span')}</span>
        <span class="t3 ell wide">{t.services.join(' ').slice(0, 200)}</span>
      </a>
    ))}</>
  );
}

/* When and how long, on a scale by powers of ten; errors are diamonds. The list says the same in words. */
function Scatter({ list, runId }: { list: TraceRow[]; runId: string }): JSX.Element {
  const w = span(), lo = Math.log10(Math.max(0.1, Math.min(...list.map(t => t.duration_ms)))) - 0.1, hi = Math.log10(Math.max(1, ...list.map(t => t.duration_ms))) + 0.1;
  const x = (t: TraceRow): number => Math.min(995, Math.max(5, ((t.start_ms / 1000 - w.from) / (w.to - w.from)) * 1000));
  const y = (t: TraceRow): number => 84 - ((Math.log10(Math.max(0.1, t.duration_ms)) - lo) / Math.max(0.2, hi - lo)) * 78;
  return (
    <svg class="scatter" viewBox="0 0 1000 90" preserveAspectRatio="none" role="img" aria-label={`${plural(list.length, 'trace')} by start and duration, from ${value(10 ** (lo + 0.1), 'ms')} to ${value(10 ** (hi - 0.1), 'ms')}`}>
      {list.map(t => <path key={t.trace_id} class={t.failed ? 'bad' : ''} d={t.failed ? `M${x(t)} ${y(t) - 6}l4 6-4 6-4-6z` : `M${x(t) - 3} ${y(t) - 5}h6v10h-6z`} onClick={() => { location.hash = link(runId, t); }}><title>{`${t.name.slice(0, 100)}, ${value(t.duration_ms, 'ms')}`}</title></path>)}
    </svg>
  );
}
