// The learning page, for instructors: what the recovery agent has learned, in the figures of the last report and of the model that advises.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import './learn.css';
import { BarPlot, LinePlot, type Bar, type Line } from '../charts/plot';
import { get, Problem } from '../live/api';
import { cut, number, percent } from '../ui/format';
import { Empty, ProblemBox, Skeleton, useAsync } from '../ui/parts';
import { Mark } from '../ui/status';

export interface Report {
  own: boolean; curve: { learner: string; episode: number; iqm: number; lo: number; hi: number }[];
  policies: { policy: string; training_seeds: number; metric: string; value: number; lo: number; hi: number }[];
  stability: { policy: string; seconds: number; share_unstable: number }[];
}
export interface Model {
  file: string; in_use: boolean; problem?: string; id?: string; environment?: string; fits?: boolean; purpose?: string; training_seed?: number; name?: string; kind?: string; seed?: number; episodes?: number; steps?: number; train_return?: number; samples?: number;
  ece?: number; coverage?: number; abstention?: number; calibration?: { score: number; p: number }[];
}
interface Learned { report: Report | null; models: Model[] | null }

/* A server without the learning library has no such address: that is an answer, not a failure. */
async function part<T>(path: string, signal: AbortSignal): Promise<T | null> {
  try { return await get<T>(path, { signal }); } catch (e) {
    if (e instanceof Problem && (e.status === 404 || e.status === 501)) return null;
    throw e;
  }
}
async function load(signal: AbortSignal): Promise<Learned> {
  const [report, models] = await Promise.all([part<Report>('/learn/report', signal), part<{ models: Model[] }>('/learn/models', signal)]);
  return { report, models: models?.models ?? null };
}

const groups = <T,>(rows: T[], key: (r: T) => string): Map<string, T[]> => {
  const out = new Map<string, T[]>();
  for (const r of rows) { const k = key(r), l = out.get(k); if (l) l.push(r); else out.set(k, [r]); }
  return out;
};

export const curveLines = (r: Report): Line[] => [...groups(r.curve, c => c.learner)].map(([name, rows]) => ({ name, points: rows.map(c => ({ x: c.episode, y: c.iqm, lo: c.lo, hi: c.hi })) }));
export const stabilityLines = (r: Report): Line[] => [...groups(r.stability, s => s.policy)].map(([name, rows]) => ({ name, step: true, points: rows.map(s => ({ x: s.seconds, y: s.share_unstable })) }));
export const bars = (r: Report, metric: string): Bar[] => r.policies.filter(p => p.metric === metric).map(p => ({ name: p.policy, value: p.value, lo: p.lo, hi: p.hi }));

const METRICS: [string, string][] = [['reward', 'Reward'], ['time_to_stability', 'Time to stability, steps'], ['restarts', 'Restarts'], ['unnecessary_restarts', 'Unnecessary restarts'], ['unstable_steps', 'Unstable steps'], ['recurrence', 'Recurrence'], ['recovery_cost', 'Recovery cost']];

function Policies({ r }: { r: Report }): JSX.Element {
  const names = [...new Set(r.policies.map(p => p.policy))], metrics = METRICS.filter(([m]) => r.policies.some(p => p.metric === m));
  const cell = (policy: string, metric: string): string => {
    const p = r.policies.find(x => x.policy === policy && x.metric === metric);
    return p ? `${number(p.value, 3)} (${number(p.lo, 3)} to ${number(p.hi, 3)})` : '';
  };
  return (
    <section class="panel pad16"><h2>Policies compared</h2><p class="t3">On incidents none of them has seen; in brackets the 95 % interval.</p>
      <div class="scroll" tabIndex={0} role="region" aria-label="Policies compared">
        <table><thead><tr><th>policy</th><th class="num">trainings</th>{metrics.map(([m, label]) => <th class="num" key={m}>{label}</th>)}</tr></thead>
          <tbody>{names.map(n => <tr key={n}><th scope="row" class="any">{cut(n, 100)}</th><td class="num">{r.policies.find(p => p.policy === n)?.training_seeds ?? ''}</td>{metrics.map(([m]) => <td class="num" key={m}>{cell(n, m)}</td>)}</tr>)}</tbody></table>
      </div></section>
  );
}

const ENVIRONMENT: Record<string, string> = { sim1: 'the simulator', 'sim1-fitted': 'the simulator, fitted to this stack', other: 'another simulator' };
/* The one that advises; where none does, the one made for this stack; else the first. */
export const firstModel = (models: Model[]): Model | undefined => models.find(m => m.in_use) ?? models.find(m => m.fits) ?? models[0];

function ModelFacts({ m }: { m: Model }): JSX.Element {
  if (m.problem) return <ProblemBox text={cut(m.problem, 1000)} />;
  const knots = (m.calibration ?? []).map(k => ({ x: k.score, y: k.p }));
  return (
    <>
      <p class="row t2 any"><Mark state={m.in_use ? 'ok' : 'info'} size={14} />{m.in_use ? 'Advises on this server. ' : ''}{cut(m.purpose ?? '')}</p>
      <dl class="facts">
        <div><dt>file</dt><dd class="any">{cut(m.file, 200)}</dd></div><div><dt>id</dt><dd class="any">{cut(m.id ?? '', 200)}</dd></div><div><dt>kind</dt><dd class="any">{cut(m.kind ?? '', 200)}</dd></div><div><dt>trained in</dt><dd>{ENVIRONMENT[m.environment ?? ''] ?? cut(m.environment ?? '', 80)}</dd></div>
        <div><dt>fits this stack</dt><dd>{m.fits ? 'yes' : 'no'}</dd></div><div><dt>training seed</dt><dd>{m.training_seed}</dd></div>
        <div><dt>episodes</dt><dd>{number(m.episodes ?? 0)}</dd></div><div><dt>steps</dt><dd>{number(m.steps ?? 0)}</dd></div>
        <div><dt>calibration error</dt><dd>{number(m.ece ?? NaN, 2)}</dd></div><div><dt>sets cover</dt><dd>{percent(m.coverage ?? 0)} %</dd></div><div><dt>abstains</dt><dd>{percent(m.abstention ?? 0)} %</dd></div><div><dt>decisions measured</dt><dd>{number(m.samples ?? 0)}</dd></div>
      </dl>
      {knots.length > 1 && <LinePlot title="Calibration: what its score is worth" xLabel="score (best minus second best)" yLabel="chance to be right" yFrom={0} yTo={1} lines={[{ name: 'measured on calibration seeds', step: true, points: knots }]} />}
    </>
  );
}

function ModelPart({ models }: { models: Model[] }): JSX.Element | null {
  const [file, choose] = useState('');
  const m = models.find(x => x.file === file) ?? firstModel(models);
  if (!m) return null;
  return (
    <section class="panel pad16"><h2>Models</h2>
      {models.length > 1 && <p class="row"><span aria-hidden="true">Model</span><select class="in pick" aria-label="Model" value={m.file} onChange={e => choose(e.currentTarget.value)}>{models.map(x => <option key={x.file} value={x.file}>{cut(x.file, 80)}{x.in_use ? ' (advises)' : ''}</option>)}</select></p>}
      <ModelFacts m={m} />
    </section>
  );
}

export function Learn(): JSX.Element {
  const { data, error, again } = useAsync(load, []);
  const r = data?.report ?? null;
  const any = r !== null && (r.curve.length > 0 || r.policies.length > 0 || r.stability.length > 0), models = data?.models ?? [];
  return (
    <main class="page learn" id="main" tabIndex={0}>
      <div class="learn-in">
        <h1>Learning</h1>
        <p class="t2">Policies are trained in a simulator of the shop and measured on incidents they have not seen, beside a rule that a person wrote and beside doing nothing.</p>
        {error && <ProblemBox text={`What was learned cannot be read: ${error}`} retry={again} />}
        {!data && !error && <Skeleton lines={6} height={22} />}
        {data && !any && models.length === 0 && (
          <Empty title={data.report === null && data.models === null ? 'This server has no learning library' : 'No policy has been trained yet'}>
            {data.report === null && data.models === null ? 'The agent tab stays silent, and everything else works without it.' : 'Train and measure one with firedrill-learn on the command line, without touching the stack; a report in the folder learn-report of the home appears here.'}
          </Empty>)}
        {r && any && (
          <>
            <p class="row t2"><Mark state="info" size={14} />{r.own ? 'Figures of the report in this home, folder learn-report.' : 'Figures of the registered report that comes with this version.'}</p>
            <div class="learn-plots">
              {r.curve.length > 0 && <section class="panel pad16"><LinePlot title="Reward by episode" xLabel="episodes of training" yLabel="reward (middle half)" lines={curveLines(r)} /></section>}
              {r.stability.length > 0 && <section class="panel pad16"><LinePlot title="Time to stability" xLabel="seconds from the onset" yLabel="share still unstable" yFrom={0} yTo={1} lines={stabilityLines(r)} /></section>}
              {bars(r, 'restarts').length > 0 && <section class="panel pad16"><BarPlot title="Restart frequency" unit="restarts an incident" bars={bars(r, 'restarts')} /></section>}
              {bars(r, 'unnecessary_restarts').length > 0 && <section class="panel pad16"><BarPlot title="Unnecessary restarts" unit="an incident" bars={bars(r, 'unnecessary_restarts')} /></section>}
            </div>
            {r.policies.length > 0 && <Policies r={r} />}
          </>)}
        <ModelPart models={models} />
      </div>
    </main>
  );
}
