#!/usr/bin/env node
// The message queue adapter on a private NATS JetStream, seen from outside through NATS' own monitoring page.
import { check, config, equal, finish, folder, json, metrics, patch, service, stackAddress, stackNumber, start, test, until } from './lib/sut.mjs';
import { existsSync, writeFileSync } from 'node:fs';

const number = await stackNumber(35), dir = folder(), host = stackAddress(number);
writeFileSync(`${dir}/config/nats.conf`, `host: "${host}"\nport: 4222\nhttp: "${host}:8222"\njetstream { store_dir: "${dir}/data/nats", max_memory_store: 16MB, max_file_store: 64MB }\n`);
const server = ['/usr/sbin/nats-server', '/usr/bin/nats-server'].find(existsSync);
const boot = async () => {
  const child = start(server, ['-c', `${dir}/config/nats.conf`], { log: `${dir}/logs/nats.log` });
  await until('NATS to answer', async () => (await fetch(`http://${host}:8222/healthz`)).status === 200);
  return child;
};
let nats = await boot();
const mq = await service('mq', { number, port: 8130, dir, upstreams: { nats: `${host}:4222`, config: `${host}:8030` } });
const set = async (values) => { const r = await patch(mq.address, values); equal(r.status, 200, `PATCH ${JSON.stringify(values)}: ${JSON.stringify(r.body)}`); };
const outside = async () => {
  const { body } = await json(`http://${host}:8222/jsz?streams=true&consumers=true&config=true`);
  return Object.fromEntries(body.account_details[0].stream_detail.map((s) => [s.name, s]));
};
const post = (path, body) => json(`http://${mq.address}${path}`, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });

await test('streams and consumer are there when it is ready', async () => {
  const seen = await outside();
  equal(Object.keys(seen).sort(), ['DEAD', 'JOBS'], 'streams');
  equal(seen.JOBS.consumer_detail.map((c) => c.name), ['settle'], 'consumer');
  equal((await config(mq.address)).ack_wait_ms, seen.JOBS.consumer_detail[0].config.ack_wait / 1e6, 'ack wait');
});

await test('settings reach the consumer and the streams', async () => {
  await set({ ack_wait_ms: 1500, max_deliver: 3, max_ack_pending: 7, jobs_max_messages: 500, jobs_max_age_s: 300, dead_max_messages: 10 });
  const { JOBS, DEAD } = await outside(), c = JOBS.consumer_detail[0].config;
  equal([c.ack_wait / 1e6, c.max_deliver, c.max_ack_pending, JOBS.config.max_msgs, JOBS.config.max_age / 1e9, DEAD.config.max_msgs], [1500, 3, 7, 500, 300, 10], 'outside');
  equal((await patch(mq.address, { ack_wait_ms: 5, max_ack_pending: 0 })).status, 422, 'out of range');
  equal((await config(mq.address)).ack_wait_ms, 1500, 'nothing half set');
  await set({ ack_wait_ms: 10000, max_deliver: 5, max_ack_pending: 256, jobs_max_messages: -1, jobs_max_age_s: 0, dead_max_messages: -1 });
});

await test('flood and poison fill the queue at their rates; purge is guarded', async () => {
  await set({ flood_rate: 500, poison_rate: 50 });
  const began = Date.now();
  await until('1,000 jobs', async () => (await metrics(mq.address))['nats_stream_messages{stream="JOBS"}'] >= 1000);
  check(Date.now() - began > 1000, 'not faster than its rate');
  equal((await metrics(mq.address)).nats_consumer_pending > 900, true, 'pending');
  await set({ flood_rate: 0, poison_rate: 0 });
  const depth = await until('the depth to stand still', async () => {
    const a = (await json(`http://${mq.address}/streams`)).body.streams[0].messages;
    await new Promise((done) => setTimeout(done, 500));
    const b = (await json(`http://${mq.address}/streams`)).body.streams[0].messages;
    return a === b && a;
  });
  equal((await post('/purge', { stream: 'JOBS' })).status, 422, 'not confirmed');
  equal((await post('/purge', { stream: 'NONE', confirm: 'NONE' })).status, 404, 'no such stream');
  equal((await json(`http://${mq.address}/streams`)).body.streams[0].messages, depth, 'nothing lost yet');
  equal((await post('/purge', { stream: 'JOBS', confirm: 'JOBS' })).body, { purged: depth }, 'purged');
  await until('an empty queue', async () => (await metrics(mq.address))['nats_stream_messages{stream="JOBS"}'] === 0);
});

await test('NATS away, back, and back without its data', async () => {
  nats.kill('SIGKILL');
  await nats.ended;
  await until('nats_up 0', async () => (await metrics(mq.address)).nats_up === 0);
  equal((await json(`http://${mq.address}/healthz`)).status, 503, 'health');
  const r = await patch(mq.address, { ack_wait_ms: 2000 });
  check(r.status >= 500, `a change is refused: ${r.status}`);
  writeFileSync(`${dir}/config/nats.conf`, `host: "${host}"\nport: 4222\nhttp: "${host}:8222"\njetstream { store_dir: "${dir}/data/nats2", max_memory_store: 16MB, max_file_store: 64MB }\n`);
  nats = await boot();
  await until('nats_up 1', async () => (await metrics(mq.address)).nats_up === 1);
  equal(Object.keys(await outside()).sort(), ['DEAD', 'JOBS'], 'made again');
  equal((await config(mq.address)).ack_wait_ms, 10000, 'as it was');
});

await test('ends by SIGTERM in order', async () => {
  await set({ flood_rate: 100 });
  mq.kill('SIGTERM');
  equal(await mq.ended, 0, 'exit status');
});
await finish();
