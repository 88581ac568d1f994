// PromQL explorer: any question to the Prometheus of the stack, with completion from it; result as chart and table, everything in the address.
import { signal, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { get, said } from '../live/api';
import { Chart, type Line } from '../charts/chart';
import { seriesClass } from '../charts/palette';
import { fixed, last, span } from '../charts/window';
import { looked } from '../live/commands';
import { serverNow } from '../live/clock';
import { markers } from '../live/markers';
import { queryRange, type Column } from '../live/metrics';
import type { Matrix, PromAnswer } from '../live/protocol';
import { RULES } from '../live/rules';
import { route, setQuery } from '../live/url';
import { number, plural } from '../ui/format';
import { Icon } from '../ui/icons';
import { copy, Copy, Empty, lazy, ProblemBox } from '../ui/parts';
import { remembered } from '../ui/remember';
import type { Unit } from '../ui/format';

const Promql = lazy(() => import('./promql'), 'Promql');
const SERIES_MAX = 24;
const past = remembered<string[]>('queries', []);

interface Result { ts: number[]; lines: Line[]; cols: Column[]; all: Matrix[]; step: number; took: number }

export function labelText(m: Record<string, string>): string {
  const name = m.__name__ ?? '';
  const rest = Object.entries(m).filter(([k]) => k !== '__name__');
  return rest.length ? `${name}{${rest.map(([k, v]) => `${k}="${v}"`).join(', ')}}` : name || '{}';
}

/* The labels that differ between the series: what a legend needs. */
export function shortLabels(all: Record<string, string>[]): string[] {
  const keys = [...new Set(all.flatMap(m => Object.keys(m)))].filter(k => new Set(all.map(m => m[k])).size > 1);
  return all.map(m => keys.map(k => m[k] ?? '').filter(Boolean).join(' ') || m.__name__ || 'value');
}

export function grid(all: Matrix[], step: number, from: number, to: number): { ts: number[]; cols: Column[] } {
  const ts: number[] = [];
  for (let t = from; t <= to + 1e-6; t += step) ts.push(Math.round(t * 1000) / 1000);
  const at = new Map(ts.map((t, i) => [t, i]));
  const cols = all.map(m => {
    const c = new Array<number | null>(ts.length).fill(null);
    for (const [t, v] of m.values ?? []) {
      const i = at.get(Math.round(t * 1000) / 1000);
      const n = Number(v);
      if (i !== undefined && Number.isFinite(n)) c[i] = n;
    }
    return c;
  });
  return { ts, cols };
}

export function unitOf(q: string): Unit {
  if (/_bytes\b|:bytes/.test(q)) return 'bytes';
  if (/ratio/.test(q)) return 'ratio';
  if (/histogram_quantile|_seconds(?!_(count|total|bucket))|latency:p|_wait:p|query:p/.test(q) && !/rate\([^)]*_count/.test(q)) return 's';
  return '';
}

export function Explore(): JSX.Element {
  const q = route.value.query.q ?? '';
  const text = useSignal(q);
  const result = useSignal<Result | null>(null);
  const error = useSignal<string | null>(null);
  const busy = useSignal(false);
  const turn = useSignal(0);
  const shownFor = useRef(q);
  if (shownFor.current !== q) { shownFor.current = q; text.value = q; }
  const commit = (): void => {
    const t = text.value.trim();
    if (!t) return;
    past.value = [t, ...past.value.filter(x => x !== t)].slice(0, 30);
    if (t === q) turn.value++; else setQuery({ q: t }, false);
  };
  const f = fixed.value;
  useEffect(() => {
    if (!q) { result.value = null; error.value = null; return; }
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const run = async (): Promise<void> => {
      const w = span(), t0 = performance.now();
      const step = Math.max(1, Math.ceil((w.to - w.from) / 400));
      const from = Math.floor(w.from / step) * step, to = Math.floor(w.to / step) * step;
      busy.value = result.value === null;
      try {
        const all = await queryRange(q, from, to, step, abort.signal);
        if (abort.signal.aborted) return;
        const shown = all.slice(0, SERIES_MAX);
        const labels = shortLabels(shown.map(m => m.metric));
        result.value = { ...grid(shown, step, from, to), lines: shown.map((m, i) => ({ key: labelText(m.metric), label: labels[i]! })), all, step, took: performance.now() - t0 };
        error.value = null;
        looked(`promql:${q}`.slice(0, 200));
      } catch (e) { if (!abort.signal.aborted) { error.value = said(e); result.value = null; } }
      busy.value = false;
      // While live: ask again, gently, until the view is paused or left.
      if (!f && !abort.signal.aborted && !error.value) timer = setTimeout(() => void run(), 3000);
    };
    void run();
    return () => { abort.abort(); clearTimeout(timer); };
  }, [q, f?.from, f?.to, last.value, turn.value]);
  const r = result.value;
  return (
    <div class="explore">
      <div class="explore-main">
        <div class="explore-bar">
          <div class="explore-edit"><Promql value={text.value} revision={q} change={t => { text.value = t; }} run={commit} /></div>
          <button class="btn primary" onClick={commit} title="Ctrl+Enter">Run</button>
          <Copy text={() => text.value} what="PromQL" />
          <button class="btn quiet icon small" aria-label="Copy a link to this view" title="Copy a link with absolute times" onClick={() => { const s = span(); setQuery({ from: s.from.toFixed(1), to: s.to.toFixed(1) }); void copy(location.href, 'Link'); }}><Icon name="link" size={14} /></button>
        </div>
        <div class="explore-out scroll" tabIndex={0} role="region" aria-label="Result">
          {error.value && <ProblemBox text={error.value} retry={() => { turn.value++; }} />}
          {!q && !error.value && <Empty title="Ask Prometheus anything" action={<div class="row wrap center">{['fd:user_success:ratio10s', 'fd:service_latency:p95_10s', 'worker_pool_queue_depth', 'sum by (service) (rate(http_server_request_duration_seconds_count[30s]))'].map(x => <button key={x} class="chip mono" onClick={() => setQuery({ q: x }, false)}>{x}</button>)}</div>}>
            Pick a metric on the right, or begin with one of these. Ctrl+Enter runs the query.</Empty>}
          {q && !error.value && r && r.all.length === 0 && <Empty title="No series matches">The query is valid, but nothing in this window answers it. Is the name right, and did the service run then?</Empty>}
          {r && r.all.length > 0 && <>
            <Chart title={r.lines.length === 1 ? r.lines[0]!.key : plural(r.all.length, 'series', 'series')} unit={unitOf(q)} lines={r.lines} legend={r.lines.length <= 5} height={300} promql={q} markers={markers}
              data={() => ({ ts: r.ts, cols: r.cols })} range={() => fixed.value ?? { from: r.ts[0]!, to: r.ts[r.ts.length - 1]! }} />
            {r.all.length > SERIES_MAX && <p class="t3">Drawn are the first {SERIES_MAX} of {r.all.length} series; topk(10, …) or a label filter shows the ones that matter.</p>}
            <table class="explore-table"><thead><tr><th>Series</th><th class="num">last value</th></tr></thead>
              <tbody>{r.all.slice(0, 200).map((m, i) => <tr key={i}><td title={labelText(m.metric)}>{i < SERIES_MAX && r.all.length > 1 && <i class={`sw ${seriesClass(i)}`} aria-hidden="true" />}{labelText(m.metric)}</td><td class="num">{m.values?.length ? number(Number(m.values[m.values.length - 1]![1]), 5) : 'none'}</td></tr>)}</tbody></table>
            <p class="cap">step {r.step} s · {Math.round(r.took)} ms · {new Date(serverNow()).toLocaleTimeString('en-GB')}</p>
          </>}
        </div>
      </div>
      <Metrics pick={name => setQuery({ q: name }, false)} />
    </div>
  );
}

const names = signal<string[] | null>(null);
const help = signal<Record<string, { help: string; type: string }[]>>({});

function Metrics({ pick }: { pick: (name: string) => void }): JSX.Element {
  const find = useSignal('');
  const tab = useSignal<'metrics' | 'past'>('metrics');
  const error = useSignal<string | null>(null);
  const load = (): void => {
    get<{ data?: string[] }>('/metrics/label/__name__/values').then(a => { names.value = a.data ?? []; error.value = null; }, e => { error.value = said(e); });
    get<PromAnswer & { data?: Record<string, { help: string; type: string }[]> }>('/metrics/metadata').then(a => { help.value = (a.data as Record<string, { help: string; type: string }[]>) ?? {}; }, () => { /* the list works without help texts */ });
  };
  useEffect(() => { if (!names.value) load(); }, []);
  const all = [...new Set([...(names.value ?? []), ...(names.value ? [] : RULES)])];
  const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
  const hits = all.filter(n => words.every(w => n.toLowerCase().includes(w)));
  return (
    <aside class="explore-side" aria-label="Metrics">
      <div class="row pad gap4"><button class="chip" aria-pressed={tab.value === 'metrics'} onClick={() => { tab.value = 'metrics'; }}>Metrics</button><button class="chip" aria-pressed={tab.value === 'past'} onClick={() => { tab.value = 'past'; }}>My queries</button></div>
      {tab.value === 'past' ? <div class="metric-list scroll" tabIndex={0} role="region" aria-label="My queries">{past.value.length === 0 && <p class="t3 pad">Queries that you run are kept here, in this browser.</p>}{past.value.map(p => <button key={p} onClick={() => pick(p)}>{p}</button>)}</div> : <>
        <div class="metric-find"><input class="in" type="search" placeholder="Find a metric" aria-label="Find a metric" value={find.value} onInput={e => { find.value = e.currentTarget.value; }} /></div>
        {error.value && <div class="pad"><ProblemBox mild text={error.value} retry={load} /></div>}
        <div class="metric-list scroll" tabIndex={0} role="region" aria-label="Metric names">
          {hits.slice(0, 400).map(n => { const h = help.value[n]?.[0]; return <div key={n}><button onClick={() => pick(n)} title={h ? `${h.type}: ${h.help}` : undefined}>{n}</button>{words.length > 0 && h?.help && hits.length < 30 && <p class="metric-help">{h.help}</p>}</div>; })}
          {hits.length === 0 && <p class="t3 pad">No metric has these letters in its name.</p>}
        </div></>}
    </aside>
  );
}
