#!/usr/bin/env node
// docs/services.md: the tables of knobs are what the programs say of themselves (sut-NAME --describe). With --write the tables are made again.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = execFileSync('git', ['rev-parse', '--show-toplevel'], { encoding: 'utf8' }).trim();
const bin = join(process.env.FD_BUILD_DIR ?? join(root, 'build/release'), 'bin');
const file = join(root, 'docs/services.md');
const before = readFileSync(file, 'utf8');
let passed = 0, failed = 0;

const cell = (text) => String(text).replace(/\|/g, '\\|');
const value = (v) => (Array.isArray(v) ? '(empty)' : v === '' ? '(empty)' : String(v));
function limits(p) {
  if (p.enum) return p.enum.join(', ');
  if (p.minimum !== undefined) return `${p.minimum} to ${p.maximum}`;
  if (p.type === 'boolean') return 'true, false';
  return `at most ${p.maxLength ?? p.maxItems} ${p.type === 'array' ? 'entries' : 'bytes'}`;
}
function table(name) {
  const r = spawnSync(join(bin, `sut-${name}`), ['--describe'], { encoding: 'utf8' });
  if (r.status !== 0) throw new Error(`sut-${name} --describe: ${r.stderr || r.error}`);
  const rows = Object.entries(JSON.parse(r.stdout).properties).map(([key, p]) =>
    `| \`${key}\` | ${cell(value(p.default))} | ${cell(limits(p))} | ${cell(p['x-unit'])} | ${cell([p.title, p.description].filter(Boolean).join('. ').replace(/\.\./g, '.'))}${p['x-deploy'] ? ' *A deployment.*' : ''} |`);
  return ['| knob | default | limits | unit | what it does |', '| --- | --- | --- | --- | --- |', ...rows].join('\n');
}

const names = [...before.matchAll(/<!-- knobs (\w+) -->/g)].map((m) => m[1]);
let after = before;
for (const name of names) {
  try {
    after = after.replace(new RegExp(`<!-- knobs ${name} -->[\\s\\S]*?<!-- end -->`), () => `<!-- knobs ${name} -->\n${table(name)}\n<!-- end -->`);
  } catch (e) { failed++; console.log(`not ok ${e.message}`); }
}
if (process.argv.includes('--write')) writeFileSync(file, after);
else if (after === before) { passed++; console.log('ok the tables of docs/services.md are what the programs say'); }
else { failed++; console.log('not ok docs/services.md differs from the programs; make the tables again: node tests/docs/30-services.mjs --write'); }
const stack = readFileSync(join(root, 'sut/stack.yaml'), 'utf8');
const missing = [...stack.matchAll(/program: sut-(\w+)/g)].map((m) => m[1]).filter((n) => !names.includes(n) && existsSync(join(bin, `sut-${n}`)));
if (missing.length === 0) { passed++; console.log('ok every program of the stack is in docs/services.md'); }
else { failed++; console.log(`not ok docs/services.md says nothing of: ${missing.join(' ')}`); }
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
