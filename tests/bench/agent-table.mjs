#!/usr/bin/env node
// The drivers over recorded plays: outcome, harm, restarts, unnecessary ones, time to stability, with 95 % intervals over scenarios.
//   node tests/bench/agent-table.mjs DIR [--bin build/release/bin] [--rows]      (--rows: each scenario by itself, too)
// DIR holds SCENARIO-DRIVER-SEED.json (firedrill play --json) and .rec (the same play's --record). Where a driver has no play of a
// scenario and seed but decides nothing on the recording of `none` (firedrill advise), that play stands for it, and the table says how often.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const args = process.argv.slice(2), drivers = ['none', 'rule', 'tuned', 'agent', 'solution'];
let bin = 'build/release/bin', dir, showRows = false;
while (args.length) { const a = args.shift(); if (a === '--bin') bin = args.shift(); else if (a === '--rows') showRows = true; else dir = a; }
if (!dir) { console.error('agent-table: expected the folder of the plays'); process.exit(2); }
const JUDGED_MS = 30000;
const lines = (f) => readFileSync(f, 'utf8').split('\n').filter(Boolean).map((l) => JSON.parse(l));

/** One play in figures. */
function play(file) {
  const all = lines(file), end = all.at(-1);
  if (end.type !== 'outcome' || !end.bites) return null;
  const run = all.filter((l) => l.type === 'run').at(-1).data, series = lines(file.replace(/json$/, 'rec')).filter((l) => l.type === 'series').map((l) => l.data);
  let lost = 0;
  series.forEach((s, i) => { if (i && s.t >= run.onset_ms && s.v['fd:offered_rps'] != null) lost += Math.max(0, s.v['fd:offered_rps'] - (s.v['fd:goodput_rps'] ?? 0)) * (s.t - series[i - 1].t) / 1000; });
  const met = new Map(), moments = []; // moments: when the users' objectives changed as a whole
  for (const l of all.filter((x) => x.type === 'criterion')) { met.set(l.data.id, l.data.ok === true); moments.push({ t: l.t, ok: [...met.values()].every(Boolean) }); }
  const okAt = (t) => moments.filter((m) => m.t <= t).at(-1)?.ok ?? false;
  const seen = new Set(), restarts = [];
  for (const l of all.filter((x) => x.type === 'action' && x.data.state === 'applied' && ['agent', 'learner'].includes(x.data.by) && /^process\.(restart|kill)$/.test(x.data.kind)))
    if (!seen.has(l.data.id)) { seen.add(l.data.id); restarts.push(l.t); }
  const sheds = new Set(all.filter((x) => x.type === 'action' && x.data.state === 'applied' && ['agent', 'learner'].includes(x.data.by) && x.data.kind === 'load.shed').map((x) => x.data.id)).size;
  const unnecessary = restarts.filter((t) => okAt(t) || !moments.some((m) => m.ok && m.t > t && m.t <= t + JUDGED_MS)).length;
  const limit = run.time_limit_ms, stable = end.outcome === 'resolved' ? Math.min(limit, run.clocks.slo_restored ?? limit) : limit;
  return { resolved: end.outcome === 'resolved' ? 1 : 0, lost, restarts: restarts.length, unnecessary, sheds, stable: stable / 1000 };
}

const table = new Map(); // "scenario-seed" -> driver -> figures
for (const f of readdirSync(dir).filter((n) => n.endsWith('.json'))) {
  const m = f.match(/^(.*)-(none|rule|tuned|agent|solution)-(\d+)\.json$/);
  const p = m && play(join(dir, f));
  if (!p) continue;
  const key = `${m[1]}#${m[3]}`;
  if (!table.has(key)) table.set(key, {});
  table.get(key)[m[2]] = p;
}
let stoodIn = Object.fromEntries(drivers.map((d) => [d, 0]));
for (const [key, row] of table) for (const d of ['rule', 'tuned', 'agent']) {
  const rec = join(dir, `${key.replace('#', '-none-')}.rec`);
  if (row[d] || !row.none || !existsSync(rec)) continue;
  const said = execFileSync(join(bin, 'firedrill'), ['advise', '--quiet', '--driver', d, rec]).toString();
  if (JSON.parse(said).acts === 0) { row[d] = row.none; stoodIn[d]++; }
}

let state = 12345;
const random = () => ((state = (state * 1103515245 + 12345) & 0x7fffffff) / 0x7fffffff);
/** Mean and percentile bootstrap over scenarios: seeds of one scenario are drawn together, since they are not independent. */
function interval(rows) { // [scenario, value]
  const groups = [...rows.reduce((m, [k, v]) => m.set(k, [...(m.get(k) ?? []), v]), new Map()).values()].map((v) => [v.reduce((x, y) => x + y, 0), v.length]);
  const mean = (g) => { let sum = 0, n = 0; for (const [v, k] of g) { sum += v; n += k; } return sum / n; };
  const means = Array.from({ length: 4000 }, () => mean(groups.map(() => groups[Math.floor(random() * groups.length)])));
  means.sort((x, y) => x - y);
  return [mean(groups), means[100], means[3899]];
}
const show = ([m, lo, hi], digits) => `${m.toFixed(digits)} [${lo.toFixed(digits)}, ${hi.toFixed(digits)}]`;
const all = [...table];
if (showRows) {
  const mean = (list, k) => list.reduce((sum, x) => sum + x[k], 0) / list.length, short = (v) => (Number.isInteger(v) ? v : v.toFixed(1));
  const cell = (list, none) => (!list.length ? '-' : list.every((x, i) => x === none[i]) ? 'as none'
    : [`${mean(list, 'lost').toFixed(0)} lost`, `${mean(list, 'stable').toFixed(0)} s`, ...(mean(list, 'resolved') ? [`cured ${mean(list, 'resolved') * list.length}/${list.length}`] : []),
      ...(mean(list, 'restarts') ? [`restarts ${short(mean(list, 'restarts'))}, unnecessary ${short(mean(list, 'unnecessary'))}`] : []), ...(mean(list, 'sheds') ? [`load reduced ${short(mean(list, 'sheds'))}`] : [])].join('; '));
  const of = (id, d) => all.filter(([k]) => k.startsWith(`${id}#`)).map(([, r]) => r[d]);
  console.log(`| scenario | ${drivers.join(' | ')} |\n|${' --- |'.repeat(drivers.length + 1)}`);
  for (const id of [...new Set(all.map(([k]) => k.split('#')[0]))].sort()) console.log(`| ${id} | ${drivers.map((d) => (d === 'none' ? cell(of(id, d).filter(Boolean), []) : cell(of(id, d).filter(Boolean), of(id, 'none')))).join(' | ')} |`);
  console.log();
}
console.log(`${all.length} plays of ${new Set(all.map(([k]) => k.split('#')[0])).size} scenarios.`);
console.log('\n| driver | plays | of them `none`\'s | resolved | requests lost | restarts | unnecessary | load reduced | time to stability (s) |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |');
for (const d of drivers) {
  const of = (k) => all.filter(([, r]) => r[d]).map(([key, r]) => [key.split('#')[0], r[d][k]]), n = of('lost').length;
  if (n) console.log(`| ${d} | ${n} | ${stoodIn[d]} | ${of('resolved').reduce((a, [, v]) => a + v, 0)} | ${show(interval(of('lost')), 0)} | ${show(interval(of('restarts')), 2)} | ${show(interval(of('unnecessary')), 2)} | ${show(interval(of('sheds')), 2)} | ${show(interval(of('stable')), 0)} |`);
}
console.log('\n| paired, on the plays that both have | plays | requests lost | unnecessary restarts |\n| --- | --- | --- | --- |');
for (const [a, b] of [['agent', 'none'], ['tuned', 'none'], ['rule', 'none'], ['solution', 'none'], ['agent', 'tuned'], ['agent', 'rule']]) {
  const both = all.filter(([, r]) => r[a] && r[b]), diff = (k) => interval(both.map(([key, r]) => [key.split('#')[0], r[a][k] - r[b][k]]));
  if (both.length) console.log(`| ${a} - ${b} | ${both.length} | ${show(diff('lost'), 0)} | ${show(diff('unnecessary'), 2)} |`);
}
