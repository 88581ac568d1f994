import { expect, test } from 'vitest';
import { describe } from './commands';

test('a change is told with its place, and one of the whole shop without', () => {
  expect(describe({ kind: 'config.patch', on: 'api', changed: { worker_threads: { from: 1, to: 8 } } })).toBe('api.worker_threads 1 → 8');
  expect(describe({ kind: 'load.shed', on: '', changed: { admission_percent: { from: 100, to: 70 } } })).toBe('admission_percent 100 → 70');
});
