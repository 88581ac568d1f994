// One trace as a waterfall: who called whom, how long, and which of it the user waited for (the critical path: tall bars). Keys as in Jaeger.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { seriesClass } from '../charts/palette';
import { looked } from '../live/commands';
import type { LogLine, Span, Trace } from '../live/protocol';
import { traceGet } from '../live/traces';
import { href, route, setQuery } from '../live/url';
import { clockOf, literal, plural, value } from '../ui/format';
import { Icon } from '../ui/icons';
import { keysAdd } from '../ui/keys';
import { Copy, ProblemBox, Skeleton, useAsync } from '../ui/parts';
import { Mark } from '../ui/status';
import { VList } from '../ui/vlist';
import { all, level, matches, own_ms, parents, rowsOf, type SpanRow } from './spans';
import { Overview, Ruler, useZoom } from './ruler';
import { bar, isWhole, parseView, type View } from './zoom';

const ROW = 24;

/* The search that led here, kept in the address, without what belongs to this page only. */
function back(runId: string): string {
  const { span: _s, find: _f, path: _p, zoom: _z, ...rest } = route.value.query;
  return href(['run', runId, 'observe', 'traces'], rest);
}

export function Waterfall({ runId, id }: { runId: string; id: string }): JSX.Element {
  const { data, error, again } = useAsync(signal => traceGet(id, signal), [id]);
  useEffect(() => {
    if (!data) return;
    for (const s of new Set(all(data.roots).filter(x => x.critical).map(x => x.service).slice(0, 50))) looked(`trace:${s}`.slice(0, 200));
  }, [data]);
  if (data) return <Drawn runId={runId} t={data} />;
  if (!error) return <Skeleton lines={10} height={18} />;
  return (
    <div class="pad col">
      <ProblemBox text={error} retry={again} />
      <p class="t2">Quick traces without an error are mostly thrown away three seconds after their last span, and all after an hour.</p>
      <div class="row"><a class="btn" href={back(runId)}>Search traces</a><a class="btn" href={href(['run', runId, 'observe', 'logs'], { trace: id })}>Log lines of this trace</a></div>
    </div>
  );
}

function Drawn({ runId, t }: { runId: string; t: Trace }): JSX.Element {
  const { span: picked = '', find = '', path = '', zoom = '' } = route.value.query;
  const closed = useSignal<ReadonlySet<string>>(new Set());
  const input = useRef<HTMLInputElement>(null);
  const box = useRef<HTMLDivElement>(null!);
  const spans = useMemo(() => all(t.roots), [t]);
  const colour = useMemo(() => new Map(t.services.map((s, i) => [s, i])), [t]);
  const rows = useMemo(() => rowsOf(t.roots, closed.value).filter(r => (path !== '1' || r.span.critical) && matches(r.span, find)), [t, closed.value, find, path]);
  const span = spans.find(s => s.span_id === picked) ?? null;
  const view = parseView(zoom, t.duration_ms), z = useZoom(t.duration_ms);
  const pick = (s: Span | null): void => setQuery({ span: s?.span_id ?? null });
  const step = (by: number): void => {
    const at = rows.findIndex(r => r.span.span_id === route.value.query.span); // not `picked`: keys may come faster than drawings
    const to = Math.min(rows.length - 1, Math.max(0, at < 0 ? 0 : at + by));
    const row = rows[to], el = box.current;
    if (!row || !el) return;
    pick(row.span);
    if (to * ROW < el.scrollTop) el.scrollTop = to * ROW; else if ((to + 1) * ROW > el.scrollTop + el.clientHeight) el.scrollTop = (to + 1) * ROW - el.clientHeight;
    requestAnimationFrame(() => el.querySelector<HTMLElement>(`[data-row="${to}"]`)?.focus());
  };
  const toggle = (s: Span, open?: boolean): void => { const next = new Set(closed.value); if (open ?? next.has(s.span_id)) next.delete(s.span_id); else next.add(s.span_id); closed.value = next; };
  useEffect(() => keysAdd([
    { keys: 'f', what: 'Next span', group: 'Trace', run: () => step(1) }, { keys: 'b', what: 'Span before', group: 'Trace', run: () => step(-1) },
    { keys: '[', what: 'Close all spans', group: 'Trace', run: () => { closed.value = new Set(parents(t.roots)); } }, { keys: ']', what: 'Open all spans', group: 'Trace', run: () => { closed.value = new Set(); } },
    { keys: 'o', what: 'Open one level more', group: 'Trace', run: () => { closed.value = level(t.roots, closed.value, true); } }, { keys: 'p', what: 'Close one level', group: 'Trace', run: () => { closed.value = level(t.roots, closed.value, false); } },
    { keys: '+', what: 'Zoom in', group: 'Trace', run: () => z.zoom(0.5) }, { keys: '-', what: 'Zoom out', group: 'Trace', run: () => z.zoom(2) }, { keys: '0', what: 'The whole trace', group: 'Trace', run: () => z.reset() },
    { keys: 'Left', what: 'Earlier part of the trace', group: 'Trace', run: () => z.pan(-0.25), when: z.isZoomed }, { keys: 'Right', what: 'Later part of the trace', group: 'Trace', run: () => z.pan(0.25), when: z.isZoomed },
    { keys: '/', what: 'Find in this trace', group: 'Trace', run: () => input.current?.focus() },
    { keys: 'Esc', what: 'Close the details', group: 'Trace', run: () => pick(null), when: () => route.value.query.span !== undefined },
  ]), [t, rows]);
  const key = (e: KeyboardEvent): void => {
    const by = e.key === 'ArrowDown' ? 1 : e.key === 'ArrowUp' ? -1 : 0;
    if (by) { e.preventDefault(); step(by); return; }
    if (span && (e.key === 'ArrowLeft' || e.key === 'ArrowRight') && span.children.length) { e.preventDefault(); toggle(span, e.key === 'ArrowRight'); }
  };
  const root = t.roots[0];
  return (
    <div class="wf">
      <div class="logs-bar wf-head">
        <a class="btn quiet icon small" href={back(runId)} aria-label="Back to the search" title="Back to the search"><Icon name="back" size={14} /></a>
        <Mark state={t.failed ? 'crit' : 'ok'} size={14} />
        <h2 class="ell">{root ? `${root.service.slice(0, 60)} ${root.name.slice(0, 160)}` : t.trace_id}</h2>
        <span class="t2">{value(t.duration_ms, 'ms')}</span><span class="t3 wide">{plural(t.spans, 'span')}, {plural(t.services.length, 'service')}, at {clockOf(t.start_ms)}</span>
        <span class="grow" />
        <a class="btn small" href={href(['run', runId, 'observe', 'logs'], { trace: t.trace_id })}>Logs of this trace <span class="t3">{t.logs.length}</span></a>
        <Copy text={t.trace_id} what="number of the trace" />
      </div>
      <div class="logs-bar wf-tools">
        <div class="search"><Icon name="search" size={14} /><input ref={input} class="in" type="search" placeholder="Service, operation, or attribute=value" aria-label="Find in this trace" value={find} onInput={e => setQuery({ find: e.currentTarget.value || null })} /></div>
        <button class="chip" aria-pressed={path === '1'} onClick={() => setQuery({ path: path === '1' ? null : '1' })} title="Only what the answer waited for">Critical path only</button>
        <div class="row gap4 wf-zoom" role="group" aria-label="Zoom">
          <button class="btn small" onClick={() => z.zoom(0.5)} aria-label="Zoom in" title="Zoom in (+): or drag over the bars, or turn the wheel with Ctrl">+</button>
          <button class="btn small" disabled={isWhole(view, t.duration_ms)} onClick={() => z.zoom(2)} aria-label="Zoom out" title="Zoom out (-)">&minus;</button>
          <button class="btn small" disabled={isWhole(view, t.duration_ms)} onClick={() => z.reset()} title="Show the whole trace (0, or a double click)">Whole</button>
        </div>
        <span class="wf-key t3" aria-hidden="true"><i class="wf-bar crit-path sw1" /> critical path <i class="wf-bar sw1" /> beside it</span>
      </div>
      <div class="wf-body">
        <div class="wf-main" onKeyDown={key} {...z.hands}>
          <Overview spans={spans} view={view} total={t.duration_ms} z={z} />
          <Ruler view={view} selection={z.selection.value} />
          {rows.length === 0 ? <p class="pad t2">No span matches.</p>
            : <VList box={box} count={rows.length} rowHeight={ROW} label="Spans" follow={false} scrolled={() => { /* nothing follows here */ }} row={i => <Row key={rows[i]!.span.span_id} i={i} r={rows[i]!} view={view} colour={colour.get(rows[i]!.span.service) ?? 0} on={rows[i]!.span.span_id === picked} pick={() => pick(rows[i]!.span.span_id === picked ? null : rows[i]!.span)} toggle={() => toggle(rows[i]!.span)} />} />}
        </div>
        {span && <Details s={span} t={t} runId={runId} close={() => pick(null)} />}
      </div>
    </div>
  );
}

function Row({ i, r, view, colour, on, pick, toggle }: { i: number; r: SpanRow; view: View; colour: number; on: boolean; pick: () => void; toggle: () => void }): JSX.Element {
  const s = r.span;
  const b = bar(view, s.at_ms, s.duration_ms);
  return (
    <div class={'wf-row' + (on ? ' on' : '')}>
      <div class="wf-left">
        <span class="wf-indent" style={{ width: `${Math.min(r.depth, 12) * 12}px` }} />
        {s.children.length > 0 ? <button class="wf-fold" aria-expanded={r.open} aria-label={`${r.open ? 'Close' : 'Open'} ${s.service.slice(0, 60)} ${s.name.slice(0, 60)}`} onClick={toggle}><Icon name={r.open ? 'down' : 'next'} size={12} /></button> : <span class="wf-fold" />}
        <button class="wf-name ell" data-row={i} aria-pressed={on} onClick={pick}>{s.failed && <Mark state="crit" size={12} />}<b>{s.service.slice(0, 60)}</b> <span class="t2">{s.name.slice(0, 200)}</span><span class="sr">, {value(s.duration_ms, 'ms')}{s.critical ? ', on the critical path' : ''}{s.failed ? ', failed' : ''}</span></button>
      </div>
      <div class="wf-lane" aria-hidden="true" onClick={pick}>{typeof b === 'string' ? <em class="t3" style={b === 'before' ? { left: '0' } : { right: '0' }}>{b === 'before' ? '‹ ' : ''}{value(s.duration_ms, 'ms')}{b === 'behind' ? ' ›' : ''}</em>
        : <><i class={`wf-bar ${seriesClass(colour)}${s.critical ? ' crit-path' : ''}`} style={{ left: `${b.left}%`, width: `max(2px, ${b.width}%)` }} /><em class={b.left < 18 && b.left + b.width > 82 ? 'on-bar' : ''} style={b.left + b.width > 82 ? (b.left < 18 ? { left: '4px' } : { right: `calc(${100 - b.left}% + 4px)` }) : { left: `calc(${b.left + b.width}% + 4px)` }}>{value(s.duration_ms, 'ms')}</em></>}</div>
    </div>
  );
}

function Details({ s, t, runId, close }: { s: Span; t: Trace; runId: string; close: () => void }): JSX.Element {
  const around = { from: ((t.start_ms + s.at_ms) / 1000 - 30).toFixed(1), to: ((t.start_ms + s.at_ms + s.duration_ms) / 1000 + 30).toFixed(1) };
  const mine = t.logs.filter(l => l.span_id === s.span_id), others = t.logs.filter(l => l.service === s.service && l.span_id !== s.span_id);
  const row = (name: string, v: string): JSX.Element => <div key={name}><dt class="ell" title={name.slice(0, 200)}>{name.slice(0, 80)}</dt><dd>{v.slice(0, 2000)}</dd></div>;
  return (
    <aside class="wf-side scroll" aria-label="Details of the span" tabIndex={0}>
      <div class="row"><Mark state={s.failed ? 'crit' : 'ok'} size={14} /><h3 class="grow">{s.name.slice(0, 300)}</h3><button class="btn quiet icon small" aria-label="Close the details" onClick={close}><Icon name="close" size={14} /></button></div>
      <dl>{row('service', `${s.service}${s.instance ? `, ${s.instance}` : ''}${s.version ? `, ${s.version}` : ''}`)}{row('kind', s.kind)}{row('began', `${value(s.at_ms, 'ms')} after the first span`)}{row('took', value(s.duration_ms, 'ms'))}{row('of its own', `${value(own_ms(s), 'ms')}, not in a span below it`)}{row('critical path', s.critical ? 'yes: the answer waited for it' : 'no')}{s.failed ? row('outcome', 'failed') : null}</dl>
      {Object.keys(s.attrs ?? {}).length > 0 && <><h4 class="over">Attributes</h4><dl>{Object.entries(s.attrs).slice(0, 64).map(([k, v]) => row(k, literal(v)))}</dl></>}
      <div class="row wrap gap4 wf-ways">
        <a class="btn small" href={href(['run', runId, 'observe', 'logs'], { trace: t.trace_id, service: s.service })}>Its log lines</a>
        <a class="btn small" href={href(['run', runId, 'observe', 'charts'], { service: s.service, ...around })}>Charts then</a>
        <a class="btn small" href={href(['run', runId, 'observe', 'traces'], { service: s.service, op: s.name })}>Traces like it</a>
        <a class="btn small" href={href(['run', runId, 'test', s.service], { service: s.service })}>Configure</a>
      </div>
      {[...mine, ...others].length > 0 && <><h4 class="over">Log lines</h4><ul class="wf-logs">{[...mine, ...others].slice(0, 20).map((l: LogLine, i) => <li key={l.id ?? i}><Mark state={l.level === 'error' ? 'crit' : l.level === 'warn' ? 'warn' : 'info'} size={11} /> {(l.message ?? '').slice(0, 300)}</li>)}</ul></>}
    </aside>
  );
}
