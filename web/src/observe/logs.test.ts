import { afterEach, beforeEach, describe, expect, it, test, vi } from 'vitest';
import type { LogLine, PromAnswer } from '../live/protocol';
import { flowsOf } from './edges';
import { address } from './grafana';
import { binsOf, counted } from './histogram';
import { collapse } from './logs';
import { join, LINES_MAX, Tail } from './tail';

const l = (time: string, message: string, more: Partial<LogLine> = {}): LogLine => ({ time, message, level: 'info', service: 'api', ...more });
const T = '2026-01-01T00:00:0';

test('the seam of a log tail does not repeat lines', () => {
  const a = l(`${T}1Z`, 'a'), b = l(`${T}2Z`, 'b'), c = l(`${T}2Z`, 'c');
  expect(join([a, b], [{ ...b }, c]).map(x => x.message)).toEqual(['a', 'b', 'c']);
  const known = [a];
  expect(join(known, [{ ...a }])).toBe(known);
  expect(join([l(`${T}1Z`, 'a', { id: 7 })], [l(`${T}1Z`, 'a', { id: 8 })]).length).toBe(2); // two lines that say the same
});

test('lines that repeat are one row, those of traces are not', () => {
  const list = [l(`${T}1Z`, 'x'), l(`${T}2Z`, 'x'), l(`${T}3Z`, 'x'), l(`${T}4Z`, 'y'), l(`${T}5Z`, 'x'), l(`${T}6Z`, 'x', { trace_id: 't' })];
  expect(collapse(list).map(r => `${r.line.message}${r.count} ${r.line.time.slice(-3)}`)).toEqual(['x3 03Z', 'y1 04Z', 'x1 05Z', 'x1 06Z']);
});

test('the histogram holds every line, at its time and level', () => {
  const b = binsOf({ from_ms: 1000, to_ms: 3999, step_ms: 1000, counts: [[1000, 0, 1, 0, 2], [3000, 0, 0, 4, 0]] });
  expect(b.map(x => x.counts)).toEqual([[0, 1, 0, 2], [0, 0, 0, 0], [0, 0, 4, 0]]);
  const c = counted([{ time: `${T}0Z`, level: 'info' }, { time: `${T}5Z`, level: 'error' }, { time: '2026-01-01T00:00:10Z', level: 'odd' }, { time: 'never', level: 'info' }], 10);
  expect(binsOf(c).map(x => x.counts.reduce((s, v) => s + v, 0)).reduce((s, v) => s + v, 0)).toBe(3);
  expect(binsOf(c).map(x => x.counts[3]).reduce((s, v) => s! + v!, 0)).toBe(1);
  expect(binsOf(counted([], 4)).every(x => x.counts.every(v => v === 0))).toBe(true);
});

const vector = (...list: [string, string, number][]): PromAnswer => ({ status: 'success', data: { resultType: 'vector', result: list.map(([service, peer, v]) => ({ metric: { service, peer }, value: [1, String(v)] as [number, string] })) } });
test('the traffic of an edge is its calls, their errors and their mean time', () => {
  const f = flowsOf(vector(['gateway', 'api', 40], ['api', 'postgres', 0]), vector(['gateway', 'api', 10], ['worker', 'payments', 2]), vector(['gateway', 'api', 4]));
  expect(f.get('gateway>api')).toEqual({ rps: 40, errors: 0.25, mean_s: 0.1 });
  expect(f.get('api>postgres')).toEqual({ rps: 0, errors: 0, mean_s: null });
  expect(f.get('worker>payments')).toEqual({ rps: 0, errors: 1, mean_s: null }); // calls that never had an answer
  expect(flowsOf({ status: 'error' }, vector(), vector()).size).toBe(0);
});

describe('Grafana', () => {
  const o = { theme: 'dark', service: '', fixed: null, last: 'run' as const, start: 1000 };
  const q = (more: Partial<Parameters<typeof address>[2]>): Record<string, string> => Object.fromEntries(new URL(address('http://g:3000/', 'b', { ...o, ...more })).searchParams);
  it('gets theme, range and service', () => {
    expect(address('http://g:3000/sub/', 'firedrill-users', o)).toMatch(/^http:\/\/g:3000\/sub\/d\/firedrill-users\?/);
    expect(q({})).toEqual({ kiosk: '', theme: 'dark', from: '1000000', to: 'now', refresh: '5s' });
    expect(q({ last: '5m', theme: 'light', service: 'api' })).toEqual({ kiosk: '', theme: 'light', from: 'now-5m', to: 'now', refresh: '5s', 'var-service': 'api' });
    expect(q({ fixed: { from: 10.5, to: 20 } })).toEqual({ kiosk: '', theme: 'dark', from: '10500', to: '20000' });
    expect(q({ service: 'a&theme=light#x' })['var-service']).toBe('a&theme=light#x');
  });
});

/* The server as a list of answers: each question takes the next; what is beyond waits for ever. */
describe('the tail', () => {
  let asked: string[] = [];
  const answers: { status: number; body: object }[] = [];
  beforeEach(() => {
    asked = [];
    answers.length = 0;
    vi.useFakeTimers();
    vi.stubGlobal('fetch', (url: string) => {
      asked.push(url.replace('/api/v1', ''));
      const a = answers.shift();
      if (!a) return new Promise(() => { /* an answer that does not come */ });
      return Promise.resolve(new Response(JSON.stringify(a.body), { status: a.status, headers: { 'content-type': 'application/json' } }));
    });
  });
  afterEach(() => { vi.unstubAllGlobals(); vi.useRealTimers(); });
  const filter = { service: 'api', q: '', level: '', event: '', trace: '', field: '', not: '' };
  const some = (...ids: number[]): LogLine[] => ids.map(id => l(new Date(id * 1000).toISOString(), `m${id}`, { id }));
  const texts = (t: Tail): string[] => (t.lines.value ?? []).map(x => x.message);

  it('begins with what was and goes on behind it', async () => {
    answers.push({ status: 200, body: { lines: some(1, 2), source: 'logproc', more: false } }, { status: 200, body: { last: 9, lines: some(3) } });
    const t = new Tail(filter, {});
    t.start();
    await vi.advanceTimersByTimeAsync(1000);
    expect(texts(t)).toEqual(['m1', 'm2', 'm3']);
    expect(asked).toEqual(['/logs?service=api&limit=500', '/logs/tail?service=api&after=2&wait_ms=4000&limit=500', '/logs/tail?service=api&after=9&wait_ms=4000&limit=500']);
    expect(t.live.value).toBe(true);
    t.stop();
  });
  it('counts what comes while somebody reads, and holds the lines still when there are many', async () => {
    answers.push({ status: 200, body: { lines: some(1), source: 'logproc' } }, { status: 200, body: { last: 3, lines: some(2, 3) } },
      { status: 200, body: { last: 9000, lines: some(...Array.from({ length: LINES_MAX }, (_, i) => i + 4)) } });
    const t = new Tail(filter, {});
    t.start();
    t.pause();
    await vi.advanceTimersByTimeAsync(200);
    expect([t.missed.value, texts(t).length]).toEqual([2, 3]);
    await vi.advanceTimersByTimeAsync(1000);
    expect([t.missed.value, texts(t).length]).toEqual([2 + LINES_MAX, 3]);
    answers.push({ status: 200, body: { lines: some(9000), source: 'logproc' } });
    t.resume();
    await vi.advanceTimersByTimeAsync(100);
    expect([t.missed.value, texts(t).at(-1)]).toEqual([0, 'm9000']);
    t.stop();
  });
  it('reads the files while logproc is away, says so, and goes back', async () => {
    answers.push({ status: 200, body: { lines: some(1), source: 'logproc' } }, { status: 503, body: { detail: 'logproc does not answer' } },
      { status: 200, body: { lines: some(1).concat(l(`${T}5Z`, 'of a file')), source: 'files', notice: 'from the files' } },
      { status: 200, body: { lines: some(4), source: 'logproc' } }, { status: 200, body: { last: 5, lines: [] } });
    const t = new Tail(filter, {});
    t.start();
    await vi.advanceTimersByTimeAsync(2100);
    expect(t.notice.value).toBe('from the files');
    expect(texts(t)).toContain('of a file');
    await vi.advanceTimersByTimeAsync(2600);
    expect([t.notice.value, t.live.value, asked.at(-1)]).toEqual([null, true, '/logs/tail?service=api&after=5&wait_ms=4000&limit=500']);
    t.stop();
  });
  it('does not follow a range that is over, and asks without waiting where too many wait', async () => {
    answers.push({ status: 200, body: { lines: some(1), source: 'logproc' } });
    const over = new Tail(filter, { from: 0, to: 5000 });
    over.start();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(asked).toEqual(['/logs?service=api&from=0&to=5000&limit=500']);
    asked = [];
    answers.push({ status: 200, body: { lines: [], source: 'logproc' } }, { status: 200, body: { last: 4, lines: [] } }, { status: 429, body: { detail: 'many' } });
    const t = new Tail(filter, {});
    t.start();
    await vi.advanceTimersByTimeAsync(3000);
    expect(asked.slice(1)).toEqual(['/logs/tail?service=api&wait_ms=0&limit=500', '/logs/tail?service=api&after=4&wait_ms=4000&limit=500', '/logs/tail?service=api&after=4&wait_ms=0&limit=500']);
    t.stop();
  });
});
