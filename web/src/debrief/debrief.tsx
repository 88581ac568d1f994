// After the run: what it was, what happened when, what it cost, what would have helped.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import './debrief.css';
import { API, encode, get, post, said } from '../live/api';
import { describe } from '../live/commands';
import type { Debrief as Told, Json, TimelineItem } from '../live/protocol';
import { run } from '../live/store';
import { href } from '../live/url';
import { at, cut, duration, literal, money, number, plural, seconds, sentence } from '../ui/format';
import { Icon } from '../ui/icons';
import { Markdown } from '../ui/markdown';
import { Empty, ProblemBox, Skeleton, useAsync } from '../ui/parts';
import { Mark, met, type State } from '../ui/status';
import { Compared } from './compared';
import { step } from './step';
import { Lanes } from './lanes';

const OUTCOME: Record<string, { title: string; state: State }> = {
  resolved: { title: 'Solved', state: 'ok' }, time_up: { title: 'Time ran out', state: 'warn' }, abandoned: { title: 'Given up', state: 'warn' }, failed: { title: 'The run failed', state: 'crit' },
};

export function Debrief({ id }: { id: string }): JSX.Element {
  const { data, error, again } = useAsync(signal => get<Told>(`/runs/${encode(id)}/debrief`, { signal, timeout_ms: 30_000 }), [id]);
  if (!data) {
    return <main class="page pad16" id="main" tabIndex={-1}>{error ? <Empty title="There is no debrief yet" action={<div class="row"><button class="btn" onClick={again}>Try again</button><a class="btn" href={href(['run', id, 'user'])}>To the run</a></div>}>{error}</Empty> : <Skeleton lines={10} height={28} />}</main>;
  }
  return <Page d={data} />;
}

function Page({ d }: { d: Told }): JSX.Element {
  const r = d.run;
  const o = OUTCOME[r.outcome ?? ''] ?? { title: 'Over', state: 'info' as State };
  const took = r.onset_ms && r.ended_ms ? r.ended_ms - r.onset_ms : null;
  return (
    <main class="page debrief" id="main" tabIndex={0}>
      <div class="debrief-in">
        <header class="debrief-head">
          <Mark state={o.state} size={40} />
          <div class="grow"><span class="over">Debrief · run {r.id} · seed {r.seed}{r.assisted ? ' · assisted' : ''}</span><h1>{r.complete && r.outcome === 'abandoned' ? 'Marked complete' : o.title}{took !== null && (r.outcome === 'resolved' ? ` in ${duration(took)}` : ` after ${duration(took)}`)}</h1><p class="t2 any">{cut(r.title)}{r.reason && `. ${cut(sentence(r.reason))}`}</p></div>
          <div class="row debrief-do"><a class="btn" href={`${API}/runs/${encode(r.id)}/debrief?format=md`} download={`debrief-${r.id}.md`}><Icon name="download" size={14} /> Markdown</a><Export d={d} /><a class="btn primary" href={href(['s', r.scenario])}>Play again</a><a class="btn" href="#/">Scenarios</a></div>
        </header>
        <Figures d={d} />
        <section class="panel pad16"><h2>What happened when</h2><Lanes items={d.timeline ?? []} end={took} limit={r.time_limit_ms} /></section>
        <Compared d={d} />
        <div class="debrief-two">
          <div class="col gap12">
            <Truth d={d} />
            <Costliest d={d} />
            {d.text && <section class="panel pad16"><h2>What to take along</h2><Markdown text={d.text} /></section>}
            <Solutions d={d} />
            <Note d={d} />
          </div>
          <div class="col gap12"><Score d={d} /><Criteria d={d} /><Did d={d} /><Trail d={d} /><Hints d={d} /></div>
        </div>
        <List items={d.timeline ?? []} />
      </div>
    </main>
  );
}

function Export({ d }: { d: Told }): JSX.Element {
  const save = (): void => {
    const a = document.createElement('a');
    a.href = URL.createObjectURL(new Blob([JSON.stringify(d, null, 1)], { type: 'application/json' }));
    a.download = `debrief-${d.run.id}.json`;
    a.click();
    setTimeout(() => URL.revokeObjectURL(a.href), 1000);
  };
  return <button class="btn" onClick={save}><Icon name="download" size={14} /> JSON</button>;
}

/* Of all clocks those that tell the story; the lanes below have the rest. */
const CLOCKS: [string, string][] = [['user_visible', 'users felt it'], ['acknowledged', 'first look'], ['effective_action', 'right change'], ['slo_restored', 'users well again']];

function Figures({ d }: { d: Told }): JSX.Element {
  const u = d.users;
  const clocks = CLOCKS.filter(([k]) => typeof d.clocks?.[k] === 'number');
  return (
    <dl class="figures">
      {d.score && <div><dd class="score">{number(d.score.total)}</dd><dt>of 100 points</dt></div>}
      {clocks.map(([k, word]) => <div key={k}><dd>{at(d.clocks[k]!)}</dd><dt>{word}</dt></div>)}
      {u && <><div><dd>{number(u.requests_lost)}</dd><dt>{u.requests_offered ? `of ${number(u.requests_offered)} requests lost` : 'requests lost'}</dt></div><div><dd>{number(u.orders_lost)}</dd><dt>orders lost</dt></div><div><dd>{money(u.revenue_lost_cents)}</dd><dt>money lost</dt></div></>}
      <div><dd>{d.actions.filter(a => a.by === 'learner' && a.kind !== 'undo').length}</dd><dt>changes by you</dt></div>
    </dl>
  );
}

const PARTS: [string, string][] = [['outcome', 'Outcome'], ['harm', 'Harm avoided'], ['diagnosis', 'Diagnosis and trail'], ['hints', 'Without hints']];
function Score({ d }: { d: Told }): JSX.Element | null {
  const s = d.score;
  if (!s?.of) return null;
  return (
    <section class="panel pad16"><h2>Score</h2>
      <dl class="scores">{PARTS.filter(([k]) => (s.of[k] ?? 0) > 0).map(([k, word]) => {
        const got = s[k as 'outcome'], of = s.of[k]!;
        return <div key={k}><dt>{word}</dt><dd><span class="score-track" aria-hidden="true"><i style={{ transform: `scaleX(${Math.max(0, Math.min(1, got / of))})` }} /></span><b>{number(got)}</b> <span class="t3">of {of}</span></dd></div>;
      })}</dl>
    </section>
  );
}

const say = (v: Json | undefined): string => {
  if (v === undefined || v === null || v === '') return '';
  if (Array.isArray(v)) return v.map(literal).join(', ');
  return typeof v === 'object' ? Object.entries(v).map(([k, x]) => `${k} ${literal(x)}`).join(', ') : String(v);
};
type Cause = { [key: string]: Json };
const causes = (t: Cause): Cause[] => [t, ...(Array.isArray(t.also) ? t.also : []).filter((x): x is Cause => x !== null && typeof x === 'object' && !Array.isArray(x))];

function Truth({ d }: { d: Told }): JSX.Element | null {
  const t = d.truth as Cause | null;
  if (!t || !Object.keys(t).length) return null;
  const mine = d.diagnosis?.[d.diagnosis.length - 1];
  const herrings = (Array.isArray(t.herrings) ? t.herrings : []) as { at_ms?: number; note?: string }[];
  const row = (name: string, truth: string, told: string | undefined): JSX.Element | null => (truth ? <tr key={name}><th scope="row">{name}</th><td class="any">{cut(truth)}</td>{mine && <td class="t2 any">{cut(told || 'not said')}</td>}</tr> : null);
  return (
    <section class="panel pad16"><h2>What it was</h2>
      {causes(t).map((c, i) => (
        <table class="truth" key={i}><thead><tr><th scope="col"><span class="sr">Part</span></th><th scope="col">{causes(t).length > 1 ? `Cause ${i + 1}` : 'The truth'}</th>{mine && <th scope="col">Your diagnosis</th>}</tr></thead>
          <tbody>
            {row('Where', say(c.component), mine?.component)}
            {row('What', say(c.mechanism_text) || say(c.mechanism).replace(/_/g, ' '), mine?.mechanism.replace(/_/g, ' '))}
            {row('Exactly', say(c.object), say(mine?.object))}
            {row('How it spread', Array.isArray(c.path) ? c.path.map(literal).join(' → ') : '', undefined)}
            {row('Who suffered', say(c.victims), mine?.affected?.join(', '))}
          </tbody></table>))}
      {mine?.note && <p class="t2 note any">You noted: {cut(mine.note, 2000)}</p>}
      {!mine && d.diagnosis && <p class="t3 note">You recorded no diagnosis in this run (Test, Diagnosis).</p>}
      {herrings.length > 0 && <p class="t2 note">Not the cause, though it looked like it: {herrings.map(h => `${h.note ?? 'a change'}${typeof h.at_ms === 'number' ? ` (${at(h.at_ms)})` : ''}`).join('; ')}.</p>}
    </section>
  );
}

const TRAIL: [string, string][] = [['symptom', 'The symptom'], ['path', 'Its path'], ['cause', 'The cause']];
function Trail({ d }: { d: Told }): JSX.Element | null {
  const all = (d.truth as { evidence?: Record<string, string[]> } | null)?.evidence;
  if (!all || !d.evidence) return null;
  const seen = new Set(d.evidence.map(e => e.item));
  const found = (part: string): { at_ms: number } | undefined => d.evidence!.find(e => e.part === part);
  return (
    <section class="panel pad16"><h2>What you looked at</h2>
      <ul>{TRAIL.filter(([k]) => all[k]?.length).map(([k, word]) => (
        <li key={k} class="ended"><Mark state={found(k) ? 'ok' : 'off'} /><div class="grow"><b>{word}</b><p class="t2">{all[k]!.map((x, i) => <span key={x} class={seen.has(x) ? '' : 't3'}>{i > 0 && ', '}{thing(x)}</span>)}</p></div><span class="t3">{found(k) ? at(found(k)!.at_ms) : 'not seen'}</span></li>
      ))}</ul>
    </section>
  );
}
/* "panel:api.queue" -> "chart api queue" */
const thing = (x: string): string => x.replace(/^panel:/, 'chart ').replace(/^config:/, 'configuration ').replace(/^(metric|promql|history|logs|process|event|user|trace):/, '$1 ').replace(/^(chart|configuration) (\w+)\./, '$1 $2 ');

function Hints({ d }: { d: Told }): JSX.Element | null {
  const list = (d.hints ?? []).filter(h => h.text);
  if (!list.length) return null;
  return (
    <section class="panel pad16"><h2>Hints</h2>
      <ul>{list.map(h => <li key={h.id} class="ended"><Mark state={h.taken ? 'warn' : 'off'} size={14} /><span class="grow t2 any">{cut(h.text, 1200)}</span><span class="t3">{h.taken ? (h.cost ? `taken, ${h.cost} points` : 'shown') : h.offered ? 'not taken' : 'not reached'}</span></li>)}</ul>
    </section>
  );
}

/* One sentence for next time: written while the run is the server's present one, and kept with its debrief. */
function Note({ d }: { d: Told }): JSX.Element | null {
  const text = useSignal(d.forward ?? '');
  const state = useSignal<'idle' | 'busy' | 'kept' | string>('idle');
  const present = run.value?.id === d.run.id;
  if (!present && !d.forward) return null;
  const keep = async (e: Event): Promise<void> => {
    e.preventDefault();
    state.value = 'busy';
    try { await post(`/runs/${encode(d.run.id)}/note`, { text: text.value.trim() }); state.value = 'kept'; } catch (err) { state.value = said(err); }
  };
  return (
    <section class="panel pad16"><h2>Next time I will</h2>
      {!present ? <p>{d.forward}</p> : (
        <form class="col" onSubmit={keep}>
          <textarea class="in" rows={3} maxLength={2000} aria-label="Next time I will" placeholder="look at the queue before I look at the processor" value={text.value} onInput={e => { text.value = e.currentTarget.value; state.value = 'idle'; }} />
          {state.value !== 'idle' && state.value !== 'busy' && state.value !== 'kept' && <ProblemBox text={state.value} />}
          <div class="row"><button class="btn" disabled={state.value === 'busy' || !text.value.trim() || text.value === d.forward}>Keep it</button>{state.value === 'kept' && <span class="row gap4 t2" role="status"><Mark state="ok" /> Kept with this debrief</span>}</div>
        </form>)}
    </section>
  );
}

function Costliest({ d }: { d: Told }): JSX.Element | null {
  const list = (d.costliest ?? []).filter(c => c.requests_lost > 0);
  if (!list.length) return null;
  return (
    <section class="panel pad16"><h2>The dearest minutes</h2>
      <ul>{list.map((c, i) => <li key={i} class="ended"><span class="t3 span">{at(c.from_ms)} to {at(c.to_ms)}</span><span class="grow t2 any">after: {c.after}</span><b>{number(c.requests_lost)} lost</b></li>)}</ul>
    </section>
  );
}

function Solutions({ d }: { d: Told }): JSX.Element | null {
  if (!d.solutions?.length && !d.wrong_fixes?.length) return null;
  return (
    <section class="panel pad16">
      <h2>What would have repaired it</h2>
      <ol class="solutions">{(d.solutions ?? []).map((s, i) => <li key={i}>{(Array.isArray(s) ? s : [s]).map((x, j) => <div key={j}>{step(x)}</div>)}</li>)}</ol>
      {d.wrong_fixes?.length > 0 && <><h3 class="over" style={{ marginTop: '12px' }}>And what would not</h3><ul class="wrong">{d.wrong_fixes.map((w, i) => <li key={i}><Mark state={w.matched ? 'warn' : 'off'} size={14} /><span>{w.matched && <b>You tried this. </b>}{w.explain}</span></li>)}</ul></>}
    </section>
  );
}

function Criteria({ d }: { d: Told }): JSX.Element {
  return (
    <section class="panel pad16"><h2>Criteria at the end</h2>
      {d.criteria.length === 0 && <p class="t3">The run ended before criteria were measured.</p>}
      <ul>{d.criteria.map(c => <li key={c.id} class="ended"><Mark state={c.held ? 'ok' : met(c.ok)} /><div class="grow"><b class="any">{cut(c.title)}</b><p class="t2 any">{cut(c.reason)}</p></div><span class="t3">{c.held ? 'held' : c.hold_ms ? `best hold ${seconds(Math.round(c.best_hold_ms / 1000) * 1000)} of ${seconds(c.hold_ms)} s` : ''}</span></li>)}</ul>
    </section>
  );
}

function Did({ d }: { d: Told }): JSX.Element {
  return (
    <section class="panel pad16"><h2>Changes</h2>
      {d.actions.length === 0 ? <p class="t3">Nothing was changed.</p>
        : <ul>{d.actions.map(a => <li key={a.id} class="ended"><span class="t3 when">{at(a.at_ms)}</span><div class="grow"><b>{a.by === 'learner' ? 'You' : a.by}</b> <span class={a.undone ? 't3 struck' : 't2'}>{a.kind === 'undo' ? 'took a change back' : describe(a)}</span>{a.reason && <p class="t3 any">{cut(a.reason)}</p>}</div>{a.state === 'failed' && <span class="crit">failed</span>}</li>)}</ul>}
    </section>
  );
}

function List({ items }: { items: TimelineItem[] }): JSX.Element {
  const all = useSignal(false);
  const shown = all.value ? items : items.slice(0, 12);
  return (
    <section class="panel pad16"><h2>Log of the run</h2>
      <ol>{shown.map((t, i) => <li key={i} class="ended"><span class="t3 when">{at(t.at_ms)}</span><span class="tag">{t.lane}</span><span class="grow t2 any">{cut(t.text)}{t.on && <span class="t3"> ({t.on})</span>}</span></li>)}</ol>
      {items.length === 0 && <p class="t3">Nothing was recorded.</p>}
      {items.length > 12 && <button class="btn small" onClick={() => { all.value = !all.value; }}>{all.value ? 'Show less' : `Show all ${plural(items.length, 'entry', 'entries')}`}</button>}
    </section>
  );
}
