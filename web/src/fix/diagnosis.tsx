// What do you think is wrong? Written down before the repair, it stands beside the truth in the debrief.
import { signal, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { post, said } from '../live/api';
import { active, parts } from '../live/store';
import { Mark } from '../ui/status';
import { ProblemBox } from '../ui/parts';

/* The fixed list of docs/scenario-reference.md, Mechanisms, from what users feel to what operators know. */
export const MECHANISMS: [string, string][] = [
  ['algorithm_regression', 'A code path became more expensive'],
  ['concurrency_limit', 'Too few workers or slots for the load'],
  ['connection_pool_exhausted', 'Too few connections, callers wait for one'],
  ['connection_leak', 'Connections are taken and never given back'],
  ['missing_index', 'A query reads far more rows than it needs'],
  ['slow_query', 'A query is slow for a reason other than an index'],
  ['lock_contention', 'Sessions wait for a lock that one of them holds'],
  ['retry_amplification', 'Retries multiply the load'],
  ['timeout_mismatch', 'A timeout is shorter or longer than the work behind it'],
  ['cache_stampede', 'Many callers rebuild the same entry at once'],
  ['cache_ineffective', 'The cache is empty, full, off or thrown out too early'],
  ['stale_data', 'Old data is served as if it were new'],
  ['bad_credentials', 'A secret no longer matches'],
  ['token_expiry', 'Tokens expire too early or too late'],
  ['clock_skew', 'Clocks disagree'],
  ['poison_message', 'One message cannot be processed and blocks the rest'],
  ['slow_consumer', 'Work arrives faster than it is taken, or is redelivered'],
  ['config_error', 'A wrong value was set'],
  ['config_poisoning', 'A wrong value was published and is picked up again and again'],
  ['feature_flag', 'A flag switched on a broken path'],
  ['dependency_slow', 'A dependency is slow or gone, and nothing bounds the wait'],
  ['network_fault', 'The link between two processes is slow, lossy or black-holed'],
  ['resource_exhausted', 'Processor, memory, descriptors, ports or disk run out'],
  ['memory_leak', 'Memory grows until the process dies'],
  ['process_hung', 'A process lives but does nothing'],
  ['process_crash', 'A process dies again and again'],
  ['overload', 'More load than the system was built for'],
  ['recurring_job', 'A scheduled actor breaks it again'],
  ['monitoring_gap', 'The monitoring is blind or wrong'],
  ['false_alarm', 'Nothing is broken'],
];

const form = signal({ component: '', mechanism: '', object: '', affected: [] as string[], note: '' });
const sent = signal<{ run: string; n: number } | null>(null);

export function Diagnosis({ runId }: { runId: string }): JSX.Element {
  const busy = useSignal(false);
  const error = useSignal<string | null>(null);
  const f = form.value;
  const set = (change: Partial<typeof f>): void => { form.value = { ...form.value, ...change }; };
  const names = parts.value.map(p => p.name);
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
