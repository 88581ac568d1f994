// What is on the screen while the system is prepared: the brief, and how far the preparation is. No spinner.
import type { JSX } from 'preact';
import type { Run } from '../live/protocol';
import { second } from '../live/clock';
import { serverNow } from '../live/clock';
import { minutes, duration } from '../ui/format';
import { Markdown } from '../ui/markdown';
import { Mark, type State } from '../ui/status';

const STEPS: { state: Run['state']; title: string; text: string }[] = [
  { state: 'preparing', title: 'Preparing', text: 'The system, its data and its configuration are put back to a known state.' },
  { state: 'baseline', title: 'Baseline', text: 'The healthy system must meet every criterion before anything is broken.' },
  { state: 'injecting', title: 'Something happens', text: 'The incident begins. The clock starts when users can feel it.' },
];

export function Briefing({ r, look }: { r: Run; look: () => void }): JSX.Element {
  void second.value;
  const now = STEPS.findIndex(s => s.state === r.state);
  return (
    <div class="briefing scroll" tabIndex={0} role="region" aria-label="Briefing">
      <div class="briefing-in">
        <span class="over">You are on call</span>
        <h2 class="briefing-title">{r.title}</h2>
        {r.brief ? <div class="brief"><Markdown text={r.brief} /></div> : <p class="t2">Nobody has called yet. The page with what users complain about arrives when they do, in Updates and here.</p>}
        {r.objectives.length > 0 && <section><h3 class="over">You practise</h3><ul class="md-list">{r.objectives.map(o => <li key={o}>{o}</li>)}</ul></section>}
        <section>
          <h3 class="over">Getting ready, {duration(serverNow() - r.created_ms)}</h3>
          <ol class="steps">
            {STEPS.map((s, i) => {
              const st: State = i < now ? 'ok' : i === now ? 'starting' : 'off';
              return <li key={s.state} aria-current={i === now ? 'step' : undefined} class={i > now ? 'later' : ''}><Mark state={st} size={18} /><div><b>{s.title}</b><p class="t2">{s.text}</p></div></li>;
            })}
          </ol>
        </section>
        <p class="t2">You will have {minutes(r.time_limit_ms)}. Success is measured all the time, in the sidebar: there is no check button.</p>
        <button class="btn" onClick={look}>Look around while it gets ready</button>
      </div>
    </div>
  );
}
