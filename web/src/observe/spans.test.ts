import { describe, expect, it } from 'vitest';
import type { Span } from '../live/protocol';
import { pick } from '../live/traces';
import { all, level, matches, own_ms, parents, rowsOf, tickDigits, ticks } from './spans';

const span = (span_id: string, at_ms: number, duration_ms: number, children: Span[] = [], more: Partial<Span> = {}): Span =>
  ({ span_id, parent_id: '', service: 'api', name: span_id, kind: 'server', start_us: 0, duration_ms, failed: false, attrs: {}, at_ms, critical: false, children, ...more });
/* gateway 0..100: api 10..90: sql 20..50, redis 40..60, mq 85..95 (longer than its parent) */
const tree = [span('gateway', 0, 100, [span('api', 10, 80, [span('sql', 20, 30), span('redis', 40, 20), span('mq', 85, 10)])])];
const ids = (rows: { span: Span }[]): string => rows.map(r => r.span.span_id).join(' ');

describe('spans', () => {
  it('are rows in the order of the tree, with their depth', () => {
    expect(rowsOf(tree, new Set()).map(r => `${r.depth} ${r.span.span_id} ${r.open}`)).toEqual(['0 gateway true', '1 api true', '2 sql false', '2 redis false', '2 mq false']);
    expect(ids(rowsOf(tree, new Set(['api'])))).toBe('gateway api');
    expect(rowsOf(tree, new Set(['api']))[1]!.open).toBe(false);
    expect(parents(tree)).toEqual(['gateway', 'api']);
  });
  it('open and close level by level', () => {
    const one = level(tree, new Set(), false);
    expect(ids(rowsOf(tree, one))).toBe('gateway api');
    const two = level(tree, one, false);
    expect(ids(rowsOf(tree, two))).toBe('gateway');
    expect(ids(rowsOf(tree, level(tree, two, true)))).toBe('gateway api');
    expect(level(tree, new Set(), true).size).toBe(0); // nothing left to open
  });
  it('have time of their own: what no child covers', () => {
    expect(own_ms(tree[0]!)).toBe(20);                       // 100 - 80
    expect(own_ms(tree[0]!.children[0]!)).toBe(35);          // 10..90 without 20..60 and 85..90
    expect(own_ms(tree[0]!.children[0]!.children[0]!)).toBe(30);
  });
  it('are as deep as they like', () => {
    let s = span('s0', 0, 1);
    for (let i = 1; i < 20_000; i++) s = span(`s${i}`, 0, 1, [s]);
    expect(rowsOf([s], new Set()).length).toBe(20_000);
    expect(all([s]).length).toBe(20_000);
  });
  it('are found by service, name, and attribute', () => {
    const s = span('x', 0, 1, [], { service: 'worker', name: 'settle', attrs: { order_id: 17 } });
    expect([matches(s, 'WORK'), matches(s, 'order_id=17'), matches(s, 'order_id=18'), matches(s, '')]).toEqual([true, true, false, true]);
  });
  it('stand under an axis of round numbers', () => {
    expect(ticks(480)).toEqual([0, 100, 200, 300, 400]);
    expect(ticks(0.9)).toEqual([0, 0.2, 0.4, 0.6, 0.8]);
    expect(ticks(0)).toEqual([0]);
    expect(ticks(100, 230)).toEqual([240, 260, 280, 300, 320]);
    expect(ticks(1, 230.1)).toEqual([230.2, 230.4, 230.6, 230.8, 231]);
    expect([tickDigits(100), tickDigits(1), tickDigits(0.1), tickDigits(5000), tickDigits(0)]).toEqual([0, 1, 2, 0, 0]);
  });
});

describe('exemplars', () => {
  const e = (trace_id: string, value: string, timestamp: number) => ({ labels: { trace_id }, value, timestamp });
  it('are those whose trace was kept, each trace once, the slowest first', () => {
    expect(pick([e('a', '0.1', 1), e('a', '0.3', 2), e('b', '2', 3), e('gone', '9', 4), e('c', 'NaN', 5)], new Set(['a', 'b', 'c'])))
      .toEqual([{ t: 3, v: 2, trace: 'b' }, { t: 2, v: 0.3, trace: 'a' }]);
    expect(pick(Array.from({ length: 50 }, (_, i) => e(`t${i}`, String(i), i)), new Set(Array.from({ length: 50 }, (_, i) => `t${i}`))).length).toBe(12);
  });
});
