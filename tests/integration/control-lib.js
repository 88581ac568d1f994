// For integration tests of the control agent: starts agents in temporary homes, talks to them, looks for leftovers.
'use strict';
const fs = require('fs'), net = require('net'), os = require('os'), path = require('path');
const { spawn } = require('child_process');

const top = path.resolve(__dirname, '../..');
const bin = path.resolve(process.env.FD_BUILD_DIR || path.join(top, 'build/release'), 'bin');
const work = fs.mkdtempSync(path.join(os.tmpdir(), 'fdt-'));
fs.chmodSync(work, 0o755);
let passed = 0, failed = 0;

function ok(name, good, why) {
  if (good) { passed++; console.log(`ok ${name}`); } else { failed++; console.log(`not ok ${name}${why === undefined ? '' : ': ' + (typeof why === 'string' ? why : JSON.stringify(why))}`); }
}
const pause = (ms) => new Promise((r) => setTimeout(r, ms));
// True as soon as look() is; false at the deadline.
async function until(look, ms = 10000) {
  for (const end = Date.now() + ms; ;) {
    if (await look()) return true;
    if (Date.now() > end) return false;
    await pause(20);
  }
}

class Client {
  constructor(socket) { this.socket = socket; this.next = 1; this.waiting = new Map(); this.events = []; this.progress = []; this.text = ''; this.closed = false; }
  static open(file) {
    return new Promise((done, fail) => {
      const c = new Client(net.connect(file, () => done(c)));
      c.socket.on('error', (e) => { c.closed = true; fail(e); });
      c.socket.on('close', () => { c.closed = true; for (const w of c.waiting.values()) w({ ok: false, error: { code: 'CLOSED', detail: 'the connection closed' } }); });
      c.socket.on('data', (d) => c.read(d));
    });
  }
  read(data) {
    this.text += data;
    for (let i; (i = this.text.indexOf('\n')) >= 0; this.text = this.text.slice(i + 1)) {
      const m = JSON.parse(this.text.slice(0, i));
      if (m.event) this.events.push(m);
      else if (m.progress) this.progress.push(m.progress);
      else { this.waiting.get(m.id)?.(m); this.waiting.delete(m.id); }
    }
  }
  ask(verb, more = {}) {
    const id = this.next++;
    return new Promise((done) => { this.waiting.set(id, done); this.socket.write(JSON.stringify({ id, verb, ...more }) + '\n'); });
  }
  line(text) { return new Promise((done) => { this.waiting.set(null, done); this.socket.write(text + '\n'); }); }
  close() { this.socket.destroy(); }
}

let homes = 0;
// An agent in a home of its own. services: text of a stack.yaml, or null for the real one.
class Agent {
  constructor(mode, services) {
    this.home = path.join(work, `h${++homes}`);
    this.mode = mode;
    this.share = top;
    if (services) {
      this.share = path.join(work, `share${homes}`);
      fs.mkdirSync(path.join(this.share, 'sut'), { recursive: true });
      fs.writeFileSync(path.join(this.share, 'sut/stack.yaml'), services);
    }
  }
  get sock() { return path.join(this.home, 'control.sock'); }
  async start(extra = []) {
    this.said = '';
    this.exit = undefined;
    const command = [...(this.wrap ? [this.wrap] : []), path.join(bin, 'firedrill-control'), '--home', this.home, '--share', this.share, '--mode', this.mode, ...extra];
    // Debian's own PATH: a machine may have links to PostgreSQL's programs in front of it that a fresh one has not.
    const env = { ...process.env, PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };
    this.process = spawn(command[0], command.slice(1), { env, stdio: ['ignore', 'ignore', 'pipe'] });
    this.process.stderr.on('data', (d) => { this.said += d; });
    this.ended = new Promise((r) => this.process.on('exit', (code, signal) => { this.exit = { code, signal }; r(this.exit); }));
    if (!await until(() => this.exit || this.said.includes('agent.ready'), 20000) || this.exit) throw new Error(`the agent did not start: ${this.said}`);
    this.client = await Client.open(this.sock);
    return this.client;
  }
  service(status, name) { return status.result.services.find((s) => s.name === name); }
  async state(stack, name) { return this.service(await this.client.ask('stack.status', { stack }), name); }
  log(stack, name) { try { return fs.readFileSync(path.join(this.home, `stacks/${stack}/logs/${name}.log`), 'utf8'); } catch { return ''; } }
}

// Processes that carry this test's directory in their command line or environment.
function left() {
  const found = [];
  for (const p of fs.readdirSync('/proc')) {
    if (!/^\d+$/.test(p) || +p === process.pid) continue;
    try {
      const what = fs.readFileSync(`/proc/${p}/cmdline`, 'utf8') + fs.readFileSync(`/proc/${p}/environ`, 'utf8');
      if (what.includes(work + '/')) found.push(`${p} ${fs.readFileSync(`/proc/${p}/cmdline`, 'utf8').replace(/\0/g, ' ')}`);
    } catch { /* it went while we looked, or is another user's */ }
  }
  return found;
}
const nothingLeft = (ms = 5000) => until(() => left().length === 0, ms);

async function finish() {
  const good = await nothingLeft();
  ok('nothing is left behind', good, left().join('; '));
  for (const l of left()) try { process.kill(parseInt(l, 10), 'SIGKILL'); } catch { /* gone */ }
  fs.rmSync(work, { recursive: true, force: true });
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed ? 1 : 0);
}
function main(body) {
  body().catch((e) => ok('the test runs to its end', false, e.stack)).finally(finish);
}
module.exports = { Agent, Client, bin, left, main, nothingLeft, ok, pause, top, until, work };
