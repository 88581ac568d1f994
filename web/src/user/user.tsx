// What the customers see: how many are served, how long they wait, what it costs, and a shop that can be used by hand.
import { useComputed } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import './user.css';
import { Chart } from '../charts/chart';
import { looked } from '../live/commands';
import { markers } from '../live/markers';
import { latest, onAxis, table, tick } from '../live/metrics';
import type { Harm } from '../live/protocol';
import { USER } from '../live/rules';
import { harm, requests, run } from '../live/store';
import { second, serverNow } from '../live/clock';
import { href } from '../live/url';
import { depth } from '../charts/window';
import { clockOf, money, number, percent, split, value } from '../ui/format';
import { Empty } from '../ui/parts';
import { Mark } from '../ui/status';
import { Shop } from './shop';

export function User(): JSX.Element {
  useEffect(() => { for (const n of Object.values(USER)) void table(n).history(depth()); }, []);
  return (
    <div class="user scroll" tabIndex={0} role="region" aria-label="What users see">
      <div class="user-grid">
        <Numbers />
        <Charts />
        <LiveRequests />
        <Shop />
      </div>
    </div>
  );
}

interface TileProps { title: string; n: string; unit?: string; sub: string; healthy: string; state?: 'ok' | 'warn' | 'crit' }

function Tile({ title, n, unit, sub, healthy, state }: TileProps): JSX.Element {
  return (
    <div class="tile panel" data-tile={title}><span class="t2">{title}</span><span class={'big-n ' + (n === 'no data' ? 'none' : '')}>{state && state !== 'ok' && <Mark state={state} size={18} />}{n}<small>{unit}</small></span>
      <span class="t3 ell" title={sub}>{sub}</span><span class="t3 ell tile-healthy" title={healthy}>{healthy}</span></div>
  );
}

/* The loss of the last minute: the counter only grows. */
export function lostLastMinute(): number | null {
  const t = table(USER.lost), c = t.cols.get('');
  if (!c || !c.length) return null;
  const end = t.ts[t.ts.length - 1]!;
  let now: number | null = null, before: number | null = null;
  for (let i = 0; i < c.length; i++) if (c[i] !== null) { now = c[i]!; if (t.ts[i]! <= end - 60 || before === null) before = c[i]!; }
  return now === null || before === null ? null : Math.max(0, now - before);
}

/* Large sums without cents: a tile is narrow. */
const dollars = (cents: number): string => (Math.abs(cents) >= 1_000_000 ? money(Math.round(cents / 100) * 100).replace(/\.00$/, '') : money(cents));

/* Orders and money lost since users felt it, as the engine counts them for the debrief; said as text, so that a test can say what is read. */
export function lostTiles(h: Harm | null, minute_cents: number | null): { orders: TileProps; money: TileProps } {
  const rate = h?.healthy.orders_rps ?? null, begun = h !== null && h.at_ms !== null;
  const orders = begun ? h.orders_lost : null, cents = begun ? h.revenue_lost_cents : null;
  const none = begun ? 'not measured in this incident' : 'counted from the beginning of the incident on';
  return {
    orders: { title: 'Orders lost', n: orders === null ? 'no data' : number(Math.round(orders), 4), sub: orders === null ? none : `${number(h!.requests_lost, 4)} of ${number(h!.requests_offered, 4)} requests`,
      healthy: rate === null ? 'healthy: not measured yet' : `healthy: 0 of ${number(rate * 60, 3, true)} /min`, state: orders !== null && orders >= 1 ? 'warn' : undefined },
    money: { title: 'Money lost', n: cents === null ? 'no data' : dollars(cents), sub: cents === null ? none : minute_cents === null ? 'in orders that failed' : `${dollars(minute_cents)} in a minute`,
      healthy: 'healthy: $0.00', state: minute_cents !== null && minute_cents > 0 && cents !== null ? 'warn' : undefined },
  };
}

function Numbers(): JSX.Element {
  void tick.value;
  const ok = latest(USER.success), p95 = latest(USER.p95), p50 = latest(USER.p50), good = latest(USER.goodput), offered = latest(USER.offered), orders = latest(USER.orders), errors = latest(USER.errors);
  const well = harm.value?.healthy, lost = lostTiles(harm.value, lostLastMinute());
  const healthy = (v: number | null | undefined, said: (v: number) => string): string => (v === null || v === undefined ? 'healthy: not measured' : `healthy: ${said(v)}`);
  const [s, su] = ok === null ? ['no data', ''] : [percent(ok, true), ' %'];
  const [l, lu] = split(p95, 's', true);
  return (
    <div class="tiles">
      <Tile title="Requests that succeed" n={s} unit={su} sub={errors === null ? 'the last 10 seconds' : `${number(errors, 3, true)} fail each second`} healthy={healthy(well?.success, v => `${percent(Math.min(1, v), true)} %`)} state={ok === null ? undefined : ok >= 0.98 ? 'ok' : ok >= 0.9 ? 'warn' : 'crit'} />
      <Tile title="95 % wait less than" n={l} unit={lu && ' ' + lu} sub={p50 === null ? 'the last 10 seconds' : `half less than ${value(p50, 's', true)}`} healthy={healthy(well?.latency_p95_s, v => value(v, 's', true))} />
      <Tile title="Served each second" n={good === null ? 'no data' : number(good, 3, true)} sub={offered === null ? '' : `of ${number(offered, 3, true)} wanted`} healthy={healthy(well?.goodput_rps, v => number(v, 3, true))} />
      <Tile title="Orders each minute" n={orders === null ? 'no data' : number(orders * 60, 3, true)} sub="accepted by the shop" healthy={healthy(well?.orders_rps, v => number(v * 60, 3, true))} />
      <Tile {...lost.orders} />
      <Tile {...lost.money} />
    </div>
  );
}

function Charts(): JSX.Element {
  const cols = (names: string[]) => () => { const t = table(names[0]!); return { ts: t.ts, cols: names.map(n => onAxis(n, '', t.ts)) }; };
  const id = run.value?.id ?? '';
  const ex = (q: string): string => href(['run', id, 'observe', 'explore'], { q });
  return (
    <div class="user-charts">
      <Chart title="Success" unit="ratio" lines={[{ key: 's', label: 'success' }]} data={cols([USER.success])} onLook={() => looked('panel:user.success')} promql={USER.success} explore={ex(USER.success)} max={1} markers={markers} height={120} />
      <Chart title="Load" unit="rps" lines={[{ key: 'o', label: 'wanted' }, { key: 'g', label: 'served' }]} data={cols([USER.offered, USER.goodput])} onLook={() => looked('panel:user.traffic')} promql={USER.goodput} explore={ex(USER.goodput)} markers={markers} height={120} />
      <Chart title="Latency" unit="s" lines={[{ key: '50', label: 'p50' }, { key: '95', label: 'p95' }]} data={cols([USER.p50, USER.p95])} onLook={() => looked('panel:user.latency')} promql={USER.p95} explore={ex(USER.p95)} markers={markers} height={120} />
    </div>
  );
}

function LiveRequests(): JSX.Element {
  void second.value;
  const list = requests.value;
  const since = serverNow() - 30_000;
  const recent = list.filter(q => q.at_ms >= since);
  const bad = recent.filter(q => !q.ok).length;
  const rows = useComputed(() => [...requests.value.slice(-60)].sort((a, b) => b.at_ms - a.at_ms).slice(0, 40)).value;
  return (
    <section class="panel live" aria-label="Live requests">
      <header class="panel-head"><h2>Live requests</h2><span class="t3">{recent.length ? `sample of the last 30 s: ${bad} of ${recent.length} failed` : 'a sample of what the simulated users do'}</span></header>
      {rows.length === 0 ? <Empty title="No request yet">Users begin to arrive as soon as the load generator runs.</Empty> : <>
        <div class="stamps" role="img" aria-label={`${recent.length - bad} of the last ${recent.length} sampled requests succeeded`}>
          {[...list.slice(-120)].sort((a, b) => b.at_ms - a.at_ms).map((q, i) => <i key={i} class={q.ok ? (q.latency_ms > 1000 ? 'late' : 'good') : 'bad'} />)}
        </div>
        <div class="scroll live-rows" tabIndex={0} role="region" aria-label="Request sample">
          <table><thead><tr><th>Time</th><th>Journey</th><th>Step</th><th class="num">Answer</th><th class="num">Took</th></tr></thead>
            <tbody>{rows.map((q, i) => (
              <tr key={i}><td class="t3">{clockOf(q.at_ms)}</td><td>{q.journey}</td><td class="t2">{q.step}</td>
                <td class={'num ' + (q.ok ? '' : 'crit')}><span class="row gap4 end">{!q.ok && <Mark state="crit" size={12} />}{q.status || 'no answer'}</span></td><td class={'num ' + (q.latency_ms > 1000 ? 'warn' : '')}>{value(q.latency_ms, 'ms')}</td></tr>
            ))}</tbody>
          </table>
        </div></>}
    </section>
  );
}
