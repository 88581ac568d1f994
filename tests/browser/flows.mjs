// What learners and instructors do, against the pretend server: a whole game by keyboard, a lost connection, refusals, undo, hostile text.
//   node tests/browser/flows.mjs
import { createServer } from 'node:http';
import { start } from '../../web/tools/mock-server.mjs';
import { traceId } from '../../web/tools/mock-traces.mjs';
import { assert, axe, browserStart, check, finish, goTo, pageOpen, shot, until } from './lib.mjs';

const only = process.argv[2]; // part of a name: runs only these
const browser = await browserStart();
const post = async (base, path, body) => {
  const r = await fetch(`${base}/api/v1${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  return r.json();
};
/* A run on a fresh server, its page, and the promise that nothing bad was heard. */
async function scene(name, options, run) {
  if (only && !name.includes(only)) return;
  await check(name, async () => {
    const mock = await start({ fast: true, ...options });
    const { page, bad, close } = await pageOpen(browser, mock.url, options);
    try {
      await run({ mock, page, base: mock.url, bad });
      assert(bad.length === 0, bad.slice(0, 3).join('; '));
    } catch (e) { await shot(page, `failed-${name.replace(/\W+/g, '-')}`).catch(() => {}); throw e; } finally { await close(); await mock.close(); }
  });
}
const begin = async (base, page, where = 'test/api') => {
  const r = await post(base, '/runs', { scenario: 'worker-pool-saturation' });
  await goTo(page, base, `run/${r.id}/${where}`);
  await page.locator('[data-criterion][data-state="not met"]').first().waitFor();
  return r;
};
const pendingApply = page => page.getByRole('button', { name: /^Apply to/ });

await scene('each model of the learning page can be looked at', {}, async ({ page, base }) => {
  await goTo(page, base, 'learn');
  const choice = page.getByRole('combobox', { name: 'Model' });
  await choice.waitFor();
  assert(await choice.inputValue() === 'live.fdlm', 'the one that advises comes first');
  await page.getByText(/^Advises on this server/).waitFor();
  await choice.selectOption('default.fdlm');
  await page.locator('.facts', { hasText: 'qtab-1f2e3d4c' }).waitFor();
  assert(await page.getByText(/^Advises on this server/).count() === 0, 'and no other says that it advises');
});

await scene('only the action that is recommended has the colour of the agent', {}, async ({ mock, page, base }) => {
  await begin(base, page, 'agent');
  const rows = [['delay', { 'soft-restart': -4, delay: -5, 'reduce-load': -6, ignore: -7 }], ['ignore', { delay: -4, ignore: -5, 'reduce-load': -6, 'soft-restart': -8 }],
    ['delay', { 'soft-restart': -4, delay: -5, 'reduce-load': -6, ignore: -7 }], ['soft-restart', { 'soft-restart': -4, delay: -5, 'reduce-load': -6, ignore: -7 }], ['ignore', { ignore: -4, delay: -4.5, 'soft-restart': -8, 'reduce-load': -9 }]];
  for (const [i, [name, q]] of rows.entries()) {
    mock.push('recommendation', { id: `r.${i}`, at_ms: i * 1000, policy: 'agent', name, reason: `Advice ${i}.`, action: null, target: 'api', model: 'live-1', confidence: 0.5, q: Object.entries(q).map(([action, value]) => ({ action, value, chosen: action === name })), cause: { ranked: [], abstain: true } });
    await page.getByText(`Advice ${i}.`).waitFor();
    await page.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))));
    const colours = await page.locator('.qs li').evaluateAll(list => list.map(li => [li.querySelector('.ell').innerText.trim(), getComputedStyle(li.querySelector('.q-track i')).backgroundColor]));
    const coloured = colours.filter(c => colours.filter(o => o[1] === c[1]).length === 1);
    assert(coloured.length === 1 && coloured[0][0] === name, `advice ${i}, ${name}: ${JSON.stringify(colours)}`);
  }
});

await scene('a whole game by keyboard alone', {}, async ({ page, base }) => {
  await goTo(page, base, '');
  await page.getByRole('button', { name: 'Start incident' }).waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('checkout');
  await page.locator('.card').first().waitFor();
  const to = async (locator, key = 'Tab') => { for (let i = 0; i < 90; i++) { if (await locator.evaluate(e => e === document.activeElement).catch(() => false)) return; await page.keyboard.press(key); } throw new Error('Tab does not reach it'); };
  await to(page.getByRole('button', { name: 'Start incident' }));
  await page.keyboard.press('Enter');
  await page.locator('[data-criterion][data-state="not met"]').first().waitFor();
  await page.keyboard.press('Escape');
  await page.evaluate(() => document.activeElement?.blur());
  await page.keyboard.press('2');
  await page.locator('.dash-row').first().waitFor();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('configure api');
  await page.getByRole('option', { name: /Configure api/ }).waitFor();
  await page.keyboard.press('Enter');
  const field = page.getByRole('textbox', { name: /worker_threads/ });
  await field.waitFor();
  await to(field);
  await page.keyboard.press('Control+a');
  await page.keyboard.type('16');
  await page.keyboard.press('Enter');
  await page.locator('.fix-side .change', { hasText: 'api.worker_threads 2 → 16' }).first().waitFor();
  await page.getByText(/^Solved in/).waitFor({ timeout: 30_000 });
  await page.evaluate(() => document.activeElement?.blur());
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: /^Solved/ }).waitFor();
  await page.getByRole('textbox', { name: 'Next time I will' }).fill('look at the queue first');
  await page.getByRole('button', { name: 'Keep it' }).click();
  await page.getByText('Kept with this debrief').waitFor();
});

await scene('whoever scrolls up in the logs stays there, also in the moment in which lines come', {}, async ({ page, base }) => {
  await begin(base, page, 'observe/logs');
  await page.locator('.log-row').nth(20).waitFor();
  for (let i = 0; i < 3; i++) {
    // In the very turn in which a line is drawn, when what follows the end is about to run.
    await page.locator('.log-rows').evaluate(e => new Promise(done => {
      new MutationObserver((_, o) => { o.disconnect(); e.scrollTop = 96; done(); }).observe(e, { childList: true, subtree: true, attributes: true, characterData: true });
    }));
    await page.locator('.logs-paused').waitFor({ timeout: 5000 });
    assert((await page.locator('.log-rows').evaluate(e => e.scrollTop)) === 96, 'pulled back to the end');
    await page.getByRole('button', { name: /^Follow again/ }).click();
    await page.locator('.logs-paused').waitFor({ state: 'detached' });
    await until('the end', () => page.locator('.log-rows').evaluate(e => e.scrollHeight - e.scrollTop - e.clientHeight < 2));
  }
});

await scene('a lost connection comes back in its place', {}, async ({ mock, page, base }) => {
  await begin(base, page);
  await page.getByRole('textbox', { name: /queue_max/ }).fill('99');
  const address = page.url();
  mock.drop();
  await page.getByText('live', { exact: true }).waitFor();
  await until('fresh data', async () => (await page.locator('[data-criterion]').count()) === 2);
  assert(page.url() === address, 'the address has changed');
  assert((await page.getByRole('textbox', { name: /queue_max/ }).inputValue()) === '99', 'the edit is lost');
  mock.newLife();
  await page.locator('.banner').waitFor({ state: 'attached' }).catch(() => {});
  await page.getByText('live', { exact: true }).waitFor();
  assert((await page.getByRole('textbox', { name: /queue_max/ }).inputValue()) === '99', 'the edit is lost after a new life of the server');
});

for (const told of [true, false]) await scene(`a server that died in a run: the page keeps its place and says what became of it${told ? '' : ', also when it must ask'}`, {}, async ({ mock, page, base }) => {
  await begin(base, page, 'observe/logs?level=info&not=service%3Aauth');
  await page.locator('.log-row').nth(20).waitFor();
  await page.locator('.log-rows').evaluate(e => { e.scrollTop = 96; });
  await page.locator('.logs-paused').waitFor();
  const address = page.url();
  mock.reborn();
  await page.getByText('The server was started again').waitFor();
  assert((await page.locator('[data-criterion]').count()) === 2, 'the criteria are gone');
  await axe(page, 'a new life of the server');
  mock.found(told);
  await page.locator('.over-line').getByText('The server stopped during the run').waitFor();
  await page.getByRole('link', { name: /^Open debrief/ }).first().waitFor();
  assert((await page.getByText('The server was started again').count()) === 0, 'it is still being found out');
  assert(page.url() === address, `${address} became ${page.url()}`);
  assert((await page.locator('.log-rows').evaluate(e => e.scrollTop)) === 96, 'the place in the list is lost');
});

await scene('a server that is away is said, and found again', {}, async ({ mock, page, base }) => {
  await begin(base, page, 'user');
  await page.context().setOffline(true);
  mock.drop();
  await page.getByText('Connection lost.').waitFor();
  await axe(page, 'offline');
  await shot(page, 'offline-dark-1440');
  await page.context().setOffline(false);
  await page.getByText('live', { exact: true }).waitFor();
});

await scene('the User tab counts orders and money lost, live, beside what is healthy', {}, async ({ page, base }) => {
  const r = await post(base, '/runs', { scenario: 'worker-pool-saturation' });
  await goTo(page, base, `run/${r.id}/user`);
  const tile = name => page.locator(`[data-tile="${name}"]`);
  await page.locator('[data-criterion][data-state="not met"]').first().waitFor();
  await tile('Orders lost').getByText('healthy: 0 of 192 /min').waitFor();
  const count = async name => Number((await tile(name).locator('.big-n').innerText()).replace(/[^\d.]/g, '')), orders = await count('Orders lost');
  await until('more orders lost', async () => (await count('Orders lost')) > orders);
  await until('money lost', async () => (await count('Money lost')) > 0);
  await tile('Requests that succeed').getByText('healthy: 99.93 %').waitFor();
  await tile('95 % wait less than').getByText('healthy: 58.0 ms').waitFor();
  await page.reload();
  await until('the same after a reload', async () => (await count('Orders lost')) > orders);
});

await scene('a criterion whose turn comes later says so, and what it waits for', { model: 'late' }, async ({ page, base }) => {
  await begin(base, page, 'user');
  const card = page.locator('[data-criterion="no_restart"]');
  await page.locator('[data-criterion="no_restart"][data-state="not due yet"]').waitFor();
  await card.getByText('waits for: 98 % of requests succeed, p95 below 400 ms').waitFor();
  assert(!(await card.innerText()).includes('no data'), 'it says that data is missing');
  await axe(page, 'a criterion that is not due');
  await shot(page, 'criterion-later-dark-1440');
});

await scene('values of log lines are left out, in address, question and chips', {}, async ({ page, base }) => {
  const r = await begin(base, page, 'observe/logs'), asked = [];
  page.on('request', q => { if (q.url().includes('/logs')) asked.push(new URL(q.url())); });
  const row = page.locator('.log-row', { hasText: 'request.done' });
  await row.first().click();
  await page.getByRole('region', { name: 'Fields of the line' }).getByRole('button', { name: 'without this event' }).click();
  const chip = page.getByRole('button', { name: 'not event:request.done: show these lines again' });
  await chip.waitFor();
  await until('no such line', async () => (await row.count()) === 0 && (await page.locator('.log-row').count()) > 0);
  for (const path of ['/logs', '/logs/tail', '/logs/counts']) await until(`${path} is asked without`, () => asked.some(u => u.pathname.endsWith(`/api/v1${path}`) && u.searchParams.get('not') === 'event:request.done'));
  await page.locator('.log-row').first().click();
  await page.getByRole('region', { name: 'Fields of the line' }).getByRole('button', { name: 'without this service' }).click();
  await until('two chips', async () => (await page.locator('.log-not').count()) === 2);
  await axe(page, 'logs without');
  await shot(page, 'logs-without-dark-1440');
  const hash = page.url();
  await page.reload();
  await until('two chips after a reload', async () => (await page.locator('.log-not').count()) === 2);
  assert(page.url() === hash, `${hash} became ${page.url()}`);
  await page.locator('.log-not').nth(1).click();
  await chip.focus();
  await page.keyboard.press('Enter');
  await until('the lines are back', async () => (await row.count()) > 0);
  assert(page.url().endsWith(`run/${r.id}/observe/logs`), page.url());
});

await scene('a trace is zoomed and moved by drag, wheel and keys, without a shift of the page', { motion: 'no-preference' }, async ({ page, base }) => {
  const r = await begin(base, page, `observe/traces/${traceId(Math.floor(Date.now() / 800) - 30)}`);
  await page.locator('.wf-row').nth(3).waitFor();
  await page.evaluate(() => { window.shifts = 0; new PerformanceObserver(l => { for (const e of l.getEntries()) if (e.sources.some(s => (s.node?.nodeType === 1 ? s.node : s.node?.parentElement)?.closest('.wf'))) window.shifts += e.value; }).observe({ type: 'layout-shift', buffered: false }); });
  const zoomOf = () => { const m = /[?&]zoom=([\d.]+)-([\d.]+)/.exec(page.url()); return m ? [Number(m[1]), Number(m[2])] : null; };
  const wide = async () => (await page.locator('.wf-lane .wf-bar').first().boundingBox()).width;
  const scale = await page.locator('.wf-scale').boundingBox(), lane = await page.locator('.wf-lane').nth(1).boundingBox();
  assert(zoomOf() === null, 'zoomed from the beginning');
  await page.mouse.move(scale.x + scale.width * 0.25, lane.y + 12);
  await page.mouse.down();
  await page.mouse.move(scale.x + scale.width * 0.5, lane.y + 12, { steps: 5 });
  await page.locator('.wf-sel').waitFor();
  await page.mouse.up();
  await until('the dragged part', () => zoomOf() !== null);
  const [from, to] = zoomOf(), total = to - from < 0 ? 0 : (to - from) * 4;
  assert(Math.abs(from - total / 4) < total / 50, `from ${from} of about ${total}`);
  assert((await page.locator('.wf-side').count()) === 0, 'the end of the drag was taken for a click');
  await page.evaluate(() => document.activeElement?.blur());
  await page.keyboard.press('ArrowRight');
  await until('moved by a key', () => zoomOf()[0] > from);
  await page.keyboard.press('+');
  await until('deeper by a key', () => zoomOf()[1] - zoomOf()[0] < (to - from) * 0.6);
  const deep = zoomOf();
  await page.mouse.move(scale.x + scale.width / 2, scale.y + 8);
  await page.mouse.wheel(0, -100);
  await until('deeper by the wheel', () => zoomOf()[1] - zoomOf()[0] < deep[1] - deep[0]);
  await page.getByRole('slider', { name: 'Part of the trace that is shown' }).focus();
  await page.keyboard.press('Home');
  await until('at the beginning', () => zoomOf()[0] === 0);
  await axe(page, 'a zoomed trace');
  await shot(page, 'trace-zoomed-dark-1440');
  const shifts = await page.evaluate(() => window.shifts ?? 0);
  assert(shifts < 0.02, `layout shift ${shifts}`);
  const address = page.url();
  await page.reload();
  await page.locator('.wf-row').nth(3).waitFor();
  assert(page.url() === address, `${address} became ${page.url()}`);
  assert((await wide()) > scale.width * 0.9, 'the first span is not cut at the edge');
  await page.evaluate(() => document.activeElement?.blur());
  await page.keyboard.press('0');
  await until('the whole', () => zoomOf() === null);
  assert(await page.getByRole('button', { name: 'Whole' }).isDisabled(), 'the whole can be shown again');
  await page.locator('.wf-lane').nth(1).click();
  await page.locator('.wf-side').waitFor();
  assert(page.url().includes(`run/${r.id}/observe/traces/`), page.url());
});

await scene('a wrong value is said at its field and not sent', {}, async ({ page, base }) => {
  await begin(base, page);
  const f = page.getByRole('textbox', { name: /worker_threads/ });
  await f.fill('1000');
  await page.getByText('must be at most 64').waitFor();
  assert(await pendingApply(page).isDisabled(), 'Apply can be pressed');
  await f.fill('2.5');
  await page.getByText('must be a whole number').waitFor();
  await f.fill('');
  await page.getByText('must be a number').waitFor();
});

await scene('a refusal of the service is shown at its field, and nothing changed', {}, async ({ page, base }) => {
  await begin(base, page);
  await page.getByRole('textbox', { name: /queue_max/ }).fill('13');
  await pendingApply(page).click();
  await page.locator('[data-key="queue_max"]').getByText('must not be 13').waitFor();
  await page.getByText('The configuration was refused: nothing was changed.').waitFor();
  await axe(page, 'refused');
  await page.getByRole('button', { name: 'Discard' }).click();
  assert((await page.getByRole('textbox', { name: /queue_max/ }).inputValue()) === '128', 'the field does not show what is in force');
});

await scene('every change can be undone, a buried one only after what stands on it', {}, async ({ page, base }) => {
  await begin(base, page);
  const f = page.getByRole('textbox', { name: /queue_max/ });
  for (const v of ['64', '32']) {
    await f.fill(v);
    await pendingApply(page).click();
    await page.locator('.fix-side .change', { hasText: `→ ${v}` }).first().waitFor();
  }
  const undos = page.locator('.fix-changes').first().getByRole('button', { name: 'Undo' });
  assert(await undos.nth(1).isDisabled(), 'the older change can be undone although a newer one stands on it');
  await undos.nth(0).click();
  await until('the value of before', async () => (await f.inputValue()) === '64');
  await page.evaluate(() => document.activeElement?.blur());
  await page.keyboard.press('Control+z');
  await until('the first value', async () => (await f.inputValue()) === '128');
});

await scene('stop needs a held press', {}, async ({ page, base }) => {
  await begin(base, page, 'test/auth');
  const stop = page.getByRole('button', { name: /^Stop/ });
  await stop.click();
  assert(await page.getByRole('button', { name: 'Restart' }).isVisible(), 'a short press stopped it');
  await stop.hover();
  await page.mouse.down();
  await page.getByRole('button', { name: 'Start', exact: true }).waitFor();
  await page.mouse.up();
  await page.getByText(/auth does not answer|configuration of auth cannot be read/).first().waitFor();
  await page.getByRole('button', { name: 'Start', exact: true }).click();
  await page.getByRole('button', { name: 'Restart' }).waitFor();
});

await scene('a hint is announced, and one that costs can be taken', {}, async ({ page, base }) => {
  await begin(base, page, 'user');
  await page.locator('.feed-row[data-kind="hint"]').first().waitFor();
  await page.getByRole('button', { name: /Take it for 5 points/ }).click();
  await page.locator('.feed-row', { hasText: 'Compare worker_threads' }).waitFor();
});

await scene('a drag zooms all charts, Esc returns to live; PromQL is copied in one click', {}, async ({ page, base }) => {
  await begin(base, page, 'observe/charts');
  const plot = page.locator('.u-over').first();
  await plot.waitFor();
  const b = await plot.boundingBox();
  await page.mouse.move(b.x + b.width * 0.3, b.y + 30);
  await page.mouse.down();
  await page.mouse.move(b.x + b.width * 0.6, b.y + 30, { steps: 5 });
  await page.mouse.up();
  await page.waitForURL(/from=.*to=/);
  await page.getByRole('button', { name: /behind · Back to live/ }).waitFor();
  await page.keyboard.press('Escape');
  await until('live again', async () => !page.url().includes('from='));
  await page.getByRole('button', { name: 'Copy PromQL' }).nth(3).click();
  const text = await page.evaluate(() => navigator.clipboard.readText());
  assert(text.startsWith('fd:'), `copied was "${text}"`);
});

await scene('a click on a service filters every tab, in the address too', {}, async ({ page, base }) => {
  await begin(base, page, 'observe/charts');
  await page.locator('.strip').getByRole('button', { name: /^gateway/ }).click();
  await page.getByRole('heading', { name: 'API gateway' }).waitFor();
  await page.waitForURL(/service=gateway/);
  await page.getByRole('tab', { name: 'Logs' }).click();
  await page.waitForURL(/logs.*service=gateway/);
  await page.locator('.log-row').first().waitFor();
  assert((await page.locator('.log-row > span:nth-of-type(2)').allInnerTexts()).every(t => t === 'gateway'), 'lines of other services are shown');
  await page.goBack();
  await page.getByRole('heading', { name: 'API gateway' }).waitFor();
});

await scene('explore says what is wrong with a query', {}, async ({ page, base }) => {
  await begin(base, page, `observe/explore?q=${encodeURIComponent('sum((')}`);
  await page.getByText(/parse error/).waitFor();
  await page.getByRole('button', { name: 'worker_pool_queue_depth' }).click();
  await page.getByText('No series matches').waitFor();
  const box = page.getByRole('textbox', { name: 'PromQL' });
  await box.fill('fd:offered_rps');
  await box.press('Enter');
  await page.locator('.explore-table tbody tr').first().waitFor();
  await page.waitForURL(/q=fd%3Aoffered_rps/);
});

await scene('from a metric to a trace to its log lines, and back, one click each', {}, async ({ page, base }) => {
  await begin(base, page, 'observe/charts?service=api&last=5m');
  await page.locator('.plot-dots a:visible').first().click();
  await page.locator('.wf-row').nth(3).waitFor();
  assert(/observe\/traces\/[0-9a-f]{32}/.test(page.url()), `a point of the chart led to ${page.url()}`);
  await page.getByRole('link', { name: /Logs of this trace/ }).click();
  await page.locator('.log-row').first().waitFor();
  assert(/logs\?.*trace=[0-9a-f]{32}/.test(page.url()), `led to ${page.url()}`);
  assert((await page.locator('.log-row').count()) === 1, 'lines of other traces are shown');
  await page.locator('.log-trace').first().click();
  await page.locator('.wf-row').nth(3).waitFor();
  await goTo(page, base, `${page.url().split('#/')[1].split('/observe')[0]}/observe/charts?service=api`);
  await page.getByRole('link', { name: 'Traces with an error of api' }).click();
  await page.waitForURL(/traces\?.*failed=1/);
});

await scene('traces are searched, and read by keyboard alone', {}, async ({ page, base }) => {
  await begin(base, page, 'observe/traces?last=5m');
  await page.getByText('Slowest in this window').waitFor();
  const took = async () => (await page.locator('.trace-row .num:not(.wide)').allInnerTexts()).map(t => parseFloat(t) * (t.endsWith(' s') ? 1000 : 1));
  const all = await took();
  assert(all.length > 5 && all.every((v, i) => i === 0 || v <= all[i - 1]), `not the slowest first: ${all.slice(0, 8)}`);
  await page.getByRole('checkbox', { name: 'only errors' }).check();
  await page.waitForURL(/failed=1/);
  await until('only errors', async () => (await page.locator('.trace-row').count()) > 0 && (await page.locator('.trace-row .sr').allInnerTexts()).every(t => t === 'failed'));
  await page.getByRole('spinbutton', { name: 'Least duration in ms' }).fill('3600000');
  await page.getByRole('spinbutton', { name: 'Least duration in ms' }).press('Enter');
  await page.getByText('No trace matches').waitFor();
  await axe(page, 'no trace');
  await page.getByRole('button', { name: 'Show the slowest in this window' }).click();
  await page.locator('.trace-row').first().waitFor();
  await page.evaluate(() => document.activeElement?.blur());
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await page.locator('.wf-row').nth(3).waitFor();
  await page.evaluate(() => document.activeElement?.blur());
  for (const k of ['f', 'f', 'f', 'f']) await page.keyboard.press(k);
  await page.getByRole('complementary', { name: 'Details of the span' }).getByText('postgresql').waitFor();
  await page.waitForURL(/span=/);
  const rows = await page.locator('.wf-row').count();
  await page.keyboard.press('[');
  await until('closed', async () => (await page.locator('.wf-row').count()) === 1);
  await page.keyboard.press(']');
  await until('open', async () => (await page.locator('.wf-row').count()) === rows);
  await page.keyboard.press('p');
  await until('one level less', async () => (await page.locator('.wf-row').count()) < rows);
  await page.keyboard.press('Escape');
  await until('details closed', async () => (await page.locator('.wf-side').count()) === 0);
  await page.getByRole('button', { name: 'Critical path only' }).click();
  await until('the critical path', async () => (await page.locator('.wf-lane .wf-bar').count()) === (await page.locator('.wf-lane .wf-bar.crit-path').count()));
  await axe(page, 'waterfall');
  await shot(page, 'trace-dark-1440');
});

await scene('a tail that is read is paused, and says so', {}, async ({ page, base }) => {
  await begin(base, page, 'observe/logs?last=5m');
  await page.locator('.log-row').nth(20).waitFor();
  await page.locator('.hist i.error').first().waitFor();
  await page.locator('.log-rows').hover();
  await page.mouse.wheel(0, -400);
  await page.getByText(/^Paused, \d+ new lines?/).waitFor();
  await axe(page, 'paused tail');
  await page.keyboard.press('End');
  await until('following', async () => (await page.getByText(/^Paused/).count()) === 0);
  await page.locator('.log-row').last().click();
  await page.getByRole('button', { name: 'only this order_id' }).click();
  await page.waitForURL(/field=order_id%3A\d+/);
  await page.getByRole('button', { name: /Remove the filter field/ }).click();
  await until('no filter', async () => !page.url().includes('field='));
});

await scene('without logproc: lines from the files, and what to do', { model: 'nologproc' }, async ({ page, base }) => {
  const r = await begin(base, page, 'observe/logs');
  await page.getByText(/these lines come from the log files/).waitFor();
  await page.locator('.log-row').first().waitFor();
  await goTo(page, base, `run/${r.id}/observe/traces`);
  await page.getByText(/logproc does not answer; start or restart it/).waitFor();
  await axe(page, 'no logproc');
});

/* A stand-in for Grafana that records what it is asked for. */
async function grafanaStart() {
  const asked = [];
  const server = createServer((req, res) => { asked.push(req.url); res.setHeader('content-type', 'text/html'); res.end('<!doctype html><title>stand-in</title><p>a dashboard</p>'); });
  await new Promise(done => server.listen(0, '127.0.0.1', done));
  return { url: `http://127.0.0.1:${server.address().port}`, asked, close: () => server.close() };
}
if (!only || 'Grafana is embedded'.includes(only)) {
  const g = await grafanaStart();
  await scene('Grafana is embedded, with theme, time range and service, and nothing else is', { grafana: `${g.url}/sub/` }, async ({ page, base, bad }) => {
    const r = await begin(base, page, 'observe/charts?last=5m');
    await page.getByRole('tab', { name: 'Grafana' }).click();
    await page.frameLocator('.grafana-frame').getByText('a dashboard').waitFor();
    const q = i => Object.fromEntries(new URL(g.asked.at(i), 'http://x').searchParams);
    assert(g.asked.at(-1).startsWith('/sub/d/firedrill-services?'), `asked for ${g.asked}`);
    assert(JSON.stringify(q(-1)) === JSON.stringify({ kiosk: '', theme: 'dark', from: 'now-5m', to: 'now', refresh: '5s' }), JSON.stringify(q(-1)));
    await page.getByRole('combobox', { name: 'Service' }).selectOption('api');
    await until('the service', () => q(-1)['var-service'] === 'api');
    await page.getByRole('button', { name: 'Switch to the light theme' }).click();
    await until('the theme', () => q(-1).theme === 'light');
    await goTo(page, base, `run/${r.id}/observe/grafana?from=1700000000&to=1700000600&board=firedrill-users`);
    await until('the range', () => g.asked.at(-1).includes('/d/firedrill-users?') && q(-1).from === '1700000000000' && q(-1).to === '1700000600000' && q(-1).refresh === undefined);
    const calls = g.asked.length;
    await page.locator('.grafana-frame').waitFor();
    await axe(page, 'grafana');
    await shot(page, 'grafana-light-1440');
    const blocked = await page.evaluate(() => new Promise(done => { document.addEventListener('securitypolicyviolation', e => done(e.violatedDirective), { once: true }); const f = document.createElement('iframe'); f.src = 'http://127.0.0.1:9/'; document.body.append(f); }));
    assert(blocked === 'frame-src', `another address in a frame: ${blocked}`);
    assert(g.asked.length === calls, 'a live page loads the frame again and again');
    const own = bad.filter(b => !b.includes(g.url) && !b.includes('127.0.0.1:9') && !b.includes('Framing'));
    bad.length = 0;
    bad.push(...own);
  });
  await scene('without Grafana there is no tab for it', {}, async ({ page, base }) => {
    await begin(base, page, 'observe/grafana');
    await page.locator('.dash-row').first().waitFor();
    assert((await page.getByRole('tab', { name: 'Grafana' }).count()) === 0, 'a tab that leads nowhere');
  });
  g.close();
}

await scene('the editor shows what the server finds, at its line', {}, async ({ page, base }) => {
  await goTo(page, base, 'instructor/cpu-regression');
  const box = page.getByRole('textbox', { name: /Source of/ });
  await box.waitFor();
  await page.getByText('The server finds nothing wrong').waitFor();
  await box.click();
  await page.keyboard.press('Control+End');
  await page.keyboard.type('dificulty: 3');
  await page.getByText(/did you mean 'difficulty'/).first().waitFor();
  assert(await page.getByRole('button', { name: 'Try it fast' }).isDisabled(), 'a broken scenario can be started');
  await axe(page, 'editor with a problem');
  await shot(page, 'editor-problem-dark-1440');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved into your pack').waitFor();
});

await scene('a scenario is saved into a pack of the server, and what it refuses is said', {}, async ({ page, base }) => {
  const puts = [];
  page.on('request', q => { if (['PUT', 'POST'].includes(q.method()) && /packs|source/.test(q.url())) puts.push(`${q.method()} ${new URL(q.url()).pathname.replace('/api/v1', '')}`); });
  await goTo(page, base, 'instructor/cpu-regression');
  await page.getByRole('textbox', { name: /Source of/ }).waitFor();
  await page.getByRole('button', { name: 'New' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('combobox', { name: 'Pack it goes into' }).locator('option', { hasText: 'Of the team' }).waitFor({ state: 'attached' });
  assert((await dialog.getByText('Read only').count()) === 0, 'a pack that cannot be written to is offered');
  await dialog.getByRole('combobox', { name: 'Pack it goes into' }).selectOption('+');
  await dialog.getByRole('textbox', { name: /^Name of the pack/ }).fill('team');
  await dialog.getByRole('textbox', { name: 'Title of the pack' }).fill('Night shift');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByText("there is a pack 'team' already").waitFor();
  await axe(page, 'a refused pack');
  await shot(page, 'editor-pack-dark-1440');
  await dialog.getByRole('textbox', { name: /^Name of the pack/ }).fill('night-shift');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Saved into the pack night-shift').waitFor();
  await page.getByRole('textbox', { name: 'Source of night-shift/my-scenario' }).waitFor();
  assert(JSON.stringify(puts) === JSON.stringify(['POST /packs', 'POST /packs', 'PUT /scenarios/night-shift/my-scenario/source']), puts.join(', '));
});

await scene('every address survives a reload', {}, async ({ page, base }) => {
  const r = await begin(base, page, 'user');
  for (const [hash, sign] of [['user', '.tiles'], ['observe/charts?service=api', '.dash-detail'], ['observe/explore?q=fd%3Aoffered_rps', '.explore-table'], ['observe/logs?level=warn', '.logs-bar'], ['observe/traces?op=GET+%2Fproducts&min=5', '.trace-row'], [`observe/traces/${traceId(Math.floor(Date.now() / 800) - 30)}?span=0000000000000013`, '.wf-side'], ['observe/map', '.map-node'], ['test/gateway', '[data-key="pool_max"]'], ['test/diagnosis', '.diagnosis'], ['agent', '.agent-tab']]) {
    await goTo(page, base, `run/${r.id}/${hash}`);
    await page.reload();
    await page.locator(sign).first().waitFor();
    assert(page.url().endsWith(hash), `${hash} became ${page.url()}`);
  }
});

await scene('a run that does not exist is said', {}, async ({ page, base }) => {
  await goTo(page, base, 'run/r999/user');
  await page.getByText('Run r999 is not here').waitFor();
  await axe(page, 'no such run');
});

await scene('an empty library says what to do', { model: 'empty' }, async ({ page, base }) => {
  await goTo(page, base, '');
  await page.getByText('No scenario is installed').waitFor();
  await axe(page, 'empty library');
});

await scene('the page does not shift while it lives', { motion: 'no-preference' }, async ({ page, base }) => {
  await begin(base, page, 'user');
  await page.locator('.live-rows tbody tr').nth(8).waitFor();
  await page.locator('.shop-list, .shop [role=alert]').first().waitFor();
  await page.evaluate(() => {
    window.shifts = 0;
    new PerformanceObserver(l => {
      for (const e of l.getEntries()) {
        const moved = e.sources.filter(s => s.node?.isConnected && !(s.node.nodeType === 1 ? s.node : s.node.parentElement)?.closest('.feed, .toasts')); // news is put on top of news: that may move
        if (e.hadRecentInput || !moved.length) continue;
        window.shifts += e.value;
        (window.movers ??= []).push(...moved.map(s => `${s.node?.parentElement?.className}>${s.node?.className ?? s.node?.nodeName}`));
      }
    }).observe({ type: 'layout-shift', buffered: false });
  });
  const from = await page.locator('.timer-n').innerText();
  await until('five seconds of life', async () => { const t = await page.locator('.timer-n').innerText(); const s = x => x.split(':').reduce((a, b) => a * 60 + Number(b), 0); return s(from) - s(t) >= 5; });
  const shifts = await page.evaluate(() => window.shifts);
  assert(shifts < 0.02, `layout shift ${shifts.toFixed(3)}: ${[...new Set(await page.evaluate(() => window.movers))].slice(0, 8).join(', ')}`);
});

await scene('hostile text stays text everywhere', { hostile: true }, async ({ page, base }) => {
  const r = await begin(base, page, 'user');
  await page.locator('.feed-row[data-kind="hint"]').first().waitFor();
  for (const hash of ['', `run/${r.id}/user`, `run/${r.id}/observe/charts`, `run/${r.id}/observe/map`, `run/${r.id}/observe/logs`, `run/${r.id}/observe/traces`, `run/${r.id}/observe/traces/${traceId(Math.floor(Date.now() / 800) - 30)}?span=0000000000000013`, `run/${r.id}/test/payments`]) {
    await goTo(page, base, hash);
    await page.locator(hash === '' ? '.card' : '.crit-card').first().waitFor();
    if (hash.endsWith('logs')) await page.locator('.log-row').first().click();
    if (hash.endsWith('observe/traces')) await page.locator('.trace-row').first().waitFor();
    if (hash.includes('span=')) {
      await page.locator('.wf-side').waitFor();
      await page.evaluate(() => document.activeElement?.blur());
      const t0 = Date.now();
      for (let i = 0; i < 10; i++) await page.keyboard.press('f');
      await page.locator('.wf-row.on').waitFor();
      assert(Date.now() - t0 < 15_000, `ten steps in a trace of 1,500 spans took ${Date.now() - t0} ms`);
      assert((await page.locator('.wf-row').count()) < 100, 'all spans are in the page at once');
    }
    assert((await page.locator('img').count()) === 0, `${hash}: an image was made of text`);
    assert((await page.title()) === 'Firedrill', `${hash}: the title is ${await page.title()}`);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert(wide <= 0, `${hash}: the page is ${wide} px too wide`);
  }
  await shot(page, 'hostile-dark-1440');
  const clean = async where => {
    assert((await page.locator('img:not(.cm-widgetBuffer)').count()) === 0, `${where}: an image was made of text`); // the editor's own have no text
    assert((await page.title()) === 'Firedrill', `${where}: the title is ${await page.title()}`);
    const r = await page.evaluate(() => ({ wide: document.documentElement.scrollWidth - innerWidth, side: Math.max(0, ...[...document.querySelectorAll('main')].map(e => e.scrollWidth - e.clientWidth)),
      high: Math.max(0, ...[...document.querySelectorAll('main *, aside *')].filter(e => !e.children.length).map(e => e.getBoundingClientRect().height)), text: Math.max(0, ...[...document.querySelectorAll('p, span, b, th, td, li, dd, option, button')].map(e => e.textContent.length)) }));
    assert(r.wide <= 0 && r.side <= 0, `${where}: the page is ${r.wide} or ${r.side} px too wide`);
    assert(r.high < 2000, `${where}: something is ${Math.round(r.high)} px high`);
    assert(r.text < 30_000, `${where}: a text of ${r.text} letters is in the page`);
  };
  for (const size of [[1440, 900], [1024, 768]]) {
    await page.setViewportSize({ width: size[0], height: size[1] });
    for (const [hash, see] of [[`run/${r.id}/agent`, '.race tbody tr:nth-child(3)'], ['runs', '.now tbody tr'], ['learn', '.plot-bar'], ['instructor/worker-pool-saturation', '.inst-problem'], ['instructor/worker-pool-saturation?side=dryrun', '.inst-side-in']]) {
      await goTo(page, base, hash);
      await page.locator(see).first().waitFor();
      await clean(`${hash} at ${size[0]}`);
      await shot(page, `hostile-${hash.split(/[/?]/)[0]}-dark-${size[0]}`);
    }
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  await post(base, `/runs/${r.id}/end`, { reason: 'abandoned' });
  await goTo(page, base, `run/${r.id}/debrief`);
  await page.getByRole('heading', { name: 'What it was' }).waitFor();
  await clean('debrief');
  await shot(page, 'hostile-debrief-dark-1440');
  await goTo(page, base, `runs?compare=${r.id},r999`);
  await page.getByRole('rowheader', { name: 'Money lost' }).waitFor();
  await clean('runs side by side');
  await shot(page, 'hostile-compare-dark-1440');
  await post(base, '/verify', { scenario: 'worker-pool-saturation' });
  await goTo(page, base, 'instructor/worker-pool-saturation?side=verify');
  await page.getByText('It could not be carried out').waitFor({ timeout: 30_000 });
  await clean('proofs');
  await shot(page, 'hostile-verify-dark-1440');
});

await browser.close();
process.exit(finish());
