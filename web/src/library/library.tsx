// The scenario library: find one, read what it asks, start it. Filters are in the address, so a list can be shared.
import { computed, signal, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import './library.css';
import { RaceChoice } from './race';
import { encodeId, get, post, Problem, said } from '../live/api';
import type { Run, ScenarioCard, ScenarioDetail } from '../live/protocol';
import { active, run } from '../live/store';
import { go, href, route, setQuery } from '../live/url';
import { duration, minutes, percent, plural, seconds } from '../ui/format';
import { Icon } from '../ui/icons';
import { keysAdd } from '../ui/keys';
import { Markdown } from '../ui/markdown';
import { Copy, Empty, ProblemBox, Skeleton, useAsync } from '../ui/parts';
import { Mark, type State } from '../ui/status';
import { BadPacks } from './packs';

export const scenarios = signal<ScenarioCard[] | null>(null);
const trouble = signal<string | null>(null);

export async function scenariosLoad(): Promise<void> {
  try {
    scenarios.value = (await get<{ scenarios: ScenarioCard[] }>('/scenarios')).scenarios;
    trouble.value = null;
  } catch (e) { trouble.value = said(e); }
}

type Done = 'new' | 'tried' | 'resolved';
const doneOf = (s: ScenarioCard): Done => (s.best?.outcome === 'resolved' ? 'resolved' : s.best || (s.difficulty?.attempts ?? 0) > 0 ? 'tried' : 'new');
const broken = (s: ScenarioCard): boolean => s.playable === false || (s.problems ?? []).some(p => p.severity === 'error');

export function filter(list: ScenarioCard[], q: Record<string, string>): ScenarioCard[] {
  const words = (q.find ?? '').toLowerCase().split(/\s+/).filter(Boolean);
  return list.filter(s => {
    if (q.level && String(s.level) !== q.level) return false;
    if (q.tag && !s.tags.includes(q.tag)) return false;
    if (q.state && doneOf(s) !== q.state) return false;
    const text = [s.title, s.id, s.brief, ...s.tags].join(' ').toLowerCase();
    return words.every(w => text.includes(w));
  }).sort((a, b) => (a.order ?? 99) - (b.order ?? 99) || a.level - b.level || a.title.localeCompare(b.title));
}

const shown = computed(() => filter(scenarios.value ?? [], route.value.query));

export function Library({ selected }: { selected?: string }): JSX.Element {
  const search = useRef<HTMLInputElement>(null);
  useEffect(() => { void scenariosLoad(); }, []);
  useEffect(() => keysAdd([{ keys: '/', what: 'Find a scenario', group: 'Library', run: () => search.current?.focus() }]), []);
  const all = scenarios.value;
  const list = shown.value;
  const pick = list.find(s => s.id === selected) ?? all?.find(s => s.id === selected) ?? list[0];
  const q = route.value.query;
  const tags = [...new Set((all ?? []).flatMap(s => s.tags))].sort();
  return (
    <main class="library" id="main" tabIndex={-1}>
      <section class="library-list" aria-label="Scenarios">
        <div class="library-head">
          <h1>Scenarios</h1>
          {all && <span class="t3">{list.length === all.length ? plural(all.length, 'incident') : `${list.length} of ${all.length}`}</span>}
          <span class="grow" />
          <div class="search"><Icon name="search" size={14} /><input ref={search} class="in" type="search" placeholder="Find" aria-label="Find a scenario" value={q.find ?? ''} onInput={e => setQuery({ find: e.currentTarget.value || null })} /></div>
          <select class="in pick" aria-label="Level" value={q.level ?? ''} onChange={e => setQuery({ level: e.currentTarget.value || null })}>
            <option value="">All levels</option>{[1, 2, 3, 4, 5].map(n => <option key={n} value={n}>Level {n}</option>)}
          </select>
          <select class="in pick" aria-label="Tag" value={q.tag ?? ''} onChange={e => setQuery({ tag: e.currentTarget.value || null })}>
            <option value="">All tags</option>{tags.map(t => <option key={t}>{t}</option>)}
          </select>
          <select class="in pick" aria-label="My result" value={q.state ?? ''} onChange={e => setQuery({ state: e.currentTarget.value || null })}>
            <option value="">Any result</option><option value="new">Not tried</option><option value="tried">Tried</option><option value="resolved">Resolved</option>
          </select>
        </div>
        {active.value && run.value && (
          <a class="resume" href={href(['run', run.value.id, 'user'])}>
            <Mark state="crit" /><span class="grow ell"><b>{run.value.title}</b> <span class="t2">is running ({run.value.state})</span></span><span class="btn primary">Continue</span>
          </a>
        )}
        {trouble.value && <div class="pad"><ProblemBox text={`The scenarios could not be loaded: ${trouble.value}`} retry={() => void scenariosLoad()} /></div>}
        <BadPacks />
        {!all && !trouble.value && <Skeleton lines={6} height={56} />}
        {all && !list.length && (
          <Empty title={all.length ? 'No scenario matches' : 'No scenario is installed'} action={all.length ? <button class="btn" onClick={() => setQuery({ find: null, level: null, tag: null, state: null })}>Clear the filters</button> : undefined}>
            {all.length ? 'Fewer words or another level will show more.' : 'Put YAML files into the scenarios folder, or write one in the Editor.'}
          </Empty>
        )}
        <ul class="cards scroll" tabIndex={list.length > 6 ? 0 : undefined} aria-label="Scenario list">{list.map(s => <Card key={s.id} s={s} on={s.id === pick?.id} />)}</ul>
      </section>
      <aside class="library-detail scroll" aria-label="Selected scenario" tabIndex={0}>{pick && <Detail key={pick.id} s={pick} />}</aside>
    </main>
  );
}

export function Level({ n }: { n: number }): JSX.Element {
  return <span class="level" role="img" aria-label={`Level ${n} of 5`} title={`Level ${n} of 5`}>{[1, 2, 3, 4, 5].map(i => <i key={i} class={i <= n ? 'on' : ''} />)}</span>;
}

function Result({ s }: { s: ScenarioCard }): JSX.Element {
  if (s.best?.outcome === 'resolved') return <span class="row gap4"><Mark state="ok" size={14} /> {duration(s.best.took_ms)}</span>;
  if (doneOf(s) === 'tried') return <span class="row gap4 t2"><Mark state="warn" size={14} /> not yet resolved</span>;
  return <span class="t3">not tried</span>;
}

function Card({ s, on }: { s: ScenarioCard; on: boolean }): JSX.Element {
  return (
    <li>
      <a class="card" href={href(['s', s.id], route.value.query)} aria-current={on ? 'true' : undefined}>
        <span class="card-n" aria-hidden="true">{s.order ?? '·'}</span>
        <span class="card-main">
          <span class="card-title ell">{s.title}</span>
          <span class="row gap4 card-tags">{s.tags.slice(0, 4).map(t => <span class="tag" key={t}>{t}</span>)}{broken(s) && <span class="row gap4 crit"><Mark state="crit" size={14} /> cannot start</span>}</span>
        </span>
        <span class="card-side"><Level n={s.level} /><span class="t3">{minutes(s.time_limit_ms)}</span></span>
        <span class="card-side card-result"><Result s={s} /></span>
      </a>
    </li>
  );
}

function Detail({ s }: { s: ScenarioCard }): JSX.Element {
  const busy = useSignal(false);
  const error = useSignal<string | null>(null);
  const more = useSignal(false);
  const seed = useSignal('');
  const fast = useSignal(false);
  const advice = useSignal('after');
  const race = useSignal(false);
  const start = async (): Promise<void> => {
    busy.value = true;
    error.value = null;
    try {
      const body: Record<string, string | number | boolean> = { scenario: s.id };
      if (seed.value.trim()) body.seed = Number(seed.value);
      if (fast.value) body.fast = true;
      if (advice.value !== 'after') body.advice = advice.value;
      if (race.value) body.race = true;
      const r = await post<Run>('/runs', body, { timeout_ms: 60_000 });
      if (run.value?.id !== r.id) run.value = r;
      go(['run', r.id, 'user']);
    } catch (e) {
      error.value = e instanceof Problem && e.status === 409 ? `${e.message} Finish or end it first.` : said(e);
      busy.value = false;
    }
  };
  const d = s.difficulty;
  const bad = broken(s);
  return (
    <div class="detail">
      <div class="row gap12"><Level n={s.level} /><span class="t2">Level {s.level}</span><span class="t3">·</span><span class="t2">up to {minutes(s.time_limit_ms)}</span>{s.pack && <span class="tag">{s.pack}</span>}</div>
      <h2 class="detail-title">{s.title}</h2>
      <div class="detail-start">
        <button class="btn primary big" disabled={busy.value || bad || active.value} onClick={start}><Icon name="bolt" />{busy.value ? 'Starting…' : 'Start incident'}</button>
        <button class="btn quiet" aria-expanded={more.value} onClick={() => { more.value = !more.value; }}>Options <Icon name="down" size={12} /></button>
        <span class="grow" />
        <a class="btn quiet" href={href(['instructor', s.id])}><Icon name="edit" size={14} /> Source</a>
      </div>
      {more.value && (
        <div class="panel pad detail-options">
          <label class="field"><span>Seed (the same seed replays the same incident)</span><input class="in" inputMode="numeric" pattern="[0-9]*" placeholder="from the scenario" value={seed.value} onInput={e => { seed.value = e.currentTarget.value.replace(/\D/g, '').slice(0, 15); }} /></label>
          <label class="field"><span>Advice of the recovery agent</span>
            <select class="in" value={advice.value} onChange={e => { advice.value = e.currentTarget.value; }}><option value="after">Shown in the debrief</option><option value="live">Live, beside me</option><option value="off">Off</option></select>
          </label>
          <RaceChoice id={s.id} on={race} fast={fast.value} seed={seed.value.trim()} />
          <label class="row"><input type="checkbox" checked={fast.value} onChange={e => { fast.value = e.currentTarget.checked; }} /> Fast: shorter holds, hints and time limit (for trying a scenario out)</label>
        </div>
      )}
      {active.value && !busy.value && <ProblemBox mild text="Another incident is running. Continue or end it before you start this one." />}
      {error.value && <ProblemBox text={error.value} retry={start} />}
      {bad && <ProblemBox text={`This scenario has errors and cannot start: ${s.problems[0] ? `line ${s.problems[0].line}: ${s.problems[0].message}` : 'open its source to see them.'}`} />}
      <section><h3 class="over">The page that wakes you</h3><div class="brief"><Markdown text={s.brief || 'This scenario has no brief.'} /></div></section>
      {s.objectives.length > 0 && <section><h3 class="over">You practise</h3><ul class="goals">{s.objectives.map(o => <li key={o}><Icon name="flag" size={14} /><span>{o}</span></li>)}</ul></section>}
      <Measures id={s.id} />
      <section>
        <h3 class="over">How it went so far</h3>
        <dl class="facts">
          <div><dt>Your best</dt><dd><Result s={s} /></dd></div>
          <div><dt>Attempts here</dt><dd>{d?.attempts ?? 0}</dd></div>
          <div><dt>Resolved</dt><dd>{d && d.attempts > 0 ? `${percent(d.resolved / d.attempts)} %` : 'no attempts'}</dd></div>
          <div><dt>Median time</dt><dd>{d?.median_ms ? duration(d.median_ms) : 'none yet'}</dd></div>
        </dl>
        <Past id={s.id} />
      </section>
    </div>
  );
}

/* What success means, before it is needed: nothing of it is a secret. */
function Measures({ id }: { id: string }): JSX.Element | null {
  const { data } = useAsync(signal => get<ScenarioDetail>(`/scenarios/${encodeId(id)}`, { signal }), [id]);
  if (!data?.criteria?.length) return null;
  return (
    <section><h3 class="over">You are done when</h3>
      <ul class="goals">{data.criteria.map(c => <li key={c.id}><Mark state="unknown" size={14} /><span class="grow">{c.title}{c.hold_ms ? <span class="t3"> held for {seconds(c.hold_ms)} s</span> : null}</span>{c.promql && <Copy text={c.promql} what="PromQL" />}</li>)}</ul>
    </section>
  );
}

const ENDED: Record<string, State> = { resolved: 'ok', time_up: 'warn', abandoned: 'warn', failed: 'crit' };
const WORD: Record<string, string> = { resolved: 'solved', time_up: 'time ran out', abandoned: 'given up', failed: 'failed' };
function Past({ id }: { id: string }): JSX.Element | null {
  const { data } = useAsync(signal => get<{ runs: Run[] }>('/runs', { signal }), [id, run.value?.state]);
  const list = (data?.runs ?? []).filter(r => r.scenario === id && r.outcome !== null).slice(0, 6);
  if (!list.length) return null;
  return (
    <ul class="past">{list.map(r => (
      <li key={r.id}><a href={href(['run', r.id, 'debrief'])}><Mark state={ENDED[r.outcome!] ?? 'info'} size={14} /><span>{r.complete && r.outcome === 'abandoned' ? 'marked complete' : WORD[r.outcome!] ?? r.outcome}</span>{r.fast && <span class="tag">fast</span>}<span class="grow" /><span class="t3">{r.onset_ms && r.ended_ms ? duration(r.ended_ms - r.onset_ms) : ''}</span><span class="t3">{new Date(r.created_ms).toLocaleString('en-GB', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' })}</span><span>Debrief</span></a></li>
    ))}</ul>
  );
}
