#!/usr/bin/env node
// THIRD-PARTY-NOTICES.md: what others wrote and is part of what we give away. Made from the lock file and the packages' own licence files:
// deploy/notices.mjs writes it, --check says whether it is up to date. Needs web/node_modules.
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(fileURLToPath(import.meta.url), '../..');
const file = join(root, 'THIRD-PARTY-NOTICES.md');
const lock = JSON.parse(readFileSync(join(root, 'web/package-lock.json'), 'utf8'));
// Debian's packages that our programs are linked with or start; they are installed by Debian, with their own copyright files.
const debian = [
  ['CivetWeb', 'MIT', 'HTTP server'], ['libwebsockets', 'MIT', 'WebSocket'], ['SQLite', 'public domain', 'store, log archive'], ['libyaml', 'MIT', 'scenario files'], ['cJSON', 'MIT', 'JSON'],
  ['libcurl', 'curl (MIT style)', 'HTTP client'], ['libpq', 'PostgreSQL', 'PostgreSQL client'], ['hiredis', 'BSD-3-Clause', 'Redis client'], ['nats.c', 'Apache-2.0', 'NATS client'],
  ['libjwt', 'MPL-2.0', 'tokens'], ['zlib', 'Zlib', 'compression of the panel at build time'], ['PostgreSQL', 'PostgreSQL', 'started as a process'], ['Redis 7.0', 'BSD-3-Clause', 'started as a process'],
  ['NATS server', 'Apache-2.0', 'started as a process'], ['Prometheus, Alertmanager', 'Apache-2.0', 'started as processes'],
];
// What the page consists of: packages that are not for development only.
const bundled = Object.entries(lock.packages).filter(([path, p]) => path && !p.dev && !p.optional).map(([path, p]) => ({ name: path.replace(/^.*node_modules\//, ''), dir: join(root, 'web', path), version: p.version }));
function licence({ name, dir }) {
  const declared = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8')).license;
  const found = readdirSync(dir).find((f) => /^licen[cs]e/i.test(f));
  if (!declared) throw new Error(`${name} declares no licence: look at it before it is shipped`);
  return { declared, text: found ? readFileSync(join(dir, found), 'utf8').replaceAll('\r', '').trim() : '' };
}
const missing = bundled.filter((p) => !existsSync(join(p.dir, 'package.json')));
if (missing.length) { console.error(`notices: not installed: ${missing.map((p) => p.name).join(', ')}; run npm ci in web/`); process.exit(3); }
const texts = new Map(); // licence text -> names
const rows = bundled.map((p) => {
  const l = licence(p);
  if (l.text) texts.set(l.text, [...(texts.get(l.text) ?? []), p.name]);
  return `| ${p.name} | ${p.version} | ${l.declared} |`;
});
const indent = (text) => text.split('\n').map((line) => (line.trim() ? `    ${line}` : '')).join('\n');
const out = `# Third-party notices

Firedrill itself is under the MIT licence (\`LICENSE\`). This page is made by \`deploy/notices.mjs\`.

## Linked or started, installed by Debian

| component | licence | used for |
| --- | --- | --- |
${debian.map((d) => `| ${d.join(' | ')} |`).join('\n')}

Their copyright files are in \`/usr/share/doc/PACKAGE/copyright\`.

## Part of the control panel

| package | version | licence |
| --- | --- | --- |
${rows.join('\n')}

${[...texts].map(([text, names]) => `### ${names.join(', ')}\n\n${indent(text)}\n`).join('\n')}`;
if (process.argv.includes('--check')) {
  const same = existsSync(file) && readFileSync(file, 'utf8') === out;
  if (!same) console.error('THIRD-PARTY-NOTICES.md is not what deploy/notices.mjs writes');
  process.exit(same ? 0 : 1);
}
writeFileSync(file, out);
