// What the tests of single services share: private components and programs on a loopback address of their own, HTTP, waiting for
// events with deadlines, and the count at the end. Everything started here is ended here, by its process number.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync, appendFileSync, openSync, chownSync, chmodSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SIGN, isFree, listen } from './stack-block.mjs';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
const build = process.env.FD_BUILD_DIR ?? join(root, 'build/release');
const children = [];
const folders = [];
let passed = 0, failed = 0;

// A stack number that nobody else on this machine uses now: a listening port on its address is the sign, held until the end, and the
// ports of the components must be free.
export async function stackNumber(first) {
  for (let number = first; number < 255; number += 75) {
    const sign = await listen(SIGN, number);
    if (!sign) continue;
    let free = true;
    for (const port of [5432, 6379, 4222, 9090]) free &&= await isFree(port, number);
    if (free) return number;
    sign.close();
  }
  throw new Error(`stack number ${first} and its stand-ins are in use`);
}

export function stackAddress(number) { return `127.77.${number}.1`; }

export function folder() {
  const dir = mkdtempSync(join(tmpdir(), 'fd-'));
  chmodSync(dir, 0o755);
  folders.push(dir);
  for (const part of ['config', 'data', 's', 'logs']) mkdirSync(join(dir, part));
  return dir;
}

export async function until(what, probe, limitMs = 30000) {
  const end = Date.now() + limitMs;
  let last;
  for (;;) {
    try { const value = await probe(); if (value) return value; } catch (e) { last = e; }
    if (Date.now() > end) throw new Error(`waited ${limitMs} ms in vain for: ${what}${last ? ` (${last.message})` : ''}`);
    await new Promise((done) => setTimeout(done, 20));
  }
}

export function start(command, args, { log, env, cwd } = {}) {
  const out = log ? openSync(log, 'a') : 'ignore';
  const child = spawn(command, args, { stdio: ['ignore', out, out], env: { ...process.env, ...env }, cwd });
  child.ended = new Promise((done) => child.on('exit', (code, signal) => { child.code = code; child.signal = signal; done(code ?? signal); }));
  child.on('error', (e) => { child.code = -1; console.error(`${command}: ${e.message}`); });
  children.push(child);
  return child;
}

export async function stop(child, signal = 'SIGTERM') {
  if (child.exitCode === null && child.signalCode === null) child.kill(signal);
  return child.ended;
}

export function program(name) { return join(build, 'bin', name); }

// A service or adapter of ours; resolves when its /healthz answers.
export async function service(name, { number, port, dir, upstreams = {}, more = [], env }) {
  const address = `${stackAddress(number)}:${port}`;
  const args = ['--name', name, '--instance', `${name}-1`, '--listen', address, '--dir', dir, ...more];
  for (const [peer, at] of Object.entries(upstreams)) args.push('--upstream', `${peer}=${at}`);
  const log = join(dir, 'logs', `${name}.log`);
  const child = start(program(`sut-${name}`), args, { log, env });
  child.address = address;
  child.log = log;
  await until(`${name} to answer (log: ${existsSync(log) ? readFileSync(log, 'utf8').slice(-400) : ''})`, async () => {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${readFileSync(log, 'utf8').slice(-600)}`);
    return (await fetch(`http://${address}/healthz`)).status > 0;
  });
  return child;
}

export function runProgram(name, args) {
  const r = spawnSync(program(`sut-${name}`), args, { encoding: 'utf8', timeout: 60000 });
  return { status: r.status, text: r.stdout + r.stderr };
}

export async function json(url, options) {
  // A kept connection that the service closed meanwhile (this process may have been busy with a program it waits for) is nobody's failure.
  const r = await fetch(url, options).catch((e) => { if (e.cause?.code !== 'UND_ERR_SOCKET') throw e; return fetch(url, options); });
  const text = await r.text();
  let body;
  try { body = JSON.parse(text); } catch { body = text; }
  return { status: r.status, body, headers: r.headers };
}

export function patch(address, values, author = 'learner', reason = 'test') {
  return json(`http://${address}/config`, {
    method: 'PATCH', body: JSON.stringify(values),
    headers: { 'content-type': 'application/json', 'x-author': author, 'x-reason': reason },
  });
}

export async function config(address) { return (await json(`http://${address}/config`)).body.config; }

// {"name{label=\"value\"}": number} of a /metrics page, without the version label.
export async function metrics(address) {
  const text = await (await fetch(`http://${address}/metrics`)).text();
  const out = {};
  for (const line of text.split('\n')) {
    if (!line || line.startsWith('#')) continue;
    const at = line.lastIndexOf(' ');
    const key = line.slice(0, at).replace(/version="[^"]*",?/, '').replace(/,}$/, '}').replace('{}', '');
    out[key] = Number(line.slice(at + 1));
  }
  return out;
}

const pgBin = ['/usr/lib/postgresql/15/bin', '/usr/lib/postgresql/16/bin', '/usr/lib/postgresql/17/bin'].find(existsSync);

// A private PostgreSQL on the stack's address and DIR/s, superuser "sut". It refuses root, so root lends it to "postgres".
export async function postgres(number, dir, settings = '') {
  const data = join(dir, 'data', 'postgres');
  const isRoot = userInfo().uid === 0;
  const as = isRoot ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] : [];
  const run = (args) => {
    const all = [...as, ...args];
    const r = spawnSync(all[0], all.slice(1), { encoding: 'utf8', cwd: '/' });
    if (r.status !== 0) throw new Error(`${args[0]}: ${r.stderr || r.error}`);
    return r.stdout;
  };
  if (isRoot) {
    const uid = Number(spawnSync('id', ['-u', 'postgres'], { encoding: 'utf8' }).stdout);
    const gid = Number(spawnSync('id', ['-g', 'postgres'], { encoding: 'utf8' }).stdout);
    for (const part of ['data', 's']) chownSync(join(dir, part), uid, gid);
  }
  run([join(pgBin, 'initdb'), '-D', data, '-U', 'sut', '-A', 'trust', '--no-sync', '--no-locale', '-E', 'UTF8', '--wal-segsize=1']);
  appendFileSync(join(data, 'postgresql.conf'), `
listen_addresses = '${stackAddress(number)}'
max_connections = 40
shared_buffers = 16MB
fsync = off
full_page_writes = off
synchronous_commit = off
wal_level = minimal
max_wal_senders = 0
max_parallel_workers_per_gather = 0
jit = off
autovacuum = off
${settings}`);
  writeFileSync(join(data, 'pg_hba.conf'), 'local all all trust\nhost all sut 127.0.0.0/8 trust\nhost all all 127.0.0.0/8 scram-sha-256\n');
  const args = [...as, join(pgBin, 'postgres'), '-D', data, '-k', join(dir, 's')];
  const child = start(args[0], args.slice(1), { log: join(dir, 'logs', 'postgres.log'), cwd: '/' });
  child.address = `${stackAddress(number)}:5432`;
  child.sql = (sql, user = 'sut', database = 'shop') => {
    const r = spawnSync('psql', ['-X', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-h', join(dir, 's'), '-U', user, '-d', database, '-c', sql],
      { encoding: 'utf8', timeout: 20000 });
    if (r.status !== 0) throw new Error(r.stderr.trim());
    return r.stdout.trim();
  };
  await until('PostgreSQL to answer', () => child.sql('SELECT 1', 'sut', 'postgres') === '1');
  return child;
}

// Prometheus with our rules; targets: {service: address}.
export async function prometheus(number, dir, targets) {
  const address = `${stackAddress(number)}:9090`;
  const scrape = Object.entries(targets).map(([name, at]) =>
    `  - {job_name: ${name}, static_configs: [{targets: ['${at}'], labels: {service: ${name}, instance: ${name}-1}}]}`).join('\n');
  const file = join(dir, 'config', 'prometheus.yml');
  writeFileSync(file, `global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: ['${join(root, 'deploy/prometheus/rules.yml')}']
scrape_configs:
${scrape}
`);
  const child = start('prometheus', [`--config.file=${file}`, `--storage.tsdb.path=${join(dir, 'data', 'prometheus')}`,
    `--web.listen-address=${address}`, '--log.level=warn', '--enable-feature=exemplar-storage'], { log: join(dir, 'logs', 'prometheus.log') });
  child.address = address;
  // A number, or null when there is no sample.
  child.value = async (promql) => {
    const { body } = await json(`http://${address}/api/v1/query?query=${encodeURIComponent(promql)}`);
    if (body.status !== 'success') throw new Error(JSON.stringify(body));
    return body.data.result.length ? Number(body.data.result[0].value[1]) : null;
  };
  await until('Prometheus to be ready', async () => (await fetch(`http://${address}/-/ready`)).status === 200, 20000);
  return child;
}

export function check(condition, text) { if (!condition) throw new Error(text); }
export function equal(actual, expected, text = '') {
  const a = JSON.stringify(actual), b = JSON.stringify(expected);
  if (a !== b) throw new Error(`${text}: expected ${b}, got ${a}`);
}

export async function test(name, body) {
  const began = Date.now();
  try {
    await body();
    passed++;
    console.log(`ok ${name} (${Date.now() - began} ms)`);
  } catch (e) {
    failed++;
    console.log(`not ok ${name}: ${e.message}`);
  }
}

function clear() {
  for (const child of children) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
}

export async function finish() {
  for (const child of [...children].reverse()) if (child.pid) await Promise.race([stop(child, child.spawnargs.some((a) => a.endsWith('/postgres')) ? 'SIGINT' : 'SIGTERM'),
    new Promise((done) => setTimeout(done, 6000).unref())]);
  clear();
  if (failed === 0) for (const dir of folders) rmSync(dir, { recursive: true, force: true });
  else console.log(`kept for a look: ${folders.join(' ')}`);
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed ? 1 : 0);
}

process.on('exit', clear); // also after an error that nobody caught
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => { clear(); process.exit(3); });
