import { expect, test } from 'vitest';
import { at, bytes, criterionUnit, duration, money, number, percent, sentence, split, value } from './format';

test.each([[0, '0:00'], [59_999, '0:59'], [61_000, '1:01'], [3_600_000, '1:00:00'], [-5, '0:00'], [null, 'not yet'], [Number.NaN, 'not yet']])('duration %s', (ms, text) => expect(duration(ms)).toBe(text));
test.each([[0, '0:00'], [-20_000, '-0:20'], [250_000, '4:10']])('at %s', (ms, text) => expect(at(ms)).toBe(text));
test.each([[0, '0'], [0.5, '0.5'], [12.345, '12.3'], [123.4, '123'], [9999, '9999'], [12_345, '12.3k'], [2_500_000, '2.5M'], [0.0001, '1.0e-4'], [-3.14159, '-3.14']])('number %s', (v, text) => expect(number(v)).toBe(text));
test('a redrawn number keeps its zeros', () => { expect(number(1, 3, true)).toBe('1.00'); expect(number(40.2, 3, true)).toBe('40.2'); });
test.each([[1, '100'], [0, '0'], [0.9999, '99.99'], [0.99999, '99.99'], [0.982, '98.2'], [0.0004, '0.04'], [0.5, '50']])('percent %s', (v, text) => expect(percent(v)).toBe(text));
test.each([[0.0004, 's', ['400', 'µs']], [0.416, 's', ['416', 'ms']], [2.69, 's', ['2.69', 's']], [300, 's', ['5', 'min']], [0, 's', ['0', 'ms']], [0.98, 'ratio', ['98', '%']], [1536, 'bytes', ['1.5', 'KiB']], [null, 's', ['no data', '']], [Number.NaN, '', ['no data', '']], [7, 'threads', ['7', 'threads']]])('split %s %s', (v, u, out) => expect(split(v, u)).toEqual(out));
test('value joins number and unit', () => { expect(value(0.5, 'ratio')).toBe('50 %'); expect(value(12, '')).toBe('12'); });
test.each([[0, '0 B'], [1023, '1023 B'], [1048576, '1.0 MiB'], [12 * 1048576, '12 MiB']])('bytes %s', (v, text) => expect(bytes(v)).toBe(text));
test.each([[0, '$0.00'], [123456, '$1,234.56'], [-50, '-$0.50']])('money %s', (v, text) => expect(money(v)).toBe(text));
test('a ratio is known by its unit or by the name of its rule', () => {
  expect(criterionUnit({ unit: 's', promql: 'fd:user_success:ratio10s' })).toBe('s');
  expect(criterionUnit({ unit: '', promql: 'fd:user_success:ratio10s' })).toBe('ratio');
  expect(criterionUnit({ unit: '', promql: 'fd:offered_rps' })).toBe('');
});
test('the outcome is not said twice', () => { expect(sentence('resolved: all criteria are met')).toBe('All criteria are met'); expect(sentence('')).toBe(''); });

test('bytes have the same words whichever way their unit is written', () => {
  expect(value(21_810_000, 'B')).toBe(value(21_810_000, 'bytes'));
});
