// Pictures of every tab with a real incident, for docs/control-panel.md:  node tests/browser/pictures.mjs URL FOLDER
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { browserStart, check, finish, goTo, pageOpen, until } from './lib.mjs';

const [base, folder] = [(process.argv[2] ?? '').replace(/\/$/, ''), process.argv[3]];
if (!base || !folder) { console.error('usage: node tests/browser/pictures.mjs URL-OF-A-RUNNING-SERVER FOLDER'); process.exit(2); }
mkdirSync(folder, { recursive: true });
const call = async (method, path, body) => {
  const r = await fetch(`${base}/api/v1${path}`, { method, headers: { 'content-type': 'application/json' }, body: body && JSON.stringify(body) });
  if (!r.ok) throw new Error(`${method} ${path}: ${r.status} ${await r.text()}`);
  return r.json();
};
const browser = await browserStart();
const { page, bad, close } = await pageOpen(browser, base);
const picture = name => page.screenshot({ path: join(folder, `${name}.png`) });
const rows = selector => until(selector, () => page.locator(selector).count(), 30_000);

await check('library', async () => { await goTo(page, base, ''); await page.getByText('You are done when').waitFor(); await picture('library'); });
const run = await call('POST', '/runs', { scenario: 'worker-pool-saturation' });
await check('an incident is running', async () => {
  await goTo(page, base, `run/${run.id}/user`);
  await page.getByText('Getting ready').waitFor();
  await picture('briefing');
  await until('the page', async () => (await call('GET', `/runs/${run.id}`)).state === 'running', 120_000);
  await page.locator('[data-criterion][data-state="not met"]').first().waitFor({ timeout: 60_000 });
  await until('half a minute of incident', async () => { const r = await call('GET', `/runs/${run.id}`); return Date.now() - r.page_ms > 30_000; }, 60_000);
});
await check('user', async () => { await rows('.live-rows tbody tr'); await picture('user'); });
await check('observability', async () => { await goTo(page, base, `run/${run.id}/observe/charts`); await page.locator('.dash-row .plot canvas').nth(6).waitFor(); await picture('observability'); });
await check('one service', async () => { await goTo(page, base, `run/${run.id}/observe/charts?service=api`); await page.locator('.dash-detail .plot canvas').nth(3).waitFor(); await picture('service'); });
await check('explore', async () => { await goTo(page, base, `run/${run.id}/observe/explore?q=${encodeURIComponent('sum by (service) (worker_pool_queue_depth)')}`); await rows('.explore-table tbody tr'); await page.getByRole('textbox', { name: 'PromQL' }).waitFor(); await picture('explore'); });
await check('logs', async () => { await goTo(page, base, `run/${run.id}/observe/logs`); await rows('.log-row'); await page.locator('.log-row').nth(5).click(); await picture('logs'); });
await check('traces', async () => { await goTo(page, base, `run/${run.id}/observe/traces`); await rows('.trace-row'); await page.locator('.trace-row').first().click(); await rows('.wf-row'); await page.locator('.wf-name').nth(2).click(); await picture('traces'); });
await check('map', async () => { await goTo(page, base, `run/${run.id}/observe/map?service=api`); await rows('.map-node'); await picture('map'); });
await check('test', async () => { await goTo(page, base, `run/${run.id}/test/api`); await page.getByRole('textbox', { name: /worker_threads/ }).fill('16'); await page.getByRole('button', { name: 'Apply to api' }).waitFor(); await picture('test'); });
await check('editor', async () => { await goTo(page, base, 'instructor/worker-pool-saturation'); await page.getByRole('textbox', { name: /Source of/ }).waitFor(); await page.getByText(/The server finds nothing wrong|error/).first().waitFor(); await picture('editor'); });
await check('learning', async () => { await goTo(page, base, 'learn'); await page.getByRole('heading', { name: 'Learning' }).waitFor(); await page.locator('.empty, section.panel').first().waitFor(); await picture('learning'); });
await check('debrief', async () => {
  await call('POST', `/runs/${run.id}/diagnosis`, { component: 'api', mechanism: 'concurrency_limit', object: 'worker_threads', affected: ['gateway'], note: 'the queue is full while the processor is idle' });
  await call('POST', `/runs/${run.id}/actions`, { kind: 'config.patch', on: 'api', args: { patch: { worker_threads: 16 } }, reason: 'the pool is too small' });
  await goTo(page, base, `run/${run.id}/user`);
  await page.getByText(/^Solved in/).waitFor({ timeout: 180_000 });
  await goTo(page, base, `run/${run.id}/debrief`);
  await page.getByRole('heading', { name: 'What it was' }).waitFor();
  await picture('debrief');
});
await check('nothing bad was heard', async () => { if (bad.length) throw new Error([...new Set(bad)].slice(0, 5).join('; ')); });
await close();
await browser.close();
process.exit(finish());
