// Who may import whom: data never knows a screen, look never knows data, a screen never knows another screen.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = dirname(fileURLToPath(import.meta.url));
const SCREENS = ['library', 'run', 'user', 'observe', 'fix', 'agent', 'debrief', 'instructor', 'learn', 'monitor', 'terminal'];

function files(dir) {
  return readdirSync(dir).flatMap(n => {
    const p = join(dir, n);
    return statSync(p).isDirectory() ? files(p) : /\.tsx?$/.test(n) && !/\.test\./.test(n) ? [p] : [];
  });
}
const room = p => { const r = relative(root, p).split('/'); return r.length > 1 ? r[0] : ''; };

const arrows = files(root).flatMap(f => [...readFileSync(f, 'utf8').matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)]
  .filter(m => !m[1].endsWith('.css')).map(m => ({ file: relative(root, f), from: room(f), to: room(resolve(dirname(f), m[1])) })));

test('live imports no screen, and no chart code but its types', () => {
  expect(arrows.filter(a => a.from === 'live' && SCREENS.includes(a.to))).toEqual([]);
});
test('ui imports nothing but ui', () => {
  expect(arrows.filter(a => a.from === 'ui' && a.to !== 'ui')).toEqual([]);
});
test('charts import no screen', () => {
  expect(arrows.filter(a => a.from === 'charts' && SCREENS.includes(a.to))).toEqual([]);
});
test('a screen imports no other screen; the run view loads its tabs', () => {
  const tabs = ['user', 'observe', 'fix', 'agent', 'terminal'];
  expect(arrows.filter(a => SCREENS.includes(a.from) && SCREENS.includes(a.to) && a.from !== a.to && !(a.from === 'run' && tabs.includes(a.to)))).toEqual([]);
});
test('only chart.tsx knows uPlot, and no text becomes markup', () => {
  for (const f of files(root)) {
    const text = readFileSync(f, 'utf8');
    if (!f.endsWith('charts/chart.tsx')) expect(/from 'uplot'/.test(text), f).toBe(false);
    expect(/dangerouslySetInnerHTML|\.innerHTML|insertAdjacentHTML|\beval\(|new Function/.test(text), f).toBe(false);
  }
});
