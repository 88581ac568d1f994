// What every browser test needs: Debian's Chromium by playwright-core, checks that print one line each, axe, pictures.
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const need = createRequire(new URL('../../web/package.json', import.meta.url));
export const OUT = new URL('../out/', import.meta.url).pathname;
export const SIZES = [[1440, 900], [1024, 768]];
export const THEMES = ['dark', 'light'];
const ARGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'];

export async function browserStart() {
  const { chromium } = need('playwright-core');
  const path = process.env.CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
  if (!path) throw new Error('no Chromium was found: install the Debian package "chromium", or set CHROMIUM to its path');
  mkdirSync(OUT, { recursive: true });
  return chromium.launch({ executablePath: path, args: ARGS });
}

let passed = 0, failed = 0;
export async function check(name, run) {
  const t0 = Date.now();
  try {
    await run();
    passed++;
    console.log(`ok ${name} (${Date.now() - t0} ms)`);
  } catch (e) {
    failed++;
    console.log(`not ok ${name}: ${String(e?.message ?? e).split('\n').slice(0, 8).join(' | ').slice(0, 700)}`);
  }
}
export function finish() {
  console.log(`${passed} passed, ${failed} failed`);
  return failed ? 1 : 0;
}
export function assert(ok, text) { if (!ok) throw new Error(text); }

/* A page that remembers everything that should not happen: errors, refused by the security policy, outside addresses. */
export async function pageOpen(browser, base, { theme = 'dark', size = [1440, 900], motion = 'reduce' } = {}) {
  const context = await browser.newContext({ viewport: { width: size[0], height: size[1] }, colorScheme: theme, reducedMotion: motion, permissions: ['clipboard-read', 'clipboard-write'] });
  const page = await context.newPage();
  const bad = [];
  page.on('pageerror', e => bad.push(`error: ${e.message}`));
  page.on('console', m => { if (m.type() === 'error' && !/Failed to load resource|WebSocket connection/.test(m.text())) bad.push(`console: ${m.text()}`); });
  page.on('request', r => { if (!r.url().startsWith(base) && !/^(data|blob|about|ws)/.test(r.url())) bad.push(`outside request: ${r.url()}`); });
  await page.addInitScript(() => { document.addEventListener('securitypolicyviolation', e => console.error(`CSP refused ${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}`)); });
  page.setDefaultTimeout(15_000);
  return { page, bad, close: () => context.close() };
}

export async function goTo(page, base, hash) {
  await page.goto(`${base}/#/${hash}`);
  await page.locator('main').first().waitFor();
}

export async function axe(page, where) {
  await page.evaluate(readFileSync(need.resolve('axe-core/axe.min.js'), 'utf8'));
  const { violations } = await page.evaluate(() => window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'], resultTypes: ['violations'] }));
  assert(violations.length === 0, `${where}: ${violations.map(v => `${v.id}: ${v.nodes.map(n => n.target.join(' ') + ' ' + (n.any[0]?.message ?? n.all[0]?.message ?? '')).slice(0, 3).join(' & ')}`).join('; ')}`);
}

/* Nothing sticks out of the window, and no text button is cut by its neighbours. */
export async function fits(page, where) {
  const out = await page.evaluate(() => {
    const w = innerWidth, h = innerHeight, list = [];
    if (document.documentElement.scrollWidth > w) list.push(`the page is ${document.documentElement.scrollWidth} wide, the window ${w}`);
    if (document.documentElement.scrollHeight > h) list.push(`the page is ${document.documentElement.scrollHeight} high, the window ${h}`);
    for (const el of document.querySelectorAll('header button, header a, header h1, .subbar button, .subbar select, footer button')) {
      const r = el.getBoundingClientRect();
      if (r.width && !el.closest('.strip-list') && (r.right > w + 1 || r.left < -1)) list.push(`"${(el.textContent || el.getAttribute('aria-label') || '').trim().slice(0, 30)}" ends at ${Math.round(r.right)} of ${w}`);
    }
    return list;
  });
  assert(out.length === 0, `${where}: ${out.join('; ')}`);
}

export const shot = (page, name) => page.screenshot({ path: join(OUT, `${name}.png`) });

/* Time of the clock is no reason to wait: this asks again until it is true or the deadline has passed. */
export async function until(what, probe, ms = 20_000) {
  const end = Date.now() + ms;
  for (;;) {
    const v = await probe();
    if (v) return v;
    if (Date.now() > end) throw new Error(`${what}: not within ${ms} ms`);
    await new Promise(r => setTimeout(r, 100));
  }
}
