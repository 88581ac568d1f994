import { expect, test } from 'vitest';
import { ticks } from './plot';

test('ticks are round and cover the range', () => {
  expect(ticks(0, 10, 5)).toEqual([0, 2, 4, 6, 8, 10]);
  expect(ticks(-82, -3, 4)).toEqual([-80, -60, -40, -20]);
  expect(ticks(0, 1, 5).map(t => t.toFixed(1))).toEqual(['0.0', '0.2', '0.4', '0.6', '0.8', '1.0']);
});
test('a range without width has one tick', () => expect(ticks(3, 3, 5)).toEqual([3]));
