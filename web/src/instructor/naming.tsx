// A new scenario, or a copy: asked for its id, which is also the name of its file, and for the pack it goes into. The server keeps the packs.
import { signal, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { encodeId, get, post, Problem, said, send } from '../live/api';
import type { Diagnostic, Pack } from '../live/protocol';
import { go } from '../live/url';
import { Dialog, ProblemBox, useAsync } from '../ui/parts';
import { toast } from '../ui/toast';

export const naming = signal<{ from: { id: string; text: string } | null } | null>(null);

const ID = /^[a-z][a-z0-9-]{2,63}$/;
const NEW = '+';
export const renamed = (text: string, id: string): string => (/^id:.*$/m.test(text) ? text.replace(/^id:.*$/m, `id: ${id}`) : `id: ${id}\n${text}`);
const skeleton = (id: string): string => `schema: 1
id: ${id}
title: Say in a few words what users feel
level: 2
time_limit: 15m
tags: [latency]
objectives:
  - Say what a learner can do afterwards
brief: |
  **Page:** what wakes the learner, without the cause.

load: {profile: steady, rps: 60}
baseline: {settle: 10s}
timeline:
  - {at: 0s, fault: config.set, on: api, args: {worker_threads: 1}, as: deploy, note: 'a change somebody made'}
confirm: {within: 60s, symptom: [not user_p95]}
criteria:
  - {id: user_ok, title: 98 % of user requests succeed, promql: 'fd:user_success:ratio10s', target: '>= 0.98', unit: ratio, hold: 30s}
  - {id: user_p95, title: p95 of user requests below 400 ms, promql: 'fd:user_latency:p95_10s', target: '< 0.4', unit: s, hold: 30s}
truth:
  component: api
  mechanism: concurrency_limit
  object: {key: worker_threads}
  path: [api, gateway]
evidence:
  symptom: [panel:user.latency]
  cause: [config:api.worker_threads]
hints:
  - {after: 90s, text: 'Where does the time go?'}
solutions:
  - [{config.set: {on: api, args: {worker_threads: 16}}}]
wrong_fixes:
  - do: [{process.restart: {on: api}}]
    explain: The setting outlives the restart.
debrief: |
  **What happened.** Write it for somebody who did not find it.
`;

/* What the server refused, with the first findings of its lint: an author must not have to look for them. */
export function refusal(e: unknown): string {
  const found = e instanceof Problem ? ((e.body as { diagnostics?: Diagnostic[] }).diagnostics ?? []).filter(d => d.severity === 'error') : [];
  return said(e) + (found.length ? `: ${found.slice(0, 3).map(d => `line ${d.line}: ${d.message}`).join('; ')}${found.length > 3 ? `, and ${found.length - 3} more` : ''}` : '');
}

/* What is wrong with a name, before the server is asked; null: nothing. */
export function wrongName(id: string, pack: string, fresh: { name: string; title: string }, taken: string[]): string | null {
  if (!ID.test(id)) return 'Id: lower-case letters, digits and hyphens, beginning with a letter, at least three.';
  if (taken.includes(pack && pack !== NEW ? `${pack}/${id}` : id) && pack !== NEW) return 'There is a scenario of that name already.';
  if (pack !== NEW) return null;
  if (!ID.test(fresh.name)) return 'Name of the pack: lower-case letters, digits and hyphens, beginning with a letter, at least three.';
  return fresh.title.trim() === '' ? 'The pack needs a title: what it is about, on one line.' : null;
}

interface NamingProps { from: { id: string; text: string } | null; taken: string[]; close: () => void; saved: (from: string | null) => void }

export function Naming({ from, taken, close, saved }: NamingProps): JSX.Element {
  const id = useSignal(from ? `${from.id.split('/').pop()!}-copy` : 'my-scenario'), pack = useSignal(''), name = useSignal(''), title = useSignal('');
  const error = useSignal<string | null>(null), busy = useSignal(false);
  const packs = useAsync(signal => get<{ packs: Pack[] }>('/packs', { signal }), []);
  const open = (packs.data?.packs ?? []).filter(p => p.ok && p.writable);
  const wrong = wrongName(id.value, pack.value, { name: name.value, title: title.value }, taken);
  const save = async (): Promise<void> => {
    if (wrong || busy.value) return;
    busy.value = true;
    error.value = null;
    let made = '';
    try {
      if (pack.value === NEW) { await post('/packs', { name: name.value, title: title.value.trim() }); made = name.value; pack.value = made; packs.again(); }
      const whole = pack.value ? `${pack.value}/${id.value}` : id.value;
      await send('PUT', `/scenarios/${encodeId(whole)}/source`, from ? renamed(from.text, id.value) : skeleton(id.value));
      saved(from?.id ?? null);
      close();
      go(['instructor', whole]);
      toast('ok', pack.value ? `Saved into the pack ${pack.value}` : 'Saved into your pack', undefined, undefined, 2500);
    } catch (e) { error.value = (made ? `The pack ${made} was made, but the scenario was not saved into it. ` : '') + refusal(e); }
    busy.value = false;
  };
  const enter = (e: KeyboardEvent): void => { if (e.key === 'Enter') { e.preventDefault(); void save(); } };
  const field = (label: string, s: typeof id, max: number, mono = true): JSX.Element => <label class="field"><span>{label}</span><input class={mono ? 'in mono' : 'in'} value={s.value} maxLength={max} onInput={e => { s.value = mono ? e.currentTarget.value.trim() : e.currentTarget.value; error.value = null; }} onKeyDown={enter} /></label>;
  return (
    <Dialog title={from ? `Save ${from.id} as your own` : 'New scenario'} close={close} foot={<>
      <button class="btn quiet" onClick={close}>Cancel</button><button class="btn primary" disabled={wrong !== null || busy.value} onClick={() => void save()}>{busy.value ? 'Saving…' : 'Save'}</button></>}>
      {field('Id, which is also the name of its file', id, 64)}
      <label class="field"><span>Pack it goes into</span><select class="in pick" value={pack.value} onChange={e => { pack.value = e.currentTarget.value; error.value = null; }}>
        <option value="">Your own scenarios, in this home</option>{open.map(p => <option key={p.name} value={p.name}>{p.title.slice(0, 80)} ({p.name})</option>)}<option value={NEW}>A new pack…</option></select></label>
      {pack.value === NEW && <>{field('Name of the pack, which is also its folder', name, 64)}{field('Title of the pack', title, 100, false)}</>}
      {packs.error && <p class="t2" role="status">The packs cannot be listed ({packs.error}); your own scenarios can be saved all the same.</p>}
      {wrong ? <p class="t2" role="status">{wrong}</p> : <p class="t3">{pack.value === NEW ? 'The pack is made in the folder packs of this home; it can be given to others as it is. ' : ''}{from ? 'The one it was made from stays as it is.' : 'It begins as a small incident that works.'}</p>}
      {error.value && <ProblemBox text={error.value} />}
    </Dialog>
  );
}
