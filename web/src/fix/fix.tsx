// The Test tab: processes and their configuration, what will be changed, what was changed by anyone, and the diagnosis.
import { signal, useSignal, useSignalEffect } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import './fix.css';
import { encode, get, Problem, said } from '../live/api';
import { command, looked } from '../live/commands';
import type { Json, ServiceConfig } from '../live/protocol';
import { actions, active, parts } from '../live/store';
import { go, route } from '../live/url';
import { literal, plural } from '../ui/format';
import { Icon } from '../ui/icons';
import { Empty, ProblemBox, Skeleton, Tabs } from '../ui/parts';
import { Mark, processState } from '../ui/status';
import { announce, toast } from '../ui/toast';
import { Diagnosis } from './diagnosis';
import { plan, type Draft, type Plan } from './diff';
import { ConfigForm } from './form';
import { Changes, ConfigHistory } from './history';
import { ProcessPanel } from './process';

/* Edits survive a change of tab and of service: one draft for each service. */
const drafts = signal<Record<string, Draft>>({});
const configs = signal<Record<string, ServiceConfig>>({});
const keep = (service: string, d: Draft): void => { drafts.value = { ...drafts.value, [service]: d }; };

export function Fix({ runId }: { runId: string }): JSX.Element {
  const asked = route.value.parts[3];
  const view = asked === 'history' || asked === 'diagnosis' ? asked : 'services';
  return (
    <div class="fix">
      <div class="subbar">
        <Tabs sub label="Test views" value={view} pick={v => go(['run', runId, 'test', ...(v === 'services' ? [] : [v])], {}, true)} items={[
          { id: 'services', label: 'Services', icon: 'wrench' }, { id: 'history', label: 'All changes', icon: 'list' }, { id: 'diagnosis', label: 'Diagnosis', icon: 'flag' }]} />
      </div>
      {view === 'services' ? <Services runId={runId} /> : view === 'history' ? <div class="fix-page scroll" tabIndex={0} role="region" aria-label="All changes"><Changes /></div> : <Diagnosis runId={runId} />}
    </div>
  );
}

function Services({ runId }: { runId: string }): JSX.Element {
  const asked = route.value.parts[3] ?? route.value.query.service;
  const list = parts.value;
  const p = list.find(x => x.name === asked) ?? list.find(x => x.name === 'api') ?? list[0];
  if (!p) return <Empty title="No process is known yet">The control agent lists them as soon as the system is up.</Empty>;
  const groups: [string, typeof list][] = [['Services', list.filter(x => x.kind === 'service')], ['Adapters', list.filter(x => x.kind === 'adapter')], ['Components', list.filter(x => x.kind === 'component')]];
  return (
    <div class="fix-grid">
      <nav class="fix-list scroll" aria-label="Services" tabIndex={0}>
        {groups.filter(([, l]) => l.length).map(([name, l]) => (
          <section key={name}>
            <h2 class="over">{name}</h2>
            {l.map(x => (
              <button key={x.name} class="fix-item" aria-current={x.name === p.name ? 'true' : undefined} onClick={() => go(['run', runId, 'test', x.name], {}, true)}>
                <Mark state={processState(x.state)} size={14} /><span class="grow ell">{x.name}</span>
                {Object.keys(drafts.value[x.name] ?? {}).length > 0 ? <span class="tag mod">edited</span> : x.state !== 'up' ? <span class="cap">{x.state}</span> : null}
              </button>
            ))}
          </section>
        ))}
      </nav>
      <div class="fix-main scroll" tabIndex={0} role="region" aria-label={`Process and configuration of ${p.name}`}>
        <ProcessPanel p={p} />
        {p.kind === 'component' ? <Component name={p.name} runId={runId} /> : <Config key={p.name} service={p.name} state={p.state} />}
      </div>
      <aside class="fix-side scroll" aria-label="Changes" tabIndex={0}>
        <Pending service={p.name} />
        <section class="fix-changes"><h2 class="over">Changes in this incident</h2><Changes short /></section>
        {p.kind !== 'component' && <ConfigHistory service={p.name} />}
      </aside>
    </div>
  );
}

const VIA: Record<string, string> = { postgres: 'db', redis: 'cache', nats: 'mq' };
function Component({ name, runId }: { name: string; runId: string }): JSX.Element {
  const via = VIA[name];
  return (
    <Empty title={via ? `${name} is configured through ${via}` : `${name} has no configuration here`} action={via ? <button class="btn" onClick={() => go(['run', runId, 'test', via], {}, true)}>Configure {via}</button> : undefined}>
      {via ? 'Adapters stand in front of the real servers and speak for them.' : 'It can be started, stopped and restarted above.'}
    </Empty>
  );
}

/* The effective configuration, read back from the process, never the last thing that was sent. */
async function read(service: string): Promise<void> {
  const c = await get<ServiceConfig>(`/stack/config/${encode(service)}`);
  configs.value = { ...configs.value, [service]: c };
}

function Config({ service, state }: { service: string; state: string }): JSX.Element {
  const error = useSignal<string | null>(null);
  const again = (): void => { read(service).then(() => { error.value = null; }, e => { error.value = said(e); }); };
  useEffect(() => { again(); looked(`config:${service}`); }, [service, state]);
  // Anybody's change to this service makes what is shown here old.
  const moved = actions.value.filter(a => a.on === service && a.state === 'applied').length;
  useEffect(() => { if (configs.peek()[service]) again(); }, [moved]);
  const c = configs.value[service];
  if (!c) return error.value ? <div class="pad"><ProblemBox text={`The configuration of ${service} cannot be read: ${error.value}`} retry={again} /></div> : <Skeleton lines={8} height={26} />;
  const draft = drafts.value[service] ?? {};
  const p = plan(c, draft);
  return (
    <form class="fix-form" aria-label={`Configuration of ${service}`} onSubmit={e => e.preventDefault()}
      onKeyDown={e => { if (e.key === 'Enter' && e.target instanceof HTMLInputElement) { e.preventDefault(); document.querySelector<HTMLButtonElement>('[data-apply]')?.click(); } }}>
      <div class="fix-form-head"><h2>Configuration</h2><span class="tag">{c.version}</span><span class="t3">revision {c.revision}</span><span class="grow" />
        <button type="button" class="btn quiet small" onClick={again} title="Read it again from the process"><Icon name="restart" size={14} /> Read again</button></div>
      {error.value && <ProblemBox mild text={`Shown is what was read last: ${error.value}`} retry={again} />}
      <ConfigForm c={c} draft={draft} errors={{ ...p.errors, ...refusals.value[service] }} off={!active.value}
        set={(key, text) => {
          const d = { ...draft, [key]: text };
          if (text === (c.config[key] === undefined ? '' : toTextOf(c.config[key]!))) delete d[key];
          keep(service, d);
          if (refusals.value[service]?.[key]) refusals.value = { ...refusals.value, [service]: {} };
        }} />
    </form>
  );
}
const toTextOf = (v: Json): string => (Array.isArray(v) ? v.map(String).join('\n') : v === null ? '' : String(v));

/* What the service itself refused, by field. */
const refusals = signal<Record<string, Record<string, string>>>({});

function Pending({ service }: { service: string }): JSX.Element {
  const reason = useSignal('');
  const state = useSignal<'idle' | 'busy' | string>('idle');
  useSignalEffect(() => { void drafts.value; if (state.peek() !== 'busy') state.value = 'idle'; });
  const c = configs.value[service];
  const draft = drafts.value[service] ?? {};
  const p: Plan = c ? plan(c, draft) : { changes: [], errors: {} };
  const wrong = Object.keys(p.errors).length;
  const apply = async (): Promise<void> => {
    if (!c || !p.changes.length || wrong || state.value === 'busy') return;
    state.value = 'busy';
    try {
      const patch: Record<string, Json> = {};
      for (const x of p.changes) patch[x.key] = x.to;
      const a = await command({ kind: 'config.patch', on: service, args: { patch }, reason: reason.value.trim() });
      if (a.state === 'failed') throw new Error(a.detail || 'The service refused the change.');
      await read(service).catch(() => { /* the form says itself that it could not be read again */ });
      keep(service, {});
      refusals.value = { ...refusals.value, [service]: {} };
      reason.value = '';
      state.value = 'idle';
      toast('ok', `${service}: ${plural(p.changes.length, 'change')} applied`, p.changes.map(x => `${x.key} ${literal(x.from)} → ${literal(x.to)}`).join(', '), undefined, 3500);
      announce('Applied');
    } catch (e) {
      if (e instanceof Problem && e.fields.length) refusals.value = { ...refusals.value, [service]: Object.fromEntries(e.fields.map(f => [(f.pointer ?? '').replace(/^\//, ''), f.detail])) };
      state.value = said(e);
    }
  };
  return (
    <section class="pending" aria-label="Pending change">
      <h2 class="over">Before you apply</h2>
      {!active.value ? <p class="t3">The incident is over: the system is healthy again and nothing can be changed.</p>
        : p.changes.length === 0 && !wrong ? <p class="t3">Edit a field: what will change is shown here first.</p> : (
          <>
            <ul class="diff">{p.changes.map(x => <li key={x.key}><code>{x.key}</code><span class="diff-from">{literal(x.from)}</span><Icon name="next" size={12} /><span class="sr">to</span><span class="diff-to">{literal(x.to)}</span></li>)}</ul>
            {wrong > 0 && <p class="crit">{plural(wrong, 'field')} cannot be applied yet.</p>}
            <label class="field"><span>Reason (kept in the history)</span><input class="in" maxLength={300} value={reason.value} onInput={e => { reason.value = e.currentTarget.value; }} onKeyDown={e => { if (e.key === 'Enter') void apply(); }} /></label>
            {state.value !== 'idle' && state.value !== 'busy' && <ProblemBox text={state.value} retry={apply} />}
            <div class="row"><button class="btn primary" data-apply disabled={!p.changes.length || wrong > 0 || state.value === 'busy'} onClick={apply}>{state.value === 'busy' ? 'Applying…' : `Apply to ${service}`}</button>
              <button class="btn quiet" onClick={() => { keep(service, {}); refusals.value = { ...refusals.value, [service]: {} }; }}>Discard</button></div>
          </>)}
    </section>
  );
}
