#!/usr/bin/env node
// Documents test: links and named files exist, named commands and options exist, blocks fenced as "sh run" do run.
// Env FD_BUILD_DIR: a build with bin/. Prints ok/not ok lines, then "N passed, N failed".
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { tmpdir } from 'node:os';

const root = execFileSync('git', ['rev-parse', '--show-toplevel'], { encoding: 'utf8' }).trim();
const bin = join(process.env.FD_BUILD_DIR ?? join(root, 'build/release'), 'bin');
const documents = execFileSync('git', ['ls-files', '*.md'], { cwd: root, encoding: 'utf8' }).trim().split('\n');
let passed = 0, failed = 0;
function report(name, problems) {
  if (problems.length === 0) { passed++; console.log(`ok ${name}`); return; }
  failed++;
  console.log(`not ok ${name}`);
  for (const p of problems.slice(0, 30)) console.log(`    ${p}`);
}
const text = new Map(documents.map((d) => [d, readFileSync(join(root, d), 'utf8')]));
const slug = (h) => h.toLowerCase().replace(/[`*_]/g, '').replace(/[^\p{L}\p{N} -]/gu, '').trim().replace(/ /g, '-');
const anchors = new Map(documents.map((d) => [d, new Set([...text.get(d).matchAll(/^#+ +(.+)$/gm)].map((m) => slug(m[1])))]));
const prose = (d) => text.get(d).replace(/^```[\s\S]*?^```/gm, '');

{
  const problems = [];
  for (const d of documents)
    for (const m of prose(d).replace(/`[^`\n]*`/g, '').matchAll(/\]\(([^)\s]+)\)/g)) {
      const [path, anchor] = m[1].split('#');
      if (/^[a-z]+:/.test(path)) continue;
      const target = path ? normalize(join(dirname(d), path)) : d;
      if (!existsSync(join(root, target))) problems.push(`${d}: link to '${m[1]}', which does not exist`);
      else if (anchor && anchors.has(target) && !anchors.get(target).has(anchor)) problems.push(`${d}: '${m[1]}': no such heading`);
    }
  report('links lead somewhere', problems);
}
{
  const top = /^(common|server|sut|control-agent|learn|scenarios|web|db|deploy|tests|docs|cmake|models)\/[\w./-]+$/;
  const problems = [];
  for (const d of documents.filter((f) => !f.startsWith('CHANGELOG')))
    for (const m of prose(d).matchAll(/`([^`\s]+)`/g))
      if (top.test(m[1]) && !/^web\/(dist|node_modules)|^tests\/out/.test(m[1]) && !existsSync(join(root, m[1].replace(/\/$/, '')))) problems.push(`${d}: names '${m[1]}', which does not exist`);
  report('named files exist', problems);
}
{
  const problems = [], help = new Map();
  const helpOf = (program, sub) => {
    const key = [program, sub].join(' ');
    if (!help.has(key)) {
      const r = spawnSync(program, [...(sub ? [sub] : []), '--help'], { encoding: 'utf8', cwd: root, timeout: 10000 });
      help.set(key, r.status === 0 ? r.stdout + r.stderr : null);
    }
    return help.get(key);
  };
  for (const d of documents)
    for (const block of text.get(d).matchAll(/^```(?:sh|console|bash)[^\n]*\n([\s\S]*?)^```/gm))
      for (const raw of block[1].split('\n')) {
        const line = raw.replace(/^\$ /, '').replace(/\s+#.*$/, '').trim();
        const m = line.match(/^(\.\/run|\.\/test|(?:build\/\w+\/bin\/)?(?:firedrill|firedrill-control|firedrill-learn))(?:\s+(.*))?$/);
        if (!m) continue;
        const words = (m[2] ?? '').split(/\s+/).filter(Boolean);
        const own = m[1].startsWith('./');
        const program = own ? join(root, m[1]) : join(bin, m[1].replace(/.*\//, ''));
        if (!existsSync(program)) { problems.push(`${d}: '${line}': no such program`); continue; }
        const sub = !own && words[0] && /^[a-z]/.test(words[0]) && !m[1].endsWith('control') ? words[0] : null;
        const known = helpOf(program, sub);
        if (known === null) { problems.push(`${d}: '${line}': '${sub ?? ''} --help' does not answer`); continue; }
        for (const w of words) if (/^--[a-z]/.test(w) && !known.includes(w.split('=')[0])) problems.push(`${d}: '${line}': option ${w} is not in its --help`);
      }
  report('named commands and options exist', problems);
}
{
  const problems = [];
  for (const d of documents)
    for (const block of text.get(d).matchAll(/^```sh run\n([\s\S]*?)^```/gm)) {
      const dir = mkdtempSync(join(tmpdir(), 'fd-docs-'));
      const r = spawnSync('bash', ['-euc', block[1]], { cwd: root, encoding: 'utf8', timeout: 100000, env: { ...process.env, PATH: `${bin}:${process.env.PATH}`, TMPDIR: dir } });
      if (r.status !== 0) problems.push(`${d}: ${block[1].trim().split('\n')[0]} ...: exit ${r.status}: ${(r.stderr || r.stdout).trim().split('\n').pop()}`);
      rmSync(dir, { recursive: true, force: true });
    }
  report('blocks marked "sh run" run', problems);
}
{
  const home = mkdtempSync(join(tmpdir(), 'fd-first-')), file = join(home, 'my-first-incident.yaml');
  writeFileSync(file, execFileSync('node', [join(root, 'tests/tools/first-scenario.mjs')]));
  const lint = spawnSync(join(bin, 'firedrill'), ['lint', file], { encoding: 'utf8' });
  report('the scenario of docs/scenarios.md, copied block by block, is one', lint.stdout.trim() === `${file}: ok` ? [] : [lint.stdout + lint.stderr]);
  rmSync(home, { recursive: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
