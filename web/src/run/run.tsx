// The run view: sidebar that is always there, tabs, service strip. It also is what ends a run and what announces things.
import { signal, useComputed, useSignal, useSignalEffect } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import './run.css';
import { get, said } from '../live/api';
import { autopilot, describe, end, lastUndoable, undo } from '../live/commands';
import { waits, word } from '../live/criterion';
import { link } from '../live/socket';
import type { Run } from '../live/protocol';
import { arrived, criteria, early, orphan, over, ready, recommendations, run, terminalOn } from '../live/store';
import { go, href, route, setQuery } from '../live/url';
import { runStart } from '../charts/window';
import { cut, duration, sentence } from '../ui/format';
import { Icon } from '../ui/icons';
import { keysAdd } from '../ui/keys';
import { Boundary, Dialog, Empty, lazy, ProblemBox, Skeleton, Tabs } from '../ui/parts';
import { Mark } from '../ui/status';
import { theme, themeFlip } from '../ui/theme';
import { announce, toast } from '../ui/toast';
import { Briefing } from './briefing';
import { Sidebar } from './sidebar';
import { Strip } from './strip';

const load = { user: () => import('../user/user'), observe: () => import('../observe/observe'), fix: () => import('../fix/fix'), agent: () => import('../agent/agent') };
const terminalLoad = (): Promise<typeof import('../terminal/terminal')> => import('../terminal/terminal');
const User = lazy(load.user, 'User');
const Observe = lazy(load.observe, 'Observe');
const Fix = lazy(load.fix, 'Fix');
const Agent = lazy(load.agent, 'Agent');
const Terminal = lazy(terminalLoad, 'Terminal');

/* While nothing else is to do: the other tabs, so that the first press of a tab is as quick as the second. */
let fetched = false;
function prefetch(): void {
  if (fetched) return;
  fetched = true;
  const idle = window.requestIdleCallback ?? ((f: () => void) => setTimeout(f, 1500));
  idle(() => { for (const part of Object.values(load)) part().catch(() => { fetched = false; }); });
}

const TABS = ['user', 'observe', 'test', 'agent', 'terminal'] as const;
const TAB_NAMES = ['User', 'Observability', 'Test', 'Agent', 'Terminal'];
type TabId = (typeof TABS)[number];
let watched = ''; // the run that was live on this page
const briefSkipped = signal(''); // the run whose briefing the learner has left

export function RunView({ id, openHelp }: { id: string; openHelp: () => void }): JSX.Element {
  const r = run.value;
  if (r && r.id === id) return <Live r={r} openHelp={openHelp} />;
  if (!ready.value) return <main class="page" id="main" tabIndex={-1}><Skeleton lines={8} height={28} /></main>;
  return <Elsewhere id={id} />;
}

/* A run that is not the one on the stack: over, or never existed. */
function Elsewhere({ id }: { id: string }): JSX.Element {
  const error = useSignal<string | null>(null);
  useEffect(() => {
    get<Run>(`/runs/${encodeURIComponent(id)}`).then(r => {
      if (!over(r)) { run.value = r; return; }
      // It was live on this page a moment ago: the server must have been away, and its own words say what became of the run.
      if (watched === id) toast('warn', 'This run is over', sentence(r.reason) || undefined, undefined, 15_000);
      go(['run', id, 'debrief']);
    }, e => { error.value = said(e); });
  }, [id]);
  return (
    <main class="page" id="main" tabIndex={-1}>
      <h1 class="sr">Run {id}</h1>
      {error.value ? <Empty title={`Run ${id} is not here`} action={<a class="btn primary" href="#/">To the scenarios</a>}>{error.value}</Empty> : <Skeleton lines={8} height={28} />}
    </main>
  );
}

function Live({ r, openHelp }: { r: Run; openHelp: () => void }): JSX.Element {
  const asked = route.value.parts[2] as TabId;
  const tab: TabId = TABS.includes(asked) ? asked : 'user';
  const ending = useSignal(false);
  const pick = (t: TabId): void => { briefSkipped.value = r.id; go(['run', r.id, t], {}, true); };
  const isOver = over(r);
  runStart.value = r.created_ms / 1000;
  watched = r.id;

  useEffect(prefetch, []);
  useEffect(() => keysAdd([
    ...TABS.map((t, i) => ({ keys: String(i + 1), what: TAB_NAMES[i]! + ' tab', group: 'Incident', run: () => pick(t), when: () => t !== 'terminal' || terminalOn.value })),
    { keys: 'Ctrl+Z', what: 'Undo my last change', group: 'Incident', run: () => { const a = lastUndoable(); if (a) void undo(a); else toast('info', 'There is nothing to undo'); } },
    { keys: 'Enter', what: 'Open the debrief', group: 'Incident', run: () => go(['run', r.id, 'debrief']), when: () => run.value !== null && over(run.value) && !(document.activeElement instanceof HTMLButtonElement || document.activeElement instanceof HTMLAnchorElement) },
    { keys: 'g e', what: 'Explore metrics', group: 'Go to', run: () => go(['run', r.id, 'observe', 'explore'], {}, true) },
    { keys: 'g o', what: 'Logs', group: 'Go to', run: () => go(['run', r.id, 'observe', 'logs'], {}, true) },
    { keys: 'g m', what: 'Map of the system', group: 'Go to', run: () => go(['run', r.id, 'observe', 'map'], {}, true) },
    { keys: 'a p', what: 'Autopilot: let the agent act, or stop it', group: 'Incident', run: () => void autopilot(!run.value?.autopilot), when: () => run.value?.state === 'running' },
    { keys: 'Esc', what: 'Clear the service filter', group: 'Incident', run: () => setQuery({ service: null }), when: () => route.value.query.service !== undefined },
  ]), [r.id]);

  // What arrives while the page is open is told once; what was there before is only listed.
  useSignalEffect(() => {
    const f = arrived.value;
    if (!f || f.kind === 'brief' || f.kind === 'action' || f.kind === 'system') return;
    if (run.peek() && over(run.peek()!)) return;
    if (f.kind === 'hint') toast('warn', f.hint && !f.hint.taken ? `A hint can be taken${f.hint.cost ? ` for ${f.hint.cost} points` : ''}` : 'Hint', f.text || undefined, undefined, 9000);
    else if (f.kind === 'say') toast('info', f.from || 'Message', f.text);
    else announce(f.text);
    arrived.value = null;
  });
  useHeldAnnouncer();
  const unheard = useComputed(() => recommendations.value.length).value;

  return (
    <>
      <header class="top">
        <a class="brand" href="#/" aria-label="Back to the scenarios" title="Scenarios (g h)"><Icon name="back" /></a>
        <h1 class="run-title ell" title={cut(r.title)}>{cut(r.title)}</h1>
        <span class="tag wide">Level {r.level}</span>{r.fast && <span class="tag warn" title="Shortened holds, hints and time limit">fast</span>}
        <Tabs label="Incident" value={tab} pick={pick} items={[
          { id: 'user', label: 'User', icon: 'user', keys: '1' },
          { id: 'observe', label: 'Observability', icon: 'chart', keys: '2' },
          { id: 'test', label: 'Test', icon: 'wrench', keys: '3' },
          { id: 'agent', label: 'Agent', icon: 'bulb', keys: '4', badge: unheard ? <span class="row gap4"><Mark state="agent" size={10} /><span class="sr">{unheard} recommendations</span></span> : undefined },
          ...(terminalOn.value || tab === 'terminal' ? [{ id: 'terminal' as const, label: 'Terminal', icon: 'terminal' as const, keys: '5' }] : []),
        ]} />
        <span class="grow" />
        <button class="btn quiet icon" onClick={themeFlip} aria-label={theme.value === 'dark' ? 'Switch to the light theme' : 'Switch to the dark theme'} title="Theme (c t)"><Icon name={theme.value === 'dark' ? 'sun' : 'moon'} /></button>
        <button class="btn quiet icon wide" onClick={openHelp} aria-label="Show all shortcuts" title="Shortcuts (?)"><Icon name="help" /></button>
        {isOver ? <a class="btn primary" href={href(['run', r.id, 'debrief'])}>Open debrief</a> : <button class="btn" onClick={() => { ending.value = true; }}><Icon name="flag" size={14} /> Mark complete</button>}
      </header>
      <div class={'run' + (link.value === 'stale' || link.value === 'down' ? ' old' : '')}>
        <Sidebar r={r} />
        <main class="run-main" id="main" tabIndex={-1}>
          {isOver && <Over r={r} />}
          {orphan.value === r.id && <div class="over-line" role="status"><Mark state="warn" /><b>The server was started again</b><span class="t2 ell">It is finding out what became of this run. What you see is from before.</span></div>}
          <AutopilotBar r={r} />
          {early(r) && briefSkipped.value !== r.id ? <Briefing r={r} look={() => pick('observe')} /> : (
            <Boundary name="This tab" key={tab}>{tab === 'user' ? <User /> : tab === 'observe' ? <Observe runId={r.id} /> : tab === 'test' ? <Fix runId={r.id} /> : tab === 'terminal' ? <Terminal /> : <Agent />}</Boundary>
          )}
        </main>
      </div>
      <Strip r={r} />
      {ending.value && <EndDialog r={r} close={() => { ending.value = false; }} />}
    </>
  );
}

/* On every tab while the agent acts: nobody may wonder who does that. */
function AutopilotBar({ r }: { r: Run }): JSX.Element | null {
  if (!r.autopilot || over(r)) return null;
  return <div class="over-line" role="status"><Mark state="agent" /><b>The agent acts by itself</b><span class="grow" /><button class="btn" onClick={() => void autopilot(false)}>Stop the agent <kbd aria-hidden="true">a p</kbd></button></div>;
}

/* Tells once when a criterion has been held for its whole time. */
function useHeldAnnouncer(): void {
  const before = useSignal<Record<string, boolean>>({});
  useSignalEffect(() => {
    const now: Record<string, boolean> = {};
    for (const c of criteria.value) {
      now[c.id] = c.held;
      if (c.held && before.peek()[c.id] === false) announce(`${c.title}: held`);
    }
    before.value = now;
  });
}

const WORDS: Record<string, string> = { resolved: 'Solved', time_up: 'Time is up', abandoned: 'Ended', failed: 'The run failed' };

function Over({ r }: { r: Run }): JSX.Element {
  const took = r.onset_ms && r.ended_ms ? ` ${r.outcome === 'resolved' ? 'in' : 'after'} ${duration(r.ended_ms - r.onset_ms)}` : '';
  return (
    <div class={'over-line ' + (r.outcome === 'resolved' ? 'solved' : '')} role="status">
      <Mark state={r.outcome === 'resolved' ? 'ok' : r.outcome === 'failed' ? 'crit' : 'warn'} />
      <b>{WORDS[r.outcome ?? ''] ?? 'Over'}{took}</b>{r.reason && <span class="t2 ell">{cut(sentence(r.reason))}</span>}
      <span class="grow" /><a class="btn primary" href={href(['run', r.id, 'debrief'])}>Open debrief <kbd aria-hidden="true">Enter</kbd></a>
    </div>
  );
}

function EndDialog({ r, close }: { r: Run; close: () => void }): JSX.Element {
  const busy = useSignal(false);
  const open = criteria.value.filter(c => !c.held);
  const finish = async (reason: 'complete' | 'abandoned'): Promise<void> => {
    busy.value = true;
    const ended = await end(r.id, reason);
    busy.value = false;
    if (ended) close();
  };
  return (
    <Dialog title="End this incident" close={close} foot={<>
      <button class="btn quiet" onClick={close}>Go on</button>
      <button class="btn" disabled={busy.value} onClick={() => void finish('abandoned')}>Give up</button>
      <button class="btn primary" disabled={busy.value} onClick={() => void finish('complete')}>Mark complete</button>
    </>}>
      {open.length === 0 ? <p>All criteria are held. Marking it complete records the incident as solved.</p> : <>
        <ProblemBox mild text={`${open.length} of ${criteria.value.length} criteria ${open.length === 1 ? 'is' : 'are'} not held yet. You may still mark it complete: your judgement is recorded together with what was measured.`} />
        <ul class="col gap4" style={{ marginTop: '10px' }}>{open.map(c => <li key={c.id} class="row"><Mark state={waits(c) ? 'off' : c.ok === null ? 'unknown' : c.ok ? 'ok' : 'crit'} /><span class="grow any">{cut(c.title)}</span><span class="t3">{c.ok ? 'met, still to be held' : word(c)}</span></li>)}</ul>
      </>}
      <p class="t3" style={{ marginTop: '12px' }}>Ending puts the system back to its healthy state and opens the debrief.</p>
    </Dialog>
  );
}

export const undoText = (): string => { const a = lastUndoable(); return a ? `Undo ${describe(a)}` : 'Nothing to undo'; };
