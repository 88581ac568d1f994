#!/usr/bin/env node
// docs/verification.md from the lines of `firedrill verify --json`. Several files: what a later one says of a scenario replaces what an earlier one said.
// So a run over all can be done in parts, and a scenario that was changed can be proved again alone.
//   node tests/tools/verify-table.mjs RUN.jsonl... > docs/verification.md
import { readFileSync, readdirSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const files = process.argv.slice(2);
if (files.length === 0) {
  console.error('usage: node tests/tools/verify-table.mjs RUN.jsonl... > docs/verification.md');
  process.exit(2);
}
const heads = [], scenarios = new Map();
files.forEach((file, at) => {
  const own = new Map();
  readFileSync(file, 'utf8').split('\n').filter(Boolean).forEach((line, i) => {
    let j;
    try { j = JSON.parse(line); } catch (e) { console.error(`${file}:${i + 1}: ${e.message}`); process.exit(1); }
    if (j.type === 'verify') heads.push({ ...j, at });
    if (j.type !== 'proof') return;
    const name = basename(j.file, '.yaml');
    if (!own.has(name)) own.set(name, []);
    own.get(name).push({ ...j, at });
  });
  for (const [name, proofs] of own) scenarios.set(name, proofs);
});

const library = join(dirname(fileURLToPath(import.meta.url)), '../../scenarios');
const shipped = readdirSync(library).filter((f) => f.endsWith('.yaml')).map((f) => basename(f, '.yaml'));
for (const name of shipped) if (!scenarios.has(name)) scenarios.set(name, []);

const restartOk = (name) => shipped.includes(name) && /^restart_ok: true/m.test(readFileSync(join(library, `${name}.yaml`), 'utf8'));
const seconds = (ms) => (ms / 1000).toFixed(0);
const longest = (rows, key) => Math.max(0, ...rows.map((r) => r[key]));
const isSample = (at) => heads.some((h) => h.at === at && h.sample);
const counted = (rows) => `${rows.filter((r) => r.ok).length} of ${rows.length}${rows.length && isSample(rows[0].at) ? ' (sample)' : ''}`;
const mark = (rows, text) => (rows.length === 0 ? 'not run' : rows.every((r) => r.ok) ? text : `**FAILED**: ${text}`);
const rows = [], failed = [], unproved = [];
let proofs = 0, passed = 0, runMs = 0;
for (const [name, list] of [...scenarios].sort(([a], [b]) => (a < b ? -1 : 1))) {
  const of = (kind) => list.filter((p) => p.kind === kind);
  const runs = list.filter((p) => !['healthy', 'bites'].includes(p.kind)), restart = of('restart');
  const took = runs.reduce((sum, p) => sum + p.took_ms, 0);
  rows.push(`| \`${name}\` | ${[
    mark(of('healthy'), longest(runs, 'tries') > 1 ? 'yes, not at once' : 'yes'),
    mark(of('bites'), longest(of('bites'), 'bite_ms') ? `after ${seconds(longest(of('bites'), 'bite_ms'))} s` : 'nothing is to bite'),
    mark(of('nothing'), 'yes'),
    mark(of('solution'), `${counted(of('solution'))}, slowest ${seconds(longest(of('solution'), 'played_ms'))} s`),
    mark(of('wrong'), counted(of('wrong'))),
    restart.length ? mark(restart, 'yes') : restartOk(name) ? 'helps, and may' : 'not run',
    `${seconds(took)} s`,
  ].join(' | ')} |`);
  if (list.length === 0) unproved.push(`\`${name}\``);
  for (const p of list.filter((q) => !q.ok)) failed.push(`- \`${name}\`, ${p.proof}: ${p.outcome}${p.reason ? `; ${p.reason}` : ''}`);
  proofs += list.length; passed += list.filter((p) => p.ok).length; runMs += took;
}

const day = (ms) => new Date(ms).toISOString().slice(0, 10);
const days = [...new Set(heads.map((h) => day(h.began_ms)))].sort(), sampled = [...scenarios].filter(([, list]) => list.length && isSample(list[0].at)).map(([name]) => `\`${name}\``);
const head = heads[0] ?? { fast: false, jobs: 1, began_ms: Date.now(), processors: cpus().length };
console.log(`# Proofs of the library

Every scenario is proved on the real stack before it is shipped: that the healthy system meets its criteria, that the fault bites, that doing nothing does not help, that
every solution passes (twice, because once may be luck), that every wrong fix fails, and that restarting everything fails. What each proof means is in
[scenarios.md](scenarios.md#7-prove-it-one-minute-then-a-few-of-waiting). This page is written by a command:

\`\`\`sh
build/release/bin/firedrill verify --json --jobs ${head.jobs}${head.fast ? ' --fast' : ''} scenarios/*.yaml > run.jsonl
node tests/tools/verify-table.mjs run.jsonl > docs/verification.md
\`\`\`

${heads.length > 1 ? `${heads.length} runs, one after the other,` : 'Run'} of ${days.join(' to ')}, version ${head.version ?? ''}, ${head.fast ? 'fast (holds, hints and time limits shortened; what must fail gets twice the time of the slowest solution, at least 30 s)' : 'with full holds and time limits'}, ${head.jobs} stacks side by
side on ${head.processors} processors (${cpus()[0]?.model?.trim() ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GB) that did other work at the same time. ${scenarios.size - unproved.length} of ${scenarios.size} scenarios, ${proofs} proofs: ${passed} passed, ${proofs - passed} failed. All runs
together took ${(runMs / 60000).toFixed(0)} minutes of one stack.${sampled.length ? ` Of these scenarios only a sample is proved so far, at most one solution and one wrong fix, once (\`--sample\`): ${sampled.join(', ')}.` : ''}

*Healthy, not at once*: the machine was too busy for the healthy system to meet its criteria before some run, which was then begun again (at most twice); a run that
has begun is never repeated. *Bites*: from the first fault to the page. *Solutions*: each twice; from the page to resolved. *Restart*: everything that serves is restarted, one after the other; for a
few scenarios that is a fair repair (\`restart_ok\`), then there is nothing to prove. *Time*: of all runs of the scenario.

| scenario | healthy | the fault bites | doing nothing fails | solutions pass | wrong fixes fail | restart fails | time |
| --- | --- | --- | --- | --- | --- | --- | --- |
${rows.join('\n')}
`);
if (unproved.length) console.log(`Not proved yet: ${unproved.join(', ')}.\n`);
console.log(failed.length ? `## What failed\n\n${failed.join('\n')}` : 'Nothing failed.');
