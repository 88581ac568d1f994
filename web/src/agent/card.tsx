// One recommendation: what it would do exactly, how sure it is and why. Accept does that and nothing else; Ignore asks why, with one click.
import { signal, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { act, adviceAnswer, describe } from '../live/commands';
import type { Recommendation } from '../live/protocol';
import { active, run } from '../live/store';
import { at, literal, number, percent, value } from '../ui/format';
import { Mark } from '../ui/status';

export const what = (r: Recommendation): string => (r.action ? describe(r.action) : r.name === 'delay' ? 'Look longer before you restart anything' : 'Leave the processes alone');
export const sure = (r: Recommendation): string => (typeof r.confidence === 'number' ? `${percent(r.confidence)} % sure` : '');

/* What each of its actions does to the stack, so that nobody has to guess before they accept it. */
const EFFECT: Record<string, string> = {
  'process.restart': 'The process finishes what it has begun, ends and is started anew. Requests to it wait or fail meanwhile.',
  'process.kill': 'The process is killed at once and started cold. What it had in hand is lost.',
  'load.shed': 'The gateway lets in only this share of the requests and answers the others 503 at once.',
};
export const WHY_IGNORED = ['Wrong service', 'Too risky now', 'I am on it already', 'It treats the symptom', 'I do not trust it'];

/* The same advice comes again every five seconds: it was answered until it changes. */
const key = (r: Recommendation): string => `${run.value?.id ?? ''} ${r.name ?? ''} ${r.target ?? ''} ${r.action?.kind ?? ''}`;
const answered = signal<Record<string, string>>({});
/* What was done about an advice changes what is seen, so the next advice may come before the answer to this one: the last answer is kept apart from the advice. */
interface Given { key: string; run: string; text: string; advice: string }
const given = signal<Given | null>(null);

function Before({ r }: { r: Recommendation }): JSX.Element | null {
  const g = given.value;
  if (!g || g.run !== run.value?.id || g.key === key(r)) return null;
  return <p class="row t2" role="status"><Mark state="info" size={14} /><span class="any">{g.text} It was: {g.advice}</span></p>;
}

function Answer({ r }: { r: Recommendation }): JSX.Element | null {
  const asking = useSignal(false);
  const busy = useSignal(false);
  const said = answered.value[key(r)];
  const a = r.action;
  const answer = (text: string): void => {
    answered.value = { ...answered.value, [key(r)]: text };
    given.value = { key: key(r), run: run.value?.id ?? '', text, advice: what(r) };
  };
  if (!a) return <p class="t3">It asks for no change.</p>;
  const accept = async (): Promise<void> => {
    busy.value = true;
    void adviceAnswer('accepted', what(r), r.target ?? a.on ?? '');
    const done = await act({ kind: a.kind, on: a.on, args: a.args ?? {}, reason: 'recommended by the agent' });
    busy.value = false;
    if (done) answer(done.state === 'failed' ? 'You accepted this, but it could not be done.' : 'You accepted this.');
  };
  const ignore = (why: string): void => { asking.value = false; answer(`You ignored this: ${why.toLowerCase()}.`); void adviceAnswer('ignored', `${what(r)} (${why.toLowerCase()})`, r.target ?? a.on ?? ''); };
  const args = Object.entries(a.args ?? {});
  return (
    <div class="answer">
      <div class="change-exact" aria-label="Exactly this change"><code>{a.kind} {a.on}{args.length > 0 ? ' ' : ''}{args.map(([k, v]) => `${k} = ${literal(v)}`).join(', ')}</code><span class="t2">{EFFECT[a.kind]}</span></div>
      {said ? <p class="row t2" role="status"><Mark state="info" size={14} />{said}<button class="btn quiet small" onClick={() => { const rest = { ...answered.value }; delete rest[key(r)]; answered.value = rest; }}>Answer again</button></p> : asking.value ? (
        <div class="row wrap" role="group" aria-label="Why do you ignore it?"><span class="t2">Why?</span>{WHY_IGNORED.map(w => <button key={w} class="btn small" onClick={() => ignore(w)}>{w}</button>)}<button class="btn quiet small" onClick={() => { asking.value = false; }}>Back</button></div>
      ) : (
        <div class="row"><button class="btn primary" disabled={!active.value || busy.value} onClick={() => void accept()}>Accept</button><button class="btn" disabled={!active.value || busy.value} onClick={() => { asking.value = true; }}>Ignore…</button><span class="t3">It becomes your change{a.kind === 'load.shed' ? ' and can be undone' : ''}.</span></div>
      )}
    </div>
  );
}

export function Card({ r }: { r: Recommendation }): JSX.Element {
  const q = [...(r.q ?? [])].sort((a, b) => b.value - a.value);
  const lo = Math.min(0, ...q.map(x => x.value)), hi = Math.max(0, ...q.map(x => x.value)), width = hi - lo || 1;
  return (
    <section class="panel pad16 agent-card" aria-label="Recommendation">
      <div class="row"><Mark state="agent" size={18} /><span class="over">Recommendation{r.policy ? ` of ${r.policy}` : ''}</span><span class="grow" />{r.at_ms !== undefined && <span class="t3">{at(r.at_ms)}</span>}</div>
      <h2 class="agent-what">{what(r)}</h2>
      {typeof r.confidence === 'number' && <div class="row"><div class="sure" role="img" aria-label={sure(r)}><i style={{ transform: `scaleX(${Math.max(0, Math.min(1, r.confidence))})` }} /></div><span class="t2">{sure(r)}</span></div>}
      {r.out_of_calibration && <p class="row"><Mark state="warn" size={14} /><span>Out of calibration: this looks like nothing the model was trained on. A simple rule speaks instead.</span></p>}
      {r.reason && <p>{r.reason}</p>}
      <Before r={r} />
      <Answer r={r} />
      {r.why && r.why.length > 0 && <><h3 class="over">Why</h3><table><thead><tr><th>What it sees</th><th class="num">now</th><th class="num">normal</th></tr></thead><tbody>{r.why.map(w => <tr key={w.feature}><td>{w.feature}</td><td class="num">{value(w.value, w.unit ?? '')}</td><td class="num t3">{w.normal === undefined ? '' : value(w.normal, w.unit ?? '')}</td></tr>)}</tbody></table></>}
      {r.cause && r.cause.ranked.length > 0 && <p class="t2">{r.cause.abstain ? 'No clear cause yet; most suspicious: ' : 'Likely cause: '}{r.cause.ranked.slice(0, 3).map(x => `${x.service} (${x.signal})`).join(', ')}</p>}
      {r.belief && <p class="t2">Kind of failure: {Object.entries(r.belief).sort((a, b) => b[1] - a[1]).slice(0, 3).map(([k, v]) => `${k} ${percent(v)} %`).join(', ')}</p>}
      {q.length > 0 && <><h3 class="over">Expected value of each action</h3><ul class="qs">{q.slice(0, 10).map(x => (
        <li key={x.action}><span class="ell">{x.chosen && <Mark state="agent" size={10} />} {x.action}{x.blocked ? `, blocked: ${x.blocked}` : ''}</span><div class="q-track" aria-hidden="true"><i class={x.chosen ? 'on' : ''} style={{ left: `${((Math.min(0, x.value) - lo) / width) * 100}%`, width: `${(Math.abs(x.value) / width) * 100}%` }} /></div><span class="num">{number(x.value)}</span></li>
      ))}</ul></>}
    </section>
  );
}
