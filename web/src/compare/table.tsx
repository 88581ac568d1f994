// Players of one incident side by side: the learner, the agent, the rule, live or recorded. Only what the server says of them.
import type { JSX } from 'preact';
import './table.css';
import type { Lane } from '../live/protocol';
import { at, cut, number } from '../ui/format';
import { Mark, type State } from '../ui/status';

const NAMES: Record<string, string> = { you: 'You', agent: 'The agent', rule: 'The rule', tuned: 'The tuned rule', ignore: 'The agent that only watches', none: 'Nobody does anything', solution: 'The reference solution' };
export const laneName = (who: string): string => NAMES[who] ?? cut(who, 40);

const ENDS: Record<string, { word: string; state: State }> = {
  resolved: { word: 'solved', state: 'ok' }, time_up: { word: 'time ran out', state: 'warn' }, abandoned: { word: 'given up', state: 'warn' }, failed: { word: 'failed', state: 'crit' },
};
const STATES: Record<string, string> = { preparing: 'starting its stack', baseline: 'measuring', injecting: 'the fault spreads', running: 'in the incident', ended: 'over', debriefed: 'over' };

/* What a lane is doing, or how it ended: a shape and a word. */
export function laneEnd(l: Lane): { word: string; state: State } {
  if (l.outcome) return ENDS[l.outcome] ?? { word: cut(l.outcome, 40), state: 'info' };
  if (l.stopped) return { word: 'stopped', state: 'off' };
  return { word: STATES[l.state] ?? cut(l.state, 40), state: 'starting' };
}

const day = (l: Lane, year?: 'numeric'): string => (l.recorded_ms ? new Date(l.recorded_ms).toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year }) : '');

export const laneSource = (l: Lane): string => (l.source === 'you' ? '' : l.source === 'live' ? 'live' : `recorded ${day(l)}`.trim() + (l.shipped ? ', shipped' : '') + (l.other_model ? ', other model' : ''));

/* Where a lane that is not live comes from, in one sentence; '' where there is nothing to say. */
export function laneOrigin(l: Lane): string {
  if (l.source !== 'recorded') return '';
  const when = day(l, 'numeric');
  return `${laneName(l.who)}: a recorded run${when && ` of ${when}`}${l.model && ` with model ${cut(l.model, 40)}`}${l.shipped ? ', which came with Firedrill' : ''}.${l.other_model ? ' The model here is another one now.' : ''}`;
}

const whole = (v: number | undefined): string => (v === undefined ? '' : number(v));

export function RaceTable({ lanes, seed }: { lanes: Lane[]; seed?: number }): JSX.Element {
  return (
    <div class="race-scroll" tabIndex={0} role="region" aria-label="Comparison">
      <table class="race">
        <thead><tr><th scope="col">Who</th><th scope="col">How it stands</th><th scope="col" class="num">at</th><th scope="col" class="num">points</th><th scope="col" class="num" title="Users at once × the share of their requests that failed × minutes">user-minutes lost</th><th scope="col" class="num">criteria met</th><th scope="col" class="num">changes</th><th scope="col" class="num" title="No reference solution has that restart">restarts (unneeded)</th><th scope="col" class="num">users well</th></tr></thead>
        <tbody>{lanes.map(l => {
          const s = l.standing, end = laneEnd(l);
          return (
            <tr key={l.who} data-lane={l.who} class={l.source === 'you' ? 'you' : ''}>
              <th scope="row"><span class="row gap4">{l.source !== 'you' && <Mark state="agent" size={10} />}{laneName(l.who)}{laneSource(l) && <span class={'tag' + (l.source === 'recorded' ? ' warn' : '')} title={laneOrigin(l) || undefined}>{laneSource(l)}</span>}</span></th>
              <td><span class="row gap4" title={cut(l.stopped || l.reason)}><Mark state={end.state} size={12} />{end.word}{l.source === 'recorded' && seed !== undefined && l.seed !== seed && <span class="t3">other seed</span>}</span></td>
              <td class="num">{s && s.at_ms !== null ? at(s.at_ms) : ''}</td>
              <td class="num">{s?.score ? number(s.score.total) : ''}</td>
              <td class="num"><b>{whole(s?.user_minutes_lost)}</b></td>
              <td class="num">{s ? `${s.met} of ${s.criteria}` : ''}</td>
              <td class="num">{whole(s?.changes)}</td>
              <td class="num">{s ? `${s.restarts} (${s.unnecessary_restarts})` : ''}</td>
              <td class="num">{s && typeof s.clocks.slo_restored === 'number' ? at(s.clocks.slo_restored) : ''}</td>
            </tr>
          );
        })}</tbody>
      </table>
    </div>
  );
}

/* Why a lane is missing or not whole, in the server's own words, and which are no live runs. */
export function RaceNotes({ lanes, note }: { lanes: Lane[]; note: string }): JSX.Element | null {
  const said = [cut(note), ...lanes.filter(l => l.stopped).map(l => `${laneName(l.who)}: ${cut(l.stopped)}.`), ...lanes.map(laneOrigin)].filter(Boolean);
  return said.length ? <ul class="race-notes">{said.map(t => <li key={t} class="t3 any">{t}</li>)}</ul> : null;
}

