import { expect, test } from 'vitest';
import { grid, labelText, shortLabels, unitOf } from './explore';
import { rest } from './logs';

test('labels that all share are left out of a legend', () => {
  expect(shortLabels([{ __name__: 'up', service: 'api', job: 'x' }, { __name__: 'up', service: 'auth', job: 'x' }])).toEqual(['api', 'auth']);
  expect(shortLabels([{ __name__: 'up' }])).toEqual(['up']);
  expect(shortLabels([{}])).toEqual(['value']);
});
test('a series as PromQL writes it', () => {
  expect(labelText({ __name__: 'up', a: '1' })).toBe('up{a="1"}');
  expect(labelText({})).toBe('{}');
});
test('samples fall into the grid, what is missing or not a number is a gap', () => {
  const g = grid([{ metric: {}, values: [[10, '1'], [14, 'NaN'], [16, '3']] }], 2, 10, 16);
  expect(g.ts).toEqual([10, 12, 14, 16]);
  expect(g.cols).toEqual([[1, null, null, 3]]);
});
test.each([['fd:service_memory:bytes', 'bytes'], ['fd:user_success:ratio10s', 'ratio'], ['fd:user_latency:p95_10s', 's'], ['histogram_quantile(0.9, x)', 's'], ['fd:offered_rps', '']])('unit of %s', (q, u) => expect(unitOf(q)).toBe(u));

const l = (time: string, message: string) => ({ time, message, level: 'info', service: 'api' });
test('a line is shown with the fields of its own', () => {
  expect(rest({ ...l('2026-01-01T00:00:01Z', 'm'), event: 'request.failed', status: 503, path: '', trace_id: 'x' })).toBe('request.failed status=503');
});
