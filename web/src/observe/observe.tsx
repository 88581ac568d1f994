// Observability: sub-tabs, the shared time range, and the lane of events above everything that has a time axis.
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import './observe.css';
import { slow } from '../charts/frame';
import { crosshair, fixed, LAST, last, live, shift, span, zoom, zoomOut } from '../charts/window';
import { second, serverNow } from '../live/clock';
import { markers } from '../live/markers';
import { tick } from '../live/metrics';
import { link } from '../live/socket';
import { grafana, parts } from '../live/store';
import { go, route, setQuery } from '../live/url';
import { ago, clockOf } from '../ui/format';
import { Icon } from '../ui/icons';
import { keysAdd } from '../ui/keys';
import { Boundary, copy, lazy, Tabs } from '../ui/parts';
import { toast } from '../ui/toast';
import { Dashboard } from './dashboard';

const Explore = lazy(() => import('./explore'), 'Explore');
const Logs = lazy(() => import('./logs'), 'Logs');
const Traces = lazy(() => import('./traces'), 'Traces');
const Topology = lazy(() => import('./map'), 'Topology');
const Grafana = lazy(() => import('./grafana'), 'Grafana');

const VIEWS = ['charts', 'explore', 'logs', 'traces', 'map', 'grafana'] as const;
type View = (typeof VIEWS)[number];

export function Observe({ runId }: { runId: string }): JSX.Element {
  const asked = route.value.parts[3] as View;
  const view: View = VIEWS.includes(asked) && (asked !== 'grafana' || grafana.value) ? asked : 'charts';
  useEffect(() => keysAdd([
    { keys: 't z', what: 'Zoom out', group: 'Time range', run: zoomOut },
    { keys: 't Left', what: 'Move back in time', group: 'Time range', run: () => shift(-0.5) },
    { keys: 't Right', what: 'Move forward in time', group: 'Time range', run: () => shift(0.5) },
    { keys: 't l', what: 'Back to live', group: 'Time range', run: live },
    { keys: 't c', what: 'Copy the time range as a link', group: 'Time range', run: () => { const s = span(); zoom(s.from, s.to); void copy(location.href, 'Link'); } },
    { keys: 'Ctrl+O', what: 'Crosshair on or off', group: 'Time range', run: () => { crosshair.value = !crosshair.value; toast('info', crosshair.value ? 'Crosshair on' : 'Crosshair off', undefined, undefined, 1500); } },
    { keys: 'Esc', what: 'Back to live, then clear the filter', group: 'Time range', run: live, when: () => fixed.value !== null },
  ]), []);
  const one = view === 'traces' && route.value.parts[4] !== undefined; // a trace has its own time
  const timed = view !== 'map' && !one;
  return (
    <div class="observe">
      <div class="subbar">
        <Tabs sub label="Observability views" value={view} pick={v => go(['run', runId, 'observe', v], {}, true)} items={[
          { id: 'charts', label: 'Charts', icon: 'chart' }, { id: 'explore', label: 'Explore', icon: 'search' }, { id: 'logs', label: 'Logs', icon: 'list' }, { id: 'traces', label: 'Traces', icon: 'table' }, { id: 'map', label: 'Map', icon: 'map' },
          ...(grafana.value ? [{ id: 'grafana' as const, label: 'Grafana', icon: 'expand' as const }] : [])]} />
        <span class="grow" />
        {!one && <ServicePick />}
        {timed && <TimePicker />}
      </div>
      {view === 'charts' && <Lane />}
      <Boundary name="This view" key={view}>{view === 'charts' ? <Dashboard runId={runId} /> : view === 'explore' ? <Explore /> : view === 'logs' ? <Logs runId={runId} /> : view === 'traces' ? <Traces runId={runId} /> : view === 'grafana' ? <Grafana /> : <Topology />}</Boundary>
    </div>
  );
}

function ServicePick(): JSX.Element {
  const s = route.value.query.service ?? '';
  return (
    <select class="in pick" aria-label="Service" value={s} onChange={e => setQuery({ service: e.currentTarget.value || null }, false)}>
      <option value="">All services</option>
      {parts.value.map(p => <option key={p.name} value={p.name}>{p.name}</option>)}
      {s && !parts.value.some(p => p.name === s) && <option value={s}>{s}</option>}
    </select>
  );
}

function TimePicker(): JSX.Element {
  const f = fixed.value;
  if (f) void second.value; // how far behind
  const behind = f ? serverNow() - f.to * 1000 : 0;
  return (
    <div class="row gap4 timepick">
      <button class="btn quiet icon small wide" aria-label="Earlier" title="Earlier (t Left)" onClick={() => shift(-0.5)}><Icon name="back" size={14} /></button>
      <select class="in pick" aria-label="Time range" value={f ? 'fixed' : last.value} onChange={e => setQuery({ last: e.currentTarget.value, from: null, to: null }, false)}>
        {f && <option value="fixed">{clockOf(f.from * 1000)} to {clockOf(f.to * 1000)}</option>}
        {LAST.map(l => <option key={l} value={l}>{l === 'run' ? 'Whole run' : `Last ${l.replace('m', ' min')}`}</option>)}
      </select>
      <button class="btn quiet icon small wide" aria-label="Later" title="Later (t Right)" disabled={!f} onClick={() => shift(0.5)}><Icon name="next" size={14} /></button>
      {f ? <button class="btn small live-pill paused" onClick={live} title="Back to live (Esc)">{ago(behind)} behind · Back to live</button>
        : <span class="live-pill" title={slow.value ? 'This machine is slow: charts are drawn every 2 seconds' : 'Charts move once a second'}>{link.value === 'live' && <i aria-hidden="true" />}{link.value !== 'live' ? 'waiting' : slow.value ? 'every 2 s' : 'Live'}</span>}
    </div>
  );
}

/* The lane: what happened, above all charts and on the same time axis as they. */
function Lane(): JSX.Element {
  void tick.value; void second.value;
  const w = span();
  const list = markers().filter(m => m.t >= w.from && m.t <= w.to);
  return (
    <div class="lane" role="img" aria-label={list.length ? `Events in this window: ${list.map(m => m.text).join('; ').slice(0, 300)}` : 'No events in this window'}>
      <span class="lane-name">events</span>
      <div class="lane-in">{list.map((m, i) => <i key={i} class={'mark-' + m.kind} title={m.text} style={{ marginLeft: `${((m.t - w.from) / (w.to - w.from)) * 100}%` }} />)}</div>
      <span class="lane-key wide"><i class="mark-onset" />began <i class="mark-action" />change <i class="mark-hint" />hint <i class="mark-deploy" />deploy</span>
    </div>
  );
}
