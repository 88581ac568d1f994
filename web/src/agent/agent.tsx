// What the recovery agent would do and why. It shows only what the server sends; without a message it says so.
import type { JSX } from 'preact';
import './agent.css';
import { act, describe } from '../live/commands';
import type { Recommendation } from '../live/protocol';
import { active, comparison, recommendations } from '../live/store';
import { at, number, percent, value } from '../ui/format';
import { Empty } from '../ui/parts';
import { Mark } from '../ui/status';

export function Agent(): JSX.Element {
  const list = recommendations.value;
  const top = list[list.length - 1];
  const c = comparison.value;
  return (
    <div class="agent-tab scroll" tabIndex={0} role="region" aria-label="Recovery agent">
      {top ? <Card r={top} /> : (
        <Empty title="The agent has said nothing in this incident">
          A trained policy can watch beside you and recommend one action at a time. Whether it speaks is chosen when an incident is started (Options, Advice of the recovery agent), and it needs a trained model on the server.
        </Empty>)}
      {list.length > 1 && <section class="panel pad16"><h2>Earlier</h2><ul>{list.slice(0, -1).reverse().map((r, i) => <li key={i} class="agent-old"><span class="t3">{r.at_ms === undefined ? '' : at(r.at_ms)}</span><Mark state="agent" size={12} /><span>{what(r)}</span><span class="grow" /><span class="t3">{sure(r)}</span></li>)}</ul></section>}
      {c?.lanes && c.lanes.length > 0 && <section class="panel pad16"><h2>You and the others</h2>{c.lanes.map(l => <div key={l.who} class="agent-lane"><b>{l.who}</b><ul>{l.items.map((i, n) => <li key={n}><span class="t3">{at(i.at_ms)}</span> {i.text}</li>)}</ul></div>)}</section>}
      {c?.scores && c.scores.length > 0 && <section class="panel pad16"><h2>Score so far</h2><dl class="agent-scores">{c.scores.map(s => <div key={s.who}><dt>{s.who}</dt><dd>{number(s.score)}</dd></div>)}</dl></section>}
    </div>
  );
}

const what = (r: Recommendation): string => (r.action ? describe(r.action) : r.name === 'delay' ? 'Look longer before you restart anything' : 'Leave the processes alone');
const sure = (r: Recommendation): string => (typeof r.confidence === 'number' ? `${percent(r.confidence)} % sure` : '');

function Card({ r }: { r: Recommendation }): JSX.Element {
  const q = [...(r.q ?? [])].sort((a, b) => b.value - a.value);
  const lo = Math.min(0, ...q.map(x => x.value)), hi = Math.max(0, ...q.map(x => x.value)), width = hi - lo || 1;
  return (
    <section class="panel pad16 agent-card" aria-label="Recommendation">
      <div class="row"><Mark state="agent" size={18} /><span class="over">Recommendation{r.policy ? ` of ${r.policy}` : ''}</span><span class="grow" />{r.at_ms !== undefined && <span class="t3">{at(r.at_ms)}</span>}</div>
      <h2 class="agent-what">{what(r)}</h2>
      {typeof r.confidence === 'number' && <div class="row"><div class="sure" role="img" aria-label={sure(r)}><i style={{ transform: `scaleX(${Math.max(0, Math.min(1, r.confidence))})` }} /></div><span class="t2">{sure(r)}</span></div>}
      {r.out_of_calibration && <p class="row"><Mark state="warn" size={14} /><span>Out of calibration: this looks like nothing the model was trained on. A simple rule speaks instead.</span></p>}
      {r.reason && <p>{r.reason}</p>}
      {r.action && <div class="row"><button class="btn primary" disabled={!active.value} onClick={() => void act({ kind: r.action!.kind, on: r.action!.on, args: r.action!.args ?? {}, reason: 'recommended by the agent' })}>Do it</button><span class="t3">It is applied as your change and can be undone.</span></div>}
      {r.why && r.why.length > 0 && <><h3 class="over">Why</h3><table><thead><tr><th>What it sees</th><th class="num">now</th><th class="num">normal</th></tr></thead><tbody>{r.why.map(w => <tr key={w.feature}><td>{w.feature}</td><td class="num">{value(w.value, w.unit ?? '')}</td><td class="num t3">{w.normal === undefined ? '' : value(w.normal, w.unit ?? '')}</td></tr>)}</tbody></table></>}
      {r.cause && r.cause.ranked.length > 0 && <p class="t2">{r.cause.abstain ? 'No clear cause yet; most suspicious: ' : 'Likely cause: '}{r.cause.ranked.slice(0, 3).map(x => `${x.service} (${x.signal})`).join(', ')}</p>}
      {r.belief && <p class="t2">Kind of failure: {Object.entries(r.belief).sort((a, b) => b[1] - a[1]).slice(0, 3).map(([k, v]) => `${k} ${percent(v)} %`).join(', ')}</p>}
      {q.length > 0 && <><h3 class="over">Expected value of each action</h3><ul class="qs">{q.slice(0, 10).map(x => (
        <li key={x.action} class={x.chosen ? 'on' : ''}><span class="ell">{x.chosen && <Mark state="agent" size={10} />} {x.action}{x.blocked ? `, blocked: ${x.blocked}` : ''}</span><div class="q-track" aria-hidden="true"><i style={{ left: `${((Math.min(0, x.value) - lo) / width) * 100}%`, width: `${(Math.abs(x.value) / width) * 100}%` }} /></div><span class="num">{number(x.value)}</span></li>
      ))}</ul></>}
    </section>
  );
}
