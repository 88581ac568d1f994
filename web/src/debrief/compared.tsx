// After the run: the learner beside the agent, the rule and everybody else who is known to have met this incident.
import type { JSX } from 'preact';
import { encode, get } from '../live/api';
import { describe } from '../live/commands';
import { laneEnd, laneName, RaceNotes, RaceTable } from '../compare/table';
import type { Comparison, Debrief, Lane, LaneItem, Regret, TimelineItem } from '../live/protocol';
import { at, literal, number, plural } from '../ui/format';
import { useAsync } from '../ui/parts';
import { Mark } from '../ui/status';
import { Lanes } from './lanes';
import { step } from './step';

/* A restart's new process number says nothing: only configuration is told by its values. */
const did = (i: LaneItem): string => (i.kind === 'undo' ? 'took a change back' : i.kind === 'load.shed' ? `Let in ${literal(i.args.admit_percent)} % of the requests` : describe(i.kind === 'config.patch' ? i : { kind: i.kind, on: i.on }));
const ACTION: Record<string, string> = { ignore: 'leave it alone', delay: 'look longer', 'reduce-load': 'let fewer requests in', 'soft-restart': 'restart', 'hard-restart': 'kill and restart' };
const acted = (name: string, target: string): string => (name === 'soft-restart' || name === 'hard-restart' ? `${ACTION[name]} ${target}` : ACTION[name] ?? name);

/* One lane for each who has something to show; in the learner's own words first. */
export function laneRows(lanes: Lane[]): { rows: [string, string][]; items: TimelineItem[] } {
  const items = lanes.flatMap(l => [
    ...(l.items ?? []).filter(i => i.state === 'applied').map(i => ({ at_ms: i.at_ms, lane: l.who, text: did(i), on: i.kind === 'config.patch' ? undefined : i.on })),
    ...(l.standing && typeof l.standing.clocks.slo_restored === 'number' ? [{ at_ms: l.standing.clocks.slo_restored, lane: l.who, text: 'users well again' }] : []),
    ...(l.standing && l.standing.at_ms !== null ? [{ at_ms: l.standing.at_ms, lane: l.who, text: laneEnd(l).word }] : []),
  ]);
  return { rows: lanes.map(l => [l.who, laneName(l.who)]), items };
}

/* The first thing that one of two did and the other did not. */
export function divergenceText(d: NonNullable<Comparison['divergence']>[number]): string {
  const they = laneName(d.with), first = they.charAt(0).toLowerCase() + they.slice(1);
  if (d.kind === 'only_you') return `At ${at(d.you!.at_ms)} you did what ${first} never did: ${did(d.you!)}.`;
  if (d.kind === 'only_they') return `At ${at(d.they!.at_ms)} ${first} did what you did not: ${did(d.they!)}.`;
  if (d.kind === 'timing') return `You both did this: ${did(d.you!)}. You at ${at(d.you!.at_ms)}, ${first} at ${at(d.they!.at_ms)}.`;
  return `You: ${did(d.you!)} at ${at(d.you!.at_ms)}. ${they}: ${did(d.they!)} at ${at(d.they!.at_ms)}.`;
}

export function Compared({ d }: { d: Debrief }): JSX.Element | null {
  const { data: c } = useAsync(signal => get<Comparison>(`/runs/${encode(d.run.id)}/comparison`, { signal, timeout_ms: 30_000 }).catch(() => null), [d.run.id]);
  if (!c || !c.lanes.length) return null;
  const { rows, items } = laneRows(c.lanes);
  const end = Math.max(0, ...c.lanes.map(l => l.standing?.at_ms ?? 0));
  return (
    <>
      <section class="panel pad16" aria-label="You and the others"><h2>You and the others</h2>
        {c.place && c.place.of > 1 && <p class="t2 note">Place {c.place.place} of {c.place.of} by the measure that everybody shares: users served, less harm, less the cost of each change.{d.run.assisted ? ' Your run was assisted.' : ''}</p>}
        <RaceTable lanes={c.lanes} seed={d.run.seed} />
        <div class="compared-lanes"><Lanes items={items} end={end} limit={d.run.time_limit_ms} rows={rows} /></div>
        {c.divergence && c.divergence.length > 0 && <><h3 class="over">Where you went different ways</h3><ul>{c.divergence.map(x => <li key={x.with} class="ended"><span class="t3 when">{at(x.at_ms)}</span><span class="grow t2 any">{divergenceText(x)}</span></li>)}</ul></>}
        <RaceNotes lanes={c.lanes} note={c.note} />
        {c.lanes.length === 1 && <p class="t3 note">Nobody else is known to have met this incident. Race the agent (Options, when you start it), or record drivers with "firedrill play --home".</p>}
        <p class="t3 note">{c.lanes.filter(l => l.source === 'live').map(l => `${laneName(l.who)}${l.model ? `: model ${l.model}` : ''}`).join(' · ')}</p>
      </section>
      <div class="debrief-two"><Decisions r={c.regret} /><Limits d={d} /></div>
    </>
  );
}

function Decisions({ r }: { r: Regret | null }): JSX.Element | null {
  if (!r) return null;
  return (
    <section class="panel pad16" aria-label="Your decisions"><h2>Your decisions, by the agent's values</h2>
      <p class="t2">{r.items.length === 0 ? `Over ${plural(r.steps, 'step')} of 5 s the agent saw no better way than yours.` : `Over ${plural(r.steps, 'step')} of 5 s the agent expects to have saved ${number(r.user_minutes)} user-minutes against what you did.`}{r.steps_in_calibration < r.steps && ` In ${plural(r.steps - r.steps_in_calibration, 'of them it was', 'of them it was')} out of calibration: read those as a guess.`}</p>
      <ul>{r.items.map((x, i) => (
        <li key={i} class="ended"><span class="t3 span">{at(x.from_ms)} to {at(x.to_ms)}</span><span class="grow any"><b>{acted(x.better, x.target)}</b> <span class="t2">instead of: {acted(x.did, x.target)}</span>{x.out_of_calibration && <span class="row gap4 t3"><Mark state="warn" size={12} />out of calibration</span>}<p class="t3">{x.reason} Value {number(x.q_better)} against {number(x.q_did)}.</p></span><b>{number(x.user_minutes)} user-min</b></li>
      ))}</ul>
      {r.unjudged.length > 0 && <p class="t3 note">Not judged: {plural(r.unjudged.length, 'change')} of yours outside the agent's five actions, or of a service it had no opinion about ({r.unjudged.join(', ')}).</p>}
    </section>
  );
}

function Limits({ d }: { d: Debrief }): JSX.Element | null {
  const a = d.agent;
  if (!a) return null;
  return (
    <section class="panel pad16" aria-label="What the agent could do here"><h2>What the agent could do here</h2>
      {a.can_repair ? <p class="row"><Mark state="ok" size={14} /><span>Everything the repair takes is among its actions: restart, kill, shed load.</span></p> : <>
        <p class="row"><Mark state="info" size={14} /><span>It stabilises, you repair. The cause is out of its reach, because its actions are restart, kill and shed load, and the repair also takes:</span></p>
        <ul>{a.beyond.map((x, i) => <li key={i} class="ended"><span class="any">{step(x)}</span></li>)}</ul></>}
    </section>
  );
}
