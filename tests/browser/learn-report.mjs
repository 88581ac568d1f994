// `firedrill-learn report` opened in a browser: the plots are there, drawn from the data beside them, readable in dark and light.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OUT, THEMES, assert, axe, browserStart, check, finish, pageOpen } from './lib.mjs';

const top = new URL('../../', import.meta.url).pathname;
const bin = join(process.env.FD_BUILD_DIR ?? join(top, 'build/release'), 'bin/firedrill-learn');
const work = mkdtempSync(join(tmpdir(), 'fd-report-'));
const csv = name => readFileSync(join(work, name), 'utf8').trim().split('\n').slice(1).map(line => line.split(','));

execFileSync(bin, ['report', '--out', work, '--seeds', '2', '--side-seeds', '1', '--episodes', '60', '--train-episodes', '2000', '--tune', '3', '--replicates', '200', '--updates', '2000'], { stdio: 'ignore' });
const policies = [...new Set(csv('policies.csv').map(row => row[0]))];
const browser = await browserStart();

for (const theme of THEMES) {
  const { page, bad, close } = await pageOpen(browser, 'file://', { theme });
  await page.goto(`file://${work}/report.html`);
  await check(`${theme}: five plots with title and text alternative`, async () => {
    for (const id of ['reward-by-episode', 'restart-frequency', 'stability-time', 'look-ahead', 'ablations']) {
      const svg = page.locator(`#${id} svg`);
      assert(await svg.count() === 1, `#${id} is missing`);
      assert((await svg.getAttribute('aria-label')).length > 10, `#${id} has no alternative`);
      const box = await svg.boundingBox();
      assert(box.width > 400 && box.height > 200, `#${id} is ${box.width} x ${box.height}`);
    }
  });
  await check(`${theme}: a row for every policy, ten findings`, async () => {
    const names = await page.locator('#policies tbody tr td:first-child').allInnerTexts();
    for (const policy of policies) assert(names.some(n => n.startsWith(policy)), `${policy} has no row`);
    assert(await page.locator('#findings tbody tr').count() === 10, 'there are not ten findings');
  });
  await check(`${theme}: bars are as high as the data say`, async () => {
    const value = Object.fromEntries(csv('policies.csv').filter(r => r[2] === 'restarts').map(r => [r[0], Number(r[3])]));
    const bars = await page.$$eval('#restart-frequency g', gs => gs.map(g => [g.querySelector('title').textContent.split(':')[0], Number(g.querySelector('.bar').getAttribute('height'))]));
    assert(bars.length >= 5, `only ${bars.length} bars`);
    const [name0, height0] = bars.reduce((a, b) => (a[1] > b[1] ? a : b));
    for (const [name, height] of bars) assert(Math.abs(height / height0 - value[name] / value[name0]) < 0.02, `${name} is ${height} high beside ${height0} of ${name0}`);
  });
  await check(`${theme}: survival curves begin at 1 and fall`, async () => {
    for (const policy of policies) {
      const curve = csv('stability.csv').filter(r => r[0] === policy).map(r => Number(r[2]));
      assert(curve.length === 61 && curve.every((v, i) => v >= 0 && v <= 1 && (i === 0 || v <= curve[i - 1])), `${policy}: ${curve.slice(0, 5)}`);
    }
    assert(await page.locator('#stability-time path.line').count() >= 5, 'curves are missing');
  });
  await check(`${theme}: accessible, nothing from elsewhere`, async () => { await axe(page, 'report'); assert(bad.length === 0, bad.join('; ')); });
  await page.screenshot({ path: join(OUT, `learn-report-${theme}.png`), fullPage: true });
  await close();
}
await browser.close();
rmSync(work, { recursive: true, force: true });
process.exit(finish());
