#!/usr/bin/env node
// Root cause on recorded incidents: how often the ranking names the truth, against two simple rules.
//   node tests/bench/root-cause.mjs --bin build/release/bin RECORDING...        scenarios played with --record
//   node tests/bench/root-cause.mjs --bin build/release/bin --faults RECORDING  each fault of a calibration recording by itself
// A recording may be packed with gzip. The truth is read from scenarios/ID.yaml; an adapter and its component count as one place.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

const args = process.argv.slice(2);
let bin = 'build/release/bin', faults = false, json = false, after = 30;
const files = [];
while (args.length) {
  const a = args.shift();
  if (a === '--bin') bin = args.shift();
  else if (a === '--faults') faults = true;
  else if (a === '--json') json = true;
  else if (a === '--after') after = Number(args.shift());
  else files.push(a);
}
if (!files.length) { console.error('root-cause: expected recordings of firedrill play --record'); process.exit(2); }

const place = (s) => ({ postgres: 'db', redis: 'cache', nats: 'mq' })[s] ?? s;
const root = new URL('../..', import.meta.url).pathname;
const work = mkdtempSync(join(tmpdir(), 'root-cause-'));
const lines = (f) => (f.endsWith('.gz') ? gunzipSync(readFileSync(f)) : readFileSync(f)).toString().split('\n').filter(Boolean).map((l) => JSON.parse(l));

/** The places a scenario names, and whether its truth spreads beyond its own place. */
function truthOf(id) {
  const text = readFileSync(join(root, 'scenarios', `${id}.yaml`), 'utf8');
  const part = text.slice(text.indexOf('\ntruth:')).split(/\n(?=[a-z])/)[1];
  const components = [...part.matchAll(/component: ?([a-z]+)/g)].map((m) => place(m[1]));
  const path = (part.match(/path: \[([^\]]*)\]/)?.[1] ?? '').split(',').map((s) => s.trim()).filter(Boolean);
  return { components, cascade: path.length > 1 };
}

/** One incident: its lines, what is true of it, and the moment it is judged at. */
function scenarioIncident(file) {
  const all = lines(file);
  const run = all.filter((l) => l.type === 'run').map((l) => l.data);
  const page = run.find((r) => r.page_ms)?.page_ms;
  return page ? [{ name: run[0].scenario, all, at: page + after * 1000, ...truthOf(run[0].scenario) }] : [];
}

function faultIncidents(file) {
  const all = lines(file), series = all.filter((l) => l.type === 'series'), run = all.find((l) => l.type === 'run').data;
  const onset = all.find((l) => l.type === 'run' && l.data.onset_ms).data.onset_ms;
  const applied = all.filter((l) => l.type === 'fault' && l.data.state === 'applied' && l.data.purpose === 'fault' && l.data.for_ms).map((l) => l.data);
  const before = series.filter((l) => l.data.t < onset);
  const seen = [];
  for (const f of applied) {
    if (seen.some((s) => Math.abs(s.due_ms - f.due_ms) < 4000)) continue;
    seen.push(f);
    const together = applied.filter((g) => Math.abs(g.due_ms - f.due_ms) < 4000);
    const components = [...new Set(together.filter((g) => g.on || g.kind.startsWith('db.') || g.kind.startsWith('cache.')).map((g) => (g.on || g.kind.split('.')[0]).split('->').map(place)).flat())]; // a fault between two is found at either end
    if (!components.length) continue; // a surge of the users has no place
    const state = (s, extra) => ({ type: 'run', data: { ...run, id: `r${f.id}`, state: s, ...extra } });
    const during = series.filter((l) => l.data.t >= f.applied_ms && l.data.t <= f.applied_ms + f.for_ms + 1000);
    seen.at(-1).used = true;
    yieldTo.push({ name: together.map((g) => `${g.kind}@${g.on || '-'}`).join('+'), at: f.applied_ms + 18000, components, cascade: components[0] !== 'gateway',
      all: [state('preparing'), state('baseline'), ...before, state('running', { onset_ms: f.applied_ms, page_ms: f.applied_ms }), ...during] });
  }
  return yieldTo.splice(0);
}
const yieldTo = [];

function judge(incident) {
  const path = join(work, 'one.jsonl');
  writeFileSync(path, incident.all.map((l) => JSON.stringify(l)).join('\n') + '\n');
  const told = execFileSync(join(bin, 'firedrill'), ['advise', path], { maxBuffer: 1 << 28 }).toString().split('\n').filter(Boolean).map((l) => JSON.parse(l));
  const onset = incident.all.filter((l) => l.type === 'run').map((l) => l.data.onset_ms).find(Boolean);
  const last = told.filter((r) => r.id && r.at_ms <= incident.at - onset).at(-1);
  const ranked = last?.cause.ranked.map((c) => place(c.service)) ?? [];
  const distinct = [...new Set(ranked)];
  const hit = (s) => s != null && incident.components.includes(place(s));
  return { name: incident.name, truth: incident.components.join('/'), cascade: incident.cascade, none: incident.components.includes('none'), abstain: last?.cause.abstain ?? true,
    top: distinct[0], at1: hit(distinct[0]), at3: distinct.slice(0, 3).some(hit), strongest: hit(last?.cause.strongest), first: hit(last?.cause.first) };
}

const rows = files.flatMap(faults ? faultIncidents : scenarioIncident).map(judge);
rmSync(work, { recursive: true });
const share = (list, key) => (list.length ? `${list.filter((r) => r[key]).length}/${list.length}` : '-');
const groups = [['all', rows.filter((r) => !r.none)], ['in its own place', rows.filter((r) => !r.none && !r.cascade)], ['cascades', rows.filter((r) => !r.none && r.cascade)]];
if (json) console.log(JSON.stringify(rows, null, 1));
else {
  for (const r of rows) console.log(`${r.at1 ? 'yes' : r.at3 ? 'top3' : 'no '}  ${r.name}: truth ${r.truth}, named ${r.top}${r.abstain ? ' (abstains)' : ''}; strongest ${r.strongest ? 'yes' : 'no'}, first ${r.first ? 'yes' : 'no'}`);
  console.log('\n| incidents | AC@1 | AC@3 | abstains | AC@1 when it does not abstain | largest z | first to alarm |\n| --- | --- | --- | --- | --- | --- | --- |');
  for (const [name, list] of groups) {
    const sure = list.filter((r) => !r.abstain);
    console.log(`| ${name} | ${share(list, 'at1')} | ${share(list, 'at3')} | ${share(list, 'abstain')} | ${share(sure, 'at1')} | ${share(list, 'strongest')} | ${share(list, 'first')} |`);
  }
}
