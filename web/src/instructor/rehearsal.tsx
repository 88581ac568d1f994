// A dry run on the server's own engine, without a stack: what a learner is told and when, as lanes and as a list. Asked anew as the text changes.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { Problem, said, send } from '../live/api';
import { duration } from '../ui/format';
import { Empty, ProblemBox, Skeleton } from '../ui/parts';
import { Mark, type State } from '../ui/status';

export interface Rehearsal {
  outcome: string; reason: string; page_ms: number | null; ended_ms: number; time_limit_ms: number;
  events: { at_ms: number; kind: string; text: string; on?: string }[];
}
const LANES: { name: string; kinds: string[]; state: State }[] = [
  { name: 'Faults', kinds: ['fault'], state: 'crit' }, { name: 'Red herrings', kinds: ['herring'], state: 'warn' }, { name: 'Told', kinds: ['brief', 'say', 'deploy', 'alert'], state: 'info' },
  { name: 'Hints', kinds: ['hint'], state: 'warn' }, { name: 'Repair', kinds: ['action', 'over'], state: 'agent' }, { name: 'Criteria', kinds: ['met', 'lost', 'held', 'guard'], state: 'ok' },
];
const KIND: Record<string, string> = { met: 'met', lost: 'not met', held: 'held', guard: 'violated', over: 'ends', action: 'repair', state: 'state', say: 'message', brief: 'page' };
const stateOf = (kind: string): State => (kind === 'lost' || kind === 'guard' ? 'crit' : LANES.find(l => l.kinds.includes(kind))?.state ?? 'info');
const WORD: Record<string, [string, State]> = { resolved: ['Resolved', 'ok'], time_up: ['Time runs out', 'warn'], failed: ['The run fails', 'crit'], abandoned: ['Ended', 'warn'] };

export function Rehearse({ text, solutions, ok }: { text: string; solutions: number; ok: boolean }): JSX.Element {
  const who = useSignal(0), fast = useSignal(false), after = useSignal('120');
  const data = useSignal<Rehearsal | null>(null), error = useSignal<string | null>(null);
  const chosen = who.value > solutions ? 0 : who.value;
  useEffect(() => {
    if (!ok) return undefined;
    const abort = new AbortController();
    const timer = setTimeout(() => {
      const q = new URLSearchParams({ solution: String(chosen), after_ms: String(Math.max(0, Number(after.value) || 0) * 1000), ...(fast.value ? { fast: '1' } : {}) });
      send<Rehearsal>('POST', `/scenarios/rehearse?${q}`, text, { signal: abort.signal }).then(d => { data.value = d; error.value = null; },
        e => { if (!abort.signal.aborted) error.value = e instanceof Problem && e.status === 404 ? 'This server cannot rehearse.' : said(e); });
    }, 600);
    return () => { clearTimeout(timer); abort.abort(); };
  }, [text, chosen, fast.value, after.value, ok]);
  return (
    <div class="col">
      <div class="row wrap gap4">
        <label class="row gap4"><span class="t2">If</span><select class="in pick" aria-label="Who acts in the dry run" value={String(chosen)} onChange={e => { who.value = Number(e.currentTarget.value); }}>
          <option value="0">nobody acts</option>{Array.from({ length: solutions }, (_, i) => <option key={i} value={i + 1}>solution {i + 1} is done</option>)}</select></label>
        {chosen > 0 && <label class="row gap4"><span class="t2">after</span><input class="in rehearse-after" inputMode="numeric" aria-label="Seconds after the page" value={after.value} onInput={e => { after.value = e.currentTarget.value.replace(/\D/g, '').slice(0, 5); }} /><span class="t3">s</span></label>}
        <label class="row gap4"><input type="checkbox" checked={fast.value} onChange={e => { fast.value = e.currentTarget.checked; }} /> fast</label>
      </div>
      {!ok ? <Empty title="Not while the text has errors">The dry run follows as soon as the server finds none.</Empty>
        : error.value ? <ProblemBox text={error.value} /> : !data.value ? <Skeleton lines={6} height={18} /> : <Shown r={data.value} />}
      <p class="cap">Played by the engine alone: every fault is felt at once, a repair heals at once. Whether the real system does so is what Verify proves.</p>
    </div>
  );
}

function Shown({ r }: { r: Rehearsal }): JSX.Element {
  const from = Math.min(0, ...r.events.filter(e => e.kind !== 'state').map(e => e.at_ms)), to = Math.max(r.ended_ms, 1);
  const x = (ms: number): number => ((Math.max(from, ms) - from) / (to - from)) * 100;
  const [word, state] = WORD[r.outcome] ?? [r.outcome || 'It does not end', 'unknown' as State];
  return (
    <>
      <p class="row"><Mark state={state} /><b>{word}</b><span class="t2">{r.page_ms === null ? 'nobody is paged' : `paged at ${duration(r.page_ms)}, over at ${duration(r.ended_ms)}`}</span></p>
      {r.outcome === 'failed' && <p class="crit any">{r.reason}</p>}
      <div class="rehearse" role="img" aria-label={`Timeline: ${r.events.filter(e => e.kind !== 'state').length} events in ${duration(r.ended_ms)}`}>
        {LANES.map(l => {
          const list = r.events.filter(e => l.kinds.includes(e.kind));
          return (
            <div class="rehearse-lane" key={l.name}><span class="t3">{l.name}</span><svg viewBox="0 0 100 12" preserveAspectRatio="none" aria-hidden="true">
              <rect x="0" y="5.500" width="100" height="1" fill="var(--line)" />
              {r.page_ms !== null && <rect x={x(r.page_ms)} y="0" width=".4" height="12" fill="var(--warn)" />}
              {list.map((e, i) => <rect key={i} x={Math.min(99.2, x(e.at_ms))} y="2" width=".9" height="8" fill={`var(--${stateOf(e.kind)})`}><title>{`${duration(e.at_ms)} ${e.text}`}</title></rect>)}
            </svg></div>);
        })}
        <div class="rehearse-lane"><span /><span class="row cap"><span>{duration(from)}</span><span class="grow" /><span>{duration(to)}</span></span></div>
      </div>
      <ol class="inst-time">{r.events.filter(e => e.kind !== 'state').slice(0, 200).map((e, n) => (
        <li key={n}><span class="t3">{duration(e.at_ms)}</span><Mark state={stateOf(e.kind)} size={12} /><span class="tag">{KIND[e.kind] ?? e.kind}</span><span class="t2">{e.text.slice(0, 160)}{e.on && e.kind !== 'met' && e.kind !== 'lost' && e.kind !== 'held' ? ` (${e.on})` : ''}</span></li>))}</ol>
    </>
  );
}
