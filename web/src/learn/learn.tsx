// The learning page: what the recovery agent has learned. It shows what the server reports, and says plainly when there is nothing.
import type { JSX } from 'preact';
import './learn.css';
import { get, Problem } from '../live/api';
import type { Json } from '../live/protocol';
import { literal, number } from '../ui/format';
import { Empty, ProblemBox, Skeleton, useAsync } from '../ui/parts';

type Row = { [key: string]: Json };
interface Learned { models: Row[]; evaluations: Row[]; missing: boolean }

/* A server without the learning library has no such address: that is an answer, not a failure. */
async function load(signal: AbortSignal): Promise<Learned> {
  const part = async (name: string): Promise<Row[] | null> => {
    try {
      const a = await get<Row>(`/learn/${name}`, { signal });
      const list = Array.isArray(a) ? a : Object.values(a).find(Array.isArray);
      return ((list ?? []) as Json[]).filter((x): x is Row => x !== null && typeof x === 'object' && !Array.isArray(x));
    } catch (e) {
      if (e instanceof Problem && (e.status === 404 || e.status === 501)) return null;
      throw e;
    }
  };
  const [models, evaluations] = [await part('models'), await part('evaluations')];
  return { models: models ?? [], evaluations: evaluations ?? [], missing: models === null && evaluations === null };
}

function Table({ rows, name }: { rows: Row[]; name: string }): JSX.Element {
  const keys = [...new Set(rows.flatMap(r => Object.keys(r)))].filter(k => rows.some(r => r[k] === null || typeof r[k] !== 'object')).slice(0, 10);
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={name}>
      <table><thead><tr>{keys.map(k => <th key={k} class={rows.every(r => typeof r[k] === 'number') ? 'num' : ''}>{k.replace(/_/g, ' ')}</th>)}</tr></thead>
        <tbody>{rows.map((r, i) => <tr key={i}>{keys.map(k => <td key={k} class={typeof r[k] === 'number' ? 'num' : ''}>{typeof r[k] === 'number' ? number(r[k] as number, 4) : r[k] === undefined ? '' : literal(r[k])}</td>)}</tr>)}</tbody></table>
    </div>
  );
}

export function Learn(): JSX.Element {
  const { data, error, again } = useAsync(load, []);
  return (
    <main class="page learn" id="main" tabIndex={0}>
      <div class="learn-in">
        <h1>Learning</h1>
        <p class="t2">Policies are trained in a simulator of the shop and measured on incidents they have not seen, beside a rule that a person wrote and beside doing nothing.</p>
        {error && <ProblemBox text={`What was learned cannot be read: ${error}`} retry={again} />}
        {!data && !error && <Skeleton lines={6} height={22} />}
        {data && !data.models.length && !data.evaluations.length && (
          <Empty title={data.missing ? 'This server has no learning library' : 'No policy has been trained yet'}>
            {data.missing ? 'The agent tab stays silent, and everything else works without it.' : 'Train one with firedrill-learn on the command line: it runs in the simulator, without touching the stack. Results appear here.'}
          </Empty>)}
        {data && data.models.length > 0 && <section class="panel pad16"><h2>Models</h2><Table rows={data.models} name="Models" /></section>}
        {data && data.evaluations.length > 0 && <section class="panel pad16"><h2>Evaluations</h2><Table rows={data.evaluations} name="Evaluations" /></section>}
      </div>
    </main>
  );
}
