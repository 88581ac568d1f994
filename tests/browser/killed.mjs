// A page that somebody has in front of them when the server dies under it: for tests/integration/22-crashes, which has a server to kill.
import { browserStart, goTo, pageOpen, shot, until } from './lib.mjs';

const TOP = 96; // px: four rows down

/* Opens the logs of a run, filtered and scrolled up. The promises give false at their deadline. */
export async function watch(base, id) {
  const browser = await browserStart(), { page, bad } = await pageOpen(browser, base);
  const hash = `run/${id}/observe/logs?level=info&not=service%3Aloadgen`;
  const quiet = p => p.then(() => true, () => false);
  await goTo(page, base, hash);
  await quiet(page.locator('.log-row').nth(20).waitFor());
  await quiet(page.locator('.log-rows').evaluate((e, top) => { e.scrollTop = top; }, TOP));
  await quiet(page.locator('.logs-paused').waitFor());
  const place = async () => [page.url(), await page.locator('.log-rows').evaluate(e => e.scrollTop).catch(() => 'no list'), await page.getByRole('tab', { name: 'Logs' }).getAttribute('aria-selected').catch(() => 'no tab')];
  return {
    bad,
    state: async () => [...(await place()), ...(await page.locator('.banner, .over-line').allInnerTexts().catch(() => []))],
    sees: (selector, text) => quiet(page.locator(selector, { hasText: text }).first().waitFor({ timeout: 30_000 })),
    isThere: () => quiet(until('the place', async () => JSON.stringify(await place()) === JSON.stringify([`${base}/#/${hash}`, TOP, 'true']), 10_000)),
    close: async () => { await shot(page, 'killed-dark-1440'); await browser.close(); return bad; },
  };
}
