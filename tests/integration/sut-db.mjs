#!/usr/bin/env node
// The database adapter on a private PostgreSQL: each knob does what it says, each job can be ended, all of it can be undone.
import { readFileSync } from 'node:fs';
import { check, config, equal, finish, folder, json, metrics, patch, postgres, root, runProgram, service, stackNumber, test, until } from './lib/sut.mjs';

const number = await stackNumber(30), dir = folder();
const pg = await postgres(number, dir);
const upstreams = { postgres: pg.address, config: `127.77.${number}.1:8030` };
const setup = (flag, share = root) => runProgram('db', ['--name', 'db', '--instance', 'db-1', '--listen', `127.77.${number}.1:8110`, '--dir', dir,
  '--share', share, '--upstream', `postgres=${pg.address}`, '--upstream', `config=${upstreams.config}`, flag]);
const app = (sql) => pg.sql(sql, 'shop');
const plan = () => pg.sql("EXPLAIN SELECT count(*) FROM orders WHERE shop_email_key(email) = shop_email_key('customer.7@example.com')");
const refused = (work) => { try { work(); return ''; } catch (e) { return e.message; } };

await test('init makes the shop, and again changes nothing', () => {
  const bad = setup('--init', dir);
  equal(bad.status, 1, 'a share folder without db/sut');
  check(/10-schema\.sql/.test(bad.text), `the message names the file: ${bad.text}`);
  equal(pg.sql("SELECT to_regclass('orders') IS NULL"), 't', 'nothing half made');
  const began = Date.now();
  equal(setup('--init').status, 0, 'init');
  console.log(`    init took ${Date.now() - began} ms`);
  equal(app('SELECT count(*) FROM orders'), '300000', 'orders');
  equal(setup('--init').status, 0, 'init again');
  equal(app('SELECT count(*) FROM orders'), '300000', 'orders');
});

const db = await service('db', { number, port: 8110, dir, upstreams });
const set = async (values) => { const r = await patch(db.address, values); equal(r.status, 200, `PATCH ${JSON.stringify(values)}: ${JSON.stringify(r.body)}`); };

await test('indexes: dropped and made again, seen in the plan and in the metrics', async () => {
  check(/orders_email_idx/.test(plan()), 'healthy plan uses the index');
  await set({ orders_index: false });
  check(/Seq Scan/.test(plan()), 'plan without the index');
  const before = (await metrics(db.address))['postgres_seq_scans_total{table="orders"}'];
  app("SELECT count(*) FROM orders WHERE shop_email_key(email) = 'customer.7@example.com'");
  await until('the whole-table read in the metrics', async () => (await metrics(db.address))['postgres_seq_scans_total{table="orders"}'] > before);
  await set({ orders_index: true });
  check(/orders_email_idx/.test(plan()), 'plan with the index again');
  await set({ index_scans: false });
  await until('the planner to avoid indexes', () => /Seq Scan/.test(plan()));
  await set({ index_scans: true });
  await until('the planner to use indexes', () => /orders_email_idx/.test(plan()));
});

await test('products_index: the sales of a product', async () => {
  const sales = () => pg.sql('EXPLAIN SELECT count(*) FROM orders WHERE product_id = 7');
  check(/orders_product_idx/.test(sales()), 'healthy plan uses the index');
  await set({ products_index: false });
  check(/Seq Scan/.test(sales()), 'plan without the index');
  await set({ products_index: true });
  check(/orders_product_idx/.test(sales()), 'and again');
});

await test('lock_timeout_ms and log_min_duration_ms bite', async () => {
  await set({ lock_timeout_ms: 100, log_min_duration_ms: 20 });
  await until('the setting', () => app('SHOW lock_timeout') === '100ms');
  await set({ lock_table: 'products' });
  check(/lock timeout/.test(refused(() => app('SELECT count(*) FROM products'))), 'whoever waits for a lock is sent away');
  await set({ lock_table: 'none' });
  app('SELECT pg_sleep(0.1)');
  await until('the slow statement in the log', () => /duration: .*pg_sleep/.test(readFileSync(`${dir}/logs/postgres.log`, 'utf8')));
  await set({ lock_timeout_ms: 0, log_min_duration_ms: -1 });
});

await test('settings reach the server', async () => {
  await set({ statement_timeout_ms: 200, work_mem_kb: 2048, lock_timeout_ms: 300, log_min_duration_ms: 500 });
  await until('work_mem', () => app('SHOW work_mem') === '2MB');
  check(/statement timeout/.test(refused(() => app('SELECT pg_sleep(2)'))), 'statement_timeout ends a statement');
  await set({ statement_timeout_ms: 0, work_mem_kb: 1024, lock_timeout_ms: 0, log_min_duration_ms: -1 });
  await until('statement_timeout off', () => app('SHOW statement_timeout') === '0');
  await set({ max_connections: 45 });
  equal(app('SHOW max_connections'), '40', 'needs a restart');
  equal((await config(db.address)).max_connections, 45, 'what the next start will use');
  await set({ max_connections: 40 });
});

await test('a refused change leaves nothing behind', async () => {
  const revision = (await json(`http://${db.address}/config`)).body.revision;
  const r = await patch(db.address, { orders_index: false, held_sessions: 1000 });
  equal(r.status, 422, 'out of range');
  equal((await json(`http://${db.address}/config`)).body.revision, revision, 'revision');
  equal(app("SELECT to_regclass('orders_email_idx') IS NOT NULL"), 't', 'index');
  pg.sql('ALTER TABLE payments RENAME TO payments_away');
  const half = await patch(db.address, { orders_index: false, lock_table: 'payments' });
  pg.sql('ALTER TABLE payments_away RENAME TO payments');
  equal(half.status, 409, `a table that is not there: ${JSON.stringify(half.body)}`);
  equal(app("SELECT to_regclass('orders_email_idx') IS NOT NULL"), 't', 'the first half went back');
});

await test('table lock: bites, is shown with its victims, ends by its knob or by ending the session', async () => {
  await set({ lock_table: 'orders' });
  check(/lock timeout/.test(refused(() => app("SET lock_timeout = 200; SELECT count(*) FROM orders WHERE id = 1"))), 'the lock bites');
  await set({ lock_table: 'none' });
  equal(app('SELECT count(*) FROM orders WHERE id = 1'), '1', 'released');
  await set({ lock_table: 'orders' });
  const { body } = await json(`http://${db.address}/sessions`);
  const holder = body.sessions.find((s) => s.application === 'maintenance-job');
  check(holder && /LOCK TABLE orders/.test(holder.query), 'the holder is listed');
  const end = (pid) => json(`http://${db.address}/sessions/terminate`, { method: 'POST', body: JSON.stringify({ pid }), headers: { 'content-type': 'application/json' } });
  equal((await end(holder.pid)).status, 200, 'terminate');
  await until('the knob to follow', async () => (await config(db.address)).lock_table === 'none');
  equal(app('SELECT count(*) FROM orders WHERE id = 1'), '1', 'released');
  equal((await end(holder.pid)).status, 404, 'no such session any more');
  equal((await end(0)).status, 422, 'no session number');
  const own = (await json(`http://${db.address}/sessions`)).body.sessions.find((s) => s.user === 'sut');
  equal((await end(own.pid)).status, 403, "the adapter's own");
});

await test('held sessions exhaust the server, and the adapter still works', async () => {
  await set({ held_sessions: 37 });
  check(/remaining connection slots|too many clients/.test(refused(() => app('SELECT 1'))), 'no place for the shop');
  // three places are the superuser's, and the adapter's own sessions take ordinary ones
  await until('the metric', async () => (await metrics(db.address))['postgres_connections{state="idle_in_transaction"}'] >= 35);
  equal((await metrics(db.address)).postgres_connections_max, 40, 'max');
  await set({ idle_in_transaction_timeout_ms: 100 });
  await until('the server to end them', () => refused(() => app('SELECT 1')) === '');
  await until('the knob to follow', async () => (await config(db.address)).held_sessions === 0);
  await set({ idle_in_transaction_timeout_ms: 0, held_sessions: 5 });
  await set({ held_sessions: 0 });
  await until('no held session', async () => (await metrics(db.address))['postgres_connections{state="idle_in_transaction"}'] === 0);
});

await test('held sessions take the places of application sessions', async () => {
  pg.sql("ALTER ROLE shop PASSWORD 'shop'");
  const { spawn } = await import('node:child_process');
  const clients = Array.from({ length: 8 }, () => spawn('psql', ['-X', '-q', '-h', `${dir}/s`, '-U', 'shop', '-d', 'shop'], { stdio: ['pipe', 'ignore', 'ignore'] }));
  await until('8 application sessions', () => pg.sql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'shop'") === '8');
  await set({ held_sessions: 37 });
  await until('the places to be taken', () => Number(pg.sql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'reporting'")) >= 35);
  equal(pg.sql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'shop'"), '0', 'application sessions');
  await set({ held_sessions: 0 });
  for (const c of clients) c.kill();
});

await test('reports cost time until they are stopped or time-limited', async () => {
  await set({ report_sessions: 2 });
  await until('two running reports', () => pg.sql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'reporting' AND state = 'active'") === '2');
  await set({ report_sessions: 0 });
  await until('no report', () => pg.sql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'reporting'") === '0');
  await set({ statement_timeout_ms: 50 });
  await set({ report_sessions: 1 });
  await until('the limit to end it for good', async () => (await config(db.address)).report_sessions === 0);
  await set({ statement_timeout_ms: 0 });
});

await test('password: open sessions stay, new ones need it; connection limit of the shop', async () => {
  const { spawnSync } = await import('node:child_process');
  const tcp = (password) => spawnSync('psql', ['-X', '-At', '-h', `127.77.${number}.1`, '-U', 'shop', '-d', 'shop', '-c', 'SELECT 1'],
    { encoding: 'utf8', env: { ...process.env, PGPASSWORD: password } });
  equal(tcp('shop').status, 0, 'old password');
  await set({ app_password: "n'ew" });
  check(/password authentication failed/.test(tcp('shop').stderr), 'old password is refused');
  equal(tcp("n'ew").status, 0, 'new password');
  await set({ app_password: 'shop', app_connection_limit: 0 });
  check(/too many connections/.test(tcp('shop').stderr), 'limit 0');
  await set({ app_connection_limit: -1 });
  equal(tcp('shop').status, 0, 'back');
});

await test('the checks of the data count what is wrong', async () => {
  const counted = async (name) => (await json(`http://${db.address}/checks?name=${name}`)).body.checks[name];
  const names = ['orders_unsettled', 'orders_failed', 'orders_settled_wrong', 'payments_orphaned', 'seed_rows_missing'];
  const counts = async () => Promise.all(names.map(counted));
  equal(await counts(), [0, 0, 0, 0, 0], 'all is well');
  const order = (status, age) => app(`INSERT INTO orders (email, product_id, quantity, total_cents, status, created_at) VALUES ('a@b.c', 1, 1, 100, '${status}', now() - interval '${age} s') RETURNING id`).split('\n')[0];
  const ids = [order('accepted', 61), order('accepted', 1), order('failed', 1), order('failed', 61), order('settled', 1), order('settled', 1)];
  app(`INSERT INTO payments VALUES (${ids[5]}, 'p', 100)`);
  equal(await counts(), [1, 2, 1, 0, 0], 'late, given up twice, settled without a payment');
  app(`DELETE FROM payments; DELETE FROM orders WHERE id IN (${ids})`);
  equal(await counts(), [0, 0, 0, 0, 0], 'all is well again');
  equal((await json(`http://${db.address}/checks?name=orders`)).status, 404, 'no such check');
});

await test('reset brings data and settings back quickly, also from a damaged database', async () => {
  await set({ orders_index: false, statement_timeout_ms: 777, held_sessions: 3, lock_table: 'orders' });
  pg.sql("ALTER ROLE shop CONNECTION LIMIT 3");
  const began = Date.now();
  equal(setup('--reset').status, 0, 'reset');
  const took = Date.now() - began;
  console.log(`    reset took ${took} ms`);
  check(took < 3000, `reset took ${took} ms`); // 0.2-0.5 s on a quiet machine
  // the running adapter finds its sessions ended at its next turn
  const knobs = async () => { const v = await config(db.address); return [v.orders_index, v.statement_timeout_ms, v.held_sessions, v.lock_table, v.app_connection_limit]; };
  await until('the knobs as in the beginning', async () => JSON.stringify(await knobs()) === JSON.stringify([true, 0, 0, 'none', -1]));
  app("INSERT INTO orders (email, product_id, quantity, total_cents, status) VALUES ('a@b.c', 1, 1, 100, 'accepted')");
  app("INSERT INTO payments VALUES (300001, 'p', 100)");
  equal(setup('--reset').status, 0, 'reset');
  equal(app('SELECT count(*) FROM orders') + app('SELECT count(*) FROM payments'), '3000000', 'rows');
  equal(app("INSERT INTO orders (email, product_id, quantity, total_cents, status) VALUES ('a@b.c', 1, 1, 100, 'accepted') RETURNING id").split('\n')[0], '300001', 'next id');
  pg.sql('DELETE FROM orders WHERE id < 100; DROP TABLE payments');
  equal(setup('--reset').status, 0, 'reset of a damaged database');
  equal(app('SELECT count(*) FROM orders'), '300000', 'made anew');
});

await test('PostgreSQL away: health and metrics tell, a change is refused, all is back afterwards', async () => {
  // pausing the postmaster alone leaves its sessions running; paused first, it makes no new ones
  pg.kill('SIGSTOP');
  const family = [pg.pid, ...readFileSync(`/proc/${pg.pid}/task/${pg.pid}/children`, 'utf8').trim().split(' ').map(Number)];
  const signal = (name) => { for (const pid of family) try { process.kill(pid, name); } catch { /* it has ended */ } };
  signal('SIGSTOP');
  await until('postgres_up 0', async () => (await metrics(db.address)).postgres_up === 0);
  equal((await json(`http://${db.address}/healthz`)).status, 503, 'health');
  signal('SIGCONT');
  await until('postgres_up 1', async () => (await metrics(db.address)).postgres_up === 1);
  equal((await json(`http://${db.address}/healthz`)).status, 200, 'health');
});

await test('ends by SIGTERM in order, with jobs running', async () => {
  await set({ held_sessions: 5, report_sessions: 1, lock_table: 'products' });
  const began = Date.now();
  db.kill('SIGTERM');
  equal(await db.ended, 0, 'exit status');
  check(Date.now() - began < 5000, 'within 5 s');
  await until('its sessions to be gone', () => pg.sql("SELECT count(*) FROM pg_stat_activity WHERE usename IN ('reporting', 'maintenance')") === '0');
});

await finish();
