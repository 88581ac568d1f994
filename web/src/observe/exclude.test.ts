import { expect, test } from 'vitest';
import { exclude, excluded, EXCLUDE_MAX, include } from './exclude';

test('values are left out and taken back one by one', () => {
  const a = exclude('', 'event', 'request.done')!, b = exclude(a, 'at', '10:30')!;
  expect(excluded(b)).toEqual(['event:request.done', 'at:10:30']);
  expect(exclude(b, 'event', 'request.done')).toBe(b); // already
  expect(include(b, 'event:request.done')).toBe('at:10:30');
  expect(include('at:10:30', 'at:10:30')).toBe('');
});

test('what the server would refuse is not offered', () => {
  expect(exclude('', 'k', 'two\nlines')).toBeNull();
  expect(exclude('', 'a:b', 'c')).toBeNull();
  expect(exclude('', '', 'c')).toBeNull();
  expect(exclude('', 'k', 'x'.repeat(3000))).toBeNull();
  const full = Array.from({ length: EXCLUDE_MAX }, (_, i) => `k:${i}`).join('\n');
  expect(exclude(full, 'k', '99')).toBeNull();
});
