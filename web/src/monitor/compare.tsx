// Runs side by side: what came out, how fast, at what cost, with how much help. From their debriefs.
import type { JSX } from 'preact';
import { encode, get, said } from '../live/api';
import type { Debrief } from '../live/protocol';
import { href } from '../live/url';
import { cut, duration, money, number } from '../ui/format';
import { Icon } from '../ui/icons';
import { Skeleton, useAsync } from '../ui/parts';

type Column = { id: string; d: Debrief } | { id: string; error: string };
const time = (ms: number | null | undefined): string => (ms === null || ms === undefined || ms < 0 ? 'never' : duration(ms));
const OUTCOME: Record<string, string> = { resolved: 'solved', time_up: 'time ran out', abandoned: 'given up', failed: 'failed' };

/* label, what a run says, and which way is better: the best of a row is marked where all can be compared. */
export const FIGURES: { label: string; text: (d: Debrief) => string; rank?: (d: Debrief) => number | null }[] = [
  { label: 'Outcome', text: d => OUTCOME[d.run.outcome ?? ''] ?? d.run.state },
  { label: 'Score', text: d => (d.score ? number(d.score.total, 3) : 'not scored'), rank: d => (d.score ? -d.score.total : null) },
  { label: 'Alert fired', text: d => time(d.clocks.alert_fired) },
  { label: 'Component found', text: d => time(d.clocks.component_found), rank: d => pos(d.clocks.component_found) },
  { label: 'Effective action', text: d => time(d.clocks.effective_action), rank: d => pos(d.clocks.effective_action) },
  { label: 'Users well again', text: d => time(d.clocks.slo_restored), rank: d => pos(d.clocks.slo_restored) },
  { label: 'Held', text: d => time(d.clocks.held), rank: d => pos(d.clocks.held) },
  { label: 'Requests lost', text: d => (d.users ? number(d.users.requests_lost, 4) : 'no data'), rank: d => d.users?.requests_lost ?? null },
  { label: 'Orders lost', text: d => (d.users ? number(d.users.orders_lost, 4) : 'no data'), rank: d => d.users?.orders_lost ?? null },
  { label: 'Money lost', text: d => (d.users ? money(d.users.revenue_lost_cents) : 'no data'), rank: d => d.users?.revenue_lost_cents ?? null },
  { label: 'Changes made', text: d => String(d.actions.filter(a => a.by === 'learner' || a.by === 'agent').length) },
  { label: 'Restarts', text: d => String(d.actions.filter(a => a.kind === 'process.restart' && a.state === 'applied').length) },
  { label: 'Hints taken', text: d => String((d.hints ?? []).filter(h => h.taken && h.cost > 0).length) },
  { label: 'Advice', text: d => ({ live: 'beside the run', after: 'afterwards', off: 'off' })[d.run.advice ?? 'after'] ?? '' },
  { label: 'Guards violated', text: d => String((d.guards ?? []).filter(g => g.violated_at_ms !== null).length) },
  { label: 'Diagnosis', text: d => { const x = d.diagnosis?.[d.diagnosis.length - 1]; return x ? `${cut(x.component, 60)}: ${cut(x.mechanism, 60)}` : 'none'; } },
];
const pos = (ms: number | null | undefined): number | null => (ms === null || ms === undefined || ms < 0 ? null : ms);

/* Which columns are best in a row; none when it is the same everywhere. */
export function best(columns: (Debrief | null)[], rank?: (d: Debrief) => number | null): boolean[] {
  const ranks = columns.map(d => (d && rank ? rank(d) : null)), known = ranks.filter((x): x is number => x !== null);
  const top = Math.min(...known);
  return ranks.map(x => x !== null && known.length > 1 && x === top && known.some(k => k !== top));
}

export function Compare({ ids, drop }: { ids: string[]; drop: (id: string) => void }): JSX.Element {
  const { data } = useAsync(signal => Promise.all(ids.map((id): Promise<Column> =>
    get<Debrief>(`/runs/${encode(id)}/debrief`, { signal }).then(d => ({ id, d }), e => ({ id, error: said(e) })))), [ids.join(',')]);
  if (!data) return <section class="panel pad16" aria-label="Compared"><Skeleton lines={8} height={22} /></section>;
  const found = data.map(c => ('d' in c ? c.d : null));
  return (
    <section class="panel pad16" aria-label="Compared"><h2>Side by side</h2>
      <div class="scroll" tabIndex={0} role="region" aria-label="Comparison of runs">
        <table class="compare"><thead><tr><td />{data.map(c => <th key={c.id} scope="col"><span class="row gap4"><a href={href(['run', c.id, 'debrief'])}>{c.id}</a><button class="btn quiet icon small" aria-label={`Take ${c.id} out of the comparison`} onClick={() => drop(c.id)}><Icon name="close" size={12} /></button></span><span class="t2 ell" title={'d' in c ? c.d.run.title : ''}>{'d' in c ? c.d.run.title : c.error}</span></th>)}</tr></thead>
          <tbody>{FIGURES.map(f => { const top = best(found, f.rank); return (
            <tr key={f.label}><th scope="row">{f.label}</th>{data.map((c, i) => <td key={c.id} class={top[i] ? 'best' : ''}>{'d' in c ? f.text(c.d) : ''}{top[i] && <span class="sr"> (best)</span>}</td>)}</tr>); })}</tbody></table>
      </div>
    </section>
  );
}
