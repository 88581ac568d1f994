#!/usr/bin/env node
// The cache adapter on a private Redis: each knob does what it says, each job can be undone.
import { spawnSync } from 'node:child_process';
import { check, config, equal, finish, folder, json, metrics, patch, service, stackAddress, stackNumber, start, test, until } from './lib/sut.mjs';

const number = await stackNumber(33), dir = folder(), host = stackAddress(number);
const redis = start('redis-server', ['--bind', host, '--port', '6379', '--protected-mode', 'no', '--save', '', '--appendonly', 'no',
  '--maxmemory', '16mb', '--maxmemory-policy', 'allkeys-lru', '--maxclients', '1000', '--dir', `${dir}/data`], { log: `${dir}/logs/redis.log` });
const cli = (...args) => {
  const r = spawnSync('redis-cli', ['-h', host, ...args], { encoding: 'utf8', timeout: 5000 });
  return (r.stdout + r.stderr).trim();
};
await until('Redis to answer', () => cli('PING') === 'PONG');
const cache = await service('cache', { number, port: 8120, dir, upstreams: { redis: `${host}:6379`, config: `${host}:8030` } });
const set = async (values) => { const r = await patch(cache.address, values); equal(r.status, 200, `PATCH ${JSON.stringify(values)}: ${JSON.stringify(r.body)}`); };
const setting = (name) => cli('CONFIG', 'GET', name).split('\n').pop();

await test('settings reach Redis, and what is set by hand is found', async () => {
  await set({ maxmemory_mb: 8, eviction_policy: 'volatile-ttl', max_clients: 50, client_timeout_s: 60, slow_log_us: 500 });
  equal([setting('maxmemory'), setting('maxmemory-policy'), setting('maxclients'), setting('timeout'), setting('slowlog-log-slower-than')],
    ['8388608', 'volatile-ttl', '50', '60', '500'], 'CONFIG GET');
  cli('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-random');
  equal((await config(cache.address)).eviction_policy, 'allkeys-random', 'observed');
  const { body } = await json(`http://${cache.address}/config/history`);
  equal(body.entries.at(-1).author, 'cache', 'author of what was found');
  equal((await patch(cache.address, { maxmemory_mb: 4, eviction_policy: 'best' })).status, 422, 'unknown policy');
  equal(setting('maxmemory'), '8388608', 'nothing half set');
  await set({ maxmemory_mb: 16, eviction_policy: 'allkeys-lru', max_clients: 1000, client_timeout_s: 0, slow_log_us: 10000 });
});

await test('flush: on request, and again and again', async () => {
  for (let i = 0; i < 5; i++) cli('SET', `session:${i}`, 'x', 'EX', '100');
  const { body } = await json(`http://${cache.address}/keys?match=session:*`);
  equal(body.keys.length, 5, 'keys');
  check(body.keys[0].ttl_s > 90 && body.keys[0].bytes > 20, JSON.stringify(body.keys[0]));
  equal((await json(`http://${cache.address}/flush`, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } })).body.flushed, 5, 'flushed');
  equal(cli('DBSIZE'), '0', 'keys');
  cli('SET', 'a', '1');
  await set({ flush_every_s: 1 });
  await until('the first flush', () => cli('EXISTS', 'a') === '0');
  cli('SET', 'a', '1');
  await until('the next flush', () => cli('EXISTS', 'a') === '0');
  await set({ flush_every_s: 0 });
});

await test('fill: other keys are evicted; with noeviction writes are refused; undo removes all of it', async () => {
  for (let i = 0; i < 40; i++) cli('SET', `page:${i}`, 'y'.repeat(20000));
  await set({ fill_mb: 24 });
  await until('evictions', async () => (await metrics(cache.address)).redis_evicted_keys_total > 100);
  await until('pages to be gone', () => Number(cli('EXISTS', ...Array.from({ length: 40 }, (_, i) => `page:${i}`))) < 40);
  await set({ eviction_policy: 'noeviction' });
  await until('writes to be refused', () => /OOM/.test(cli('SET', 'new', 'z'.repeat(100000))));
  await set({ fill_mb: 0, eviction_policy: 'allkeys-lru' });
  equal(cli('--scan', '--pattern', 'batch:*'), '', 'batch keys');
  equal(cli('SET', 'new', 'z'), 'OK', 'writes');
});

await test('blocking script: others wait', async () => {
  await set({ block_ms: 800 });
  const slow = await until('a slow PING', async () => {
    const began = Date.now();
    cli('PING');
    return Date.now() - began > 400 ? Date.now() - began : 0;
  });
  check(slow < 3000, `${slow} ms`);
  await until('the ping of the adapter to show it', async () => (await metrics(cache.address)).redis_ping_seconds > 0.4);
  await set({ block_ms: 0 });
});

await test('connection limit: further clients are refused, the adapter stays', async () => {
  await set({ max_clients: 4 });
  const held = Array.from({ length: 4 }, () => start('redis-cli', ['-h', host, 'BLPOP', 'nothing', '0']));
  await until('a refusal', () => /max number of clients/.test(cli('PING')));
  await set({ max_clients: 1000 });
  await until('room again', () => cli('PING') === 'PONG');
  for (const c of held) c.kill();
});

await test('hits and misses are counted; Redis away and back', async () => {
  const before = await metrics(cache.address);
  cli('SET', 'k', 'v'); cli('GET', 'k'); cli('GET', 'absent');
  await until('a hit and a miss', async () => {
    const m = await metrics(cache.address);
    return m.redis_hits_total > before.redis_hits_total && m.redis_misses_total > before.redis_misses_total;
  });
  redis.kill('SIGSTOP');
  await until('redis_up 0', async () => (await metrics(cache.address)).redis_up === 0);
  equal((await json(`http://${cache.address}/healthz`)).status, 503, 'health');
  redis.kill('SIGCONT');
  await until('redis_up 1', async () => (await metrics(cache.address)).redis_up === 1);
});

await test('ends by SIGTERM in order', async () => {
  cache.kill('SIGTERM');
  equal(await cache.ended, 0, 'exit status');
});
await finish();
