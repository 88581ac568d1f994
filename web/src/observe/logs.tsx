// Log search: filters in the address, a histogram, a tail that says loudly when it is paused, and from each line the way to its trace.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { fixed, last, span } from '../charts/window';
import { looked } from '../live/commands';
import type { Json, LogLine } from '../live/protocol';
import type { LogFilter } from '../live/traces';
import { href, route, setQuery } from '../live/url';
import { clockOf, literal, plural } from '../ui/format';
import { Icon } from '../ui/icons';
import { keysAdd } from '../ui/keys';
import { Copy, Empty, ProblemBox, Skeleton } from '../ui/parts';
import { Mark, type State } from '../ui/status';
import { VList } from '../ui/vlist';
import { exclude, excluded, include } from './exclude';
import { Histogram } from './histogram';
import { ms, Tail } from './tail';

const STATE: Record<string, State> = { error: 'crit', fatal: 'crit', warn: 'warn', warning: 'warn', info: 'info', debug: 'off' };
const TRACE = /^[0-9a-f]{32}$/;

/* Lines that say the same thing one after the other are one row with a count. */
export interface Repeated { line: LogLine; count: number }
export function collapse(list: LogLine[]): Repeated[] {
  const out: Repeated[] = [];
  for (const l of list) {
    const p = out[out.length - 1];
    if (p && p.line.service === l.service && p.line.level === l.level && p.line.message === l.message && p.line.event === l.event && !l.trace_id && !p.line.trace_id) { p.count++; p.line = l; } else out.push({ line: l, count: 1 });
  }
  return out;
}

export function Logs({ runId }: { runId: string }): JSX.Element {
  const { service = '', q = '', level = '', event = '', trace = '', field = '', not = '' } = route.value.query;
  const filter: LogFilter = { service, q, level, event, trace, field, not };
  const f = trace ? null : fixed.value; // the lines of one trace are few: all of them, whenever they were
  const window = trace ? '' : f ? `${f.from} ${f.to}` : last.value;
  const tail = useMemo(() => new Tail(filter, trace ? {} : f ? { from: f.from * 1000, to: f.to * 1000 } : { from: span().from * 1000 }), [runId, JSON.stringify(filter), window]);
  const open = useSignal<LogLine | null>(null);
  const input = useRef<HTMLInputElement>(null);
  const typed = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => {
    open.value = null;
    tail.start();
    if (service) looked(`logs:${service}`);
    return () => tail.stop();
  }, [tail]);
  useEffect(() => keysAdd([
    { keys: '/', what: 'Search the logs', group: 'Logs', run: () => input.current?.focus() },
    { keys: 'End', what: 'Follow the newest lines', group: 'Logs', run: () => tail.resume() },
  ]), [tail]);
  const lines = tail.lines.value, rows = useMemo(() => collapse(lines ?? []), [lines]);
  const filtered = !!(q || level || service || event || trace || field || not);
  const clear = (): void => setQuery({ q: null, level: null, service: null, event: null, trace: null, field: null, not: null }, false);
  return (
    <div class="logs">
      <div class="logs-bar">
        <div class="search"><Icon name="search" size={14} /><input ref={input} class="in" type="search" placeholder={'Words, "a phrase", or begin*'} aria-label="Search the logs" value={q} onInput={e => { const v = e.currentTarget.value; clearTimeout(typed.current); typed.current = setTimeout(() => setQuery({ q: v || null }), 300); }} /></div>
        <select class="in pick" aria-label="Level" value={level} onChange={e => setQuery({ level: e.currentTarget.value || null })}><option value="">Any level</option><option value="info">info or worse</option><option value="warn">warn or worse</option><option value="error">error only</option></select>
        {([['trace', trace], ['event', event], ['field', field]] as const).map(([k, v]) => v && <button key={k} class="chip log-chip" onClick={() => setQuery({ [k]: null }, false)} aria-label={`Remove the filter ${k} ${v.slice(0, 60)}`} title="Remove this filter"><span class="ell">{k} {v.slice(0, 40)}</span><Icon name="close" size={12} /></button>)}
        {excluded(not).map(pair => <button key={pair} class="chip log-chip log-not" onClick={() => setQuery({ not: include(not, pair) || null }, false)} aria-label={`not ${pair.slice(0, 40)}: show these lines again`} title={`Lines with ${pair.slice(0, 200)} are left out: show them again`}><span class="ell">not {pair.slice(0, 40)}</span><Icon name="close" size={12} /></button>)}
        {TRACE.test(trace) && <a class="btn small" href={href(['run', runId, 'observe', 'traces', trace])}>Show the trace</a>}
        <span class="t3 logs-count">{lines ? plural(lines.length, tail.more.value ? 'newest line' : 'line') : ''}</span>
      </div>
      {tail.error.value && <div class="pad"><ProblemBox mild text={`The logs cannot be read: ${tail.error.value}`} /></div>}
      {tail.notice.value && <div class="pad"><ProblemBox mild text={tail.notice.value} /></div>}
      {!trace && <Histogram filter={filter} list={lines ?? []} fixed={f !== null} />}
      {!lines && !tail.error.value ? <Skeleton lines={12} height={14} /> : rows.length === 0 ? <Empty title="No line matches" action={filtered ? <button class="btn" onClick={clear}>Clear the search</button> : undefined}>{f ? 'In this range of time nothing was written that fits.' : filtered ? 'New lines that match appear here by themselves.' : 'The services have not written anything yet.'}</Empty>
        : <VList count={rows.length} rowHeight={24} label="Log lines" follow={tail.follow.value && !open.value && !f} scrolled={end => { if (end) tail.resume(); else tail.pause(); }} row={i => <Line key={rows[i]!.line.id ?? i} r={rows[i]!} runId={runId} open={open.value === rows[i]!.line} press={() => { open.value = open.value === rows[i]!.line ? null : rows[i]!.line; }} />} />}
      {open.value && <Fields l={open.value} runId={runId} />}
      {!tail.follow.value && !f && !trace && <div class="logs-paused" role="status">Paused{tail.missed.value > 0 ? `, ${plural(tail.missed.value, 'new line')}` : ''}<button class="btn small" onClick={() => tail.resume()}>Follow again <kbd aria-hidden="true">End</kbd></button></div>}
    </div>
  );
}

/* What a line says beside its message: the fields of its own, short. */
const COMMON = new Set(['id', 'time', 'level', 'service', 'instance', 'version', 'message', 'trace_id', 'span_id']);
export function rest(l: LogLine): string {
  return Object.entries(l).filter(([k, v]) => !COMMON.has(k) && v !== undefined && v !== null && v !== '').slice(0, 6).map(([k, v]) => (k === 'event' ? literal(v) : `${k.slice(0, 40)}=${literal(v).slice(0, 100)}`)).join(' ').slice(0, 200);
}

function Line({ r, open, press, runId }: { r: Repeated; open: boolean; press: () => void; runId: string }): JSX.Element {
  const l = r.line, t = ms(l);
  return (
    <div class={'log-line' + (open ? ' on' : '')}>
      <button class="log-row" aria-expanded={open} onClick={press}>
        <span class="t3">{clockOf(t)}.{String(t % 1000).padStart(3, '0')}</span><Mark state={STATE[l.level] ?? 'info'} size={12} /><span class="t2 ell">{l.service}</span>
        <span class="ell"><span class="sr">{l.level} </span>{r.count > 1 && <b class="log-times">x{r.count}</b>}{(l.message ?? l.event ?? '').slice(0, 600)} <span class="t3">{rest(l)}</span></span>
      </button>
      {TRACE.test(l.trace_id ?? '') && <a class="log-trace" href={href(['run', runId, 'observe', 'traces', l.trace_id!], l.span_id ? { span: String(l.span_id) } : {})} aria-label={`Trace of this line, ${clockOf(t)}`}>trace</a>}
    </div>
  );
}

/* A click on a value is a filter for it. Times, long texts and nested values are none. */
export function only(k: string, v: Json): Record<string, string> | null {
  const text = literal(v);
  if (text.length > 100 || (typeof v !== 'string' && typeof v !== 'number')) return null;
  if (k === 'service' || k === 'level' || k === 'event') return { [k]: text };
  if (k === 'trace_id') return TRACE.test(text) ? { trace: text } : null;
  if (k.includes(':')) return null;
  return COMMON.has(k) && k !== 'instance' && k !== 'version' ? null : { field: `${k}:${text}` };
}

/* The lines without this value; also a message, since noise says the same again and again. */
export function without(not: string, k: string, v: Json): string | null {
  if ((typeof v !== 'string' && typeof v !== 'number') || v === '' || ['id', 'time', 'span_id'].includes(k)) return null;
  const text = String(v);
  return text.length > 200 ? null : exclude(not, k, text);
}

function Fields({ l, runId }: { l: LogLine; runId: string }): JSX.Element {
  const entries = Object.entries(l).filter(([k, v]) => k !== 'id' && v !== undefined && v !== null && v !== '').slice(0, 100) as [string, Json][];
  return (
    <section class="log-fields scroll" aria-label="Fields of the line" tabIndex={0}>
      <div class="row"><b class="grow">Fields</b>
        {TRACE.test(l.trace_id ?? '') && <a class="btn small" href={href(['run', runId, 'observe', 'traces', l.trace_id!])}>Open the trace</a>}
        <Copy text={() => JSON.stringify(l)} what="line as JSON" /></div>
      <dl>{entries.map(([k, v]) => {
        const text = literal(v), q = only(k, v), left = without(route.value.query['not'] ?? '', k, v);
        return <div key={k}><dt class="ell" title={k.slice(0, 200)}>{k.slice(0, 100)}</dt><dd>{text.slice(0, 4000)}{text.length > 4000 && <span class="t3"> and {text.length - 4000} more characters: copy the line to see them</span>}{q && <button onClick={() => setQuery(q, false)} aria-label={`only this ${k.slice(0, 100)}`}>only this</button>}{left !== null && <button onClick={() => setQuery({ not: left }, false)} aria-label={`without this ${k.slice(0, 100)}`}>without this</button>}</dd></div>;
      })}</dl>
    </section>
  );
}
