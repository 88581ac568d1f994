#!/usr/bin/env node
// docs/topology.md on a real stack: each part is stopped, what the page says is seen in Prometheus, and it comes back. Takes minutes.
import { createRequire } from 'node:module';
import { check, finish, stackAddress, stackNumber, test, until } from './lib/sut.mjs';

const { Agent } = createRequire(import.meta.url)('./control-lib.js');
const stack = await stackNumber(Number(process.env.FD_STACK ?? 39)), host = stackAddress(stack);
const agent = new Agent('auto', null);
const control = await agent.start();
const up = await control.ask('stack.up', { stack, args: { fresh: true } });
if (!up.ok) console.log(JSON.stringify(up));

const value = async (promql) => {
  const { data } = await (await fetch(`http://${host}:9090/api/v1/query?query=${encodeURIComponent(promql)}`)).json();
  return data.result.length ? Number(data.result[0].value[1]) : null;
};
const verb = async (name, service) => { const r = await control.ask(name, { stack, service }); if (!r.ok) throw new Error(`${name} ${service}: ${JSON.stringify(r.error)}`); };
const success = () => value('fd:user_success:ratio10s');
const firing = async (alert, who) => (await value(`ALERTS{alertname="${alert}",alertstate="firing",${alert === 'ServiceDown' ? 'service' : 'component'}="${who}"}`)) === 1;
const healthy = () => until('a healthy system', async () => (await success()) === 1 && (await value('fd:queue_jobs:rate10s')) > 1 && (await value('fd:queue_jobs:depth')) < 20, 90000);

await test('the stack is healthy', async () => { check(up.ok, 'stack.up'); await healthy(); });

// sees: what must become true while it is down. users: the success ratio that users keep meanwhile, [at least, at most].
const rows = [
  { stop: 'redis', users: [0.99, 1], sees: { ComponentDown: () => firing('ComponentDown', 'redis'), 'no hit ratio': async () => (await value('fd:cache_hits:ratio10s')) === null,
    'log-ins go on without a session': async () => (await value('sum(rate(auth_sessions_total{outcome="not_stored"}[10s]))')) > 0.5 && (await value('sum(rate(auth_logins_total{outcome="ok"}[10s]))')) > 0.5 } },
  { stop: 'nats', users: [0.99, 1], sees: { ComponentDown: () => firing('ComponentDown', 'nats'), 'no settlement': async () => (await value('fd:queue_jobs:rate10s')) === 0, 'orders go on': async () => (await value('fd:orders:rate10s')) > 1 } },
  { stop: 'worker', users: [0.99, 1], sees: { ServiceDown: () => firing('ServiceDown', 'worker'), 'the queue grows': async () => (await value('fd:queue_jobs:depth')) > 30 } },
  { stop: 'payments', users: [0.99, 1], sees: { ServiceDown: () => firing('ServiceDown', 'payments'), 'jobs are retried': async () => (await value('sum(rate(jobs_total{outcome="retried"}[10s]))')) > 0.5 } },
  { stop: 'config', users: [0.99, 1], sees: { ServiceDown: () => firing('ServiceDown', 'config') } },
  { stop: 'logproc', users: [0.99, 1], sees: { ServiceDown: () => firing('ServiceDown', 'logproc'), 'spans are counted as lost': async () => (await value('sum(rate(kit_spans_dropped_total[10s]))')) > 0 } },
  { stop: 'postgres', users: [0.05, 0.7], sees: { ComponentDown: () => firing('ComponentDown', 'postgres'), 'no order': async () => (await value('fd:orders:rate10s')) === 0, 'cached pages come': async () => (await value('fd:goodput_rps')) > 2 } },
  { stop: 'api', users: [0, 0.02], sees: { ServiceDown: () => firing('ServiceDown', 'api'), 'errors of the gateway': async () => (await value('fd:service_errors:ratio10s{service="gateway"}')) > 0.9 } },
  { stop: 'gateway', users: [0, 0.02], sees: { ServiceDown: () => firing('ServiceDown', 'gateway') } },
];
for (const row of rows.filter((r) => !process.env.ONLY || new RegExp(process.env.ONLY).test(r.stop))) {
  await test(`${row.stop} stopped, and back`, async () => {
    await verb('service.stop', row.stop);
    for (const [what, probe] of Object.entries(row.sees)) await until(`${row.stop} stopped: ${what}`, probe, 60000);
    await until(`${row.stop} stopped: users' success in ${row.users}`, async () => { const s = await success(); return s !== null && s >= row.users[0] && s <= row.users[1]; }, 30000);
    await verb('service.start', row.stop);
    await healthy();
  });
}

await control.ask('shutdown');
await agent.ended;
await finish();
