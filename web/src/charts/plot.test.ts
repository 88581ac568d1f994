import { expect, test } from 'vitest';
import { drawable, ticks } from './plot';

test('ticks are round and cover the range', () => {
  expect(ticks(0, 10, 5)).toEqual([0, 2, 4, 6, 8, 10]);
  expect(ticks(-82, -3, 4)).toEqual([-80, -60, -40, -20]);
  expect(ticks(0, 1, 5).map(t => t.toFixed(1))).toEqual(['0.0', '0.2', '0.4', '0.6', '0.8', '1.0']);
});
test('a range without width has one tick', () => expect(ticks(3, 3, 5)).toEqual([3]));

test('what is no number is not drawn', () => {
  const p = (x: unknown, y: unknown, more = {}): { x: number; y: number } => ({ x, y, ...more }) as { x: number; y: number };
  const lines = drawable([{ name: 'a', points: [p(1, 2, { lo: 1, hi: 3 }), p(null, 2), p(2, 'x'), p(3, NaN), p(4, 5, { lo: 'x', hi: 6 })] }, { name: 'none', points: [p('x', 1)] }]);
  expect(lines).toEqual([{ name: 'a', points: [{ x: 1, y: 2, lo: 1, hi: 3 }, { x: 4, y: 5 }] }]);
});
