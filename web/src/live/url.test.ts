import { expect, test } from 'vitest';
import { format, parse } from './url';

test.each([
  ['', [], {}],
  ['#/', [], {}],
  ['#/run/r12/observe/charts?service=api&last=5m', ['run', 'r12', 'observe', 'charts'], { service: 'api', last: '5m' }],
  ['#/s/a%2Fb', ['s', 'a/b'], {}],
  ['#/s/%E0%A4%A', ['s', '%E0%A4%A'], {}],
  ['#/x?q=sum(rate(a%5B1m%5D))%20%3E%200', ['x'], { q: 'sum(rate(a[1m])) > 0' }],
])('parse %s', (hash, parts, query) => expect(parse(hash)).toEqual({ parts, query }));

test('what is written can be read again', () => {
  const q = { q: 'a{b="c&d#e"} / 2', service: 'x y' };
  expect(parse(format(['run', 'r1', 'a?b'], q))).toEqual({ parts: ['run', 'r1', 'a?b'], query: q });
});
