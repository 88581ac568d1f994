// Who changed what: everything in this incident with its undo, and the configuration history that a service keeps itself.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { encode, get } from '../live/api';
import { describe, looked, undo } from '../live/commands';
import type { Action, ConfigEntry } from '../live/protocol';
import { actions, active } from '../live/store';
import { at, clockOf, literal } from '../ui/format';
import { Icon } from '../ui/icons';
import { Empty, useAsync } from '../ui/parts';
import { Mark, type State } from '../ui/status';

const WHO: Record<string, { word: string; state: State }> = {
  learner: { word: 'You', state: 'ok' }, agent: { word: 'Agent', state: 'agent' }, scenario: { word: 'Scenario', state: 'info' }, engine: { word: 'Engine', state: 'off' },
};
const who = (by: string): { word: string; state: State } => WHO[by] ?? { word: by, state: 'info' };

/* A later change of the same key stands on this one: undoing it would silently take that away too. */
export function blocker(a: Action, all: Action[]): Action | null {
  const keys = Object.keys(a.changed ?? {});
  if (!keys.length) return null;
  const from = all.indexOf(a);
  return all.slice(from + 1).find(b => b.on === a.on && b.state === 'applied' && !b.undone && b.kind !== 'undo' && Object.keys(b.changed ?? {}).some(k => keys.includes(k))) ?? null;
}

function Row({ a, all }: { a: Action; all: Action[] }): JSX.Element {
  const busy = useSignal(false);
  const w = who(a.by);
  const block = blocker(a, all);
  const can = a.undo !== null && !a.undone && a.state === 'applied' && a.kind !== 'undo' && active.value && (a.by === 'learner' || a.by === 'agent');
  const press = async (): Promise<void> => { busy.value = true; await undo(a); busy.value = false; };
  return (
    <li class={'change' + (a.undone ? ' undone' : '')} data-action={a.id}>
      <div class="row"><span class="t3 change-at">{at(a.at_ms)}</span><Mark state={a.state === 'failed' ? 'crit' : w.state} size={12} /><b>{w.word}</b><span class="grow" />
        {a.undone && <span class="tag">undone{a.undone_by ? ` by ${a.undone_by}` : ''}</span>}
        {can && <button class="btn small" disabled={busy.value || block !== null} title={block ? `A later change stands on it: ${describe(block)}. Undo that first.` : undefined} onClick={press}><Icon name="undo" size={12} /> Undo</button>}
      </div>
      <p class="change-what">{a.kind === 'undo' ? `Undo of ${String(a.args.action ?? 'a change')}` : describe(a)}</p>
      {a.state === 'failed' && <p class="crit">{a.detail || 'failed'}</p>}
      {a.reason && <p class="t3">{a.reason}</p>}
    </li>
  );
}

export function Changes({ short }: { short?: boolean }): JSX.Element {
  const all = actions.value;
  const list = [...all].reverse().slice(0, short ? 20 : 500);
  if (!list.length) return short ? <p class="t3">Nothing has been changed yet.</p> : <Empty title="Nothing has been changed yet">Every change by you, by the agent or by the scenario is listed here, with its undo.</Empty>;
  return <ul class={'changes' + (short ? '' : ' long')}>{list.map(a => <Row key={a.id} a={a} all={all} />)}</ul>;
}

export function ConfigHistory({ service }: { service: string }): JSX.Element {
  const moved = actions.value.filter(a => a.on === service).length;
  const { data, error } = useAsync(signal => get<{ entries: ConfigEntry[] }>(`/stack/config/${encode(service)}/history`, { signal }), [service, moved]);
  const list = [...(data?.entries ?? [])].reverse().slice(0, 40);
  useEffect(() => { if (list.length) looked(`history:${service}`); }, [service, list.length]);
  return (
    <section class="fix-changes"><h2 class="over">History kept by {service}</h2>
      {error ? <p class="t3">{error}</p> : list.length === 0 ? <p class="t3">No change since it was first started.</p> : (
        <ul class="changes">{list.map(e => {
          const w = who(e.author);
          return (
            <li class="change" key={e.revision}>
              <div class="row"><span class="t3 change-at">{clockOf(e.at_ms)}</span><Mark state={w.state} size={12} /><b class="ell">{w.word}</b><span class="grow" /><span class="cap">rev {e.revision}</span></div>
              <p class="change-what">{Object.entries(e.changed ?? {}).map(([k, v]) => `${k} ${literal(v.from)} → ${literal(v.to)}`).join(', ') || 'no value changed'}</p>
              {e.reason && <p class="t3">{e.reason}</p>}
            </li>);
        })}</ul>)}
    </section>
  );
}
