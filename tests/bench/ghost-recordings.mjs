#!/usr/bin/env node
// Makes the recordings that ship (models/recordings): agent and rule play shipped scenarios as written, with their own seed and at normal pace, each on a stack of its own
// and in a fresh home, from which firedrill export recordings writes the file. A play lasts up to the scenario's time limit; nothing is edited afterwards.
//   node tests/bench/ghost-recordings.mjs [--jobs 1] [--stack 240] [--bin build/release/bin] [--again yes] SCENARIO...
// What is there already, of the scenario as it is written now, is not played again unless --again is yes, so it can be interrupted and called again.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fingerprint } from './fingerprint.mjs';

const root = new URL('../..', import.meta.url).pathname, args = process.argv.slice(2), folder = join(root, 'models/recordings');
const named = { jobs: '1', stack: '240', bin: join(root, 'build/release/bin'), again: 'no' }, scenarios = [];
while (args.length) {
  const a = args.shift(), name = a.slice(2);
  if (!a.startsWith('--')) scenarios.push(a);
  else if (name in named && args.length) named[name] = args.shift();
  else { console.error(`ghost-recordings: '${a}' is no option or has no value; expected --jobs, --stack, --bin or --again`); process.exit(2); }
}
const jobs = Number(named.jobs), stack = Number(named.stack), program = join(named.bin, 'firedrill');
const yaml = (id) => join(root, 'scenarios', `${id}.yaml`);
const unknown = scenarios.find((id) => !existsSync(yaml(id)));
if (!scenarios.length || unknown || !(jobs >= 1 && jobs <= 8) || !(stack >= 1 && stack + jobs <= 251)) {
  console.error(`ghost-recordings: ${unknown ? `there is no scenario '${unknown}'` : 'expected shipped scenarios, --jobs from 1 to 8, and --stack so that all jobs have a number up to 250'}`);
  process.exit(2);
}
mkdirSync(folder, { recursive: true });
const file = (p) => join(folder, `${p.id}-${p.driver}.json`);
const isThere = (p) => existsSync(file(p)) && JSON.parse(readFileSync(file(p), 'utf8')).source === fingerprint(readFileSync(yaml(p.id)));
const queue = scenarios.flatMap((id) => ['agent', 'rule'].map((driver) => ({ id, driver }))).filter((p) => named.again === 'yes' || !isThere(p));
const running = new Set();
let stopping = false, missing = 0;
process.on('SIGINT', () => { stopping = true; }); // of a terminal: what is under way hears it as well, and undoes its run
process.on('SIGTERM', () => { stopping = true; for (const child of running) child.kill('SIGTERM'); });

/** What the home has kept: one line, or why there is none. */
function exported(home, p) {
  const lines = execFileSync(program, ['export', 'recordings', '--home', home], { encoding: 'utf8' }).split('\n').filter(Boolean);
  if (lines.length !== 1) return { why: 'the run was not complete' };
  return JSON.parse(lines[0]).lane.model ? { text: `${lines[0]}\n` } : { why: `no model decided for ${p.driver}` };
}

async function play(p, number) {
  const home = mkdtempSync(join(tmpdir(), 'ghost-recordings-')), began = Date.now();
  const child = spawn(program, ['play', yaml(p.id), '--driver', p.driver, '--json', '--stack', String(number), '--home', home], { stdio: ['ignore', 'ignore', 'inherit'] });
  running.add(child);
  await new Promise((done) => child.on('close', done));
  running.delete(child);
  const { text, why } = stopping ? { why: 'interrupted' } : exported(home, p);
  rmSync(home, { recursive: true, force: true });
  if (text) { writeFileSync(`${file(p)}.part`, text); renameSync(`${file(p)}.part`, file(p)); } else missing++;
  console.log(`${p.id} ${p.driver}: ${text ? `${JSON.parse(text).lane.outcome}, ${text.length} bytes` : why} (${((Date.now() - began) / 1000).toFixed(0)} s, ${queue.length} to go)`);
}

await Promise.all(Array.from({ length: jobs }, async (_, k) => { while (queue.length && !stopping) await play(queue.shift(), stack + k); }));
process.exit(missing || stopping ? 1 : 0);
