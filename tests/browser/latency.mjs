// How long the page takes to answer: a message of the server until its pixels, a hand until the next paint, a server that is back until the page is live.
// For budget.mjs. All times are told by the page's own clock or by the one that the server and the page share.
import { until } from './lib.mjs';

export const p95 = list => [...list].sort((a, b) => a - b)[Math.ceil(list.length * 0.95) - 1];

/* Before the page is opened: notes when each second of the series arrives, each canvas that is cleared, and each interaction. */
export async function listen(page) {
  await page.addInitScript(() => {
    window.came = { n: 0 }; window.drawn = new WeakMap(); window.hands = new Map();
    const now = () => performance.timeOrigin + performance.now();
    window.WebSocket = class extends WebSocket {
      constructor(...a) { super(...a); this.addEventListener('message', e => { const m = JSON.parse(e.data); if (m.type === 'series') window.came = { n: window.came.n + 1, sent: m.t, arrived: now() }; }); }
    };
    const clear = CanvasRenderingContext2D.prototype.clearRect;
    CanvasRenderingContext2D.prototype.clearRect = function (...a) { window.drawn.set(this.canvas, now()); return clear.apply(this, a); };
    new PerformanceObserver(l => { for (const e of l.getEntries()) if (e.interactionId) window.hands.set(e.interactionId, Math.max(window.hands.get(e.interactionId) ?? 0, e.duration)); }).observe({ type: 'event', durationThreshold: 16, buffered: true });
  });
}

/* One second of the series: sent, all charts on the screen drawn, and the frame after the last of them begun. In ms from sending, and in frames. */
export async function messageToPixel(page, mock) {
  const before = await page.evaluate(() => window.came.n);
  mock.hurry(1);
  return page.evaluate(n => new Promise(done => {
    let frames = 0;
    const look = () => {
      const m = window.came, plots = [...document.querySelectorAll('.plot canvas')];
      if (m.n === n) return requestAnimationFrame(look);
      frames++;
      if (!plots.every(c => (window.drawn.get(c) ?? 0) > m.arrived)) return requestAnimationFrame(look);
      requestAnimationFrame(() => done({ ms: performance.timeOrigin + performance.now() - m.sent, frames: frames + 1 }));
    };
    requestAnimationFrame(look);
  }), before);
}

/* What hands do on a run: every step is a click or a key that somebody might make under stress. `charts` says whether the screen has them. */
async function steps(page, charts) {
  const key = k => page.keyboard.press(k), click = sel => page.locator(sel).first().click({ force: true });
  await key('Control+k');
  await page.locator('.palette input').waitFor();
  for (const k of 'api') await key(k);
  await key('ArrowDown');
  await key('Escape');
  await page.locator('.palette').waitFor({ state: 'detached' });
  for (let i = 0; i < 2; i++) { await click('.strip .chip:has-text("loadgen")'); await page.locator('.strip .chip[aria-pressed="true"]').waitFor(); await click('.strip .chip:has-text("loadgen")'); await page.locator('.strip .chip[aria-pressed="true"]').waitFor({ state: 'detached' }); }
  await key('c'); await key('t'); await key('c'); await key('t');
  if (!charts) return;
  const range = page.getByLabel('Time range');
  await range.selectOption('5m');
  await click('.timepick [aria-label="Earlier"]');
  await click('.live-pill.paused');
  await key('Control+o'); await key('Control+o');
  for (const view of ['Logs', 'Explore', 'Map']) { for (const to of [view, 'Charts']) await page.getByRole('tab', { name: to }).click({ force: true }); await until('the charts', async () => (await page.locator('.plot canvas').count()) >= 40); }
}
/* Every interaction in ms until its next paint; what took less than the 16 ms that Chromium reports counts as 16. */
export async function interactions(page, charts) {
  const count = () => page.evaluate(() => performance.interactionCount);
  await page.evaluate(() => { window.hands.clear(); });
  const n0 = await count();
  for (let round = 0; round < 2; round++) await steps(page, charts);
  await page.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 0))))); // entries come after the paint
  const slow = await page.evaluate(() => [...window.hands.values()]), n = (await count()) - n0;
  return [...slow, ...new Array(Math.max(0, n - slow.length)).fill(16)];
}

/* The page notes when its strip says so. Gives the moment, in the clock of both. */
export const liveAt = page => page.evaluate(() => new Promise(done => {
  const look = () => (/live$/.test(document.querySelector('footer')?.textContent ?? '') ? done(performance.timeOrigin + performance.now()) : requestAnimationFrame(look));
  look();
}));
