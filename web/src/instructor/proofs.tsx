// The proofs of a scenario on a real stack, as they go: what is asked, in which phase it is, what came out. One scenario at a time.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { said } from '../live/api';
import { second, serverNow } from '../live/clock';
import { active } from '../live/store';
import { verify, verifyLoad, verifyStart, verifyStop, type Proof } from '../live/verify';
import { href } from '../live/url';
import { cut, duration, plural } from '../ui/format';
import { Icon } from '../ui/icons';
import { ProblemBox } from '../ui/parts';
import { Mark, type State } from '../ui/status';

const MARK: Record<Proof['state'], State> = { waiting: 'off', running: 'info', passed: 'ok', failed: 'crit' };
const OVER: Record<string, [string, State]> = { passed: ['Proved', 'ok'], failed: ['Not proved', 'crit'], cancelled: ['Cancelled', 'off'], broken: ['It could not be carried out', 'crit'], running: ['Being proved', 'info'], idle: ['Not proved yet', 'off'] };

export function Proofs({ id, ready, save }: { id: string; ready: boolean; save: () => Promise<boolean> }): JSX.Element {
  const fast = useSignal(true), error = useSignal<string | null>(null), busy = useSignal(false);
  useEffect(() => { void verifyLoad(); }, []);
  void second.value;
  const v = verify.value, mine = v !== null && v.scenario === id && v.state !== 'idle', runs = v?.state === 'running';
  const start = async (): Promise<void> => {
    busy.value = true;
    error.value = null;
    try { if (await save()) await verifyStart(id, fast.value); } catch (e) { error.value = said(e); }
    busy.value = false;
  };
  const [word, state] = OVER[mine ? v.state : 'idle']!;
  const done = mine ? v.proofs.filter(p => p.state === 'passed' || p.state === 'failed').length : 0;
  return (
    <div class="col">
      <p class="row"><Mark state={state} /><b>{word}</b>{mine && <span class="t2">{done} of {v.proofs.length || '…'} {runs ? `· ${duration(serverNow() - v.began_ms)}` : v.ended_ms ? `· took ${duration(v.ended_ms - v.began_ms)}` : ''}{v.fast ? ' · fast' : ''}</span>}</p>
      {runs && <progress class="proof-bar" max={Math.max(1, v.proofs.length)} value={done} aria-label={`${done} of ${plural(v.proofs.length, 'proof')} done`} />}
      <div class="row wrap gap4">
        {runs ? <button class="btn small" onClick={() => void verifyStop().catch(e => { error.value = said(e); })}><Icon name="stop" size={14} /> Cancel</button>
          : <button class="btn small primary" disabled={!ready || busy.value || active.value} onClick={() => void start()}><Icon name="check" size={14} /> Verify</button>}
        {!runs && <label class="row gap4"><input type="checkbox" checked={fast.value} onChange={e => { fast.value = e.currentTarget.checked; }} /> fast</label>}
      </div>
      {error.value && <ProblemBox text={error.value} />}
      {active.value && !runs && <p class="t3">Not while an incident runs: proofs would disturb it.</p>}
      {runs && !mine && <p class="t2"><a href={href(['instructor', v.scenario])}>{v.scenario}</a> is being proved. One at a time.</p>}
      {mine && v.note && <p class="crit any">{cut(v.note, 600)}</p>}
      {mine && <ul class="proofs" aria-label="Proofs">{v.proofs.map(p => (
        <li key={p.name}><Mark state={MARK[p.state]} size={14} /><span class="grow"><b class="any">{cut(p.name, 200)}</b>{p.state === 'running' ? <span class="t2 any"> {cut(p.phase, 80) || 'starting'}…</span> : p.took_ms > 0 && <span class="t3"> {duration(p.took_ms)}</span>}{p.state === 'failed' && <span class="crit any"> {cut(p.reason || p.outcome, 600)}</span>}</span></li>))}</ul>}
      <p class="cap">Each proof is a run of its own on stack {v?.stack ?? 'of its own'}: healthy without the fault, the fault bites, doing nothing fails, every solution passes twice, every wrong fix fails, restarting fails. Minutes each.</p>
    </div>
  );
}
