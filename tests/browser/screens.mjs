// Every screen in both themes and both sizes, against the pretend server: nothing sticks out, axe finds nothing, no error, CSP holds. Pictures
// go to tests/out/.  node tests/browser/screens.mjs [name of one screen]
import { start } from '../../web/tools/mock-server.mjs';
import { traceId } from '../../web/tools/mock-traces.mjs';
import { assert, axe, browserStart, check, finish, fits, goTo, pageOpen, shot, SIZES, THEMES } from './lib.mjs';

const only = process.argv[2];
const mock = await start({ fast: false });
const browser = await browserStart();
const base = mock.url;
const api = async (method, path, body) => (await fetch(`${base}/api/v1${path}`, { method, headers: { 'content-type': 'application/json' }, body: body && JSON.stringify(body) })).json();

const SCREENS = {
  library: { hash: '', see: p => p.getByRole('button', { name: 'Start incident' }).waitFor() },
  briefing: { hash: 'run/RUN/user', see: p => p.getByText('Getting ready').waitFor(), early: true },
  user: { hash: 'run/RUN/user', see: async p => { await p.getByRole('region', { name: 'Products' }).or(p.getByText('The catalogue cannot be shown')).first().waitFor(); await p.locator('.plot canvas').first().waitFor(); } },
  charts: { hash: 'run/RUN/observe/charts', see: async p => { await p.locator('.dash-row').nth(3).waitFor(); await p.locator('.plot canvas').nth(6).waitFor(); } },
  service: { hash: 'run/RUN/observe/charts?service=api', see: async p => { await p.getByRole('heading', { name: 'Shop API' }).waitFor(); await p.locator('.plot canvas').nth(3).waitFor(); } },
  explore: { hash: 'run/RUN/observe/explore?q=fd%3Aservice_latency%3Ap95_10s', see: async p => { await p.locator('.explore-table tbody tr').nth(3).waitFor(); await p.getByRole('textbox', { name: 'PromQL' }).waitFor(); } },
  logs: { hash: 'run/RUN/observe/logs', see: async p => { await p.locator('.log-row').nth(10).click(); await p.getByRole('region', { name: 'Fields of the line' }).waitFor(); } },
  traces: { hash: 'run/RUN/observe/traces?last=5m', see: p => p.locator('.trace-row').nth(5).waitFor() },
  trace: { hash: `run/RUN/observe/traces/${traceId(Math.floor(Date.now() / 800) - 20)}?span=0000000000000013`, see: p => p.locator('.wf-side').waitFor() },
  map: { hash: 'run/RUN/observe/map?service=api', see: p => p.locator('.map-node').nth(9).waitFor() },
  test: { hash: 'run/RUN/test/api', see: async p => { await p.getByLabel(/worker_threads/).first().fill('16'); await p.getByRole('button', { name: 'Apply to api' }).waitFor(); } },
  changes: { hash: 'run/RUN/test/history', see: p => p.locator('.change').first().waitFor() },
  diagnosis: { hash: 'run/RUN/test/diagnosis', see: p => p.getByRole('heading', { name: 'What is wrong?' }).waitFor() },
  agent: { hash: 'run/RUN/agent', see: p => p.getByText('The agent has said nothing').waitFor() },
  palette: { hash: 'run/RUN/user', see: async p => { await p.locator('.plot canvas').first().waitFor(); await p.keyboard.press('Control+k'); await p.getByRole('combobox').fill('api'); await p.getByRole('option').first().waitFor(); } },
  help: { hash: 'run/RUN/observe/charts', see: async p => { await p.locator('.dash-row').first().waitFor(); await p.keyboard.press('?'); await p.getByRole('dialog', { name: 'Shortcuts' }).waitFor(); } },
  editor: { hash: 'instructor/worker-pool-saturation', see: async p => { await p.getByRole('textbox', { name: /Source of/ }).waitFor(); await p.getByText('The server finds nothing wrong').waitFor(); } },
  dryrun: { hash: 'instructor/worker-pool-saturation?side=dryrun', see: async p => { await p.getByText('Time runs out').waitFor(); await p.getByRole('combobox', { name: 'Who acts' }).selectOption('1'); await p.getByText('Resolved').waitFor(); } },
  verify: { hash: 'instructor/worker-pool-saturation?side=verify', see: async p => { await p.getByRole('button', { name: 'Verify' }).click(); await p.getByRole('list', { name: 'Proofs' }).getByText('baseline').first().waitFor(); }, after: p => p.getByRole('button', { name: 'Cancel' }).click() },
  learning: { hash: 'learn', see: async p => { await p.getByRole('img', { name: /^Reward by episode/ }).waitFor(); await p.getByRole('img', { name: /^Calibration/ }).waitFor(); } },
  terminal: { hash: 'run/RUN/terminal', see: async p => { await p.getByText('Shell beside the stack').waitFor(); await p.getByRole('textbox', { name: 'Terminal input' }).pressSequentially('uptime'); await p.keyboard.press('Enter'); await p.locator('.xterm-rows').getByText('ran uptime').waitFor(); }, out: 'F6' },
  runs: { hash: 'runs', see: p => p.getByRole('region', { name: 'List of runs' }).waitFor(), late: true },
  compare: { hash: 'runs?compare=RUN,r1', see: p => p.getByRole('rowheader', { name: 'Money lost' }).waitFor(), late: true },
  monitor: { hash: 'runs', see: async p => { await p.getByText('criteria met').waitFor(); await p.getByRole('region', { name: 'List of runs' }).or(p.getByText('No run')).first().waitFor(); } },
  debrief: { hash: 'run/RUN/debrief', see: p => p.getByRole('heading', { name: 'What it was' }).waitFor(), late: true },
};

async function each(names, run) {
  for (const theme of THEMES) {
    for (const size of SIZES) {
      const { page, bad, close } = await pageOpen(browser, base, { theme, size });
      for (const name of names) {
        const where = `${name}-${theme}-${size[0]}`;
        await check(`screen ${where}`, async () => {
          bad.length = 0;
          const s = SCREENS[name];
          await goTo(page, base, s.hash.replace('RUN', run));
          await s.see(page);
          await shot(page, where);
          await axe(page, where);
          await fits(page, where);
          assert(bad.length === 0, bad.join('; '));
          await s.after?.(page);
          await page.keyboard.press(s.out ?? 'Escape');
        });
      }
      await close();
    }
  }
}

const names = Object.keys(SCREENS).filter(n => !only || n === only);
const FREE = ['library', 'editor', 'dryrun', 'verify', 'learning'], LATE = ['debrief', 'runs', 'compare'];
await each(names.filter(n => FREE.includes(n)), '');
for (const theme of names.includes('briefing') ? THEMES : []) {
  const r = await api('POST', '/runs', { scenario: 'worker-pool-saturation' });
  const { page, bad, close } = await pageOpen(browser, base, { theme });
  await check(`screen briefing-${theme}-1440`, async () => {
    await goTo(page, base, `run/${r.id}/user`);
    await SCREENS.briefing.see(page);
    await shot(page, `briefing-${theme}-1440`);
    await axe(page, 'briefing');
    assert(bad.length === 0, bad.join('; '));
  });
  await close();
  await api('POST', `/runs/${r.id}/end`, { reason: 'abandoned' });
}
const r = await api('POST', '/runs', { scenario: 'worker-pool-saturation' });
{
  const { page, close } = await pageOpen(browser, base);
  await goTo(page, base, `run/${r.id}/user`);
  await page.locator('[data-criterion][data-state="not met"]').first().waitFor({ timeout: 30_000 });
  await close();
}
await api('POST', `/runs/${r.id}/actions`, { kind: 'config.patch', on: 'gateway', args: { patch: { upstream_timeout_ms: 2500 } }, reason: 'give the API more time' });
await api('POST', `/runs/${r.id}/actions`, { kind: 'process.restart', on: 'auth', args: {} });
await each(names.filter(n => ![...FREE, ...LATE, 'briefing'].includes(n)), r.id);
await api('POST', `/runs/${r.id}/end`, { reason: 'complete' });
await each(names.filter(n => LATE.includes(n)), r.id);

await browser.close();
await mock.close();
process.exit(finish());
