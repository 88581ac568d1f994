import { expect, test } from 'vitest';
import type { Action } from '../live/protocol';
import { blocker } from './history';

const act = (id: string, on: string, keys: string[], o: Partial<Action> = {}): Action =>
  ({ id, on, kind: 'config.patch', by: 'learner', state: 'applied', undone: false, changed: Object.fromEntries(keys.map(k => [k, { from: 1, to: 2 }])), ...o }) as Action;

test('only a later, standing change of the same key blocks an undo', () => {
  const a = act('a1', 'api', ['x']);
  expect(blocker(a, [a])).toBeNull();
  expect(blocker(a, [a, act('a2', 'api', ['y'])])).toBeNull();
  expect(blocker(a, [a, act('a2', 'auth', ['x'])])).toBeNull();
  expect(blocker(a, [a, act('a2', 'api', ['x'], { undone: true })])).toBeNull();
  expect(blocker(a, [a, act('a2', 'api', ['x'], { state: 'failed' })])).toBeNull();
  expect(blocker(a, [act('a0', 'api', ['x']), a])).toBeNull();
  expect(blocker(a, [a, act('a2', 'api', ['x', 'y'])])?.id).toBe('a2');
});
