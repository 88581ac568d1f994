#!/usr/bin/env node
// Benchmark of the whole: stack start, memory, click to incident running.
//   node tests/bench/stack.mjs [--minutes M] [--starts N] [--json]     env FD_BUILD_DIR: a release build
// Beside each figure stands something plain from the same run: the time of 100 starts of /bin/true, which says how fast this machine is today.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const top = join(dirname(fileURLToPath(import.meta.url)), '../..');
const bin = join(process.env.FD_BUILD_DIR ?? join(top, 'build/release'), 'bin');
const arg = (name, otherwise) => { const i = process.argv.indexOf(name); return i < 0 ? otherwise : Number(process.argv[i + 1]); };
const minutes = arg('--minutes', 1), starts = arg('--starts', 5);
const home = mkdtempSync(join(tmpdir(), 'fdb-'));
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
const wait = (ms) => new Promise((r) => setTimeout(r, ms));

function reference() {
  const began = process.hrtime.bigint();
  for (let i = 0; i < 100; i++) spawnSync('/bin/true');
  return Number(process.hrtime.bigint() - began) / 1e6;
}
class Control {
  constructor(path) { this.socket = net.connect(path); this.waiting = new Map(); this.id = 0; let rest = '';
    this.socket.on('data', (d) => { rest += d; let i; while ((i = rest.indexOf('\n')) >= 0) { const m = JSON.parse(rest.slice(0, i)); rest = rest.slice(i + 1); if (m.ok !== undefined) this.waiting.get(m.id)?.(m); } }); }
  call(verb, more) { const id = ++this.id; this.socket.write(`${JSON.stringify({ id, verb, ...more })}\n`);
    return new Promise((resolve, reject) => this.waiting.set(id, (m) => (m.ok ? resolve(m.result) : reject(new Error(m.error.detail))))); }
}
async function until(what, seconds) {
  const end = Date.now() + seconds * 1000;
  for (;;) { const v = await what().catch(() => null); if (v) return v; if (Date.now() > end) throw new Error('deadline'); await wait(50); }
}
const pss = (pid) => { try { return Number(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8').match(/^Pss:\s+(\d+)/m)[1]) / 1024; } catch { return 0; } };
const parentOf = (pid) => { try { return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ')[1]); } catch { return 0; } };
function familyPss(root) { // a process and everything below it
  const all = readdirSync('/proc').filter((n) => /^\d+$/.test(n)).map(Number), parents = new Map(all.map((p) => [p, parentOf(p)]));
  const below = (p) => { for (let q = p; q > 1; q = parents.get(q) ?? 0) if (q === root) return true; return false; };
  return all.filter(below).reduce((n, p) => n + pss(p), 0);
}

const result = { reference_100_starts_ms: reference() };
const port = await new Promise((r) => { const s = net.createServer().listen(0, '127.0.0.1', () => { const p = s.address().port; s.close(() => r(p)); }); });
const began = Date.now();
const server = spawn(join(bin, 'firedrill'), ['serve', '--home', home, '--port', String(port)], { stdio: ['ignore', 'pipe', 'pipe'] });
let said = '';
server.stdout.on('data', (d) => { said += d; });
server.stderr.on('data', () => {});
const url = `http://127.0.0.1:${port}/api/v1`;
const api = async (method, path, body) => (await fetch(url + path, { method, headers: { 'content-type': 'application/json' }, body: body && JSON.stringify(body) })).json();
try {
  await until(async () => said.includes('http://'), 60);
  result.server_first_start_ms = Date.now() - began;
  const control = new Control(join(home, 'control.sock'));
  const cold = [], warm = [];
  for (let i = 0; i < starts; i++) {
    cold.push((await control.call('stack.up', { stack: 2, args: { fresh: true } })).took_ms); await control.call('stack.down', { stack: 2 });
    warm.push((await control.call('stack.up', { stack: 2, args: { fresh: false } })).took_ms); await control.call('stack.down', { stack: 2 });
  }
  result.stack_cold_ms = median(cold); result.stack_warm_ms = median(warm);
  const clicked = Date.now();
  const run = await api('POST', '/runs', { scenario: 'worker-pool-saturation', fast: true });
  const states = {};
  await until(async () => { const s = (await api('GET', `/runs/${run.id}`)).state; states[s] ??= Date.now() - clicked; return s === 'running'; }, 120);
  result.click_to_running_ms = states.running; result.click_to_baseline_ms = states.baseline ?? null;
  await api('POST', `/runs/${run.id}/end`, { reason: 'abandoned' });
  await until(async () => (await api('GET', '/runs?state=active')).runs?.length === 0, 30).catch(() => {});
  process.stderr.write(`  memory after ${minutes} min at 40 requests/s ...\n`);
  await wait(minutes * 60000);
  const hello = await control.call('hello', {}), status = await control.call('stack.status', { stack: 1 });
  const ours = status.services.filter((s) => s.kind !== 'component' && existsSync(join(home, 'stacks/1')));
  const host = (s) => familyPss(s.host_pid ?? s.pid);
  result.memory_mb = {};
  for (const s of status.services.filter((t) => t.pid)) result.memory_mb[s.name] = +host(s).toFixed(1);
  result.c_services_mb = +ours.filter((s) => s.pid).reduce((n, s) => n + result.memory_mb[s.name], 0).toFixed(1);
  result.server_mb = +pss(server.pid).toFixed(1);
  result.control_and_stack_mb = +familyPss(hello.pid).toFixed(1);
  result.control_mb = +pss(hello.pid).toFixed(1);
} finally {
  server.kill('SIGTERM');
  await new Promise((r) => server.on('exit', r));
  rmSync(home, { recursive: true, force: true });
}
result.reference_after_ms = reference();
if (process.argv.includes('--json')) console.log(JSON.stringify(result, null, 1));
else {
  const times = (ms) => (ms / result.reference_100_starts_ms).toFixed(1);
  console.log(`100 starts of /bin/true          ${result.reference_100_starts_ms.toFixed(0)} ms before, ${result.reference_after_ms.toFixed(0)} ms after`);
  console.log(`server, agent and stack, first   ${result.server_first_start_ms} ms (${times(result.server_first_start_ms)} x)`);
  console.log(`stack from cold to healthy       ${result.stack_cold_ms} ms (${times(result.stack_cold_ms)} x), median of ${starts}`);
  console.log(`stack with its data, to healthy  ${result.stack_warm_ms} ms (${times(result.stack_warm_ms)} x), median of ${starts}`);
  console.log(`click to incident running        ${result.click_to_running_ms} ms, of which ${result.click_to_baseline_ms} ms to a reset, healthy stack`);
  console.log(`memory, PSS: C services ${result.c_services_mb} MB, stack and agent ${result.control_and_stack_mb} MB, agent ${result.control_mb} MB, server ${result.server_mb} MB`);
  console.log(Object.entries(result.memory_mb).map(([k, v]) => `  ${k} ${v}`).join(''));
}
