import { expect, test } from 'vitest';
import type { Lane, LaneItem, Standing } from '../live/protocol';
import { laneEnd, laneOrigin, laneSource } from '../compare/table';
import { divergenceText, laneRows } from './compared';

const standing = (at_ms: number, clocks: Record<string, number> = {}): Standing => ({
  state: 'running', at_ms, met: 1, criteria: 2, users: 50, user_minutes_lost: 3, requests_lost: 4, requests_offered: 9, orders_lost: 0, revenue_lost_cents: 0,
  unmet_ms: 0, utility: -1, changes: 1, restarts: 1, unnecessary_restarts: 0, clocks, score: null,
});
const item = (at_ms: number, kind: string, on: string, state = 'applied'): LaneItem => ({ id: 'a1', at_ms, by: 'agent', kind, on, args: {}, state });
const lane = (who: string, more: Partial<Lane> = {}): Lane => ({
  who, policy: who, model: '', source: who === 'you' ? 'you' : 'live', recorded_ms: null, shipped: false, other_model: false, seed: 7, fast: true, assisted: false, state: 'running', outcome: null, reason: '', stopped: '',
  standing: standing(20_000), items: [], ...more,
});

test('every player has a lane, also one who did nothing or is not shown', () => {
  const { rows, items } = laneRows([lane('you', { items: [item(5000, 'process.restart', 'api'), item(6000, 'process.kill', 'api', 'failed')] }), lane('agent', { items: null, standing: null }), lane('rule', { standing: standing(9000, { slo_restored: 8000 }) })]);
  expect(rows.map(r => r[0])).toEqual(['you', 'agent', 'rule']);
  expect(items.filter(i => i.lane === 'you').map(i => i.text)).toEqual(['Restart api', 'in the incident']);
  expect(items.filter(i => i.lane === 'agent')).toEqual([]);
  expect(items.filter(i => i.lane === 'rule').map(i => i.at_ms)).toEqual([8000, 9000]);
});

test('a restart is told as one, not by its process numbers', () => {
  const restart = { ...item(5000, 'process.restart', 'api'), changed: { pid: { from: 1, to: 2 } } };
  expect(laneRows([lane('rule', { items: [restart] })]).items[0]!.text).toBe('Restart api');
  expect(laneRows([lane('rule', { items: [{ ...item(5000, 'load.shed', ''), args: { admit_percent: 70 } }] })]).items[0]!.text).toBe('Let in 70 % of the requests');
});

test('how a lane ended, and that a recording is one', () => {
  expect(laneEnd(lane('agent', { outcome: 'time_up' })).word).toBe('time ran out');
  expect(laneEnd(lane('agent', { stopped: 'stopped when your run ended' })).word).toBe('stopped');
  expect(laneEnd(lane('agent', { state: 'preparing' })).word).toBe('starting its stack');
  expect(laneSource(lane('you'))).toBe('');
  expect(laneSource(lane('agent'))).toBe('live');
  expect(laneSource(lane('agent', { source: 'recorded', recorded_ms: Date.UTC(2026, 4, 3, 12) }))).toBe('recorded 3 May');
  expect(laneOrigin(lane('agent'))).toBe('');
  const shipped = lane('agent', { source: 'recorded', recorded_ms: Date.UTC(2026, 4, 3, 12), shipped: true, model: 'live-1' });
  expect(laneSource(shipped)).toBe('recorded 3 May, shipped');
  expect(laneOrigin(shipped)).toBe('The agent: a recorded run of 3 May 2026 with model live-1, which came with Firedrill.');
  expect(laneSource({ ...shipped, other_model: true })).toBe('recorded 3 May, shipped, other model');
  expect(laneOrigin({ ...shipped, other_model: true })).toContain('The model here is another one now.');
  expect(laneOrigin(lane('rule', { source: 'recorded' }))).toBe('The rule: a recorded run.');
});

test('a first difference in one sentence', () => {
  expect(divergenceText({ with: 'agent', at_ms: 5000, kind: 'only_they', you: null, they: item(5000, 'process.restart', 'api') })).toBe('At 0:05 the agent did what you did not: Restart api.');
  expect(divergenceText({ with: 'rule', at_ms: 5000, kind: 'only_you', you: item(65_000, 'process.kill', 'api'), they: null })).toBe('At 1:05 you did what the rule never did: Kill api.');
  expect(divergenceText({ with: 'rule', at_ms: 5000, kind: 'different', you: item(5000, 'process.kill', 'api'), they: item(9000, 'process.restart', 'worker') })).toBe('You: Kill api at 0:05. The rule: Restart worker at 0:09.');
});
