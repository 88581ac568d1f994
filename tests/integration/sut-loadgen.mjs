#!/usr/bin/env node
// The users against a stand-in gateway that this test can slow down, break and stop; seen through a real Prometheus with our rules.
import { createServer } from 'node:http';
import { spawnSync } from 'node:child_process';
import { check, config, equal, finish, folder, json, metrics, patch, prometheus, root, service, stackAddress, stackNumber, test, until } from './lib/sut.mjs';

const number = await stackNumber(31), dir = folder();
const gate = { delayMs: 0, status: 200, hang: false, seen: [], keys: new Map() };

function answer(req, body) {
  const url = new URL(req.url, 'http://x');
  if (req.method === 'GET' && url.pathname === '/products') return { products: [] };
  if (req.method === 'GET' && /^\/products\/\d+$/.test(url.pathname)) return { id: Number(url.pathname.slice(10)), price_cents: 1000 };
  if (req.method === 'POST' && url.pathname === '/login') return { access_token: `token-${JSON.parse(body).email}` };
  if (req.method === 'POST' && url.pathname === '/quote') return { total_cents: 900 * JSON.parse(body).quantity };
  if (req.method === 'POST' && url.pathname === '/orders') {
    gate.keys.set(req.headers['idempotency-key'], (gate.keys.get(req.headers['idempotency-key']) ?? 0) + 1);
    return { id: 1, total_cents: 800 * JSON.parse(body).quantity };
  }
  return null;
}
const server = createServer((req, res) => {
  let body = '';
  req.on('data', (d) => { body += d; });
  req.on('end', () => {
    gate.seen.push({ at: Date.now(), method: req.method, path: req.url, trace: req.headers.traceparent, auth: req.headers.authorization });
    if (gate.hang) return;
    setTimeout(() => {
      const value = gate.status === 200 ? answer(req, body) : { title: 'broken' };
      res.writeHead(value ? gate.status : 404, { 'content-type': 'application/json' });
      res.end(JSON.stringify(value ?? {}));
    }, gate.delayMs);
  });
});
await new Promise((done) => server.listen(8000, stackAddress(number), done));
server.unref();

await test('rules: promtool accepts them and their examples', () => {
  for (const args of [['check', 'rules', 'rules.yml'], ['test', 'rules', 'rules_test.yml']]) {
    const r = spawnSync('promtool', args, { cwd: `${root}/deploy/prometheus`, encoding: 'utf8' });
    equal(r.status, 0, `${args.join(' ')}: ${r.stdout}${r.stderr}`);
  }
});

const users = await service('loadgen', { number, port: 8070, dir, upstreams: { gateway: `${stackAddress(number)}:8000`, config: `${stackAddress(number)}:8030` } });
const prom = await prometheus(number, dir, { loadgen: users.address });
const set = async (values) => { const r = await patch(users.address, values, 'scenario'); equal(r.status, 200, JSON.stringify(r.body)); };
const near = (value, expected, by) => value !== null && Math.abs(value - expected) <= by;

await test('steady 40 a second, all good: rates, latency, journeys, orders', async () => {
  await until('the offered rate in Prometheus', async () => near(await prom.value('fd:offered_rps'), 40, 1), 20000);
  await until('success 1', async () => (await prom.value('fd:user_success:ratio10s')) === 1);
  check(near(await prom.value('fd:goodput_rps'), 40, 2), 'goodput');
  check((await prom.value('fd:user_latency:p95_10s')) < 0.2, 'p95');
  const orders = await prom.value('fd:orders:rate10s');
  check(orders > 3 && orders < 9, `orders: ${orders}/s`); // 40 requests / 3.2 a journey * 50 % = 6.25
  check(gate.seen.every((r) => /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/.test(r.trace)), 'every request carries a trace');
  const m = await metrics(users.address);
  equal(m.user_revenue_lost_cents_total, 0, 'nothing lost');
  check(m.user_revenue_cents_total >= 800 * m['user_orders_total{outcome="ok"}'], 'revenue');
  check([...gate.keys].every(([key, count]) => key && count === 1), 'each order has its own key');
});

await test('exemplars lead from the latency to a trace', async () => {
  const end = Date.now() / 1000;
  const { body } = await json(`http://${prom.address}/api/v1/query_exemplars?query=user_request_duration_seconds_bucket&start=${end - 60}&end=${end}`);
  const ids = body.data.flatMap((s) => s.exemplars.map((e) => e.labels.trace_id));
  check(ids.length > 0 && ids.every((t) => gate.seen.some((r) => r.trace.includes(t))), `exemplars: ${ids.slice(0, 3)}`);
});

await test('live requests are sampled, at most 20 a second', async () => {
  const all = (await json(`http://${users.address}/sample`)).body;
  check(all.requests.length > 20 && all.last === all.requests.at(-1).n, 'sample');
  const r = all.requests.at(-1);
  check(r.ok && r.status === 200 && /^customer\.\d+$/.test(r.user) && ['login', 'browse', 'product', 'quote', 'order'].includes(r.step) && /^[0-9a-f]{32}$/.test(r.trace_id), JSON.stringify(r));
  const seconds = {};
  for (const x of all.requests) seconds[Math.floor(x.at_ms / 1000)] = (seconds[Math.floor(x.at_ms / 1000)] ?? 0) + 1;
  check(Object.values(seconds).every((n) => n <= 20), `per second: ${JSON.stringify(seconds)}`);
  const later = (await json(`http://${users.address}/sample?after=${all.last}`)).body;
  check(later.requests.every((x) => x.n > all.last), 'after');
  equal((await json(`http://${users.address}/sample?after=x`)).status, 400, 'bad number');
});

await test('login: a step more, and its token on what follows', async () => {
  await set({ login: true });
  await until('an order with a token', () => gate.seen.some((r) => r.path === '/orders' && /^Bearer token-customer/.test(r.auth ?? '')));
  check(gate.seen.some((r) => r.path === '/login'), 'login');
  await set({ login: false });
});

await test('errors are failures, cost money, and are told as live requests', async () => {
  gate.status = 503;
  await until('success to fall', async () => (await prom.value('fd:user_success:ratio10s')) < 0.5, 20000);
  check(near(await prom.value('fd:offered_rps'), 40, 1), 'the offered rate does not care');
  const m = await metrics(users.address);
  check(m['user_orders_total{outcome="failed"}'] > 0 && m.user_revenue_lost_cents_total > 0, 'lost orders');
  const bad = (await json(`http://${users.address}/sample`)).body.requests.filter((r) => !r.ok);
  check(bad.length > 0 && bad.at(-1).status === 503 && bad.at(-1).outcome === 'error', 'sampled');
  gate.status = 200;
  await until('success to be whole again', async () => (await prom.value('fd:user_success:ratio10s')) === 1, 20000);
});

await test('a stalled system cannot hide its delay', async () => {
  await set({ timeout_ms: 2000 });
  gate.hang = true;
  const before = gate.seen.length;
  await until('timeouts', async () => {
    const m = await metrics(users.address);
    return Object.entries(m).some(([k, v]) => k.includes('outcome="timeout"') && v > 0);
  });
  await until('p95 to be the whole patience', async () => (await prom.value('fd:user_latency:p95_10s')) > 1.9, 20000);
  check(near(await prom.value('fd:offered_rps'), 40, 1), 'offered');
  check(gate.seen.length - before > 80, 'requests kept coming while none was answered');
  gate.hang = false;
  await set({ timeout_ms: 5000 });
  await until('success to be whole again', async () => (await prom.value('fd:user_success:ratio10s')) === 1, 30000);
});

await test('too many in flight: dropped is a failure that users see', async () => {
  await set({ in_flight_max: 5 });
  gate.delayMs = 1000;
  await until('dropped requests', async () => {
    const m = await metrics(users.address);
    return Object.entries(m).some(([k, v]) => k.includes('outcome="dropped"') && v > 20);
  });
  check((await metrics(users.address)).load_in_flight <= 5, 'in flight');
  await until('success to fall', async () => (await prom.value('fd:user_success:ratio10s')) < 0.7, 20000);
  gate.delayMs = 0;
  await set({ in_flight_max: 400 });
});

await test('a gateway that is gone: errors at once', async () => {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
  await until('success 0', async () => (await prom.value('fd:user_success:ratio10s')) === 0, 30000);
  await new Promise((done) => server.listen(8000, stackAddress(number), done));
  await until('success 1', async () => (await prom.value('fd:user_success:ratio10s')) === 1, 30000);
});

await test('profiles: burst and back, zero, refusals', async () => {
  await set({ profile: 'burst', burst_rps: 200, burst_s: 4 });
  await until('the burst', async () => (await metrics(users.address)).load_target_rps === 200);
  await until('its end', async () => (await metrics(users.address)).load_target_rps === 40);
  await set({ profile: 'steady', rps: 0 });
  await until('nobody', async () => (await prom.value('fd:offered_rps')) === 0, 20000);
  await until('no ratio without traffic', async () => (await prom.value('fd:user_success:ratio10s')) === null);
  await until('no quantile without traffic', async () => (await prom.value('fd:user_latency:p95_10s')) === null);
  const bad = await patch(users.address, { replay_rps: '10,x' });
  equal(bad.status, 422, 'bad list');
  check(/replay_rps: 'x'/.test(JSON.stringify(bad.body)), JSON.stringify(bad.body));
  equal((await patch(users.address, { rps: -1 })).status, 422, 'negative rate');
  equal((await config(users.address)).rps, 0, 'unchanged');
});

await test('profiles by their metric: ramp, wave, replay, burst again and again', async () => {
  const target = async () => (await metrics(users.address)).load_target_rps;
  await set({ profile: 'ramp', rps: 10, ramp_rps: 60, ramp_s: 3 });
  await until('the middle', async () => { const t = await target(); return t > 25 && t < 45; });
  await until('the end', async () => (await target()) === 60);
  await set({ profile: 'wave', rps: 50, wave_rps: 30, wave_s: 3 });
  await until('its top', async () => (await target()) > 75);
  await until('its bottom', async () => (await target()) < 25);
  await set({ profile: 'replay', replay_rps: '5,80', replay_step_s: 1 });
  for (const rate of [5, 80, 5]) await until(`${rate}`, async () => (await target()) === rate);
  await set({ profile: 'burst', rps: 10, burst_rps: 70, burst_s: 1, burst_every_s: 2 });
  for (const rate of [70, 10, 70, 10]) await until(`${rate}`, async () => (await target()) === rate);
  await set({ profile: 'steady', rps: 0 });
});

await test('weights: what users come for; arrivals: in clusters or evenly; seed: the same users again', async () => {
  const asked = async (values, count = 120) => {
    await set({ rps: 0, ...values });
    await until('nobody', async () => (await metrics(users.address)).load_in_flight === 0);
    const from = gate.seen.length;
    await set({ rps: 100 });
    await until(`${count} requests`, () => gate.seen.length - from >= count);
    await set({ rps: 0 });
    return gate.seen.slice(from, from + count);
  };
  const started = async (journey) => Object.entries(await metrics(users.address)).filter(([k]) => k.startsWith('user_requests_offered_total') && k.includes(`"${journey}"`)).reduce((n, [, v]) => n + v, 0);
  await asked({ weight_visit: 0, weight_compare: 0, weight_buy: 100, users: 50 }, 300); // those who were under way end their journeys
  const before = [await started('visit'), await started('compare'), await started('buy')];
  await asked({ weight_visit: 0, weight_compare: 0, weight_buy: 100 });
  const after = [await started('visit'), await started('compare'), await started('buy')];
  check(after[0] === before[0] && after[1] === before[1] && after[2] - before[2] >= 120, `visit, compare, buy: ${before} -> ${after}`);
});

await test('200 a second with little processor', async () => {
  await set({ rps: 200 });
  const cpu = async () => (await metrics(users.address)).process_cpu_seconds_total;
  await until('200 in flight of time', async () => near(await prom.value('fd:offered_rps'), 200, 5), 20000);
  const from = await cpu(), began = Date.now(), count = gate.seen.length;
  await until('1,000 requests', () => gate.seen.length - count >= 1000, 60000);
  const seconds = (Date.now() - began) / 1000, used = (await cpu()) - from;
  console.log(`    ${(1000 / seconds).toFixed(0)} requests/s with ${(100 * used / seconds).toFixed(1)} % of a core`);
});

await test('ends by SIGTERM in order, with requests under way', async () => {
  gate.hang = true;
  await until('requests under way', async () => (await metrics(users.address)).load_in_flight > 3);
  users.kill('SIGTERM');
  equal(await users.ended, 0, 'exit status');
});

server.closeAllConnections();
await finish();
