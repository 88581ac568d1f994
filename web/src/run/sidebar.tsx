// The sidebar: time, criteria with their proof, guards, and what people say. It is on every tab and never moves under the eye.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { second, serverNow } from '../live/clock';
import { looked, takeHint } from '../live/commands';
import { waits, waitsFor, word as wordOf } from '../live/criterion';
import type { Criterion, FeedItem, Run } from '../live/protocol';
import { criteria, feed, guards, left, metCount, over, trail } from '../live/store';
import { href } from '../live/url';
import { HoldRing } from '../charts/ring';
import { Spark } from '../charts/spark';
import { at, criterionUnit, cut, duration, seconds, split } from '../ui/format';
import { Icon } from '../ui/icons';
import { inline } from '../ui/markdown';
import { Copy } from '../ui/parts';
import { remembered } from '../ui/remember';
import { Mark, met, Status, type State } from '../ui/status';
import { announce } from '../ui/toast';

const width = remembered('sidebar', 320);
const MIN = 260, MAX = 420;
const clamp = (w: number): number => Math.min(MAX, Math.max(MIN, w));

export function Sidebar({ r }: { r: Run }): JSX.Element {
  return (
    <aside class="sidebar" style={{ '--side': `${width.value}px` }} aria-label="Success criteria and updates">
      <Timer r={r} />
      <section class="crits scroll" aria-label="Success criteria" tabIndex={0}>
        <div class="side-head"><h2 class="over"><span class="wide">Success </span>criteria</h2><span class="t2" data-testid="met">{metCount.value} of {criteria.value.length} met</span></div>
        {criteria.value.length === 0 && <p class="t3 pad">The criteria appear as soon as the run has been loaded.</p>}
        {criteria.value.map(c => <CriterionCard key={c.id} c={c} run={r} />)}
        <Guards />
        {r.needs_diagnosis && !r.diagnosed && !over(r) && <p class="ask row"><Mark state="info" size={14} /><span class="grow t2">This incident also asks what was wrong.</span><a href={href(['run', r.id, 'test', 'diagnosis'])}>Record it</a></p>}
      </section>
      <Feed r={r} />
      <Grip />
    </aside>
  );
}

function Grip(): JSX.Element {
  const drag = (e: PointerEvent): void => {
    const el = e.currentTarget as HTMLElement;
    el.setPointerCapture(e.pointerId);
    const from = e.clientX, w = width.value;
    el.onpointermove = m => { width.value = clamp(w + m.clientX - from); };
    el.onpointerup = () => { el.onpointermove = null; };
  };
  const key = (e: KeyboardEvent): void => {
    const d = e.key === 'ArrowLeft' ? -16 : e.key === 'ArrowRight' ? 16 : 0;
    if (d) { e.preventDefault(); width.value = clamp(width.value + d); }
  };
  return <div class="grip" role="separator" aria-orientation="vertical" aria-label="Width of the sidebar" aria-valuemin={MIN} aria-valuemax={MAX} aria-valuenow={width.value} tabIndex={0} onPointerDown={drag} onKeyDown={key} />;
}

const SPOKEN_AT = [300, 60, 10];

function Timer({ r }: { r: Run }): JSX.Element {
  void second.value;
  const ms = left(r);
  const isOver = over(r);
  const spoken = useRef(Infinity);
  const s = ms === null ? null : Math.ceil(ms / 1000);
  useEffect(() => {
    if (s === null || isOver) return;
    for (const mark of SPOKEN_AT) if (s <= mark && spoken.current > mark) { if (spoken.current !== Infinity) announce(`${duration(mark * 1000)} left`); break; }
    spoken.current = s;
  }, [s]);
  const low = s !== null && !isOver && s * 1000 <= r.time_limit_ms * 0.2;
  const part = ms === null ? 1 : ms / r.time_limit_ms;
  return (
    <div class={'timer' + (low ? ' low' : '')} role="timer" aria-label="Time left" aria-live="off">
      <div class="row">
        {low && <Mark state="warn" size={18} />}
        <span class="timer-n">{ms === null ? duration(r.time_limit_ms) : duration(Math.ceil(ms / 1000) * 1000)}</span>
        <span class="t2">{isOver ? 'left at the end' : ms === null ? r.state : s! <= 60 ? 'left, hurry' : 'left'}</span>
        <span class="grow" />
        {r.onset_ms && <span class="t3 timer-in">{duration((r.ended_ms ?? serverNow()) - r.onset_ms)} in</span>}
      </div>
      <div class="timer-bar" aria-hidden="true"><i style={{ width: `${part * 100}%` }} /></div>
    </div>
  );
}

export function CriterionCard({ c, run }: { c: Criterion; run: Run }): JSX.Element {
  const later = waits(c), first = waitsFor(c, criteria.value), state: State = later ? 'off' : met(c.ok);
  const unit = criterionUnit(c);
  const [n, u] = split(c.value, unit, true);
  const [tn, tu] = split(c.threshold, unit);
  const points = (trail.get(c.id) ?? []).slice(-90).map(p => p.v);
  const word = wordOf(c);
  const part = c.ok ? c.held_ms / Math.max(1, c.hold_ms) : 0;
  return (
    <article class={'crit-card ' + (c.held ? 'is-held' : later ? 'is-unknown' : `is-${state}`)} data-criterion={c.id} data-state={word} aria-label={`${cut(c.title)}: ${word}`}>
      <header class="row"><Mark state={state} /><h3 class="grow ell" title={cut(c.title)}>{cut(c.title)}</h3>
        <span class="crit-tools">
          {c.promql && <Copy text={c.promql} what="PromQL" />}
          {c.promql && <a class="btn quiet icon small" href={href(['run', run.id, 'observe', 'explore'], { q: c.promql })} aria-label={`Open ${cut(c.title, 100)} in Explore`} title={cut(c.promql)}><Icon name="expand" size={14} /></a>}
        </span>
      </header>
      <div class="crit-mid">
        <span class={'crit-v ' + (c.value === null ? 'none' : '')}>{later ? 'later' : <>{n}<small>{u && ' ' + u}</small></>}</span>
        <Spark points={points} target={c.kind === 'replay' ? null : c.threshold} />
        <span class="crit-target">{c.kind === 'replay' ? 'replay' : <>{c.op.replace('>=', '≥').replace('<=', '≤')} {tn}{tu && ' ' + tu}</>}</span>
      </div>
      <div class="row crit-foot">
        <span class={`crit-word ${state}`}>{word}</span><span class="grow" />
        {c.hold_ms > 0 && (c.ok ? <span class="t2">{seconds(Math.floor(Math.min(c.held_ms, c.hold_ms) / 1000) * 1000)} / {seconds(c.hold_ms)} s</span>
          : <span class="t3">{c.best_hold_ms > 0 ? `best hold ${seconds(Math.floor(c.best_hold_ms / 1000) * 1000)} s` : `hold ${seconds(c.hold_ms)} s`}</span>)}
        {c.hold_ms > 0 && <HoldRing part={part} done={c.held} />}
      </div>
      <p class="crit-why any" title={first.length ? cut(c.reason) : undefined}>{first.length ? `waits for: ${first.slice(0, 3).map(t => cut(t, 80)).join(', ')}${first.length > 3 ? ` and ${first.length - 3} more` : ''}` : cut(c.reason)}</p>
    </article>
  );
}

function Guards(): JSX.Element | null {
  const list = guards.value;
  if (!list.length) return null;
  return (
    <div class="guards">
      <h2 class="over">Must not happen</h2>
      {list.map(g => (
        <div class="guard" key={g.id}><Status state={g.ok ? 'ok' : 'crit'} size={14} word={g.ok ? 'respected' : 'violated'} /><span class="grow any">{cut(g.reason)}</span>{g.violated_at_ms !== null && <span class="crit">{at(g.violated_at_ms)}</span>}</div>
      ))}
    </div>
  );
}

const FEED_STATE: Record<FeedItem['kind'], State> = { brief: 'info', say: 'info', hint: 'warn', deploy: 'info', alert: 'crit', resolved: 'ok', action: 'ok', system: 'off' };
const KIND: Record<FeedItem['kind'], string> = { brief: 'Brief', say: 'Message', hint: 'Hint', deploy: 'Deploy', alert: 'Alert', resolved: 'Resolved', action: 'Change', system: 'System' };

function Feed({ r }: { r: Run }): JSX.Element {
  // What can still be taken stays on top: a hint must not be buried under messages.
  const waits = (f: FeedItem): number => (f.hint && !f.hint.taken && !over(r) ? 1 : 0);
  const list = [...feed.value].sort((a, b) => waits(b) - waits(a) || b.at_ms - a.at_ms);
  return (
    <section class="feed" aria-label="Updates">
      <div class="side-head"><h2 class="over">Updates</h2><span class="t3">{list.length || ''}</span></div>
      {list.length === 0 ? <p class="t3 pad">Hints, messages and deploys arrive here.</p>
        : <div class="scroll feed-log" tabIndex={0} role="log" aria-label="Incident feed"><ul>{list.map(f => <FeedRow key={f.id} f={f} r={r} />)}</ul></div>}
    </section>
  );
}

const NAMES: Record<string, string> = { learner: 'You', firedrill: 'Firedrill' };
const who = (f: FeedItem): string => NAMES[f.from] ?? (f.from ? f.from.charAt(0).toUpperCase() + f.from.slice(1) : KIND[f.kind] ?? f.kind);

function FeedRow({ f, r }: { f: FeedItem; r: Run }): JSX.Element {
  const busy = useSignal(false);
  const shut = f.hint && !f.hint.taken;
  const take = async (): Promise<void> => { busy.value = true; await takeHint(r.id, f.hint!.id); busy.value = false; };
  return (
    <li class={'feed-row kind-' + f.kind} data-kind={f.kind} onPointerEnter={f.kind === 'deploy' ? () => looked('event:deploy') : undefined}>
      <span class="feed-at">{at(f.at_ms)}</span>
      <Mark state={FEED_STATE[f.kind] ?? 'info'} size={14} />
      <div class="grow">
        <b>{f.kind === 'hint' ? (f.hint?.agent ? "Agent's advice" : 'Hint') + (f.hint?.cost && f.hint.taken ? ` (${f.hint.cost} points)` : '') : cut(who(f), 80)}</b>{' '}
        <span class="t2">{f.text ? inline(cut(f.text, 1200)) : shut ? 'is ready to be taken.' : ''}</span>
        {shut && !over(r) && <div><button class="btn small" disabled={busy.value} onClick={take}><Icon name="bulb" size={14} /> Take it{f.hint!.cost > 0 ? ` for ${f.hint!.cost} points` : ''}</button></div>}
      </div>
    </li>
  );
}
