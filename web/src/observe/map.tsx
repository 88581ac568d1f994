// The system as a map: who calls whom, how each feels now. Shape, word and colour say the state; a click filters every tab.
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { useSignal } from '@preact/signals';
import { get } from '../live/api';
import { looked } from '../live/commands';
import { latest, tick } from '../live/metrics';
import type { Stack, StackService } from '../live/protocol';
import { SERVICE } from '../live/rules';
import { processes, run } from '../live/store';
import { href, route, setQuery } from '../live/url';
import { number, percent, value } from '../ui/format';
import { Empty, ProblemBox, Skeleton, useAsync } from '../ui/parts';
import { Mark, processState, type State } from '../ui/status';
import { flowKey, flows, flowsWatch, type Flow } from './edges';
import { layout } from './layout';

const W = 138, H = 46;

function feel(name: string, fallback: StackService): { state: State; word: string } {
  const p = processes.value.find(x => x.name === name) ?? fallback;
  const s = processState(p.state);
  if (s !== 'ok') return { state: s, word: p.state };
  const errors = latest(SERVICE.errors, name), full = latest(SERVICE.saturation, name), p95 = latest(SERVICE.p95, name), rps = latest(SERVICE.rps, name);
  const word = rps === null ? 'up' : `${number(rps, 2)}/s${p95 === null ? '' : `, ${value(p95, 's')}`}`;
  if (errors !== null && errors > 0.01) return { state: errors > 0.05 ? 'crit' : 'warn', word: `${percent(errors)} % errors` };
  if (full !== null && full > 0.95) return { state: 'warn', word: `${percent(full)} % busy` };
  return { state: 'ok', word };
}

export function Topology(): JSX.Element {
  const { data, error, again } = useAsync(signal => get<Stack>('/stack', { signal }), []);
  useEffect(() => { looked('map'); return flowsWatch(); }, []);
  if (!data) return error ? <div class="pad"><ProblemBox text={`The map cannot be drawn: ${error}`} retry={again} /></div> : <Skeleton lines={8} height={34} />;
  if (!data.services.length) return <Empty title="The system has no parts yet">It is drawn as soon as the stack is up.</Empty>;
  return <Drawn s={data} />;
}

function Drawn({ s }: { s: Stack }): JSX.Element {
  void tick.value;
  const box = useRef<HTMLDivElement>(null);
  const size = useSignal({ w: 900, h: 560 });
  useEffect(() => {
    const el = box.current!;
    const o = new ResizeObserver(() => { size.value = { w: el.clientWidth, h: el.clientHeight }; });
    o.observe(el);
    return () => o.disconnect();
  }, []);
  // Monitoring watches everything: drawn as edges it would hide the rest.
  const quiet = new Set(['prometheus', 'alertmanager']);
  const nodes = s.services.filter(x => !quiet.has(x.name));
  const names = nodes.map(n => n.name);
  const adapters: { from: string; to: string }[] = nodes.filter(n => n.adapter_of).map(n => ({ from: n.name, to: n.adapter_of! }));
  const calls = s.edges.filter(e => names.includes(e.from) && names.includes(e.to) && e.to !== 'logproc' && e.to !== 'config');
  const place = layout(names, [...calls, ...adapters.filter(a => !calls.some(c => c.from === a.from && c.to === a.to))]);
  const cols = Math.max(1, ...[...place.values()].map(p => p.layer + 1));
  const tall = Math.max(1, ...Array.from({ length: cols }, (_, l) => [...place.values()].filter(p => p.layer === l).length));
  const vw = Math.max(size.value.w, cols * (W + 34)), vh = Math.max(size.value.h, tall * (H + 18) + 30);
  const xy = (n: string): [number, number] => {
    const p = place.get(n)!;
    const inLayer = [...place.values()].filter(q => q.layer === p.layer).length;
    return [20 + W / 2 + (cols > 1 ? (p.layer * (vw - W - 40)) / (cols - 1) : (vw - W) / 2), (vh - 30) * ((p.row + 0.5) / inLayer)];
  };
  const on = route.value.query.service;
  const flow = (from: string, to: string): Flow | null => flows.value.get(flowKey(from, to)) ?? null;
  const rpsTop = Math.max(1, ...[...flows.value.values()].map(f => f.rps));
  const picked = nodes.find(n => n.name === on);
  return (
    <div class="map">
      <div ref={box} style={{ flex: '1 1 0', minWidth: 0, position: 'relative' }}>
        <svg class="map-svg" viewBox={`0 0 ${vw} ${vh}`} role="group" aria-label="Map of the system">
          <defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse" markerUnits="userSpaceOnUse"><path d="M0 0l8 4-8 4z" fill="var(--ctl)" /></marker></defs>
          {[...calls, ...adapters.filter(a => !calls.some(c => c.from === a.from && c.to === a.to))].map((e, i) => {
            const [x1, y1] = xy(e.from), [x2, y2] = xy(e.to);
            const forward = x2 > x1;
            const a = forward ? x1 + W / 2 : x1, b = forward ? x2 - W / 2 - 2 : x2;
            const d = forward ? `M${a} ${y1}C${(a + b) / 2} ${y1} ${(a + b) / 2} ${y2} ${b} ${y2}` : `M${x1} ${y1 + H / 2}C${x1} ${y1 + 60} ${x2} ${y2 + 60} ${x2} ${y2 + H / 2 + 2}`;
            const needs = !calls.includes(e);
            const f = flow(e.from, e.to), bad = f !== null && f.errors > 0.01;
            return (
              <g key={e.from + e.to} class={bad ? 'bad' : ''}>
                <path class={'map-edge' + (needs ? ' needs' : '')} d={d} stroke-width={needs ? 1 : 1 + 2.5 * Math.min(1, (f?.rps ?? 0) / rpsTop)} marker-end="url(#arrow)"><title>{told(e.from, e.to, f)}</title></path>
                {f && !needs && <text class="map-flow" x={forward ? on3(a, (a + b) / 2, b, i) : (x1 + x2) / 2} y={(forward ? on3(y1, null, y2, i) : Math.max(y1, y2) + H / 2 + 40) - 5} text-anchor="middle">{`${number(f.rps, 2)}/s${bad ? ` ✕ ${percent(f.errors)} %` : ''}`}</text>}
              </g>
            );
          })}
          {nodes.map(n => {
            const [x, y] = xy(n.name);
            const f = feel(n.name, n);
            const press = (): void => setQuery({ service: on === n.name ? null : n.name }, false);
            return (
              <g key={n.name} class={`map-node ${f.state}${on === n.name ? ' on' : ''}`} transform={`translate(${x - W / 2} ${y - H / 2})`} role="button" tabIndex={0} aria-pressed={on === n.name} onClick={press} onKeyDown={e => { if (e.key === 'Enter' || e.key === ' ') { e.preventDefault(); press(); } }}>
                <rect width={W} height={H} rx={n.kind === 'component' ? 18 : 6} />
                <g transform="translate(10 15)"><Mark state={f.state} /></g>
                <text x="34" y="20">{n.name + ' '}</text><text class="map-sub" x="34" y="36">{f.word}</text>
              </g>
            );
          })}
        </svg>
        <div class="map-key" aria-hidden="true"><span class="row gap4"><Mark state="ok" size={12} /> well</span><span class="row gap4"><Mark state="warn" size={12} /> strained</span><span class="row gap4"><Mark state="crit" size={12} /> failing</span><span class="row gap4"><Mark state="off" size={12} /> down</span><span class="wide">thicker line: more requests</span></div>
      </div>
      {picked && <Side n={picked} />}
    </div>
  );
}

/* A place on an edge's curve for its label: not the same part of each, so that labels of crossing edges stand apart. */
function on3(from: number, mid: number | null, to: number, i: number): number {
  const t = [0.5, 0.34, 0.66][i % 3]!, u = 1 - t;
  return u * u * u * from + 3 * u * u * t * (mid ?? from) + 3 * u * t * t * (mid ?? to) + t * t * t * to;
}

const told = (from: string, to: string, f: Flow | null): string => `${from} calls ${to}: ${f ? `${number(f.rps, 2)} a second, ${percent(f.errors)} % errors${f.mean_s === null ? '' : `, ${value(f.mean_s, 's')} on average`}` : 'no traffic measured'}`;

function Side({ n }: { n: StackService }): JSX.Element {
  const id = run.value?.id ?? '';
  const f = feel(n.name, n);
  const row = (name: string, v: string): JSX.Element => <><dt>{name}</dt><dd>{v}</dd></>;
  const show = (rule: string, unit: string): string => { const v = latest(rule, n.name); return v === null ? 'no data' : value(v, unit); };
  return (
    <aside class="map-side scroll" aria-label={n.name} tabIndex={0}>
      <div class="row"><Mark state={f.state} /><h2>{n.title || n.name}</h2></div>
      <p class="t2" style={{ margin: '4px 0 10px' }}>{f.word}</p>
      <dl>{row('requests', show(SERVICE.rps, 'rps'))}{row('errors', show(SERVICE.errors, 'ratio'))}{row('p95', show(SERVICE.p95, 's'))}{row('busy', show(SERVICE.saturation, 'ratio'))}{row('queue', show(SERVICE.queue, ''))}{row('CPU cores', show(SERVICE.cpu, ''))}{row('memory', show(SERVICE.memory, 'bytes'))}{row('address', n.address)}</dl>
      <div class="col gap4" style={{ marginTop: '12px' }}>
        <a class="btn small" href={href(['run', id, 'observe', 'charts'], { service: n.name })}>Charts</a>
        <a class="btn small" href={href(['run', id, 'observe', 'logs'], { service: n.name })}>Logs</a>
        {n.kind === 'service' && <a class="btn small" href={href(['run', id, 'observe', 'traces'], { service: n.name })}>Traces</a>}
        {n.kind !== 'component' && <a class="btn small" href={href(['run', id, 'test', n.name], { service: n.name })}>Configure</a>}
      </div>
      <Flows name={n.name} />
      {n.needs.length > 0 && <p class="t3" style={{ marginTop: '12px' }}>needs {n.needs.join(', ')}</p>}
    </aside>
  );
}

/* Who calls it, whom it calls, and how that goes: the edges of the map in words. */
function Flows({ name }: { name: string }): JSX.Element | null {
  const list = [...flows.value].map(([k, f]) => ({ from: k.split('>')[0]!, to: k.split('>')[1]!, f })).filter(x => x.from === name || x.to === name);
  if (!list.length) return null;
  return <ul class="map-flows" aria-label="Traffic now">{list.map(x => <li key={x.from + x.to}><Mark state={x.f.errors > 0.05 ? 'crit' : x.f.errors > 0.01 ? 'warn' : 'ok'} size={11} /> {told(x.from, x.to, x.f)}</li>)}</ul>;
}
