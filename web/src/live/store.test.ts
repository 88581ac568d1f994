import { beforeEach, expect, test } from 'vitest';
import type { Criterion, FeedItem, Harm, Message, Run, Snapshot } from './protocol';
import { actions, apply, arrived, criteria, feed, harm, left, metCount, orphan, parts, processes, ready, requests, run, trail } from './store';

let seq = 0;
const tell = (type: string, data: unknown): void => apply({ seq: ++seq, t: Date.now(), type, data } as Message);
const RUN = { id: 'r1', state: 'running', onset_ms: 1000, page_ms: 2000, deadline_ms: 602_000, ended_ms: null, time_limit_ms: 600_000 } as unknown as Run;
const crit = (o: Partial<Criterion>): Criterion => ({ id: 'c', title: 't', kind: 'promql', ok: null, value: null, held: false, ...o }) as Criterion;
const snap = (o: Partial<Snapshot>): void => tell('snapshot', { epoch: 'e', run: RUN, criteria: [], guards: [], feed: [], actions: [], processes: [], server: { version: '1' }, ...o });

beforeEach(() => { snap({ run: null }); arrived.value = null; });

test('a snapshot replaces everything and announces nothing', () => {
  snap({ criteria: [crit({ ok: true })], feed: [{ id: 'f1' } as FeedItem] });
  expect(ready.value).toBe(true);
  expect(metCount.value).toBe(1);
  expect(arrived.value).toBeNull();
  snap({ criteria: [] });
  expect(criteria.value).toEqual([]);
});

test('what users lost belongs to the run that is shown', () => {
  const h = (id: string, n: number): Harm => ({ id, at_ms: 1, requests_lost: n, requests_offered: 9, orders_lost: n, revenue_lost_cents: 0, healthy: {} }) as unknown as Harm;
  snap({ harm: h('r1', 1) });
  tell('harm', h('r1', 2));
  expect(harm.value?.orders_lost).toBe(2);
  tell('harm', h('r0', 9)); // late, of a run before
  expect(harm.value?.orders_lost).toBe(2);
  tell('run', { ...RUN, id: 'r2' });
  expect(harm.value).toBeNull();
});

test('a run survives the death of its server on the page until it is known what became of it', () => {
  snap({ criteria: [crit({ ok: false })] });
  snap({ epoch: 'second life', run: null });
  expect([run.value?.id, criteria.value.length, orphan.value]).toEqual(['r1', 1, 'r1']);
  tell('run', { ...RUN, state: 'ended', outcome: 'failed', reason: 'the server stopped during the run' });
  expect([run.value?.state, orphan.value]).toEqual(['ended', null]);
  snap({ epoch: 'third life', run: null }); // it was over: nothing is waited for
  expect([run.value, orphan.value]).toEqual([null, null]);
});

test('a snapshot of the same life that has no run has none', () => {
  snap({});
  snap({ run: null });
  expect([run.value, orphan.value]).toEqual([null, null]);
});

test('deltas update by id and keep the order', () => {
  snap({ criteria: [crit({ id: 'a' }), crit({ id: 'b' })] });
  tell('criterion', crit({ id: 'a', ok: true, value: 0.99 }));
  expect(criteria.value.map(c => c.id)).toEqual(['a', 'b']);
  expect(criteria.value[0]!.ok).toBe(true);
  expect(trail.get('a')!.at(-1)!.v).toBe(0.99);
});

test('a feed item is announced once, its later change is not', () => {
  snap({});
  tell('feed', { id: 'f1', kind: 'hint', text: '' });
  expect(arrived.value?.id).toBe('f1');
  arrived.value = null;
  tell('feed', { id: 'f1', kind: 'hint', text: 'now taken' });
  expect(arrived.value).toBeNull();
  expect(feed.value).toHaveLength(1);
  expect(feed.value[0]!.text).toBe('now taken');
});

test('another run empties what belonged to the one before', () => {
  snap({ criteria: [crit({})], feed: [{ id: 'f' } as FeedItem] });
  tell('run', { ...RUN, id: 'r2' });
  expect([criteria.value, feed.value, actions.value, requests.value]).toEqual([[], [], [], []]);
  expect(run.value!.id).toBe('r2');
});

test('live requests are bounded', () => {
  snap({});
  for (let i = 0; i < 60; i++) tell('user', { requests: Array.from({ length: 20 }, (_, k) => ({ at_ms: i * 20 + k })) });
  expect(requests.value.length).toBe(300);
});

test('messages of a newer server do no harm', () => {
  snap({});
  tell('something_new', { a: 1 });
  tell('beat', {});
  expect(run.value!.id).toBe('r1');
});

test('the clock begins with the page and stops with the run', () => {
  expect(left(null)).toBeNull();
  expect(left({ ...RUN, deadline_ms: null })).toBeNull();
  expect(left(RUN, 2000)).toBe(600_000);
  expect(left(RUN, 900_000)).toBe(0);
  expect(left({ ...RUN, ended_ms: 302_000 }, 900_000)).toBe(300_000);
});

test('processes stand in the order of a request, without what is not built', () => {
  const p = (name: string, kind: string, built = true): never => ({ name, kind, state: 'up', built }) as never;
  processes.value = [p('postgres', 'component'), p('api', 'service'), p('mq', 'adapter', false), p('gateway', 'service'), p('db', 'adapter'), p('config', 'service'), p('loadgen', 'service')];
  expect(parts.value.map(x => x.name)).toEqual(['loadgen', 'gateway', 'api', 'config', 'db', 'postgres']);
});
