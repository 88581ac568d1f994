// Budgets of the live page, against the pretend server: first paint, frames and long tasks with all charts on the screen, a hand until its paint, a message
// until its pixels, memory, bytes of the socket, a server that comes back.
//   node tests/browser/budget.mjs [seconds of watching]
import { start } from '../../web/tools/mock-server.mjs';
import { interactions, listen, liveAt, messageToPixel, p95 } from './latency.mjs';
import { assert, browserStart, check, finish, goTo, pageOpen, until } from './lib.mjs';

const seconds = Number(process.argv[2] ?? 12);
let mock = await start({ fast: false });
const browser = await browserStart();
const base = mock.url;
const run = await (await fetch(`${base}/api/v1/runs`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"scenario":"worker-pool-saturation"}' })).json();

await check('the library is there at once on a slowed machine (4x CPU, 10 Mbit/s, 40 ms)', async () => {
  const { page, close } = await pageOpen(browser, base);
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Network.enable');
  await cdp.send('Network.emulateNetworkConditions', { offline: false, latency: 40, downloadThroughput: 1_250_000, uploadThroughput: 1_250_000 });
  await cdp.send('Emulation.setCPUThrottlingRate', { rate: 4 });
  const t0 = Date.now();
  await page.goto(base, { waitUntil: 'commit' });
  await page.locator('.card').first().waitFor();
  const ms = Date.now() - t0;
  console.log(`# interactive after ${ms} ms`);
  assert(ms < 6000, `${ms} ms`);
  await close();
});

const { page, close, bad } = await pageOpen(browser, base, { motion: 'no-preference' });
await listen(page);
const cdp = await page.context().newCDPSession(page);
await cdp.send('Performance.enable');
const metric = async name => (await cdp.send('Performance.getMetrics')).metrics.find(m => m.name === name).value;
const parts = async () => { const all = (await cdp.send('Performance.getMetrics')).metrics; return Object.fromEntries(['ScriptDuration', 'LayoutDuration', 'RecalcStyleDuration'].map(n => [n, all.find(m => m.name === n).value])); };
let bytes = 0;
page.on('websocket', ws => ws.on('framereceived', f => { bytes += String(f.payload).length; }));

/* In the page: every frame's distance from the one before, and long tasks. */
const noteFrames = () => {
  window.gaps = []; window.long = 0;
  new PerformanceObserver(l => { window.long += l.getEntries().length; }).observe({ type: 'longtask' });
  let last = performance.now();
  const f = () => { const t = performance.now(); window.gaps.push(t - last); last = t; requestAnimationFrame(f); };
  requestAnimationFrame(f);
};
/* What the machine gives to a page on which nothing happens: frame p99 of as long a time. */
async function emptyPage() {
  const blank = await page.context().newPage();
  await blank.evaluate(noteFrames);
  const end = Date.now() + seconds * 1000;
  await until('the time of watching', () => Date.now() > end, seconds * 1000 + 5000);
  const gaps = (await blank.evaluate(() => window.gaps.slice(5))).sort((a, b) => a - b);
  await blank.close();
  await page.bringToFront();
  return gaps[Math.floor(gaps.length * 0.99)];
}

await check(`all golden signals drawn for ${seconds} s: frames, main thread, memory, socket`, async () => {
  await goTo(page, base, `run/${run.id}/observe/charts`);
  await page.locator('.dash-row').nth(8).waitFor();
  await page.setViewportSize({ width: 1440, height: 2200 }); // every chart on the screen
  await until('all charts drawn', async () => (await page.locator('.plot canvas').count()) >= 40);
  const floor = await emptyPage();
  await page.evaluate(noteFrames);
  await cdp.send('HeapProfiler.collectGarbage');
  const heap0 = await metric('JSHeapUsedSize'), busy0 = await metric('TaskDuration'), parts0 = await parts(), t0 = await metric('Timestamp'), b0 = bytes;
  const end = Date.now() + seconds * 1000;
  await until('the time of watching', () => Date.now() > end, seconds * 1000 + 5000);
  const took = (await metric('Timestamp')) - t0, busy = ((await metric('TaskDuration')) - busy0) / took;
  const parts1 = await parts();
  await cdp.send('HeapProfiler.collectGarbage');
  const heap = await metric('JSHeapUsedSize');
  const { gaps, long } = await page.evaluate(() => ({ gaps: window.gaps.slice(5).sort((a, b) => a - b), long: window.long }));
  const p99 = gaps[Math.floor(gaps.length * 0.99)], charts = await page.locator('.plot canvas').count();
  console.log(`# ${charts} charts: frame p99 ${p99.toFixed(1)} ms (an empty page ${floor.toFixed(1)} ms), worst ${gaps.at(-1).toFixed(0)} ms, long tasks ${long}, main thread ${(busy * 100).toFixed(1)} % (${Object.keys(parts1).map(k => `${k.replace('Duration', '').toLowerCase()} ${(((parts1[k] - parts0[k]) / took) * 100).toFixed(1)} %`).join(', ')}), heap ${(heap / 1e6).toFixed(1)} MB (${((heap - heap0) / 1e3 / took).toFixed(1)} kB/s), socket ${((bytes - b0) / 1e3 / took).toFixed(1)} kB/s`);
  assert(charts >= 40, `only ${charts} charts`);
  assert(heap < 40e6, `heap ${(heap / 1e6).toFixed(1)} MB`);
  assert(busy < 0.6, `the main thread is busy ${(busy * 100).toFixed(0)} %`);
  assert((bytes - b0) / took < 20_000, `the socket carries ${((bytes - b0) / took / 1000).toFixed(1)} kB/s`);
  assert(bad.length === 0, bad.join('; '));
});

// On a shared machine a frame may be late for reasons of its own, so the charts are held against the same page without charts, measured just
// before in the same run and as slowed.
const go = async (hash, charts) => {
  await page.evaluate(h => { location.hash = h; }, `#/run/${run.id}/${hash}`);
  await until(`${charts ? 'all charts' : 'no chart'}`, async () => { const n = await page.locator('.plot canvas').count(); return charts ? n >= 40 : n === 0; }, 60_000);
};
const frames = async s => {
  await page.evaluate(() => { window.gaps = []; window.long = 0; });
  const end = Date.now() + s * 1000;
  await until('the time of watching', () => Date.now() > end, s * 1000 + 10_000);
  const { gaps, long } = await page.evaluate(() => ({ gaps: [...window.gaps].sort((a, b) => a - b), long: window.long }));
  return { p99: gaps[Math.floor(gaps.length * 0.99)] ?? 0, worst: gaps.at(-1) ?? 0, long };
};
await check('all charts at 1 Hz on a 4x slowed CPU keep within reach of the same page without charts', async () => {
  await cdp.send('Emulation.setCPUThrottlingRate', { rate: 4 });
  const watched = async (hash, charts) => {
    await go(hash, charts);
    await frames(2); // the first drawing of a screen is not what is measured
    return frames(4);
  };
  const idle = [], busy = [];
  for (let round = 0; round < 3; round++) { idle.push(await watched('agent', false)); busy.push(await watched('observe/charts', true)); }
  await cdp.send('Emulation.setCPUThrottlingRate', { rate: 1 });
  const middle = (list, key) => list.map(x => x[key]).sort((a, b) => a - b)[1];
  console.log(`# 4x slowed, middle of three rounds: frame p99 ${middle(busy, 'p99').toFixed(0)} ms with charts, ${middle(idle, 'p99').toFixed(0)} ms without; long tasks ${middle(busy, 'long')} and ${middle(idle, 'long')}`);
  assert(middle(busy, 'p99') <= 4 * middle(idle, 'p99') + 100, `p99 ${middle(busy, 'p99').toFixed(0)} ms with charts, ${middle(idle, 'p99').toFixed(0)} ms without`);
});

// The budgets of the two that follow are 100 and 150 ms (p95). Other work on the machine adds to a page without charts as well, so that is the measure beside.
await check('a hand sees its answer soon, also among all charts (budget: p95 100 ms)', async () => {
  await go('agent', false);
  const idle = await interactions(page, false);
  await go('observe/charts', true);
  const busy = await interactions(page, true);
  console.log(`# input to paint: ${busy.length} interactions p95 ${p95(busy)} ms, longest ${Math.max(...busy)} ms; without charts ${idle.length}, p95 ${p95(idle)} ms, longest ${Math.max(...idle)} ms`);
  assert(busy.length >= 45 && idle.length >= 24, `only ${busy.length} and ${idle.length} interactions were seen`);
  assert(p95(busy) <= 100 + 8 * p95(idle), `p95 ${p95(busy)} ms with charts, ${p95(idle)} ms without`);
});

await check('a second of the series is on all charts soon after it was sent (budget: p95 150 ms)', async () => {
  const series = async () => { const all = []; for (let i = 0; i < 20; i++) all.push(await messageToPixel(page, mock)); return { ms: p95(all.map(x => x.ms)), longest: Math.max(...all.map(x => x.ms)), frames: Math.max(...all.map(x => x.frames)) }; };
  await go('agent', false);
  const idle = await series();
  await go('observe/charts', true);
  await until('the first drawing', () => page.evaluate(() => [...document.querySelectorAll('.plot canvas')].every(c => window.drawn.has(c))));
  const busy = await series(), charts = await page.locator('.plot canvas').count();
  console.log(`# message to pixel: p95 ${busy.ms.toFixed(0)} ms, longest ${busy.longest.toFixed(0)} ms, at most ${busy.frames} frames, on ${charts} charts; a page without charts p95 ${idle.ms.toFixed(0)} ms`);
  const most = Math.ceil(charts / 4) + 4; // charts/frame.ts draws four charts a frame however late it is
  assert(busy.frames <= most, `${busy.frames} frames, ${most} were enough`);
  assert(busy.ms <= 150 + most * idle.ms, `p95 ${busy.ms.toFixed(0)} ms with charts, ${idle.ms.toFixed(0)} ms without`);
});

// An hour of seconds in less than a minute: what is kept is bounded by samples, not by time, so the memory of 3,600 of them is that of an hour.
await check('memory is flat over the seconds of an hour', async () => {
  const heapNow = async () => { await cdp.send('HeapProfiler.collectGarbage'); return metric('JSHeapUsedSize'); };
  const seen = () => page.evaluate(() => document.querySelectorAll('.plot canvas').length);
  let told = 0, filled = 0;
  while (told < 3600) {
    mock.hurry(60);
    told += 60;
    await seen(); // answered when the page has taken what was sent
    if (told === 1200) filled = await heapNow();
  }
  await page.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))));
  const heap = await heapNow();
  console.log(`# heap after 1,200 s ${(filled / 1e6).toFixed(1)} MB, after 3,600 s ${(heap / 1e6).toFixed(1)} MB`);
  assert(heap < 40e6, `heap ${(heap / 1e6).toFixed(1)} MB`);
  // 2,400 more seconds of 100 series are 2 MB by themselves; what is kept ends at 3,600.
  assert(heap - filled < 4e6, `it grew by ${((heap - filled) / 1e6).toFixed(1)} MB between the 1,200th and the 3,600th second`);
});

// Away for longer than the waiting between two tries can grow. The time to open the page afresh is what a busy machine adds.
await check('a server that is back has the page live again (budget: 2 s)', async () => {
  const port = Number(new URL(base).port);
  await mock.close();
  await page.locator('.banner', { hasText: 'Connection lost' }).waitFor();
  const end = Date.now() + 6000;
  await until('the time without a server', () => Date.now() > end);
  mock = await start({ fast: false, port });
  const back = Date.now(), took = (await liveAt(page)) - back;
  const other = await pageOpen(browser, base), t0 = Date.now();
  await goTo(other.page, base, 'runs');
  await other.page.locator('header').first().waitFor();
  const open = Date.now() - t0;
  await other.close();
  console.log(`# live again ${took.toFixed(0)} ms after the server listens; a page opened afresh took ${open} ms`);
  assert(took <= 2000 + 4 * open, `${took.toFixed(0)} ms; a page opened afresh took ${open} ms`);
});

await close();
await browser.close();
await mock.close();
process.exit(finish());
