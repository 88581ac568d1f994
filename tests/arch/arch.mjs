// Architecture test: allowed arrows, who opens which library, lone headers, shapes, helpers written twice.
// Usage: node tests/arch/arch.mjs [--root DIR] [--cc COMPILER]; prints ok/not ok lines, then "N passed, N failed".
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const args = process.argv.slice(2);
const option = (name, otherwise) => (args.includes(name) ? args[args.indexOf(name) + 1] : otherwise);
const root = option('--root', process.cwd());
const compiler = option('--cc', 'cc');
const FILE_LINES_MAX = 700, FUNCTION_LINES_MAX = 100, SAME_BODY_LINES_MIN = 4;

let passed = 0;
const failures = [];
function report(name, problems) {
  if (problems.length === 0) { passed++; console.log(`ok ${name}`); return; }
  failures.push(name);
  console.log(`not ok ${name}`);
  for (const p of problems.slice(0, 40)) console.log(`    ${p}`);
  if (problems.length > 40) console.log(`    ... and ${problems.length - 40} more`);
}

function rows(file) {
  return readFileSync(join(root, 'tests/arch', file), 'utf8').split('\n')
    .map((l) => l.trim()).filter((l) => l && !l.startsWith('#'));
}
const arrows = new Map(rows('arrows.txt').map((l) => { const [room, to] = l.split(':'); return [room, to.trim().split(/\s+/).filter(Boolean)]; }));
const cellar = rows('cellar.txt').map((l) => { const [header, to] = l.split(':'); return { header, rooms: to.trim().split(/\s+/) }; });
const exceptions = new Set(rows('exceptions.txt').map((l) => l.split(/\s+/).slice(0, 2).join(' ')));
const excepted = (kind, path) => exceptions.has(`${kind} ${path}`);

function walk(dir) {
  if (!existsSync(join(root, dir))) return [];
  return readdirSync(join(root, dir), { withFileTypes: true }).flatMap((e) => {
    const path = `${dir}/${e.name}`;
    if (e.isDirectory()) return e.name === 'node_modules' || e.name === 'generated' ? [] : walk(path);
    return /\.[ch]$/.test(e.name) ? [path] : [];
  });
}
const files = ['common', 'server', 'control-agent', 'sut', 'learn'].flatMap(walk);
const testFiles = walk('tests');
const text = new Map([...files, ...testFiles].map((f) => [f, readFileSync(join(root, f), 'utf8')]));

const folder = (path) => path.slice(0, path.lastIndexOf('/'));
function rule(room) {
  for (let r = room; r; r = r.includes('/') ? folder(r) : '') if (arrows.has(r)) return arrows.get(r);
  return null;
}
const allows = (list, room, to) => to === room || list.some((a) => a === '*' || a === to || (a.endsWith('/*') && to.startsWith(a.slice(0, -1))));

{
  const problems = [];
  for (const file of files) {
    const room = folder(file), list = rule(room);
    if (!list) { problems.push(`${file}: room '${room}' is not in tests/arch/arrows.txt`); continue; }
    for (const m of text.get(file).matchAll(/^\s*#\s*include\s+"([^"]+)"/gm)) {
      const target = m[1];
      if (!target.includes('/')) {
        if (!existsSync(join(root, room, target)) && !target.startsWith('generated')) problems.push(`${file}: "${target}" is not rooted at the top folder`);
        continue;
      }
      if (!existsSync(join(root, target))) { if (!target.startsWith('generated/') && !target.endsWith('.inc')) problems.push(`${file}: "${target}" does not exist`); continue; }
      if (!allows(list, room, folder(target))) problems.push(`${file}: ${room} may not include ${folder(target)}`);
    }
  }
  report('arrows point down', problems);
}
{
  const problems = [];
  for (const file of files)
    for (const m of text.get(file).matchAll(/^\s*#\s*include\s+<([^>]+)>/gm))
      for (const { header, rooms } of cellar)
        if (m[1].startsWith(header) && !rooms.some((r) => folder(file) === r || folder(file).startsWith(`${r}/`)))
          problems.push(`${file}: <${m[1]}> belongs to ${rooms.join(', ')}`);
  report('each library is opened by one room', problems);
}
{
  const forbidden = [[/\bsystem\s*\(/, 'system()'], [/\bpopen\s*\(/, 'popen()'], [/\bgets\s*\(/, 'gets()'], [/\bstrcpy\s*\(/, 'strcpy()'], [/\bstrcat\s*\(/, 'strcat()'],
    [/(?<![a-z_])sprintf\s*\(/, 'sprintf()'], [/(?<![a-z_])rand\s*\(\)/, 'rand()'], [/\busleep\s*\(/, 'usleep()'], [/(?<![a-z_.>])sleep\s*\(\d/, 'sleep()']];
  const problems = [];
  for (const file of files) {
    const code = text.get(file).replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '').replace(/"(\\.|[^"\\])*"/g, '""');
    for (const [pattern, name] of forbidden) if (pattern.test(code)) problems.push(`${file}: ${name} is banned`);
    if (/^(server\/engine|learn\/(?!tools))/.test(file) && /\b(clock_gettime|time\s*\(NULL\)|fopen\s*\(|pthread_create|socket\s*\()/.test(code))
      problems.push(`${file}: a pure room may not use clocks, files, sockets or threads`);
  }
  report('banned calls and pure rooms', problems);
}
{
  const problems = [];
  for (const file of files.filter((f) => f.endsWith('.h'))) {
    try {
      execFileSync(compiler, ['-std=gnu17', '-D_GNU_SOURCE', '-DFD_VERSION="0"', '-fsyntax-only', '-Wall', '-Wextra', '-Werror', '-I', root,
        '-I', '/usr/include/postgresql', '-I', '/usr/include/cjson', '-x', 'c', '-include', join(root, file), '/dev/null'], { stdio: ['ignore', 'ignore', 'pipe'] });
    } catch (e) { problems.push(`${file}: ${String(e.stderr).split('\n')[0]}`); }
  }
  report('each header compiles alone', problems);
}

// Functions begin with an opening brace in column 0 and end with a closing one in column 0.
function functionsOf(file) {
  const lines = text.get(file).split('\n'), found = [];
  for (let i = 0, start = -1; i < lines.length; i++) {
    if (lines[i] === '{') start = i;
    else if (lines[i] === '}' && start >= 0) {
      let head = start - 1;
      while (head > 0 && lines[head - 1] !== '' && !/[;}]\s*$|^#|\*\/\s*$/.test(lines[head - 1])) head--;
      const signature = lines.slice(head, start).join(' ');
      const name = signature.match(/([a-z_A-Z0-9]+)\s*\(/)?.[1] ?? '?';
      found.push({ name, isStatic: /\bstatic\b/.test(signature), lines: i - start - 1, body: lines.slice(start + 1, i).map((l) => l.trim()).filter(Boolean) });
      start = -1;
    }
  }
  return found;
}
{
  const problems = [];
  for (const file of files) {
    const count = text.get(file).split('\n').length - 1;
    if (count > FILE_LINES_MAX && !excepted('file-length', file)) problems.push(`${file}: ${count} lines, at most ${FILE_LINES_MAX}: more than one idea?`);
    for (const f of functionsOf(file))
      if (f.lines > FUNCTION_LINES_MAX && !excepted('function-length', `${file}:${f.name}`)) problems.push(`${file}: ${f.name}() has ${f.lines} lines, at most ${FUNCTION_LINES_MAX}`);
  }
  report('files and functions keep their shape', problems);
}
{ // A buffer that ends with its scope is freed on every way out, so it must be one before the first of them.
  const problems = [];
  for (const file of files.filter((f) => f.endsWith('.c')))
    for (const f of functionsOf(file))
      f.body.forEach((line, at) => {
        const name = line.match(/^AUTO_BUF (\w+);/)?.[1];
        if (!name) return;
        const rest = f.body.slice(at + 1), init = rest.findIndex((l) => new RegExp(`buf_init\\(&${name}\\b`).test(l)), out = rest.findIndex((l) => /\breturn\b/.test(l));
        if (init < 0 || (out >= 0 && out < init)) problems.push(`${file}: ${f.name}() may return before '${name}' is initialised: write AUTO_BUF ${name} = {0};`);
      });
  report('buffers are initialised before the first return', problems);
}
{
  const byName = new Map(), problems = [];
  for (const file of files.filter((f) => f.endsWith('.c')))
    for (const f of functionsOf(file).filter((g) => g.isStatic && g.body.length >= SAME_BODY_LINES_MIN)) byName.set(f.name, [...(byName.get(f.name) ?? []), { file, ...f }]);
  for (const [name, list] of byName)
    for (let i = 0; i < list.length; i++)
      for (let j = i + 1; j < list.length; j++) {
        const shared = list[i].body.filter((l) => list[j].body.includes(l)).length;
        if (shared >= 0.7 * Math.max(list[i].body.length, list[j].body.length) && !excepted('same-static', name))
          problems.push(`${name}() is written in ${list[i].file} and ${list[j].file}: move it to common/`);
      }
  report('no static helper is written twice', problems);
}
{
  const problems = files.map(folder).filter((r, i, a) => a.indexOf(r) === i && !existsSync(join(root, r, 'README.md'))).map((r) => `${r}/README.md is missing`);
  report('each C folder has a README', problems);
}
console.log(`${passed} passed, ${failures.length} failed`);
process.exit(failures.length ? 1 : 0);
