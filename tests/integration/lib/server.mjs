// What the tests of the whole server share: firedrill programs in homes of their own, requests, and the proof that nothing is left
// behind. Everything started here is ended here, by its process number.
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stackBlock } from './stack-block.mjs';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
export const bin = join(resolve(process.env.FD_BUILD_DIR ?? join(root, 'build/release')), 'bin');
export const firedrill = join(bin, 'firedrill');
const homes = [];
let passed = 0, failed = 0;

export function ok(name, good, why) {
  if (good) { passed++; console.log(`ok ${name}`); }
  else { failed++; console.log(`not ok ${name}${why === undefined ? '' : `: ${typeof why === 'string' ? why : JSON.stringify(why)}`.slice(0, 1500)}`); }
  return !!good;
}
export const pause = (ms) => new Promise((done) => setTimeout(done, ms));
// The first true value of probe(); undefined at the deadline.
export async function until(probe, limitMs = 15000) {
  for (const end = Date.now() + limitMs; ;) {
    try { const value = await probe(); if (value) return value; } catch { /* not yet */ }
    if (Date.now() > end) return undefined;
    await pause(50);
  }
}
export function home() {
  const dir = mkdtempSync(join(tmpdir(), 'fdt-'));
  chmodSync(dir, 0o755);
  homes.push(dir);
  return dir;
}

// Processes that name the folder in their command line: [{pid, command}].
export function processesIn(dir) {
  const found = [];
  for (const pid of readdirSync('/proc').filter((p) => /^\d+$/.test(p) && Number(p) !== process.pid)) {
    let command;
    try { command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' '); } catch { continue; }
    if (command.includes(dir)) found.push({ pid: Number(pid), command });
  }
  return found;
}

// A program that is collected: {code, out, err, ended}.
export function run(args, { env, cwd } = {}) {
  const child = spawn(firedrill, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env }, cwd });
  child.out = ''; child.err = '';
  child.stdout.on('data', (d) => { child.out += d; });
  child.stderr.on('data', (d) => { child.err += d; });
  child.ended = new Promise((done) => child.on('close', (code, signal) => { child.code = code ?? signal; done(child.code); }));
  return child;
}

// The number of a stack that nobody uses, and up to four after it. Two test runs may go on at once.
export const freeStack = stackBlock;

export class Server {
  constructor(stack, options = []) { this.home = home(); this.stack = stack; this.options = options; }
  async start(limitMs = 60000, port = '0') {
    this.process = run(['serve', '--home', this.home, '--port', port, '--stack', String(this.stack), ...this.options]);
    const url = await until(() => {
      if (this.process.code !== undefined) throw new Error('ended');
      return this.process.out.match(/is ready: (http:\/\/\S+)/)?.[1];
    }, limitMs);
    if (!url) throw new Error(`the server did not start: ${this.process.out} ${this.process.err}`.slice(-2000));
    this.url = url.replace(/\/(\?.*)?$/, '');
    return this;
  }
  async ask(method, path, body, headers = {}) {
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
    const r = await fetch(`${this.url}/api/v1${path}`, { method, body: text, headers: { ...type, ...headers } });
    const answer = await r.text();
    let value;
    try { value = JSON.parse(answer); } catch { value = answer; }
    return { status: r.status, body: value, type: r.headers.get('content-type') ?? '', headers: r.headers };
  }
  get(path) { return this.ask('GET', path); }
  post(path, body, headers) { return this.ask('POST', path, body, headers); }
  async begin(scenario, more = {}) {
    const r = await this.post('/runs', { scenario, fast: true, ...more });
    if (r.status !== 201) throw new Error(`no run: ${JSON.stringify(r.body)}`);
    return r.body.id;
  }
  async run(id) { return (await this.get(`/runs/${id}`)).body; }
  // The run once it is in one of the states; undefined at the deadline.
  reach(id, states, limitMs = 60000) {
    return until(async () => { const r = await this.run(id); return states.includes(r.state) && r; }, limitMs);
  }
  act(id, kind, on, args, reason = 'test') { return this.post(`/runs/${id}/actions`, { kind, on, ...(args ? { args } : {}), reason }); }
  async config(service) { return (await this.get(`/stack/config/${service}`)).body.config; }
  async service(name) { return (await this.get('/stack')).body.services.find((s) => s.name === name); }
  agentPid() {
    return new Promise((done, fail) => {
      const c = net.connect(join(this.home, 'control.sock'), () => c.write('{"id":1,"verb":"hello"}\n'));
      let text = '';
      c.on('error', fail);
      c.on('data', (d) => { text += d; if (text.includes('\n')) { c.destroy(); done(JSON.parse(text.split('\n')[0]).result.pid); } });
    });
  }
  async kill() { this.process.kill('SIGKILL'); await this.process.ended; }
  async stop(signal = 'SIGTERM') { if (this.process.code === undefined) this.process.kill(signal); return this.process.ended; }
  socketLeft() { return existsSync(join(this.home, 'control.sock')); }
}

// A WebSocket client of few lines (RFC 6455): text frames in, text frames out. messages: parsed, in order.
export class Live {
  static open(url, headers = {}, query = '', path = '/ws') {
    return new Promise((done, fail) => {
      const key = Buffer.from(Array.from({ length: 16 }, () => Math.floor(Math.random() * 256))).toString('base64');
      const r = http.request(`${url}${path}${query}`, { headers: { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': key, ...headers } });
      r.on('error', fail);
      r.on('response', (a) => { a.resume(); fail(Object.assign(new Error(`refused with ${a.statusCode}`), { status: a.statusCode })); });
      r.on('upgrade', (_, socket, head) => done(new Live(socket, head)));
      r.end();
    });
  }
  constructor(socket, head) {
    this.socket = socket; this.messages = []; this.closed = undefined; this.bytes = Buffer.alloc(0); this.text = ''; this.said = '';
    socket.on('data', (d) => this.read(d));
    socket.on('error', () => {});
    socket.on('close', () => { this.closed ??= 1006; });
    if (head.length) this.read(head);
  }
  read(data) {
    this.bytes = Buffer.concat([this.bytes, data]);
    for (;;) {
      if (this.bytes.length < 2) return;
      let size = this.bytes[1] & 127, at = 2;
      if (size === 126) { if (this.bytes.length < 4) return; size = this.bytes.readUInt16BE(2); at = 4; }
      else if (size === 127) { if (this.bytes.length < 10) return; size = Number(this.bytes.readBigUInt64BE(2)); at = 10; }
      if (this.bytes.length < at + size) return;
      const last = this.bytes[0] & 128, opcode = this.bytes[0] & 15, body = this.bytes.subarray(at, at + size);
      this.bytes = this.bytes.subarray(at + size);
      if (opcode === 8) this.closed = size >= 2 ? body.readUInt16BE(0) : 1005;
      else if (opcode === 9) this.frame(10, body);
      else if (opcode === 2) this.said += body.toString('utf8'); // what a shell says
      else if (opcode <= 1) { this.text += body.toString('utf8'); if (last) { this.messages.push(JSON.parse(this.text)); this.text = ''; } }
    }
  }
  frame(opcode, body) {
    const head = body.length < 126 ? Buffer.from([128 | opcode, 128 | body.length, 0, 0, 0, 0]) : Buffer.from([128 | opcode, 254, body.length >> 8, body.length & 255, 0, 0, 0, 0]);
    this.socket.write(Buffer.concat([head, body])); // a mask of zeros leaves the body as it is
  }
  send(message) { this.frame(1, Buffer.from(typeof message === 'string' ? message : JSON.stringify(message))); }
  type(text) { this.frame(2, Buffer.from(text)); }
  of(type) { return this.messages.filter((m) => m.type === type); }
  find(type, test = () => true, limitMs = 15000) { return until(() => this.of(type).find((m) => test(m.data)), limitMs); }
  close() { this.socket.destroy(); }
}

process.on('unhandledRejection', async (e) => { ok('no surprise', false, e?.stack ?? String(e)); await finish(); });

// Ends what is left (saying so), removes the homes, prints the count.
export async function finish() {
  for (const dir of homes) {
    const gone = await until(() => processesIn(dir).length === 0, 10000);
    ok(`nothing is left behind in ${dir.replace(tmpdir(), '')}`, gone, processesIn(dir));
    for (const { pid } of processesIn(dir)) try { process.kill(pid, 'SIGKILL'); } catch { /* gone */ }
    rmSync(dir, { recursive: true, force: true, maxRetries: 3 });
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed ? 1 : 0);
}
