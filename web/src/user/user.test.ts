import { expect, test } from 'vitest';
import type { Harm } from '../live/protocol';
import { lostTiles } from './user';

const harm = (o: Partial<Harm> = {}): Harm => ({ id: 'r1', at_ms: 60_000, requests_lost: 220, requests_offered: 440, orders_lost: 22.4, revenue_lost_cents: 123_456, healthy: { success: 1, latency_p95_s: null, goodput_rps: 40, orders_rps: 3 }, ...o });

test('orders and money lost stand beside the healthy expectation', () => {
  const t = lostTiles(harm(), 500);
  expect([t.orders.n, t.orders.sub, t.orders.healthy, t.orders.state]).toEqual(['22', '220 of 440 requests', 'healthy: 0 of 180 /min', 'warn']);
  expect([t.money.n, t.money.sub, t.money.state]).toEqual(['$1,234.56', '$5.00 in a minute', 'warn']);
  expect(lostTiles(harm({ revenue_lost_cents: 3_324_440 }), 0).money.n).toBe('$33,244'); // a tile is narrow
  expect(lostTiles(harm({ orders_lost: 0.2 }), 0).orders.state).toBeUndefined();
  expect(lostTiles(harm(), 0).money.state).toBeUndefined(); // nothing more is being lost
});

test('what was not measured is not a nought', () => {
  for (const h of [null, harm({ at_ms: null, orders_lost: null, revenue_lost_cents: null })]) {
    const t = lostTiles(h, null);
    expect([t.orders.n, t.money.n]).toEqual(['no data', 'no data']);
    expect(t.orders.sub).toBe('counted from the beginning of the incident on');
  }
  const none = { success: null, latency_p95_s: null, goodput_rps: null, orders_rps: null };
  const t = lostTiles(harm({ orders_lost: null, healthy: none }), null);
  expect([t.orders.n, t.orders.sub, t.orders.healthy]).toEqual(['no data', 'not measured in this incident', 'healthy: not measured yet']);
});
