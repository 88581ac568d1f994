import { expect, test } from 'vitest';
import { crossings, layers, layout } from './layout';

const e = (s: string) => s.split(' ').filter(Boolean).map(x => ({ from: x.split('>')[0]!, to: x.split('>')[1]! }));

test('what is called stands right of who calls it', () => {
  const l = layers(['user', 'gateway', 'api', 'auth', 'db'], e('user>gateway gateway>api gateway>auth api>db auth>db'));
  expect([...l.entries()]).toEqual([['user', 0], ['gateway', 1], ['api', 2], ['auth', 2], ['db', 3]]);
});
test('a cycle ends', () => {
  const l = layers(['in', 'a', 'b'], e('in>a a>b b>a'));
  expect(l.get('in')).toBe(0);
  expect(l.get('a')! < l.get('b')!).toBe(true);
});
test('strangers in edges and loops to oneself do no harm', () => {
  expect(layers(['a'], e('a>a a>nobody nobody>a')).get('a')).toBe(0);
});
test('no two parts share a place, and sweeps remove a needless crossing', () => {
  const edges = e('a>y b>x');
  const p = layout(['a', 'b', 'x', 'y'], edges);
  expect(new Set([...p.values()].map(v => `${v.layer}/${v.row}`)).size).toBe(4);
  const rows = [0, 1].map(l => [...p.entries()].filter(([, v]) => v.layer === l).sort((u, v) => u[1].row - v[1].row).map(([n]) => n));
  expect(crossings(rows, edges)).toBe(0);
});
test('an empty system has a layout too', () => expect(layout([], []).size).toBe(0));
