#!/usr/bin/env node
// The shop's own services (config, auth, gateway, api, worker, payments) on private PostgreSQL, Redis and NATS: the order flow, and each knob
// proven by what it does to a metric or an answer. Takes minutes.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { check, config, equal, finish, folder, json, metrics, patch, postgres, root, runProgram, service, stackAddress, stackNumber, start, stop, test as everyTest, until } from './lib/sut.mjs';

// ONLY=regex runs the tests whose names match.
const test = (name, body) => (process.env.ONLY && !new RegExp(process.env.ONLY).test(name) ? undefined : everyTest(name, body));

const number = await stackNumber(20), dir = folder(), ip = stackAddress(number);
const at = (port) => `${ip}:${port}`;
const pg = await postgres(number, dir);
equal(runProgram('db', ['--name', 'db', '--instance', 'db-1', '--listen', at(8110), '--dir', dir, '--share', root, '--upstream', `postgres=${pg.address}`,
  '--upstream', `config=${at(8030)}`, '--init']).status, 0, 'init of the database');
const startRedis = () => start('redis-server', ['--bind', ip, '--port', '6379', '--save', '', '--protected-mode', 'no'], { log: join(dir, 'logs/redis.log'), cwd: dir });
const startNats = () => {
  mkdirSync(join(dir, 'data/nats'), { recursive: true });
  writeFileSync(join(dir, 'config/nats.conf'), `host: "${ip}"\nport: 4222\nhttp: "${ip}:8222"\njetstream { store_dir: "${join(dir, 'data/nats')}" }\n`);
  return start('/usr/sbin/nats-server', ['-c', join(dir, 'config/nats.conf')], { log: join(dir, 'logs/nats.log') });
};
let redis = startRedis(), nats = startNats();

const logproc = await service('logproc', { number, port: 8060, dir });
const conf = await service('config', { number, port: 8030, dir });
const startAuth = () => service('auth', { number, port: 8020, dir, upstreams: { config: at(8030), logproc: at(8060), cache: at(6379) } });
let auth = await startAuth();
const payments = await service('payments', { number, port: 8050, dir, upstreams: { config: at(8030), logproc: at(8060) } });
const apiUpstreams = { config: at(8030), logproc: at(8060), db: pg.address, cache: at(6379), mq: at(4222) };
let api = await service('api', { number, port: 8010, dir, upstreams: apiUpstreams });
let worker = await service('worker', { number, port: 8040, dir, upstreams: { config: at(8030), logproc: at(8060), db: pg.address, mq: at(4222), payments: at(8050) } });
const gateway = await service('gateway', { number, port: 8000, dir, upstreams: { config: at(8030), logproc: at(8060), api: at(8010), auth: at(8020) } });

const set = async (service, values) => { const r = await patch(service.address, values, 'scenario'); equal(r.status, 200, `PATCH ${JSON.stringify(values)}: ${JSON.stringify(r.body)}`); };
// While body runs the knobs have these values; afterwards their old ones.
const during = async (service, values, body) => {
  const before = await config(service.address);
  await set(service, values);
  try { return await body(); } finally { await set(service, Object.fromEntries(Object.keys(values).map((k) => [k, before[k]]))); }
};
const base = `http://${gateway.address}`;
const post = (path, body, headers = {}) => json(base + path, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers } });
const get = (path, headers = {}) => json(base + path, { headers });
let next = 0;
const wish = () => ({ email: `customer.${1 + (next++ % 2000)}@example.com`, product_id: 1 + (next * 37) % 2000, quantity: 1 });
const order = (key = `t-${process.pid}-${next}`) => post('/orders', wish(), { 'idempotency-key': key });
const quote = () => post('/quote', wish());
// count requests, rate a second, open loop: each starts when it is due. Latencies in ms, statuses.
async function load(count, rate, one) {
  const began = performance.now(), all = [];
  for (let i = 0; i < count; i++) {
    const due = began + i * 1000 / rate;
    await new Promise((done) => setTimeout(done, Math.max(0, due - performance.now())));
    all.push(one().then((r) => ({ status: r.status, code: r.body?.code, ms: performance.now() - due }), () => ({ status: 0, ms: performance.now() - due })));
  }
  const results = await Promise.all(all), times = results.map((r) => r.ms).sort((a, b) => a - b);
  return { results, ok: results.filter((r) => r.status >= 200 && r.status < 300).length, p50: times[Math.floor(count * 0.5)], p95: times[Math.floor(count * 0.95)],
    codes: Object.fromEntries([...new Set(results.map((r) => r.code ?? r.status))].map((c) => [c, results.filter((r) => (r.code ?? r.status) === c).length])) };
}
const sum = (m, prefix) => Object.entries(m).filter(([k]) => k.startsWith(prefix)).reduce((s, [, v]) => s + v, 0);
const grows = async (service, prefix, body) => {
  const before = sum(await metrics(service.address), prefix);
  const result = await body();
  return [sum(await metrics(service.address), prefix) - before, result];
};
await until('the services to be ready for orders', async () => (await order()).status === 201 && sum(await metrics(worker.address), 'jobs_total{outcome="settled"}') > 0);

await test('healthy: 40 a second, all good, quick', async () => {
  let r;
  for (let turn = 0; turn < 5; turn++) { // a busy machine may spoil one
    r = await load(160, 40, () => (next % 3 ? quote() : get(`/products/${1 + next++ % 50}`)));
    if (r.ok === 160 && r.p95 < 150) break;
  }
  equal(r.ok, 160, JSON.stringify(r.codes));
  check(r.p95 < 150, `p95 ${r.p95.toFixed(1)} ms`);
  console.log(`    p50 ${r.p50.toFixed(1)} ms, p95 ${r.p95.toFixed(1)} ms`);
});

await test('an order: login, token, quote, order, settled once; repeated key, same order', async () => {
  const login = await post('/login', { email: 'customer.5@example.com', password: 'customer-5' });
  equal(login.status, 200, JSON.stringify(login.body));
  const bearer = { authorization: `Bearer ${login.body.access_token}` };
  const body = { email: 'customer.5@example.com', product_id: 7, quantity: 2 };
  const quoted = await post('/shop/quote', body, bearer);
  equal(quoted.status, 200, 'quote');
  const first = await post('/shop/orders', body, { ...bearer, 'idempotency-key': 'once' });
  equal(first.status, 201, JSON.stringify(first.body));
  equal(first.body.total_cents, quoted.body.total_cents, 'price');
  const again = await post('/shop/orders', body, { ...bearer, 'idempotency-key': 'once' });
  equal([again.status, again.body.order_id], [200, first.body.order_id], 'the same order');
  await until('the order to be settled', async () => (await get(`/shop/orders/${first.body.order_id}`, bearer)).body.status === 'settled');
  equal(pg.sql(`SELECT count(*), sum(amount_cents) FROM payments WHERE order_id = ${first.body.order_id}`), `1|${first.body.total_cents}`, 'payment');
  equal((await post('/refresh', { refresh_token: login.body.refresh_token })).status, 200, 'refresh');
  equal((await post('/refresh', { refresh_token: login.body.access_token })).status, 401, 'an access token is no refresh token');
  equal((await post('/login', { email: 'customer.5@example.com', password: 'customer-6' })).status, 401, 'wrong password');
});

await test('wrong requests are answered, not served', async () => {
  equal((await get('/products/0')).status, 404, 'product 0');
  equal((await get('/products/999999')).status, 404, 'no such product');
  equal((await get('/orders/x')).status, 404, 'no such order');
  const bad = await post('/orders', { email: 'nobody', product_id: 0, quantity: 0 });
  equal([bad.status, bad.body.errors.map((e) => e.pointer)], [422, ['/email', '/product_id', '/quantity']], 'findings');
  equal((await json(`${base}/shop/config`)).status, 404, "the API's own configuration is not for users");
  equal((await json(`${base}/shop/..%2fconfig`)).status, 404, 'nor by a trick');
  equal((await json(`${base}/shop/orders/..%2f..%2fconfig`)).status, 404, 'nor by another');
  equal((await json(`${base}/quote`, { method: 'POST', body: '{' })).status, 400, 'no JSON');
});

await test('trace context goes through: gateway, api, worker and payments share the trace id', async () => {
  const id = 'abcdefabcdefabcdefabcdefabcdef12';
  const r = await post('/orders', wish(), { traceparent: `00-${id}-1234567890abcdef-01`, 'idempotency-key': 'traced' });
  equal(r.headers.get('x-trace-id'), id, 'answer');
  check(readFileSync(api.log, 'utf8').includes(id), 'log line of the api');
  await during(payments, { error_percent: 100 }, async () => {
    await post('/orders', wish(), { traceparent: `00-${id.replace('12', '34')}-1234567890abcdef-01` });
    await until('log line of the worker', () => readFileSync(worker.log, 'utf8').includes(id.replace('12', '34')));
    await until('log line of the provider', () => readFileSync(payments.log, 'utf8').includes(id.replace('12', '34')));
  });
});

await test('one trace shows the whole order: gateway, api, cache, database, queue, worker, payments', async () => {
  const id = 'fedcbafedcbafedcbafedcbafedcba98';
  equal((await post('/orders', wish(), { traceparent: `00-${id}-1234567890abcdef-01`, 'idempotency-key': 'seen' })).status, 201, 'order');
  const edges = new Set();
  await until('the spans in logproc', async () => {
    const { body } = await json(`http://${logproc.address}/traces/${id}`);
    const walk = (span, from) => { edges.add(`${from} > ${span.service} ${span.name}`); for (const child of span.children ?? []) walk(child, `${span.service} ${span.name}`); };
    for (const span of body.roots ?? []) walk(span, 'user');
    return ['user > gateway POST /orders', 'gateway POST /orders > gateway POST api', 'gateway POST api > api POST /orders', 'api POST /orders > api GET',
      'api POST /orders > api customer_history', 'api POST /orders > api process_business_data', 'api POST /orders > api publish jobs.settle',
      'api publish jobs.settle > worker settle order', 'worker settle order > worker POST payments', 'worker POST payments > payments POST /charges',
      'worker settle order > worker commit'].every((edge) => edges.has(edge));
  }, 15000).catch((e) => { throw new Error(`${e.message}; seen: ${[...edges].join('; ')}`); });
});

await test('api algorithm: regressed costs far more processor, same price, next version', async () => {
  const body = wish(), cheap = await post('/quote', body), before = await metrics(api.address);
  await during(api, { algorithm: 'regressed' }, async () => {
    check(/version="v2"/.test(await (await fetch(`http://${api.address}/metrics`)).text()), 'version v2');
    const dear = await post('/quote', body);
    equal(dear.body, cheap.body, 'the same answer');
    await load(10, 5, quote);
  });
  const after = await metrics(api.address);
  const mean = (a, m, b = {}) => ((m[`business_processing_duration_seconds_sum{algorithm="${a}"}`] ?? 0) - (b[`business_processing_duration_seconds_sum{algorithm="${a}"}`] ?? 0))
    / ((m[`business_processing_duration_seconds_count{algorithm="${a}"}`] ?? 0) - (b[`business_processing_duration_seconds_count{algorithm="${a}"}`] ?? 0));
  check(mean('regressed', after) > 10 * mean('efficient', before), `regressed ${mean('regressed', after)} s, efficient ${mean('efficient', before)} s`);
  check(after.process_cpu_seconds_total - before.process_cpu_seconds_total > 0.08, 'processor time');
});

await test('api price_offers: more offers, more processor', async () => {
  const timed = async () => { const [s] = await grows(api, 'business_processing_duration_seconds_sum', () => load(20, 10, quote)); return s; };
  const few = await during(api, { price_offers: 500 }, timed), many = await during(api, { price_offers: 20000 }, timed);
  check(many > 4 * few, `${few} s -> ${many} s`);
});

await test('api worker_threads 1: saturated, a queue, latency; queue_max and queue_wait_ms refuse', async () => {
  await during(api, { worker_threads: 1 }, async () => {
    let seen = {};
    const watch = setInterval(async () => { const m = await metrics(api.address); if ((m.worker_pool_queue_depth ?? 0) >= (seen.worker_pool_queue_depth ?? 0)) seen = m; }, 100);
    const r = await load(80, 40, quote);
    clearInterval(watch);
    equal([seen.worker_pool_threads, seen.worker_pool_busy], [1, 1], 'threads and busy');
    check(seen.worker_pool_queue_depth >= 8, `queue ${seen.worker_pool_queue_depth}`);
    check(r.p95 > 250, `p95 ${r.p95}`);
    await set(api, { queue_max: 2 });
    const [rejected, q] = await grows(api, 'worker_pool_rejected_total', () => load(60, 60, quote));
    check(rejected > 5 && q.codes.QUEUE_FULL > 3, `${rejected} rejected, ${JSON.stringify(q.codes)}`);
    await set(api, { queue_max: 24, queue_wait_ms: 60 });
    const w = await load(60, 60, quote);
    check(w.codes.QUEUE_TIMEOUT > 3, JSON.stringify(w.codes));
    await set(api, { queue_wait_ms: 2000 });
  });
});

await test('api db_pool_size 1: requests wait for a session; db_pool_wait_ms gives up', async () => {
  await during(api, { db_pool_size: 1 }, async () => {
    const [waited, r] = await grows(api, 'db_client_connection_wait_seconds_sum', () => load(80, 40, quote));
    check(waited > 4 && r.p95 > 200, `waited ${waited} s, p95 ${r.p95}`);
    equal((await metrics(api.address)).db_client_connection_max, 1, 'max');
    await set(api, { db_pool_wait_ms: 50 });
    const [errors, q] = await grows(api, 'db_client_errors_total{operation="pool"}', () => load(60, 60, quote));
    check(errors > 3 && q.codes.LIMIT > 1, `${errors} ${JSON.stringify(q.codes)}`);
    await set(api, { db_pool_wait_ms: null });
  });
});

await test('api statement_timeout_ms: slow statements are cut', async () => {
  pg.sql('DROP INDEX orders_email_idx');
  await during(api, { statement_timeout_ms: 20 }, async () => {
    const r = await load(8, 4, quote);
    check(r.codes.TIMEOUT >= 6, JSON.stringify(r.codes));
  });
  const slow = await during(api, { statement_timeout_ms: 20000 }, () => during(gateway, { upstream_timeout_ms: 20000 }, () => load(4, 2, quote)));
  pg.sql('CREATE INDEX orders_email_idx ON orders (shop_email_key(email))');
  equal(slow.ok, 4, `slow, but served: ${JSON.stringify(slow.codes)}`);
});

await test('api db_password: new sessions need the right one', async () => {
  pg.sql("ALTER ROLE shop PASSWORD 'other'");
  pg.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'shop'");
  const denied = await quote();
  equal(denied.status, 503, 'it is the shop that may not come in, not the customer');
  await set(api, { db_password: 'other' });
  equal((await quote()).status, 200, 'with the new password');
  pg.sql("ALTER ROLE shop PASSWORD 'shop'");
  await set(api, { db_password: 'shop' });
  equal((await quote()).status, 200, 'and back');
});

await test('api warehouse_ms and feature_live_stock', async () => {
  const slow = await during(api, { warehouse_ms: 200 }, () => load(10, 10, quote));
  check(slow.p50 > 170, `p50 ${slow.p50}`);
  const without = await during(api, { feature_live_stock: false }, async () => {
    equal((await get('/products/3')).body.in_stock, undefined, 'no stock shown');
    return load(10, 10, quote);
  });
  check(without.p50 < 25, `p50 ${without.p50}`);
});

await test('api cache: hits, feature_cache, cache_ttl_s, request_coalescing, cache_timeout_ms', async () => {
  const list = () => get('/products?category=toys');
  await list();
  const [hits] = await grows(api, 'cache_client_requests_total{operation="GET",outcome="hit"}', () => load(10, 20, list));
  equal(hits, 10, 'hits');
  const [none] = await during(api, { feature_cache: false }, () => grows(api, 'cache_client_requests_total', () => load(5, 20, list)));
  equal(none, 0, 'cache off');
  await during(api, { cache_ttl_s: 1, cache_ttl_jitter_percent: 0 }, async () => {
    await get('/products?category=books');
    await until('the page to expire', async () => (await get('/products?category=books')).headers.get('x-cache') === 'miss' || null, 4000).catch(() => {});
    const [misses] = await grows(api, 'cache_client_requests_total{operation="GET",outcome="miss"}', () => load(30, 10, () => get('/products?category=music')));
    check(misses >= 2, `${misses} misses in 3 s`);
  });
  const storm = () => Promise.all(Array.from({ length: 10 }, () => get(`/products?category=travel&n=${next++}`)));
  const flush = async () => { const { Socket } = await import('node:net'); await new Promise((done) => { const s = new Socket(); s.connect(6379, ip, () => s.write('FLUSHALL\r\n')); s.on('data', () => { s.end(); done(); }); }); };
  await flush();
  const [together] = await grows(api, 'db_client_operation_duration_seconds_count{operation="product_list"}', storm);
  await flush();
  const [alone] = await during(api, { request_coalescing: false }, () => grows(api, 'db_client_operation_duration_seconds_count{operation="product_list"}', storm));
  check(together <= 2 && alone >= 5, `reads of the database: ${together} with coalescing, ${alone} without`);
  redis.kill('SIGSTOP');
  const hung = await during(api, { cache_timeout_ms: 120 }, () => load(5, 5, list));
  redis.kill('SIGCONT');
  check(hung.ok === 5 && hung.p50 > 110, `a hanging cache costs its timeout: ${hung.p50} ms`);
  await stop(redis, 'SIGKILL');
  equal((await load(5, 10, list)).ok, 5, 'without a cache the database answers');
  redis = startRedis();
});

await test('gateway upstream_pool_size 1: requests wait for a connection; upstream_pool_wait_ms gives up', async () => {
  await during(gateway, { upstream_pool_size: 1 }, async () => {
    const [waited, r] = await grows(gateway, 'http_client_connection_wait_seconds_sum{peer="api"}', () => load(80, 40, quote));
    check(waited > 4 && r.p95 > 200, `waited ${waited} s, p95 ${r.p95}`);
    equal((await metrics(gateway.address))['http_client_connection_max{peer="api"}'], 1, 'max');
    await set(gateway, { upstream_pool_wait_ms: 50 });
    const q = await load(60, 60, quote);
    check(q.codes.POOL_TIMEOUT > 3, JSON.stringify(q.codes));
    await set(gateway, { upstream_pool_wait_ms: 1500 });
  });
});

await test('gateway admission_percent, rate_limit, max_in_flight', async () => {
  const shed = await during(gateway, { admission_percent: 25 }, () => load(80, 80, () => get('/products/5')));
  equal([shed.ok, shed.codes.SHED], [20, 60], 'a quarter is let in');
  const limited = await during(gateway, { rate_limit_rps: 10, rate_limit_burst: 5 }, () => load(60, 60, () => get('/products/5')));
  check(limited.codes.RATE_LIMIT > 35 && limited.ok >= 12, JSON.stringify(limited.codes));
  const full = await during(gateway, { max_in_flight: 1 }, () => load(40, 80, quote));
  check(full.codes.TOO_MANY_IN_FLIGHT > 10, JSON.stringify(full.codes));
});

await test('gateway upstream_timeout_ms: a slow api is 504', async () => {
  const r = await during(api, { warehouse_ms: 500 }, () => during(gateway, { upstream_timeout_ms: 100, retries: 0 }, () => load(5, 10, quote)));
  equal(r.codes.UPSTREAM_TIMEOUT, 5, JSON.stringify(r.codes));
});

await test('gateway retries, retry_budget_percent, breaker', async () => {
  await stop(api, 'SIGKILL');
  await set(gateway, { breaker_enabled: false, retries: 3, retry_budget_percent: 100, retry_backoff_ms: 1, retry_backoff_max_ms: 2 });
  const [sent] = await grows(gateway, 'http_client_retries_total{peer="api",outcome="sent"}', () => load(20, 40, () => get('/products/5')));
  equal(sent, 60, 'three retries each without a budget');
  const [posts] = await grows(gateway, 'http_client_retries_total{peer="api",outcome="sent"}', () => load(5, 40, quote));
  equal(posts, 0, 'a POST without a key is never sent twice');
  await set(gateway, { retry_budget_percent: 10 });
  const [few] = await grows(gateway, 'http_client_retries_total{peer="api",outcome="sent"}', () => load(100, 100, () => get('/products/5')));
  check(few <= 115 && few >= 5, `${few} retries`); // what the bucket held, and 10 of 100 after that
  const [fewer] = await grows(gateway, 'http_client_retries_total{peer="api",outcome="sent"}', () => load(100, 100, () => get('/products/5')));
  check(fewer >= 5 && fewer <= 12, `${fewer} retries of 100 requests with a budget of 10 %`);
  await set(gateway, { breaker_enabled: true, breaker_calls_min: 5, breaker_error_percent: 5, breaker_open_ms: 500, retries: 0 }); // good calls of before still count
  const r = await load(40, 40, () => get('/products/5'));
  const open = (await metrics(gateway.address))['http_client_errors_total{peer="api",reason="breaker_open"}'];
  check(open > 20, `${open} calls refused by the breaker, ${JSON.stringify(r.codes)}`);
  equal((await json(`${base}/healthz`)).body.status, 'degraded', 'health');
  api = await service('api', { number, port: 8010, dir, upstreams: apiUpstreams });
  await until('the breaker to close', async () => (await get('/products/5')).status === 200 && (await metrics(gateway.address))['http_client_breaker_state{peer="api"}'] === 0);
  await set(gateway, { breaker_enabled: null, breaker_calls_min: null, breaker_error_percent: null, breaker_open_ms: null, retries: null, retry_budget_percent: null, retry_backoff_ms: null, retry_backoff_max_ms: null });
});

const signIn = async () => ({ authorization: `Bearer ${(await post('/login', { email: 'customer.9@example.com', password: 'customer-9' })).body.access_token}` });
await test('tokens: token_mode, jwt_ttl_s, leeway_s, clock_offset_ms on both sides', async () => {
  equal((await during(gateway, { token_mode: 'required' }, quote)).body.code, 'TOKEN_MISSING', 'required');
  equal((await during(gateway, { token_mode: 'required' }, () => get('/products/5'))).status, 200, 'looking needs no token');
  const forged = { authorization: `Bearer ${(await signIn()).authorization.slice(7, -4)}AAAA` };
  equal((await post('/quote', wish(), forged)).status, 401, 'forged');
  equal((await during(gateway, { token_mode: 'off' }, () => post('/quote', wish(), forged))).status, 200, 'off: not looked at');
  const short = await during(auth, { jwt_ttl_s: 1 }, signIn);
  await during(gateway, { leeway_s: 0 }, () => until('the token to expire', async () => /expired/.test((await post('/quote', wish(), short)).body.detail ?? '')));
  equal((await during(gateway, { leeway_s: 600 }, () => post('/quote', wish(), short))).status, 200, 'leeway forgives');
  const early = await during(auth, { clock_offset_ms: 60000 }, signIn);
  check(/valid only in/.test((await post('/quote', wish(), early)).body.detail), 'a clock ahead: not valid yet');
  const late = await signIn();
  check(/expired/.test((await during(gateway, { clock_offset_ms: 3600000 }, () => post('/quote', wish(), late))).body.detail), "the gateway's clock ahead: expired");
});

await test('auth key_rotation_s, keys_kept, keys_refresh_s, hash_rounds, worker_threads', async () => {
  const old = await signIn();
  await during(auth, { key_rotation_s: 1, keys_kept: 1 }, async () => {
    const kid = (await json(`http://${auth.address}/keys`)).body.keys[0].kid;
    await until('a new key', async () => (await json(`http://${auth.address}/keys`)).body.keys[0].kid !== kid);
    equal((await json(`http://${auth.address}/keys`)).body.keys.length, 1, 'keys kept');
    await during(gateway, { keys_refresh_s: 1 }, () => until('the old token to be worthless', async () => (await post('/quote', wish(), old)).status === 401));
    equal((await post('/quote', wish(), await signIn())).status, 200, 'a new one is good at once');
  });
  const began = (await metrics(auth.address)).process_cpu_seconds_total;
  await during(auth, { hash_rounds: 300000 }, () => signIn());
  check((await metrics(auth.address)).process_cpu_seconds_total - began > 0.03, 'processor time of one login');
  const r = await during(auth, { hash_rounds: 200000, worker_threads: 1, queue_max: 0 }, () => Promise.all([1, 2, 3, 4].map(() => post('/login', { email: 'customer.9@example.com', password: 'customer-9' }))));
  check(r.some((x) => x.body.code === 'QUEUE_FULL'), JSON.stringify(r.map((x) => x.status)));
});

const cli = (...args) => spawnSync('redis-cli', ['-h', ip, ...args], { encoding: 'utf8', timeout: 5000 }).stdout.trim();
const login = () => post('/login', { email: 'customer.9@example.com', password: 'customer-9' });
const refresh = (token) => post('/refresh', { refresh_token: token });
await test('sessions live in Redis: refresh_ttl_s, a restart of auth, logout, flush', async () => {
  cli('FLUSHALL');
  const first = (await login()).body;
  const keys = cli('--scan', '--pattern', 'session:*').split('\n');
  equal(keys.length, 1, 'sessions');
  equal(cli('GET', keys[0]), 'customer.9@example.com', 'whose');
  check(Number(cli('TTL', keys[0])) > 3590, `ttl ${cli('TTL', keys[0])}`);
  await stop(auth, 'SIGKILL');
  auth = await startAuth();
  await until('the gateway to reach auth again', async () => (await login()).status === 200);
  const second = await refresh(first.refresh_token);
  equal(second.status, 200, 'a session survives a restart of auth');
  const brief = await during(auth, { refresh_ttl_s: 3 }, () => refresh(second.body.refresh_token));
  check(Number(cli('TTL', keys[0])) <= 3, `ttl ${cli('TTL', keys[0])} after a refresh with refresh_ttl_s 3`);
  equal((await post('/logout', { refresh_token: brief.body.refresh_token })).status, 200, 'logout');
  const over = await refresh(second.body.refresh_token);
  equal([over.status, over.body.code], [401, 'SESSION_OVER'], 'after logout');
  const third = (await login()).body.refresh_token;
  cli('FLUSHALL');
  equal((await refresh(third)).body.code, 'SESSION_OVER', 'a flushed cache signs out');
});

await test('without Redis users still sign in, for one access token; session_timeout_ms and session_pool_size bound the wait', async () => {
  const before = (await login()).body.refresh_token;
  redis.kill('SIGSTOP');
  const slow = await during(auth, { session_timeout_ms: 400, hash_rounds: 1000 }, async () => { const began = Date.now(); const r = await login(); return { ...r, ms: Date.now() - began }; });
  check(slow.status === 200 && slow.ms >= 380 && slow.ms < 1500, `${slow.status} after ${slow.ms} ms`);
  const [waited] = await during(auth, { session_timeout_ms: 300, session_pool_size: 1 }, () => grows(auth, 'cache_client_operation_duration_seconds_sum{operation="SET"}', () => Promise.all([login(), login(), login()])));
  check(waited >= 0.85, `three logins waited ${waited} s altogether for one connection`);
  redis.kill('SIGCONT');
  await stop(redis, 'SIGKILL');
  const bare = await login(), away = await refresh(before), served = await post('/quote', wish(), { authorization: `Bearer ${bare.body.access_token}` });
  const health = (await json(`http://${auth.address}/healthz`)).body.status;
  redis = startRedis();
  equal([bare.status, typeof bare.body.access_token, bare.body.refresh_token], [200, 'string', undefined], 'signed in without a session');
  equal(served.status, 200, 'and served');
  equal([away.status, away.body.code], [503, 'SESSIONS_AWAY'], 'nobody can renew');
  equal(health, 'degraded', 'health');
  check((await metrics(auth.address))['auth_sessions_total{outcome="not_stored"}'] >= 1, 'the metric');
  check(readFileSync(auth.log, 'utf8').includes('"session.not_stored"'), 'the log');
  await until('sessions again', async () => (await login()).body.refresh_token);
  equal((await json(`http://${auth.address}/healthz`)).body.status, 'ok', 'health');
});

const counts = async () => { const [n, p] = pg.sql("SELECT count(*), count(*) FILTER (WHERE status = 'settled') FROM orders WHERE id > 300000").split('|').map(Number); return { orders: n, settled: p, payments: Number(pg.sql('SELECT count(*) FROM payments')) }; };
const allSettled = () => until('every order to be settled', async () => {
  const c = await counts();
  if (c.orders === c.settled && c.payments === c.settled) return true;
  throw new Error(`${JSON.stringify(c)}, open: ${pg.sql("SELECT string_agg(id || ' ' || status, ', ') FROM orders WHERE id > 300000 AND status <> 'settled'").slice(0, 200)}`);
}, 40000);
await test('worker paused, worker_threads: jobs wait, then run', async () => {
  await allSettled();
  await during(worker, { paused: true }, async () => {
    await until('the running fetches to end', async () => true);
    await new Promise((done) => setTimeout(done, 600)); // a fetch lasts half a second; what it takes is settled
    const r = await load(10, 20, order);
    equal(r.ok, 10, 'orders are accepted');
    const c = await counts();
    check(c.orders - c.settled >= 8, JSON.stringify(c));
  });
  await allSettled();
  const slow = await during(payments, { latency_ms: 150, latency_jitter_ms: 0 }, () => during(worker, { worker_threads: 1, prefetch: 1 }, async () => {
    await load(10, 40, order);
    const began = Date.now();
    await allSettled();
    return Date.now() - began;
  }));
  const quick = await during(payments, { latency_ms: 150, latency_jitter_ms: 0 }, () => during(worker, { worker_threads: 8, prefetch: 1 }, async () => {
    await load(10, 40, order);
    const began = Date.now();
    await allSettled();
    return Date.now() - began;
  }));
  check(slow > 900 && quick < slow * 0.75, `one thread ${slow} ms, eight ${quick} ms`);
});

await test('payments error_percent: retried with the same key, charged once', async () => {
  await during(payments, { error_percent: 40 }, async () => {
    const [retried] = await grows(worker, 'jobs_total{outcome="retried"}', async () => { await during(worker, { payments_retries: 0, retry_backoff_ms: 20, max_attempts: 15 }, async () => { await load(20, 40, order); await allSettled(); }); });
    check(retried >= 0, `${retried}`);
  });
  const m = await metrics(payments.address);
  equal(m.payments_double_charges_total, 0, 'nobody paid twice');
  check(m['payments_charges_total{outcome="repeated"}'] > 0, 'keys were used');
});

await test('payments idempotency_keys off: customers are charged twice', async () => {
  await during(payments, { error_percent: 40, idempotency_keys: false }, () => during(worker, { retry_backoff_ms: 20, max_attempts: 15 }, async () => { await load(20, 40, order); await allSettled(); }));
  check((await metrics(payments.address)).payments_double_charges_total > 0, 'double charges');
  const c = await counts();
  equal(c.payments, c.settled, 'the shop itself still counts once');
});

await test('payments decline, rate limit, latency, hang; worker payments_timeout_ms, breaker', () => during(worker, { max_attempts: 15, retry_backoff_ms: 300, payments_retries: 0 }, async () => {
  await allSettled();
  await during(payments, { decline_percent: 100 }, async () => {
    const [declined] = await grows(worker, 'jobs_total{outcome="declined"}', async () => {
      const r = await order();
      await until('the order to fail', () => pg.sql(`SELECT status FROM orders WHERE id = ${r.body.order_id}`) === 'failed');
    });
    equal(declined, 1, 'declined');
  });
  pg.sql("DELETE FROM orders WHERE id > 300000 AND status = 'failed'");
  await during(payments, { rate_limit_rps: 2, rate_limit_burst: 1 }, async () => {
    const before = sum(await metrics(payments.address), 'payments_charges_total{outcome="rate_limited"}');
    await load(8, 40, order);
    await until('a refusal', async () => sum(await metrics(payments.address), 'payments_charges_total{outcome="rate_limited"}') > before);
  });
  await allSettled();
  await during(payments, { hang_percent: 100, hang_ms: 3000 }, () => during(worker, { payments_timeout_ms: 100, breaker_open_ms: 1000 }, async () => {
    const [timeouts] = await grows(worker, 'http_client_errors_total{peer="payments",reason="timeout"}', async () => {
      await load(12, 40, order);
      await until('the breaker to open', async () => (await metrics(worker.address))['http_client_breaker_state{peer="payments"}'] === 1);
    });
    check(timeouts >= 5, `${timeouts} timeouts`);
  }));
  await allSettled();
}));

await test('worker max_attempts: dead letters; redrive_dead_letters brings them back', async () => {
  await during(payments, { error_percent: 100 }, () => during(worker, { max_attempts: 2, retry_backoff_ms: 10, payments_retries: 0, breaker_enabled: false }, async () => {
    const [dead] = await grows(worker, 'dead_letters_total', async () => { await load(5, 20, order); await until('five dead letters', () => pg.sql("SELECT count(*) FROM orders WHERE id > 300000 AND status = 'failed'") === '5'); });
    equal(dead, 5, 'dead letters');
  }));
  await during(worker, { redrive_dead_letters: true }, allSettled);
  equal((await metrics(worker.address)).dead_letters_redriven_total, 5, 'redriven');
});

await test('kill -9 of the worker in mid-work: every order settled exactly once', async () => {
  await during(payments, { latency_ms: 100 }, async () => {
    await load(20, 40, order);
    await stop(worker, 'SIGKILL');
    worker = await service('worker', { number, port: 8040, dir, upstreams: { config: at(8030), logproc: at(8060), db: pg.address, mq: at(4222), payments: at(8050) } });
    await allSettled(); // jobs that were being worked on come again after ack_wait
  });
});

await test('without the queue orders are accepted, and settled when it is back (reconcile_s)', async () => {
  await stop(nats, 'SIGKILL');
  await until('the api to notice', async () => (await metrics(api.address)).mq_connected === 0);
  const [failed, r] = await grows(api, 'orders_published_total{outcome="failed"}', () => load(5, 10, order));
  equal([r.ok, failed], [5, 5], 'accepted, not queued');
  nats = startNats();
  await during(worker, { reconcile_s: 2 }, async () => { await until('the worker to be back', async () => (await metrics(worker.address)).mq_connected === 1); await allSettled(); });
  check((await metrics(worker.address)).orders_requeued_total >= 5, 'requeued');
});

await test('config: publish reaches a service at SIGHUP, wins over local values, rolls back; a bad version is refused whole', async () => {
  const publish = (body) => json(`http://${conf.address}/publish/api`, { method: 'POST', body: JSON.stringify(body), headers: { 'x-author': 'scenario' } });
  equal((await publish({ worker_threads: 3, queue_max: 7 })).body.version, 1, 'version 1');
  api.kill('SIGHUP');
  await until('the published values', async () => { const c = await config(api.address); return c.worker_threads === 3 && c.queue_max === 7; });
  await set(api, { worker_threads: 16 });
  api.kill('SIGHUP');
  await until('the published value again', async () => (await config(api.address)).worker_threads === 3);
  equal((await publish({ worker_threads: 999, queue_max: 9 })).body.version, 2, 'version 2');
  api.kill('SIGHUP');
  await until('health to tell', async () => /published version 2 cannot be used/.test(JSON.stringify((await json(`http://${api.address}/healthz`)).body)));
  equal((await config(api.address)).queue_max, 7, 'nothing of it was taken');
  equal((await json(`http://${conf.address}/published/api/rollback`, { method: 'POST', body: '{"version":1}' })).body.version, 3, 'rollback is version 3');
  await set(conf, { read_only: true });
  equal((await publish({})).status, 409, 'read only');
  await set(conf, { read_only: false, versions_max: 2 });
  equal((await publish({ worker_threads: 16 })).body.version, 4, 'version 4');
  equal((await json(`http://${conf.address}/published/api/history`)).body.versions.map((v) => v.version), [3, 4], 'versions kept');
  equal((await json(`http://${conf.address}/published/api`, { method: 'DELETE' })).status, 200, 'withdrawn');
  equal((await json(`http://${conf.address}/published/api`)).status, 404, 'nothing published');
  await set(api, { worker_threads: null, queue_max: null });
  const history = (await json(`http://${api.address}/config/history`)).body.entries;
  check(history.some((e) => e.author === 'config' && e.reason === 'published version 1' && e.changed.worker_threads.to === 3), 'history');
});

await test('log_level debug writes a line for every request', async () => {
  const lines = () => readFileSync(gateway.log, 'utf8').split('\n').filter((l) => l.includes('"request.served"')).length;
  const before = lines();
  await during(gateway, { log_level: 'debug' }, () => load(5, 20, () => get('/products/5')));
  check(lines() >= before + 5, 'lines');
});

await test('configuration survives a restart; SIGTERM ends a service in time, with what was in flight', async () => {
  await set(api, { warehouse_ms: 400 });
  const flying = quote();
  await new Promise((done) => setTimeout(done, 100));
  equal(await stop(api), 0, 'exit status');
  equal((await flying).status, 200, 'the request in flight was served');
  api = await service('api', { number, port: 8010, dir, upstreams: apiUpstreams });
  equal((await config(api.address)).warehouse_ms, 400, 'kept');
  await set(api, { warehouse_ms: null });
});

// ---- knobs that the tests above do not reach, each by a metric ----
const sessionsOfRedis = () => cli('CLIENT', 'LIST').split('\n').length - 1; // redis-cli's own
const closeSessions = () => cli('CLIENT', 'KILL', 'TYPE', 'normal');
const timed = async (one) => { const began = performance.now(); const r = await one(); return { ...r, ms: performance.now() - began }; };
const stopped = async (child, body) => { child.kill('SIGSTOP'); try { return await body(); } finally { child.kill('SIGCONT'); } };

await test('api cache_pool_size and auth session_pool_size: so many connections to Redis and no more', async () => {
  const most = async (service, values, body) => {
    closeSessions();
    return during(service, values, async () => { cli('CLIENT', 'PAUSE', '400', 'ALL'); const all = body(); await all; return sessionsOfRedis(); });
  };
  const pages = () => Promise.all(Array.from({ length: 8 }, (_, n) => get(`/products/${700 + n + next++}`)));
  const one = await most(api, { cache_pool_size: 1, cache_timeout_ms: 2000 }, pages), six = await most(api, { cache_pool_size: 6, cache_timeout_ms: 2000 }, pages);
  check(one === 1 && six >= 4 && six <= 6, `connections: ${one} with a pool of 1, ${six} with a pool of 6`);
  const logins = () => Promise.all([login(), login(), login(), login()]);
  const single = await most(auth, { session_pool_size: 1, session_timeout_ms: 2000 }, logins), three = await most(auth, { session_pool_size: 3, session_timeout_ms: 2000 }, logins);
  check(single === 1 && three >= 2 && three <= 3, `connections: ${single} with a pool of 1, ${three} with a pool of 3`);
});

// Past the gateway, whose breaker may remember the test before.
const direct = (path, headers = {}) => json(`http://${api.address}${path}`, { method: 'POST', body: JSON.stringify(wish()), headers: { 'content-type': 'application/json', ...headers } });
await test('api db_connect_ms: a database that does not greet', async () => {
  // Sessions that were open are found dead first, each by one request; then a new one is opened.
  const [errors, r] = await during(api, { db_connect_ms: 200 }, () => {
    pg.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'shop'");
    return stopped(pg, () => grows(api, 'db_client_errors_total{operation="connect"}', () => until('a connect that runs out', async () => { const q = await timed(() => direct('/quote')); return q.ms >= 190 && q; })));
  });
  check(errors >= 1 && r.status >= 500 && r.ms < 1500, `${errors} errors, ${r.status} after ${r.ms} ms`);
  await until('the database again', async () => (await direct('/quote')).status === 200);
});

await test('api mq_publish_timeout_ms: an order waits so long for the queue', async () => {
  const wait = (ms) => during(api, { mq_publish_timeout_ms: ms }, () => stopped(nats, () => grows(api, 'mq_publish_duration_seconds_sum', () => timed(() => direct('/orders')))));
  const [brief, a] = await wait(50), [long, b] = await wait(700);
  check(brief >= 0.045 && brief < 0.5 && long >= 0.69, `${brief} s with 50 ms, ${long} s with 700 ms`);
  equal([a.status, b.status], [201, 201], 'accepted all the same');
  await during(worker, { reconcile_s: 1 }, allSettled);
});

await test('gateway connect_timeout_ms: an upstream that takes no connection', async () => {
  await stop(api, 'SIGKILL');
  const deaf = start(process.execPath, ['-e', `require('net').createServer().listen({ host: '${ip}', port: 8010, backlog: 1 })`]);
  const { connect } = await import('node:net');
  const held = [];
  await until('it to listen', () => new Promise((done) => { const s = connect(8010, ip, () => { held.push(s); done(true); }); s.on('error', () => done(false)); }));
  deaf.kill('SIGSTOP');
  for (let i = 0; i < 6; i++) { const s = connect(8010, ip); s.on('error', () => {}); held.push(s); } // its queue is full now
  await until('the queue to be full', async () => { const s = connect(8010, ip); s.on('error', () => {}); held.push(s); return new Promise((done) => { s.on('connect', () => done(false)); setTimeout(() => done(true), 150); }); });
  const wait = (ms) => during(gateway, { connect_timeout_ms: ms, retries: 0, breaker_enabled: false }, () => timed(() => get('/products/5')));
  const brief = await wait(100), long = await wait(900);
  check(brief.status >= 502 && brief.ms >= 95 && brief.ms < 700, `100 ms: ${brief.status} after ${brief.ms} ms`);
  check(long.status >= 502 && long.ms >= 890 && long.ms < 2500, `900 ms: ${long.status} after ${long.ms} ms`);
  for (const s of held) s.destroy();
  deaf.kill('SIGCONT');
  await stop(deaf, 'SIGKILL');
  api = await service('api', { number, port: 8010, dir, upstreams: apiUpstreams });
  await until('the api again', async () => (await get('/products/5')).status === 200);
});

await test('gateway breaker_probes: so many good answers close it', async () => {
  await during(gateway, { breaker_enabled: true, breaker_calls_min: 5, breaker_error_percent: 5, breaker_open_ms: 300, breaker_probes: 4, retries: 0 }, async () => {
    const state = async () => (await metrics(gateway.address))['http_client_breaker_state{peer="api"}'];
    await stop(api, 'SIGKILL');
    await until('it to open', async () => { await get('/products/5'); return (await state()) === 1; });
    api = await service('api', { number, port: 8010, dir, upstreams: apiUpstreams });
    await until('the first good answer', async () => (await get('/products/5')).status === 200);
    for (let n = 1; n < 4; n++) { check((await state()) !== 0, `closed after ${n} of 4`); equal((await get('/products/5')).status, 200, 'probe'); }
    equal(await state(), 0, 'closed after 4');
  });
});

await test('gateway retry_backoff_ms and retry_backoff_max_ms: how long a retry waits', async () => {
  await stop(api, 'SIGKILL');
  const wait = async (values) => { const r = await during(gateway, { breaker_enabled: false, retries: 4, retry_budget_percent: 100, ...values }, () => load(12, 40, () => get('/products/5'))); return r.results.reduce((n, x) => n + x.ms, 0) / 12; };
  const none = await wait({ retry_backoff_ms: 0, retry_backoff_max_ms: 0 }), some = await wait({ retry_backoff_ms: 150, retry_backoff_max_ms: 150 }), capped = await wait({ retry_backoff_ms: 10000, retry_backoff_max_ms: 100 });
  // four waits, each uniform from 0 to its most: 300 ms and 200 ms in the mean
  check(some - none > 180 && some - none < 450 && capped - none > 100 && capped - none < 330, `mean ${none} ms, with back-off ${some} ms, capped ${capped} ms`);
  api = await service('api', { number, port: 8010, dir, upstreams: apiUpstreams });
  await until('the api again', async () => (await get('/products/5')).status === 200);
});

await test('gateway auth_pool_size and auth_timeout_ms; auth queue_wait_ms, leeway_s', async () => {
  await during(auth, { hash_rounds: 300000 }, async () => {
    const [waited] = await during(gateway, { auth_pool_size: 1 }, () => grows(gateway, 'http_client_connection_wait_seconds_sum{peer="auth"}', async () => {
      equal((await metrics(gateway.address))['http_client_connection_max{peer="auth"}'], 1, 'max');
      await Promise.all([login(), login(), login()]);
    }));
    check(waited > 0.1, `waited ${waited} s`);
    const [late, r] = await during(gateway, { auth_timeout_ms: 20, retries: 0 }, () => grows(gateway, 'http_client_errors_total{peer="auth",reason="timeout"}', login));
    check(late >= 1 && r.status === 504, `${late} timeouts, ${r.status}`);
    const q = await during(auth, { worker_threads: 1, queue_wait_ms: 10 }, () => Promise.all([login(), login(), login()]));
    check(q.some((x) => x.body.code === 'QUEUE_TIMEOUT'), JSON.stringify(q.map((x) => x.body.code)));
  });
  const early = (await during(auth, { clock_offset_ms: 60000 }, login)).body.refresh_token;
  equal((await refresh(early)).status, 401, 'not valid yet');
  equal((await during(auth, { leeway_s: 120 }, () => refresh(early))).status, 200, 'leeway forgives');
});

const jobsConsumer = async () => (await json(`http://${ip}:8222/jsz?consumers=true`)).body.account_details[0].stream_detail.find((s) => s.name === 'JOBS').consumer_detail[0];
const mostPending = async (values) => {
  await allSettled();
  let most = 0;
  await during(payments, { latency_ms: 250, latency_jitter_ms: 0 }, () => during(worker, { worker_threads: 1, paused: true, ...values }, async () => {
    // what was asked for under the values before is no longer waited for
    await until('no fetch waits', async () => (await jobsConsumer()).num_waiting === 0);
    await set(worker, { paused: false });
    await load(12, 200, order);
    for (const end = Date.now() + 1500; Date.now() < end;) most = Math.max(most, (await jobsConsumer()).num_ack_pending);
  }));
  await allSettled();
  return most;
};
await test('worker prefetch: jobs that are held at once', async () => {
  const few = await mostPending({ prefetch: 1 }), many = await mostPending({ prefetch: 8 });
  check(few <= 2 && many >= 7, `${few} with 1, ${many} with 8`);
});

await test('worker payments_pool_size and db_pool_size: so many connections', async () => {
  await during(payments, { latency_ms: 150, latency_jitter_ms: 0 }, () => during(worker, { worker_threads: 8, prefetch: 1, payments_pool_size: 1, db_pool_size: 1 }, async () => {
    const [waited] = await grows(worker, 'http_client_connection_wait_seconds_sum{peer="payments"}', async () => { await load(10, 100, order); await allSettled(); });
    const m = await metrics(worker.address);
    check(waited > 0.5, `waited ${waited} s for the one connection`);
    equal([m['http_client_connection_max{peer="payments"}'], m.db_client_connection_max], [1, 1], 'max');
  }));
});

await test('worker payments_retry_budget_percent; retry_backoff_max_ms', async () => {
  const retries = async (percent) => {
    // The worker keeps its patience until everything is settled: a job that was tried often would be given up by the usual number of attempts.
    const sent = await during(worker, { payments_retries: 3, payments_retry_budget_percent: percent, breaker_enabled: false, retry_backoff_ms: 60000, retry_backoff_max_ms: 30, max_attempts: 100 }, async () => {
      const [n, tries] = await during(payments, { error_percent: 100 }, () => grows(worker, 'http_client_retries_total{peer="payments",outcome="sent"}', async () => {
        const [grown] = await grows(worker, 'jobs_total{outcome="retried"}', async () => { await load(4, 40, order); const from = sum(await metrics(worker.address), 'jobs_total{outcome="retried"}'); await until('60 tries, though the back-off would be a minute', async () => sum(await metrics(worker.address), 'jobs_total{outcome="retried"}') - from > 60); });
        return grown;
      }));
      await allSettled();
      return n / tries;
    });
    return sent;
  };
  const all = await retries(100);
  await retries(10); // what the budget had saved
  const few = await retries(10);
  check(all > 2.5 && few < 0.7, `retries a try: ${all} without a budget, ${few} with 10 %`);
});

await test('worker statement_timeout_ms and db_pool_wait_ms: a locked table', async () => {
  await allSettled();
  const { spawn } = await import('node:child_process');
  const locked = async (values, prefix) => {
    const holder = spawn('psql', ['-X', '-q', '-h', `${dir}/s`, '-U', 'sut', '-d', 'shop'], { stdio: ['pipe', 'ignore', 'ignore'] });
    await load(8, 100, order);
    holder.stdin.write('BEGIN; LOCK TABLE payments;\n');
    const grown = await during(worker, { max_attempts: 100, retry_backoff_ms: 50, ...values }, async () => {
      const [n] = await grows(worker, prefix, async () => {
        const from = sum(await metrics(worker.address), prefix);
        await load(8, 100, order);
        await until(`${prefix} to grow`, async () => sum(await metrics(worker.address), prefix) > from, 15000);
      });
      holder.kill();
      await allSettled();
      return n;
    });
    return grown;
  };
  check(await locked({ statement_timeout_ms: 100 }, 'jobs_total{outcome="retried"}') >= 1, 'statements are cut');
  check(await locked({ statement_timeout_ms: 5000, db_pool_size: 1, db_pool_wait_ms: 60, worker_threads: 8, prefetch: 1 }, 'db_client_errors_total{operation="pool"}') >= 1, 'no session in time');
});

await test('worker db_password: new sessions need the right one', async () => {
  pg.sql("ALTER ROLE shop PASSWORD 'other'");
  pg.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'shop'");
  await set(api, { db_password: 'other' });
  const refused = await during(worker, { max_attempts: 100, retry_backoff_ms: 50 }, async () => {
    const [n] = await grows(worker, 'db_client_errors_total{operation="connect"}', async () => {
      await until('an order', async () => (await order()).status === 201);
      await until('a refusal', async () => sum(await metrics(worker.address), 'jobs_total{outcome="retried"}') > 0 && sum(await metrics(worker.address), 'db_client_errors_total{operation="connect"}') > 0);
    });
    await set(worker, { db_password: 'other' });
    await allSettled();
    return n;
  });
  check(refused >= 1, `${refused}`);
  pg.sql("ALTER ROLE shop PASSWORD 'shop'");
  await set(api, { db_password: 'shop' });
  await set(worker, { db_password: 'shop' });
  await allSettled();
});

await test('120 a second through the whole flow: no error, all settled once', async () => {
  const r = await load(600, 120, () => (next % 4 ? (next % 2 ? get(`/products/${1 + next++ % 300}`) : quote()) : order()));
  equal(r.ok, 600, JSON.stringify(r.codes));
  await allSettled();
  console.log(`    p50 ${r.p50.toFixed(1)} ms, p95 ${r.p95.toFixed(1)} ms`);
});

await finish();
