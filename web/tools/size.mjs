// After `vite build`: gives theme.js a hashed name, prints what everything weighs compressed, and fails when a budget is exceeded.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const dist = new URL('../dist/', import.meta.url).pathname;
// The terminal is there only on servers started with --terminal, so it has a budget of its own.
const BUDGET = { 'initial JS': 40_000, 'initial CSS': 8_000, everything: 350_000, terminal: 80_000 };

// Classic scripts are not part of Vite's graph; a hashed name lets the server cache it for ever like all the rest.
const plain = join(dist, 'theme.js');
if (existsSync(plain)) {
  const hash = createHash('sha256').update(readFileSync(plain)).digest('hex').slice(0, 8);
  renameSync(plain, join(dist, 'assets', `theme-${hash}.js`));
  const page = join(dist, 'index.html');
  writeFileSync(page, readFileSync(page, 'utf8').replace('./theme.js', `./assets/theme-${hash}.js`));
}

const html = readFileSync(join(dist, 'index.html'), 'utf8');
const inline = /<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=/i.exec(html.replace(/<noscript>[\s\S]*?<\/noscript>/, ''));
if (inline) { console.error(`index.html has something inline, which the content security policy refuses: ${inline[0]}`); process.exit(1); }

const initial = new Set([...html.matchAll(/(?:src|href)="\.\/(assets\/[^"]+)"/g)].map(m => m[1]));
const sum = { 'initial JS': 0, 'initial CSS': 0, everything: 0, terminal: 0 };
const rows = [];
for (const name of readdirSync(join(dist, 'assets'))) {
  const path = join(dist, 'assets', name);
  if (!statSync(path).isFile()) continue;
  const gzip = gzipSync(readFileSync(path), { level: 9 }).length;
  const first = initial.has(`assets/${name}`);
  sum[name.startsWith('terminal-') ? 'terminal' : 'everything'] += gzip;
  if (first && name.endsWith('.js')) sum['initial JS'] += gzip;
  if (first && name.endsWith('.css')) sum['initial CSS'] += gzip;
  rows.push([gzip, name, first]);
}
for (const [gzip, name, first] of rows.sort((a, b) => b[0] - a[0])) console.log(`${String(gzip).padStart(8)}  ${first ? '*' : ' '} ${name}`);

let over = false;
for (const [what, bytes] of Object.entries(sum)) {
  const bad = bytes > BUDGET[what];
  over ||= bad;
  console.log(`${bad ? 'OVER' : 'ok  '}  ${what}: ${(bytes / 1000).toFixed(1)} of ${BUDGET[what] / 1000} kB gzip`);
}
process.exit(over ? 1 : 0);
