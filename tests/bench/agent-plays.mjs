#!/usr/bin/env node
// Plays the shipped scenarios with every driver, for agent-table.mjs and root-cause.mjs: about an hour for each seed on four stacks.
//   node tests/bench/agent-plays.mjs DIR [--seeds 0,11] [--jobs 4] [--stack 240] [--bin build/release/bin] [SCENARIO...]
// Writes DIR/SCENARIO-DRIVER-SEED.json (firedrill play --json) and .rec (its --record); seed 0 is the scenario's own. What is there already is not played again, so
// it can be interrupted and called again. A driver that decides nothing on the recording of `none` (firedrill advise) is not played.
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = new URL('../..', import.meta.url).pathname, args = process.argv.slice(2);
const named = { seeds: '0', jobs: '4', stack: '240', bin: join(root, 'build/release/bin') }, words = [];
while (args.length) {
  const a = args.shift(), name = a.slice(2);
  if (!a.startsWith('--')) words.push(a);
  else if (name in named && args.length) named[name] = args.shift();
  else { console.error(`agent-plays: '${a}' is no option or has no value; expected --seeds, --jobs, --stack or --bin`); process.exit(2); }
}
const [dir, ...only] = words, seeds = named.seeds.split(',').map(Number), jobs = Number(named.jobs), stack = Number(named.stack);
if (!dir || seeds.some((s) => !Number.isInteger(s) || s < 0) || !(jobs >= 1 && jobs <= 8) || !(stack >= 1 && stack + jobs <= 251)) {
  console.error('agent-plays: expected a folder, --seeds of whole numbers, --jobs from 1 to 8, and --stack so that all jobs have a number up to 250');
  process.exit(2);
}
mkdirSync(dir, { recursive: true });
const scenarios = only.length ? only : readdirSync(join(root, 'scenarios')).filter((f) => f.endsWith('.yaml')).map((f) => f.slice(0, -5));
const queue = seeds.flatMap((seed) => ['none', 'solution'].flatMap((driver) => scenarios.map((id) => ({ id, driver, seed }))));
const base = (p) => join(dir, `${p.id}-${p.driver}-${p.seed}`);
const program = join(named.bin, 'firedrill');
let stopping = false;
const running = new Set();
process.on('SIGINT', () => { stopping = true; }); // of a terminal: what is under way hears it as well, and undoes its run
process.on('SIGTERM', () => { stopping = true; for (const child of running) child.kill('SIGTERM'); });

/** The drivers that would do something in this incident, by the recording of a play in which nobody did. */
function others(p) {
  return ['agent', 'tuned', 'rule'].filter((driver) => JSON.parse(execFileSync(program, ['advise', '--quiet', '--driver', driver, `${base(p)}.rec`])).acts > 0);
}

async function play(p, number) {
  const home = mkdtempSync(join(tmpdir(), 'agent-plays-')), out = openSync(`${base(p)}.part`, 'w'), began = Date.now();
  const child = spawn(program, ['play', join(root, 'scenarios', `${p.id}.yaml`), '--driver', p.driver, '--fast', '--json', '--stack', String(number), '--home', home,
    '--record', `${base(p)}.rec`, ...(p.seed ? ['--seed', String(p.seed)] : [])], { stdio: ['ignore', out, 'inherit'] });
  running.add(child);
  const code = await new Promise((done) => child.on('close', (c) => done(c ?? -1)));
  running.delete(child);
  closeSync(out);
  rmSync(home, { recursive: true, force: true });
  if (stopping) return false;
  const whole = code === 0 || code === 1; // anything else: the environment failed
  if (whole) renameSync(`${base(p)}.part`, `${base(p)}.json`);
  console.log(`${p.id} ${p.driver} ${p.seed}: ${whole ? JSON.parse(readFileSync(`${base(p)}.json`, 'utf8').trim().split('\n').at(-1)).outcome : `not played, exit status ${code}`} (${((Date.now() - began) / 1000).toFixed(0)} s, ${queue.length} to go)`);
  return whole;
}

await Promise.all(Array.from({ length: jobs }, async (_, k) => {
  while (queue.length && !stopping) {
    const p = queue.shift();
    if (!existsSync(`${base(p)}.json`) && !await play(p, stack + k)) continue;
    if (p.driver === 'none') queue.push(...others(p).map((driver) => ({ ...p, driver })));
  }
}));
process.exit(stopping ? 1 : 0);
