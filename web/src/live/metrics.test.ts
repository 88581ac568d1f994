import { describe, expect, test } from 'vitest';
import { Table, latest, onAxis, seriesAdd, seriesAgain, table, ROWS_MAX } from './metrics';

const row = (o: Record<string, number>): Map<string, number> => new Map(Object.entries(o));

describe('Table', () => {
  test('a service that appears later has gaps before', () => {
    const t = new Table('x');
    t.append(10, row({ api: 1 }));
    t.append(11, row({ api: 2, auth: 7 }));
    expect(t.ts).toEqual([10, 11]);
    expect(t.cols.get('auth')).toEqual([null, 7]);
  });
  test('a missing sample is a gap, not the value before', () => {
    const t = new Table('x');
    t.append(10, row({ api: 1 }));
    t.append(11, row({}));
    t.append(12, row({ api: Number.NaN }));
    expect(t.cols.get('api')).toEqual([1, null, null]);
  });
  test('silence is drawn as a gap', () => {
    const t = new Table('x');
    t.append(10, row({ api: 1 }));
    t.append(60, row({ api: 2 }));
    expect(t.ts).toEqual([10, 11, 60]);
    expect(t.cols.get('api')).toEqual([1, null, 2]);
  });
  test('time never runs backwards', () => {
    const t = new Table('x');
    t.append(10, row({ api: 1 }));
    t.append(10, row({ api: 9 }));
    t.append(9, row({ api: 9 }));
    expect(t.ts).toEqual([10]);
  });
  test('it keeps ROWS_MAX rows at most', () => {
    const t = new Table('x');
    for (let i = 0; i < ROWS_MAX + 50; i++) t.append(i, row({ api: i }));
    expect(t.ts.length).toBe(ROWS_MAX);
    expect(t.cols.get('api')!.length).toBe(ROWS_MAX);
    expect(t.ts[0]).toBe(50);
  });
  test('history goes in front and never over what was heard live', () => {
    const t = new Table('x');
    t.append(100, row({ api: 5 }));
    t.prepend([{ metric: { service: 'api' }, values: [[98, '1'], [99, '2'], [100, '99'], [101, '99']] }, { metric: { service: 'auth' }, values: [[99, '3']] }], 1);
    expect(t.ts).toEqual([98, 99, 100]);
    expect(t.cols.get('api')).toEqual([1, 2, 5]);
    expect(t.cols.get('auth')).toEqual([null, 3, null]);
  });
});

test('a series message is split into rule and service', () => {
  const t = Math.floor(Date.now() / 1000) * 1000;
  seriesAdd(t, { 'fd:offered_rps': 40, 'fd:service_rps:rate10s|api': 12.5, 'fd:service_rps:rate10s|auth': 3 });
  expect(latest('fd:offered_rps')).toBe(40);
  expect(latest('fd:service_rps:rate10s', 'api')).toBe(12.5);
  expect(latest('fd:service_rps:rate10s', 'nobody')).toBeNull();
  seriesAdd(t + 1000, { 'fd:offered_rps': 41 });
  expect(table('fd:service_rps:rate10s').cols.get('api')).toEqual([12.5, null]);
  seriesAgain();
  expect(table('fd:service_rps:rate10s').ts).toEqual([]);
});

test('a column on an axis with other seconds: what was known then, and no older than a step of a history', () => {
  const t = table('axis');
  t.prepend([{ metric: { service: 'api' }, values: [[101, '1'], [103, '2'], [105, '3']] }], 2);
  expect(onAxis('axis', 'api', [100, 102, 104, 106, 111, 112])).toEqual([null, 1, 2, 3, 3, null]);
  expect(onAxis('axis', 'auth', [100])).toBeUndefined();
  expect(onAxis('axis', 'api', t.ts)).toBe(t.cols.get('api'));
});
