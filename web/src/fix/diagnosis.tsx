// What do you think is wrong? Written down before the repair, it stands beside the truth in the debrief.
import { signal, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { post, said } from '../live/api';
import { active, processes } from '../live/store';
import { Mark } from '../ui/status';
import { ProblemBox } from '../ui/parts';

/* The mechanisms of docs/scenarios.md, in words; the server decides what it accepts. */
export const MECHANISMS: [string, string][] = [
  ['cpu_regression', 'Code became slower (CPU)'], ['pool_saturation', 'A worker pool is full'], ['connection_limit', 'Too few connections are allowed'],
  ['slow_query', 'Queries became slow'], ['connection_exhaustion', 'Connections are used up'], ['lock_contention', 'Something holds a lock'],
  ['retry_amplification', 'Retries multiply the work'], ['timeout_too_short', 'A timeout is too short'], ['timeout_too_long', 'A timeout is too long'], ['network_latency', 'The network is slow'],
  ['network_loss', 'The network drops or resets'], ['dependency_down', 'Something it needs is down'], ['memory_leak', 'Memory leaks'], ['resource_limit', 'A limit of the system is reached'],
  ['bad_config', 'A configuration value is wrong'], ['credential', 'A password or token is no longer valid'], ['queue_backlog', 'A queue grows'], ['cache_miss', 'The cache does not help'],
  ['overload', 'More load than it can serve'], ['clock_skew', 'A clock is wrong'], ['disk_full', 'A disk is full'], ['other', 'Something else'],
];

const form = signal({ component: '', mechanism: '', object: '', affected: [] as string[], note: '' });
const sent = signal<{ run: string; n: number } | null>(null);

export function Diagnosis({ runId }: { runId: string }): JSX.Element {
  const busy = useSignal(false);
  const error = useSignal<string | null>(null);
  const f = form.value;
  const set = (change: Partial<typeof f>): void => { form.value = { ...form.value, ...change }; };
  const names = processes.value.map(p => p.name);
  const submit = async (e: Event): Promise<void> => {
    e.preventDefault();
    busy.value = true;
    error.value = null;
    try {
      await post(`/runs/${encodeURIComponent(runId)}/diagnosis`, { component: f.component, mechanism: f.mechanism, object: f.object, affected: f.affected, note: f.note });
      sent.value = { run: runId, n: (sent.value?.run === runId ? sent.value.n : 0) + 1 };
    } catch (err) { error.value = said(err); }
    busy.value = false;
  };
  return (
    <div class="fix-page scroll" tabIndex={0} role="region" aria-label="Diagnosis">
      <form class="diagnosis panel pad16" onSubmit={submit}>
        <h2>What is wrong?</h2>
        <p class="t2">Say it before you repair it. It is recorded with its time and shown beside the truth in the debrief. You may change your mind and record again.</p>
        <label class="field"><span>Where is the cause?</span><select class="in" value={f.component} onChange={e => set({ component: e.currentTarget.value })}><option value="">Choose a component</option>{names.map(n => <option key={n}>{n}</option>)}</select></label>
        <label class="field"><span>What kind of fault?</span><select class="in" value={f.mechanism} onChange={e => set({ mechanism: e.currentTarget.value })}><option value="">Choose a mechanism</option>{MECHANISMS.map(([id, text]) => <option key={id} value={id}>{text}</option>)}</select></label>
        <label class="field"><span>Which setting, table or edge, if you know</span><input class="in mono" maxLength={200} placeholder="for example worker_threads" value={f.object} onInput={e => set({ object: e.currentTarget.value })} /></label>
        <fieldset class="affected"><legend class="t2">Which others suffer from it?</legend>
          <div class="row wrap">{names.map(n => <button type="button" key={n} class="chip" aria-pressed={f.affected.includes(n)} onClick={() => set({ affected: f.affected.includes(n) ? f.affected.filter(x => x !== n) : [...f.affected, n] })}>{n}</button>)}</div>
        </fieldset>
        <label class="field"><span>What did you see?</span><textarea class="in" rows={4} maxLength={4000} value={f.note} onInput={e => set({ note: e.currentTarget.value })} /></label>
        {error.value && <ProblemBox text={error.value} />}
        <div class="row"><button class="btn primary" disabled={busy.value || !active.value || !f.component}>{busy.value ? 'Recording…' : 'Record my diagnosis'}</button>
          {sent.value?.run === runId && <span class="row gap4 t2" role="status"><Mark state="ok" /> Recorded{sent.value.n > 1 ? ` (${sent.value.n} times, the last one counts)` : ''}</span>}
          {!f.component && <span class="t3">Choose a component first.</span>}</div>
      </form>
    </div>
  );
}
