import { expect, test } from 'vitest';
import { cluster, ticks } from './debrief/lanes';
import { step } from './debrief/step';
import { durationOf, listOf } from './instructor/preview';
import { filter } from './library/library';
import { describe } from './live/commands';
import type { ScenarioCard } from './live/protocol';
import { score } from './palette';
import { bodyOf, curl, products } from './user/shop';

test('the palette wants all letters in order', () => {
  expect(score('Configure api', 'cfgapi')).not.toBeNull();
  expect(score('Configure api', 'xapi')).toBeNull();
  expect(score('Configure api', 'api')! < score('Restart api', 'api', true)!).toBe(true);
});

test('a change of the whole shop names no place', () => {
  expect(describe({ kind: 'load.shed', args: { admit_percent: 70 } })).toBe('Shed load');
  expect(describe({ kind: 'load.shed', on: 'gateway', args: { admit_percent: 70 } })).toBe('Shed load on gateway');
});

const card = (id: string, o: Partial<ScenarioCard> = {}): ScenarioCard => ({ id, title: id, level: 1, tags: [], brief: '', objectives: [], order: null, pack: null, time_limit_ms: 1, difficulty: null, best: null, problems: [], ...o }) as ScenarioCard;
test('the library filters by words, level, tag and result, and shows the path first', () => {
  const all = [card('zeta'), card('b', { order: 2, tags: ['cpu'] }), card('a', { order: 1, level: 3, best: { outcome: 'resolved', took_ms: 1 } })];
  const ids = (q: Record<string, string>): string[] => filter(all, q).map(s => s.id);
  expect(ids({})).toEqual(['a', 'b', 'zeta']);
  expect(ids({ level: '3' })).toEqual(['a']);
  expect(ids({ tag: 'cpu' })).toEqual(['b']);
  expect(ids({ state: 'resolved' })).toEqual(['a']);
  expect(ids({ state: 'new' })).toEqual(['b', 'zeta']);
  expect(ids({ find: 'CPU b' })).toEqual(['b']);
});

test('the shop reads what a gateway in trouble sends', () => {
  expect(bodyOf({ status: 502, latency_ms: 1, headers: {}, body: '<html>' })).toBe('<html>');
  expect(products({ products: [{ id: 1, name: 'Lamp', price_cents: 5 }, null, 'x'] })).toEqual([{ id: 1, name: 'Lamp', price_cents: 5, category: '' }]);
  expect(products('nonsense')).toEqual([]);
  expect(products(null)).toEqual([]);
});
test('a copied curl survives quotes', () => { expect(curl('POST', '/orders {"email":"o\'neil@x"}', 'http://h')).toContain("o'\\''neil"); });

test('marks near each other become one', () => {
  const i = (at_ms: number) => ({ at_ms, lane: 'view', text: '' });
  expect(cluster([i(5), i(0), i(100)], 10).map(c => c.map(x => x.at_ms))).toEqual([[0, 5], [100]]);
});
test.each([[0, 60_000, 7], [0, 1_200_000, 5], [-30_000, 40_000, 8]])('ticks from %d to %d', (a, b, n) => expect(ticks(a, b).length).toBe(n));
test('a solution in words', () => {
  expect(step({ kind: 'config.set', on: 'api', args: { worker_threads: 16 } })).toBe('Set on api: worker_threads = 16');
  expect(step({ 'process.restart': { on: 'worker' } })).toBe('Restart worker');
});

test.each([['90s', 90_000], ['2m', 120_000], ['1h30m', 5_400_000], ['250ms', 250], ['0', 0], ['soon', null], ['', null]])('duration %s', (t, ms) => expect(durationOf(t)).toBe(ms));
test('the preview reads flow and block items', () => {
  const y = 'a: 1\ntimeline:\n  - {at: 0s, fault: config.set, on: api}\n  - at: 90s\n    say: {from: boss, text: "hm"}\nb: 2\n';
  expect(listOf(y, 'timeline').map(i => i.fields.map(f => f.key))).toEqual([['at', 'fault', 'on'], ['at', 'say']]);
  expect(listOf(y, 'nothing')).toEqual([]);
  expect(listOf(': : :', 'timeline')).toEqual([]);
});
