// The recovery agent: what it would do and why, the autopilot, and the others who meet the same incident. It shows only what the server sends.
import type { JSX } from 'preact';
import './agent.css';
import { autopilot, describe } from '../live/commands';
import type { Action } from '../live/protocol';
import { actions, active, comparison, recommendations, run } from '../live/store';
import { at } from '../ui/format';
import { Icon } from '../ui/icons';
import { Empty } from '../ui/parts';
import { Mark } from '../ui/status';
import { Card, sure, what } from './card';
import { RaceNotes, RaceTable } from '../compare/table';

export function Agent(): JSX.Element {
  const list = recommendations.value;
  const top = list[list.length - 1];
  const c = comparison.value;
  return (
    <div class="agent-tab scroll" tabIndex={0} role="region" aria-label="Recovery agent">
      {c?.race && (
        <section class="panel pad16"><h2>You and the others, same incident, same seed</h2>
          <RaceTable lanes={c.lanes} seed={run.value?.seed} />
          {c.withheld && <p class="t3 note">What they do is shown after your run, or when you have given a diagnosis: it would be advice.</p>}
          <RaceNotes lanes={c.lanes} note={c.note} />
        </section>)}
      <div class="agent-two">
        {top ? <Card r={top} /> : (
          <Empty title="The agent has said nothing in this incident">
            A trained policy can watch beside you and recommend one action at a time. Whether it speaks is chosen when an incident is started (Options, Advice of the recovery agent), and it needs a trained model on the server.
          </Empty>)}
        <div class="col gap12"><Autopilot /><Timeline />
          {list.length > 1 && <section class="panel pad16"><h2>Earlier advice</h2><ul>{list.slice(0, -1).reverse().slice(0, 12).map((r, i) => <li key={i} class="agent-old"><span class="t3">{r.at_ms === undefined ? '' : at(r.at_ms)}</span><Mark state="agent" size={12} /><span>{what(r)}</span><span class="grow" /><span class="t3">{sure(r)}</span></li>)}</ul></section>}
        </div>
      </div>
    </div>
  );
}

function Autopilot(): JSX.Element {
  const r = run.value;
  const on = r?.autopilot === true;
  return (
    <section class="panel pad16 col" aria-label="Autopilot"><h2>Autopilot</h2>
      <p class="t2">{on ? 'The agent carries out what it recommends, within its safety rules. Each change is recorded as its own.' : 'Watch the agent work: it carries out what it recommends, within its safety rules. The run counts as assisted.'}</p>
      <div class="row">{on
        ? <button class="btn primary" disabled={!active.value} onClick={() => void autopilot(false)}><Icon name="stop" size={14} /> Stop the agent <kbd aria-hidden="true">a p</kbd></button>
        : <button class="btn" disabled={!active.value || r?.state !== 'running'} onClick={() => void autopilot(true)}><Icon name="bolt" size={14} /> Let the agent act <kbd aria-hidden="true">a p</kbd></button>}
        {r?.assisted && <span class="tag">assisted</span>}</div>
    </section>
  );
}

/* You above, the agent below: who changed what, on one list. */
function Timeline(): JSX.Element | null {
  const made = actions.value.filter(a => a.by === 'learner' || a.by === 'agent');
  if (!made.length) return null;
  const row = (a: Action): JSX.Element => <li key={a.id} class="agent-old"><span class="t3">{at(a.at_ms)}</span>{a.by === 'agent' ? <Mark state="agent" size={12} /> : <Icon name="user" size={12} />}<span class="grow any">{a.kind === 'undo' ? 'took a change back' : describe(a)}</span>{a.state === 'failed' && <span class="crit">failed</span>}</li>;
  return (
    <section class="panel pad16"><h2>Who changed what</h2>
      <h3 class="over">You</h3><ul>{made.filter(a => a.by === 'learner').map(row)}</ul>{!made.some(a => a.by === 'learner') && <p class="t3">nothing yet</p>}
      <h3 class="over">The agent</h3><ul>{made.filter(a => a.by === 'agent').map(row)}</ul>{!made.some(a => a.by === 'agent') && <p class="t3">nothing: it only advises</p>}
    </section>
  );
}
