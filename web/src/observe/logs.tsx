// Log search with a histogram and a tail that says loudly when it is paused.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { get, said } from '../live/api';
import { serverNow } from '../live/clock';
import { looked } from '../live/commands';
import type { Json, LogLine } from '../live/protocol';
import { route, setQuery } from '../live/url';
import { clockOf, literal, plural } from '../ui/format';
import { Icon } from '../ui/icons';
import { keysAdd } from '../ui/keys';
import { Copy, Empty, ProblemBox, Skeleton } from '../ui/parts';
import { Mark, type State } from '../ui/status';
import { VList } from '../ui/vlist';

const LINES_MAX = 5000;
const PAGE = 500;
const EVERY_MS = 2000;
const STATE: Record<string, State> = { error: 'crit', fatal: 'crit', warn: 'warn', warning: 'warn', info: 'info', debug: 'off' };

const ms = (l: LogLine): number => Date.parse(l.time) || 0;
const same = (a: LogLine, b: LogLine): boolean => a.time === b.time && a.message === b.message && a.service === b.service && a.trace_id === b.trace_id && a.instance === b.instance;

/* New lines behind what is known; the server answers inclusively, so the seam may repeat. */
export function join(known: LogLine[], fresh: LogLine[]): LogLine[] {
  const tail = known.slice(-PAGE);
  const add = fresh.filter(l => !tail.some(k => same(k, l)));
  return add.length ? [...known, ...add].slice(-LINES_MAX) : known;
}

export function Logs({ runId }: { runId: string }): JSX.Element {
  const { service = '', q = '', level = '' } = route.value.query;
  const lines = useSignal<LogLine[] | null>(null);
  const error = useSignal<string | null>(null);
  const follow = useSignal(true);
  const missed = useSignal(0);
  const open = useSignal<LogLine | null>(null);
  const field = useRef<HTMLInputElement>(null);
  const typed = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => keysAdd([
    { keys: '/', what: 'Search the logs', group: 'Logs', run: () => field.current?.focus() },
    { keys: 'End', what: 'Follow the newest lines', group: 'Logs', run: () => { follow.value = true; missed.value = 0; } },
  ]), []);
  useEffect(() => {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    lines.value = null;
    open.value = null;
    follow.value = true;
    missed.value = 0;
    const ask = async (): Promise<void> => {
      const known = lines.value;
      const p = new URLSearchParams({ limit: String(PAGE) });
      if (service) p.set('service', service);
      if (q) p.set('q', q);
      if (level) p.set('level', level);
      const newest = known?.length ? ms(known[known.length - 1]!) : 0;
      if (newest) p.set('from', String(newest));
      try {
        const a = await get<{ lines: LogLine[] }>(`/logs?${p}`, { signal: abort.signal });
        const before = known?.length ?? 0;
        const next = join(known ?? [], a.lines ?? []);
        if (!follow.value) missed.value += Math.max(0, next.length - before);
        lines.value = next;
        error.value = null;
      } catch (e) { if (!abort.signal.aborted) error.value = said(e); }
      if (!abort.signal.aborted) timer = setTimeout(() => void ask(), EVERY_MS);
    };
    void ask();
    if (service) looked(`logs:${service}`);
    return () => { abort.abort(); clearTimeout(timer); };
  }, [service, q, level]);
  const list = lines.value ?? [];
  return (
    <div class="logs">
      <div class="logs-bar">
        <div class="search"><Icon name="search" size={14} /><input ref={field} class="in" type="search" placeholder="Text that must occur" aria-label="Search the logs" value={q} onInput={e => { const v = e.currentTarget.value; clearTimeout(typed.current); typed.current = setTimeout(() => setQuery({ q: v || null }), 300); }} /></div>
        <select class="in pick" aria-label="Level" value={level} onChange={e => setQuery({ level: e.currentTarget.value || null })}><option value="">Any level</option><option value="info">info or worse</option><option value="warn">warn or worse</option><option value="error">error only</option></select>
        <span class="t3 logs-count">{lines.value ? plural(list.length, 'line') : ''}</span>
      </div>
      {error.value && <div class="pad"><ProblemBox mild text={`The logs cannot be read: ${error.value}`} /></div>}
      {list.length > 0 && <Histogram list={list} />}
      {!lines.value && !error.value ? <Skeleton lines={12} height={14} /> : list.length === 0 ? <Empty title="No line matches" action={q || level || service ? <button class="btn" onClick={() => setQuery({ q: null, level: null, service: null })}>Clear the search</button> : undefined}>{q || level || service ? 'New lines that match appear here by themselves.' : 'The services have not written anything yet.'}</Empty>
        : <VList count={list.length} rowHeight={24} label="Log lines" follow={follow.value && !open.value} scrolled={end => { if (end) { follow.value = true; missed.value = 0; } else follow.value = false; }} row={i => <Line key={i} l={list[i]!} open={open.value === list[i]} press={() => { open.value = open.value === list[i] ? null : list[i]!; }} />} />}
      {open.value && <Fields l={open.value} runId={runId} />}
      {!follow.value && <div class="logs-paused" role="status">Paused{missed.value > 0 ? `, ${plural(missed.value, 'new line')}` : ''}<button class="btn small" onClick={() => { follow.value = true; missed.value = 0; }}>Follow again <kbd aria-hidden="true">End</kbd></button></div>}
    </div>
  );
}

/* What a line says beside its message: the fields of its own, short. */
const COMMON = new Set(['time', 'level', 'service', 'instance', 'version', 'message', 'trace_id', 'span_id']);
export function rest(l: LogLine): string {
  return Object.entries(l).filter(([k, v]) => !COMMON.has(k) && v !== undefined && v !== null && v !== '').slice(0, 6).map(([k, v]) => (k === 'event' ? literal(v) : `${k}=${literal(v)}`)).join(' ').slice(0, 200);
}

function Line({ l, open, press }: { l: LogLine; open: boolean; press: () => void }): JSX.Element {
  return (
    <button class="log-row" aria-expanded={open} onClick={press}>
      <span class="t3">{clockOf(ms(l))}.{String(ms(l) % 1000).padStart(3, '0')}</span><Mark state={STATE[l.level] ?? 'info'} size={12} /><span class="t2 ell">{l.service}</span>
      <span class="ell"><span class="sr">{l.level} </span>{(l.message ?? l.event ?? '').slice(0, 600)} <span class="t3">{rest(l)}</span></span>
    </button>
  );
}

function Fields({ l, runId }: { l: LogLine; runId: string }): JSX.Element {
  void runId;
  const entries = Object.entries(l).filter(([, v]) => v !== undefined && v !== null && v !== '') as [string, Json][];
  return (
    <section class="log-fields scroll" style={{ maxHeight: '220px', paddingLeft: '12px' }} aria-label="Fields of the line" tabIndex={0}>
      <div class="row"><b class="grow">Fields</b><Copy text={() => JSON.stringify(l)} what="line as JSON" /></div>
      <dl>{entries.map(([k, v]) => {
        const text = literal(v).slice(0, 4000);
        return <div key={k}><dt>{k}</dt><dd>{text}{k === 'service' ? <button onClick={() => setQuery({ service: text }, false)}>only this</button> : (k === 'trace_id' || k === 'event' || k === 'order_id') && <button onClick={() => setQuery({ q: text }, false)}>search</button>}</dd></div>;
      })}</dl>
    </section>
  );
}

const BARS = 60;
export function bins(list: { time: string; level: string }[], n = BARS): { all: number; bad: number }[] {
  const out = Array.from({ length: n }, () => ({ all: 0, bad: 0 }));
  if (!list.length) return out;
  const a = Date.parse(list[0]!.time), b = Math.max(Date.parse(list[list.length - 1]!.time), a + 1000);
  for (const l of list) {
    const i = Math.min(n - 1, Math.max(0, Math.floor(((Date.parse(l.time) - a) / (b - a)) * n)));
    const bin = out[i];
    if (!bin) continue;
    bin.all++;
    if (STATE[l.level] === 'crit' || STATE[l.level] === 'warn') bin.bad++;
  }
  return out;
}

function Histogram({ list }: { list: LogLine[] }): JSX.Element {
  const b = bins(list);
  const top = Math.max(1, ...b.map(x => x.all));
  const bad = b.reduce((s, x) => s + x.bad, 0);
  return (
    <div class="hist" role="img" aria-label={`${list.length} lines from ${clockOf(ms(list[0]!))} to ${clockOf(ms(list[list.length - 1]!))}, ${bad} of them warnings or errors`} title={`now ${clockOf(serverNow())}`}>
      {b.map((x, i) => <span key={i}><i class="e" style={{ height: `${(x.bad / top) * 100}%` }} /><i style={{ height: `${((x.all - x.bad) / top) * 100}%` }} /></span>)}
    </div>
  );
}
