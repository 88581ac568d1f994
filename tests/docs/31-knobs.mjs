#!/usr/bin/env node
// sut/knobs.json: what every service can be set to, so that `firedrill lint` can check keys and values without a stack. It is what the programs say of
// themselves (sut-NAME --describe). With --write the file is made again.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = execFileSync('git', ['rev-parse', '--show-toplevel'], { encoding: 'utf8' }).trim();
const bin = join(process.env.FD_BUILD_DIR ?? join(root, 'build/release'), 'bin');
const file = join(root, 'sut/knobs.json');
const keep = ['type', 'enum', 'minimum', 'maximum', 'maxLength', 'items', 'maxItems'];
let failed = 0;

const stack = readFileSync(join(root, 'sut/stack.yaml'), 'utf8');
const names = [...stack.matchAll(/program: sut-(\w+)/g)].map((m) => m[1]).filter((n) => existsSync(join(bin, `sut-${n}`)));
const lines = [];
for (const name of names.sort()) {
  const r = spawnSync(join(bin, `sut-${name}`), ['--describe'], { encoding: 'utf8' });
  if (r.status !== 0) { failed++; console.log(`not ok sut-${name} --describe: ${r.stderr || r.error}`); continue; }
  const properties = Object.entries(JSON.parse(r.stdout).properties).map(([key, p]) =>
    `    ${JSON.stringify(key)}: ${JSON.stringify(Object.fromEntries(keep.filter((k) => p[k] !== undefined).map((k) => [k, p[k]])))}`);
  lines.push(`  ${JSON.stringify(name)}: {"type": "object", "additionalProperties": false, "properties": {\n${properties.join(',\n')}\n  }}`);
}
const now = `{\n${lines.join(',\n')}\n}\n`;
if (process.argv.includes('--write')) writeFileSync(file, now);
const same = existsSync(file) && readFileSync(file, 'utf8') === now;
if (!same) failed++;
console.log(same ? 'ok sut/knobs.json is what the programs say' : 'not ok sut/knobs.json differs from the programs; make it again: node tests/docs/31-knobs.mjs --write');
console.log(`${same ? 1 : 0} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
