import { expect, test } from 'vitest';
import { waits, waitsFor, word } from './criterion';
import type { Criterion } from './protocol';

const c = (o: Partial<Criterion>): Criterion => ({ id: 'c', title: 'c', ok: null, held: false, ...o }) as Criterion;

test('not due is not the same as no data', () => {
  expect(word(c({}))).toBe('no data');
  expect(word(c({ due: true }))).toBe('no data');
  expect(word(c({ due: false }))).toBe('not due yet');
  expect(word(c({ due: false, ok: true }))).toBe('met'); // of the time before the incident
  expect(word(c({ due: false, ok: true, held: true }))).toBe('held');
  expect(word(c({ due: true, ok: false }))).toBe('not met');
});

test('it says what is to be held first', () => {
  const all = [c({ id: 'a', title: 'A', held: true }), c({ id: 'b', title: 'B' }), c({ id: 'd', title: 'D' })];
  expect(waitsFor(c({ due: false, after: ['a', 'b'] }), all)).toEqual(['B']);
  expect(waitsFor(c({ due: true, after: ['a', 'b'] }), all)).toEqual([]);
  expect(waits(c({ due: false, ok: false }))).toBe(false);
});
