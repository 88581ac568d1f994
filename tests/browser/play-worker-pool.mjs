// Plays the scenario worker-pool-saturation as a learner would, in a browser, against a running server:
//   node tests/browser/play-worker-pool.mjs http://127.0.0.1:8080 [--full]
// Library, start, red criterion, hint over the WebSocket, worker_threads raised in the Test tab, green and held, resolved, debrief.
// --full plays with the scenario's own times; without it the run is started as "fast". Pictures in dark and light go to tests/out/.
import { assert, axe, browserStart, check, finish, goTo, pageOpen, shot, until } from './lib.mjs';

const base = (process.argv[2] ?? '').replace(/\/$/, '');
const fast = !process.argv.includes('--full');
if (!/^https?:\/\//.test(base)) {
  console.error('usage: node tests/browser/play-worker-pool.mjs URL-OF-A-RUNNING-SERVER [--full]');
  process.exit(2);
}
const LONG = fast ? 180_000 : 900_000;
const SCENARIO = 'worker-pool-saturation';

const browser = await browserStart();
const { page, bad, close } = await pageOpen(browser, base);
const heard = []; // what came over the WebSocket, in order
page.on('websocket', ws => ws.on('framereceived', f => { try { heard.push(JSON.parse(String(f.payload))); } catch { /* not ours */ } }));

let stop = false;
/* A later step makes no sense without the earlier ones: it is reported as failed, at once. */
const step = (name, run) => check(name, async () => {
  assert(!stop, 'an earlier step failed');
  try { await run(); } catch (e) { stop = true; await shot(page, `play-failed-${name.replace(/\W+/g, '-')}`).catch(() => {}); throw e; }
});
const both = async name => {
  const now = () => page.evaluate(() => document.documentElement.dataset.theme);
  const before = await now();
  await shot(page, `play-${name}-${before}`);
  await page.getByRole('button', { name: /^Switch to the (light|dark) theme/ }).click();
  await until('the other theme', async () => (await now()) !== before);
  await shot(page, `play-${name}-${await now()}`);
  await page.getByRole('button', { name: /^Switch to the (light|dark) theme/ }).click();
};

await step('library shows the scenario', async () => {
  await goTo(page, base, '');
  const active = page.getByRole('link', { name: /Continue/ });
  await page.locator(`a.card[href*="${SCENARIO}"]`).waitFor({ timeout: 30_000 });
  assert(!(await active.count()), 'another incident is running on this server: end it first');
  await page.locator(`a.card[href*="${SCENARIO}"]`).click();
  await page.getByRole('button', { name: 'Start incident' }).waitFor();
  await both('library');
  await axe(page, 'library');
});

await step('start leads into the run', async () => {
  if (fast) {
    await page.getByRole('button', { name: 'Options' }).click();
    await page.getByRole('checkbox', { name: /Fast/ }).check();
  }
  await page.getByRole('button', { name: 'Start incident' }).click();
  await page.waitForURL(/#\/run\/r\d+\//, { timeout: 60_000 });
  await page.getByRole('heading', { name: 'criteria' }).waitFor();
});

await step('a criterion turns red after the onset', async () => {
  await page.locator('[data-criterion][data-state="not met"]').first().waitFor({ timeout: LONG });
  await until('the onset of the incident', () => heard.some(m => (m.type === 'run' || m.type === 'snapshot') && (m.data.run ?? m.data)?.onset_ms), LONG);
  await page.locator('[data-criterion][data-state="not met"]').first().waitFor({ timeout: LONG });
  await page.getByRole('tab', { name: /User/ }).click();
  await page.locator('.plot canvas').first().waitFor();
  await until('live requests', () => page.locator('.live-rows tbody tr').count(), 30_000);
  const lost = () => page.locator('[data-tile="Orders lost"]').innerText();
  await until('orders lost, against the healthy system', async () => /[1-9]/.test((await lost()).split('\n')[1]) && /healthy: 0 of [1-9]/.test(await lost()), LONG);
  await both('red');
});

await step('charts of the services move', async () => {
  await page.getByRole('tab', { name: /Observability/ }).click();
  await page.locator('.dash-row').first().waitFor({ timeout: 30_000 });
  await page.locator('.dash-row .plot canvas').first().waitFor();
  await until('a series message', () => heard.some(m => m.type === 'series'));
  await both('charts');
  await axe(page, 'charts');
});

await step('a hint arrives over the WebSocket', async () => {
  const row = page.locator('.feed-row[data-kind="hint"]').first();
  await row.waitFor({ timeout: LONG });
  assert(heard.some(m => m.type === 'feed' && m.data.kind === 'hint'), 'the hint is on the page, but no feed message brought it');
});

await step('worker_threads of api is raised in the Test tab', async () => {
  await page.getByRole('tab', { name: /Test/ }).click();
  await page.getByRole('navigation', { name: 'Services' }).getByRole('button', { name: /^api/ }).click();
  const field = page.getByRole('textbox', { name: /worker_threads/ });
  await field.waitFor({ timeout: 30_000 });
  const before = Number(await field.inputValue());
  const help = await page.locator('[data-key="worker_threads"] .knob-help').innerText();
  const preset = Number(/default (\d+)/.exec(help)?.[1] ?? 16);
  assert(preset > before, `worker_threads is ${before} and its default ${preset}: nothing was lowered`);
  await field.fill(String(preset));
  await page.getByRole('region', { name: 'Pending change' }).getByText('worker_threads').waitFor();
  await both('test');
  await page.getByLabel(/^Reason/).fill('the queue is full while the CPU is idle');
  await page.getByRole('button', { name: 'Apply to api' }).click();
  await page.locator('.fix-side .change', { hasText: `worker_threads ${before} → ${preset}` }).first().waitFor({ timeout: 30_000 });
  await until('the value read back from the process', async () => (await field.inputValue()) === String(preset) && (await page.locator('[data-key="worker_threads"].dirty').count()) === 0);
});

await step('the criterion turns green and holds, the run is resolved', async () => {
  await page.locator('[data-criterion][data-state="met"], [data-criterion][data-state="held"]').first().waitFor({ timeout: LONG });
  await shot(page, 'play-green-dark');
  await page.getByText(/^Solved in/).waitFor({ timeout: LONG });
  await both('solved');
});

await step('the debrief is shown', async () => {
  await page.getByRole('link', { name: /^Open debrief/ }).first().click();
  await page.getByRole('heading', { name: /^Solved/ }).waitFor({ timeout: 30_000 });
  await page.getByRole('heading', { name: 'What happened when' }).waitFor();
  assert(await page.locator('.dot').count() > 0, 'the timeline has no mark');
  await page.getByText(/worker_threads/).first().waitFor();
  await both('debrief');
  await axe(page, 'debrief');
});

await check('no error, nothing refused by the security policy, no request to another address', async () => { assert(bad.length === 0, [...new Set(bad)].slice(0, 5).join('; ')); });
await close();
await browser.close();
process.exit(finish());
