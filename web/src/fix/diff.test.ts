import { describe, expect, test } from 'vitest';
import type { SchemaProperty, ServiceConfig } from '../live/protocol';
import { limits, parse, plan, toText } from './diff';

const INT: SchemaProperty = { type: 'integer', minimum: 1, maximum: 64, 'x-unit': 'threads' };
const C: ServiceConfig = {
  service: 'api', version: 'v1', revision: 3, config: { threads: 2, ratio: 0.5, on: true, mode: 'a', list: ['x', 'y'], name: '' }, defaults: { threads: 16 },
  schema: { properties: { threads: INT, ratio: { type: 'number' }, on: { type: 'boolean' }, mode: { type: 'string', enum: ['a', 'b'] }, list: { type: 'array', maxItems: 3 }, name: { type: 'string', maxLength: 4 } } },
};

describe('parse', () => {
  test.each([
    ['16', INT, 16, null], [' 16 ', INT, 16, null], ['1e1', INT, 10, null],
    ['0', INT, null, 'must be at least 1'], ['65', INT, null, 'must be at most 64'], ['2.5', INT, null, 'must be a whole number'], ['', INT, null, 'must be a number'], ['abc', INT, null, 'must be a number'], ['Infinity', INT, null, 'must be a number'],
    ['true', { type: 'boolean' } as SchemaProperty, true, null], ['false', { type: 'boolean' } as SchemaProperty, false, null],
    ['c', { type: 'string', enum: ['a', 'b'] } as SchemaProperty, null, 'must be one of a, b'],
    ['12345', { type: 'string', maxLength: 4 } as SchemaProperty, null, 'must be at most 4 characters'],
    ['x\n\n y ', { type: 'array' } as SchemaProperty, ['x', 'y'], null], ['', { type: 'array' } as SchemaProperty, [], null],
  ])('%j', (text, p, value, error) => expect(parse(text, p)).toEqual({ value, error }));
});

describe('plan', () => {
  test('nothing typed is no change', () => expect(plan(C, {})).toEqual({ changes: [], errors: {} }));
  test('the same value typed again is no change', () => expect(plan(C, { threads: '2', list: 'x\ny', name: '', threads2: '1' })).toEqual({ changes: [], errors: {} }));
  test('2.0 is 2', () => expect(plan(C, { threads: '2.0' }).changes).toEqual([]));
  test('a change carries its type', () => expect(plan(C, { threads: '16', on: 'false' }).changes).toEqual([{ key: 'threads', from: 2, to: 16 }, { key: 'on', from: true, to: false }]));
  test('an error keeps the rest of the plan', () => expect(plan(C, { threads: '0', mode: 'b' })).toEqual({ changes: [{ key: 'mode', from: 'a', to: 'b' }], errors: { threads: 'must be at least 1' } }));
});

test('what is in force stands in its field as it would be typed', () => {
  expect([toText(16), toText(true), toText(['a', 'b']), toText(null), toText(undefined)]).toEqual(['16', 'true', 'a\nb', '', '']);
});
test('limits are said in words', () => {
  expect(limits(INT, 16)).toBe('1 to 64 threads · default 16');
  expect(limits({ type: 'array' }, [])).toBe('one on each line · default none');
});
