// The run monitor, for instructors: what is being played right now, every run so far, and chosen ones side by side. The choice is in the address.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import './monitor.css';
import { get } from '../live/api';
import { second, serverNow } from '../live/clock';
import { waits, word } from '../live/criterion';
import type { FeedItem, Run } from '../live/protocol';
import { actions, active, criteria, feed, guards, left, metCount, run } from '../live/store';
import { href, route, setQuery } from '../live/url';
import { criterionUnit, cut, duration, plural, seconds, value } from '../ui/format';
import { Empty, ProblemBox, Skeleton, useAsync } from '../ui/parts';
import { Mark, met, type State } from '../ui/status';
import { Compare } from './compare';

const WORD: Record<string, string> = { resolved: 'solved', time_up: 'time ran out', abandoned: 'given up', failed: 'failed' };
const MARK: Record<string, State> = { resolved: 'ok', time_up: 'warn', abandoned: 'warn', failed: 'crit' };
const COMPARED_MAX = 6;

/* What somebody was helped with: hints that were taken, and advice shown beside the run. */
export function help(r: Run, list: FeedItem[]): string {
  const taken = list.filter(f => f.hint?.taken && (f.hint.cost > 0 || f.hint.agent)).length;
  const parts = [taken > 0 ? plural(taken, 'hint') : '', r.advice === 'live' ? 'advice of the agent' : ''].filter(Boolean);
  return parts.length ? `assisted: ${parts.join(', ')}` : 'unassisted';
}

export const took = (r: Run): number | null => (r.onset_ms && r.ended_ms ? r.ended_ms - r.onset_ms : null);

export function Monitor(): JSX.Element {
  const compared = [...new Set((route.value.query.compare ?? '').split(',').filter(Boolean))].slice(0, COMPARED_MAX);
  return (
    <main class="page monitor" id="main" tabIndex={0}>
      <div class="monitor-in">
        <h1>Runs</h1>
        <Now />
        {compared.length > 0 && <Compare ids={compared} drop={id => setQuery({ compare: compared.filter(x => x !== id).join(',') || null })} />}
        <All compared={compared} />
      </div>
    </main>
  );
}

/* This server has one stack, so at most one run is live. */
function Now(): JSX.Element {
  void second.value;
  const r = run.value;
  if (!r || !active.value) return <section class="panel pad16" aria-label="Live"><p class="row t2"><Mark state="off" size={14} /> Nothing is being played on this server now.</p></section>;
  const ms = left(r), bad = guards.value.filter(g => !g.ok).length;
  return (
    <section class="panel pad16 now" aria-label="Live">
      <header class="row gap12"><Mark state="crit" size={18} /><h2 class="ell">{cut(r.title)}</h2><span class="tag">{r.state}</span><span class="t3">{r.id} · stack {r.stack}{r.fast ? ' · fast' : ''}</span><span class="grow" />
        <a class="btn small" href={href(['run', r.id, 'user'])}>Watch</a></header>
      <dl class="now-facts">
        <div><dt>time left</dt><dd>{ms === null ? 'not begun' : duration(ms)}</dd></div>
        <div><dt>since the onset</dt><dd>{r.onset_ms ? duration(serverNow() - r.onset_ms) : 'not yet'}</dd></div>
        <div><dt>criteria met</dt><dd>{metCount.value} of {criteria.value.length}</dd></div>
        <div><dt>changes made</dt><dd>{actions.value.filter(a => a.by === 'learner' || a.by === 'agent').length}</dd></div>
        <div><dt>guards</dt><dd>{bad ? <span class="crit">{plural(bad, 'violation')}</span> : 'respected'}</dd></div>
        <div><dt>help</dt><dd>{help(r, feed.value)}</dd></div>
      </dl>
      <div class="now-rows" tabIndex={0} role="region" aria-label="Criteria"><table><thead><tr><th>criterion</th><th>state</th><th class="num">value</th><th class="num">held</th><th>why</th></tr></thead>
        <tbody>{criteria.value.map(c => (
          <tr key={c.id}><th scope="row" class="any">{cut(c.title, 120)}</th><td><span class="row gap4"><Mark state={waits(c) ? 'off' : met(c.ok)} size={14} />{word(c)}</span></td>
            <td class="num">{value(c.value, criterionUnit(c), true)}</td><td class="num">{c.hold_ms ? `${seconds(Math.min(c.held_ms, c.hold_ms))} / ${seconds(c.hold_ms)} s` : ''}</td><td class="t2 why any">{cut(c.reason)}</td></tr>))}</tbody></table></div>
    </section>
  );
}

function All({ compared }: { compared: string[] }): JSX.Element {
  const { data, error, again } = useAsync(signal => get<{ runs: Run[] }>('/runs', { signal }), [run.value?.id, run.value?.state]);
  const find = useSignal(route.value.query.find ?? '');
  const words = find.value.toLowerCase().split(/\s+/).filter(Boolean), outcome = route.value.query.outcome ?? '';
  const list = (data?.runs ?? []).filter(r => (!outcome || r.outcome === outcome) && words.every(w => `${r.id} ${r.title} ${r.scenario}`.toLowerCase().includes(w)));
  const flip = (id: string): void => {
    const next = compared.includes(id) ? compared.filter(x => x !== id) : [...compared, id].slice(-COMPARED_MAX);
    setQuery({ compare: next.join(',') || null });
  };
  return (
    <section class="panel pad16" aria-label="All runs">
      <header class="row gap12 all-head"><h2>All runs</h2><span class="t3">{data ? `${list.length} of ${data.runs.length}` : ''}</span><span class="grow" />
        <input class="in" type="search" placeholder="Find" aria-label="Find a run" value={find.value} onInput={e => { find.value = e.currentTarget.value; setQuery({ find: find.value || null }); }} />
        <select class="in pick" aria-label="Outcome" value={outcome} onChange={e => setQuery({ outcome: e.currentTarget.value || null })}><option value="">Any outcome</option>{Object.entries(WORD).map(([k, w]) => <option key={k} value={k}>{w}</option>)}</select></header>
      {error && <ProblemBox text={`The runs cannot be read: ${error}`} retry={again} />}
      {!data && !error ? <Skeleton lines={5} height={22} /> : list.length === 0 ? <Empty title={data?.runs.length ? 'No run matches' : 'No run yet'}>{data?.runs.length ? 'Another word or outcome will show more.' : 'Every run that is started on this server is listed here.'}</Empty> : (
        <div class="scroll all-rows" tabIndex={0} role="region" aria-label="List of runs">
          <table><thead><tr><th><span class="sr">Compare</span></th><th>run</th><th>scenario</th><th>outcome</th><th class="num">took</th><th>help</th><th class="num">seed</th><th>begun</th><th><span class="sr">Open</span></th></tr></thead>
            <tbody>{list.slice(0, 200).map(r => (
              <tr key={r.id}><td><input type="checkbox" aria-label={`Compare ${r.id}`} checked={compared.includes(r.id)} disabled={r.outcome === null} onChange={() => flip(r.id)} /></td><td>{r.id}</td><td class="ell" title={cut(r.title)}>{cut(r.title, 200)}</td>
                <td><span class="row gap4"><Mark state={r.outcome ? MARK[r.outcome] ?? 'info' : 'info'} size={14} />{r.outcome ? (r.complete && r.outcome === 'abandoned' ? 'marked complete' : WORD[r.outcome] ?? r.outcome) : r.state}{r.fast && <span class="tag">fast</span>}</span></td>
                <td class="num">{took(r) === null ? '' : duration(took(r)!)}</td><td>{r.advice === 'live' ? 'advice' : ''}</td><td class="num">{r.seed}</td><td class="t3">{new Date(r.created_ms).toLocaleString('en-GB', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' })}</td>
                <td>{r.outcome ? <a href={href(['run', r.id, 'debrief'])}>Debrief</a> : <a href={href(['run', r.id, 'user'])}>Watch</a>}</td></tr>))}</tbody></table>
        </div>)}
    </section>
  );
}
