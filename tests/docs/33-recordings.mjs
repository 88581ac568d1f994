#!/usr/bin/env node
// The recordings that ship (models/recordings) can stand in: each is of a shipped scenario as it is written now, of its own seed and of normal pace, played to its end by
// agent or rule. Prints ok/not ok lines, then "N passed, N failed".
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fingerprint } from '../bench/fingerprint.mjs';

const root = new URL('../..', import.meta.url).pathname, folder = join(root, 'models/recordings');
let passed = 0, failed = 0;
function report(name, problems) {
  if (problems.length) failed++; else passed++;
  console.log(`${problems.length ? 'not ok' : 'ok'} ${name}`);
  for (const p of problems) console.log(`    ${p}`);
}
const files = readdirSync(folder).filter((f) => f.endsWith('.json')), problems = [], models = new Map();
for (const name of files) {
  const { source, lane } = JSON.parse(readFileSync(join(folder, name), 'utf8')), yaml = join(root, 'scenarios', `${lane.scenario}.yaml`);
  if (name !== `${lane.scenario}-${lane.policy}.json`) problems.push(`${name}: is of ${lane.policy} through ${lane.scenario}; its name says otherwise`);
  if (!existsSync(yaml)) { problems.push(`${name}: there is no scenario '${lane.scenario}'`); continue; }
  const text = readFileSync(yaml);
  if (fingerprint(text) !== source) problems.push(`${name}: the scenario is written otherwise now; make it again (node tests/bench/ghost-recordings.mjs ${lane.scenario}) or remove it`);
  if (String(lane.seed) !== /^seed: *(\d+)/m.exec(text)?.[1]) problems.push(`${name}: its seed is ${lane.seed}, not the scenario's own`);
  if (lane.fast) problems.push(`${name}: it was played in fast mode; expected normal pace`);
  if (!['agent', 'rule'].includes(lane.policy) || !['resolved', 'time_up'].includes(lane.outcome)) problems.push(`${name}: ${lane.policy} ended '${lane.outcome}'; expected agent or rule at the end of a run`);
  if (!lane.model) problems.push(`${name}: it does not name the model it was made with`);
  models.set(lane.model, (models.get(lane.model) ?? 0) + 1);
}
report(`all ${files.length} shipped recordings can stand in (${[...models].map(([m, n]) => `${n} with ${m}`).join(', ')})`, problems);
const has = (id, policy) => files.includes(`${id}-${policy}.json`), incidents = [...new Set(files.map((f) => f.replace(/-(agent|rule)\.json$/, '')))];
report('each incident among them has one of the agent and one of the rule', incidents.filter((id) => !has(id, 'agent') || !has(id, 'rule')));
report('the incident that newcomers are shown first is among them', incidents.some((id) => /^order: *1$/m.test(readFileSync(join(root, 'scenarios', `${id}.yaml`), 'utf8'))) ? [] : incidents);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
