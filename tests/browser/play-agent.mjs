// A learner plays with the agent beside them, in a browser, against a running server that has a race to offer:
//   node tests/browser/play-agent.mjs http://127.0.0.1:8080
// Start with live advice and a race; the advice changes with the incident; it is ignored, then accepted; the autopilot takes over by two keys and is
// stopped by them; the repair is the learner's; the debrief has lanes of human, agent and rule. Pictures go to tests/out/.
import { assert, axe, browserStart, check, finish, fits, goTo, pageOpen, shot, until } from './lib.mjs';

const base = (process.argv[2] ?? '').replace(/\/$/, '');
if (!/^https?:\/\//.test(base)) {
  console.error('usage: node tests/browser/play-agent.mjs URL-OF-A-RUNNING-SERVER');
  process.exit(2);
}
const LONG = 120_000, SEEN_MS = 2000; // the symptom in Prometheus, and the advice on the screen
const SCENARIO = process.argv[3] ?? 'cpu-regression' /* overload: the agent soon wants to let in less */;
const browser = await browserStart();
const { page, bad, close } = await pageOpen(browser, base);
const heard = [];
page.on('websocket', ws => ws.on('framereceived', f => { try { heard.push(JSON.parse(String(f.payload))); } catch { /* not ours */ } }));
const of = type => heard.filter(m => m.type === type).map(m => m.data);
const api = path => page.evaluate(p => fetch('/api/v1' + p).then(r => r.json()), path);

/* In the page: when each other advice stood on the screen, by the clock of the machine (Prometheus has the same): the frame after the one it was drawn in. */
function watchAdvice() {
  let last = '';
  window.adviceSeen = [];
  const look = () => {
    const card = document.querySelector('section[aria-label="Recommendation"]');
    const text = card ? `${card.querySelector('h2').innerText} ${card.querySelector('.sure + span')?.innerText ?? ''}` : '';
    if (!text || text === last) return;
    last = text;
    requestAnimationFrame(() => requestAnimationFrame(() => window.adviceSeen.push({ t: Date.now(), text })));
  };
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
}
/* The samples as Prometheus stored them, each with its own time: nothing is rounded to a grid. */
const samplesOf = async (stack, promql) => {
  const answer = await (await fetch(`http://127.77.${stack}.1:9090/api/v1/query?query=${encodeURIComponent(`${promql}[10m]`)}`)).json();
  assert(answer.status === 'success' && answer.data.result.length === 1, `the samples of ${promql}: ${JSON.stringify(answer).slice(0, 200)}`);
  return answer.data.result[0].values.map(([t, v]) => ({ t: t * 1000, v: Number(v) }));
};
const holds = (target, v) => { const [op, limit] = target.split(' '); return { '<': v < limit, '<=': v <= limit, '>': v > limit, '>=': v >= limit }[op]; };

let stop = false;
const step = (name, run) => check(name, async () => {
  assert(!stop, 'an earlier step failed');
  try { await run(); } catch (e) { stop = true; await shot(page, `agent-failed-${name.replace(/\W+/g, '-')}`).catch(() => {}); throw e; }
});
const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
const flip = async () => { const before = await theme(); await page.getByRole('button', { name: /^Switch to the (light|dark) theme/ }).click(); await until('the other theme', async () => (await theme()) !== before); };
// dark and light, large and small
const pictures = async name => {
  for (const size of [[1440, 900], [1024, 768]]) {
    await page.setViewportSize({ width: size[0], height: size[1] });
    await shot(page, `agent-${name}-dark-${size[0]}`);
    await fits(page, `${name} at ${size[0]}`);
    await flip();
    await shot(page, `agent-${name}-light-${size[0]}`);
    await flip();
  }
  await page.setViewportSize({ width: 1440, height: 900 });
};

await step('a race with live advice is started', async () => {
  await goTo(page, base, `s/${SCENARIO}`);
  await page.getByRole('button', { name: 'Options' }).click();
  await page.getByRole('checkbox', { name: /Fast/ }).check();
  await page.getByLabel('Advice of the recovery agent').selectOption('live');
  const race = page.getByRole('checkbox', { name: /^Race the agent/ });
  await until('the choice of a race', () => race.isEnabled());
  await race.check();
  await shot(page, 'agent-options-dark');
  await page.getByRole('button', { name: 'Start incident' }).click();
  await page.waitForURL(/#\/run\/r\d+\//, { timeout: 60_000 });
  await page.getByRole('tab', { name: /Agent/ }).click();
  await page.evaluate(watchAdvice);
});

const id = () => /run\/(r\d+)/.exec(page.url())[1];
const actions = async () => (await api(`/runs/${id()}/actions`)).actions;

await step('the agent says something once the page is out', async () => {
  await until('the incident', async () => (await api(`/runs/${id()}`)).state === 'running', LONG);
  assert(!of('recommendation').length || of('run').some(r => r.page_ms), 'advice before the page');
  await page.getByRole('tab', { name: /Agent/ }).click();
  await page.getByRole('region', { name: 'Recommendation' }).waitFor({ timeout: 30_000 });
  assert((await api(`/runs/${id()}`)).assisted === true, 'the run is not marked as assisted');
});

await step(`the advice is on the screen ${SEEN_MS} ms after the symptom is in Prometheus`, async () => {
  const run = await api(`/runs/${id()}`), { criteria } = await api(`/scenarios/${SCENARIO}`);
  // Nobody is shown anything before the page, and the page goes out by the symptom that the scenario names.
  const source = await page.evaluate(p => fetch('/api/v1' + p).then(r => r.text()), `/scenarios/${SCENARIO}/source`);
  const symptom = criteria.find(c => c.id === /^confirm:.*symptom: \[not (\w+)\]/m.exec(source)?.[1]);
  assert(symptom?.promql, 'the scenario names no criterion as its symptom');
  const first = (await samplesOf(run.stack, symptom.promql)).find(s => s.t >= run.onset_ms && !holds(symptom.target, s.v));
  assert(first, `${symptom.id} is not missed in Prometheus`);
  const seen = await until('an advice on the screen that is of this symptom', () => page.evaluate(t => window.adviceSeen.find(a => a.t >= t), first.t), 30_000);
  const before = await page.evaluate(t => window.adviceSeen.filter(a => a.t < t).length, first.t);
  const ms = Math.round(seen.t - first.t);
  console.log(`    ${symptom.id} was ${first.v.toFixed(3)} in Prometheus; the page went out ${Math.round(run.page_ms - first.t)} ms after that sample, "${seen.text}" was on the screen after ${ms} ms (${before} before it)`);
  assert(ms <= SEEN_MS, `it took ${ms} ms`);
});

await step('the others are beside the learner, live, with the same seed', async () => {
  await until('three lanes that have begun', () => of('comparison').some(c => c.lanes.length === 3 && c.lanes.every(l => l.standing && l.standing.at_ms !== null)), LONG);
  const lanes = of('comparison').at(-1).lanes;
  assert(new Set(lanes.map(l => l.seed)).size === 1, `seeds ${lanes.map(l => l.seed)}`);
  assert(lanes.map(l => `${l.who} ${l.source}`).join() === 'you you,agent live,rule live', JSON.stringify(lanes.map(l => `${l.who} ${l.source}`)));
  await page.locator('tr[data-lane="rule"]').waitFor();
  await until('harm in the table', async () => /\d/.test(await page.locator('tr[data-lane="you"] td').nth(3).innerText()));
});

await step('recommendations change with the incident', async () => {
  await until('another advice, or the same with another confidence', () => new Set(of('recommendation').map(r => `${r.name} ${r.confidence}`)).size >= 2, 60_000);
  await page.getByRole('region', { name: 'Recommendation' }).waitFor();
  assert(!/undefined|NaN/.test(await page.locator('main').innerText()), 'something undefined is shown');
  const last = of('recommendation').at(-1);
  assert(last.why.length && last.q.length === 5, 'no reasons');
  await axe(page, 'agent tab');
  await pictures('tab');
});

await step('an advice to act is ignored with a reason, then accepted: exactly what was shown is done', async () => {
  const ignore = page.getByRole('button', { name: 'Ignore…' });
  await ignore.waitFor({ timeout: 60_000 });
  await ignore.click();
  await page.getByRole('group', { name: 'Why do you ignore it?' }).getByRole('button', { name: 'Too risky now' }).click();
  await page.getByText('You ignored this: too risky now.').waitFor();
  // The advice may be another one at any moment: one that was not answered has no "Answer again", and what is read and accepted must be one and the same.
  const exact = await until('an advice that can be accepted', () => page.evaluate(() => {
    const card = document.querySelector('section[aria-label="Recommendation"]'), button = text => [...card.querySelectorAll('button')].find(b => b.innerText === text);
    button('Answer again')?.click();
    const accept = button('Accept');
    if (!accept || accept.disabled) return null;
    const shown = card.querySelector('.change-exact code').innerText;
    accept.click();
    return shown;
  }), 60_000);
  const done = await until('the accepted change', async () => (await actions()).find(a => a.by === 'learner' && a.reason === 'recommended by the agent'), 30_000);
  assert(exact.startsWith(`${done.kind} ${done.on}`.trim()), `shown was "${exact}", done was "${done.kind} ${done.on}"`);
  // What was done has an effect, so the advice may be another one before the change is confirmed: the answer stays to be read on the card.
  await page.getByRole('region', { name: 'Recommendation' }).getByText(/^You accepted this\./).waitFor({ timeout: 30_000 });
});

await step('the agent takes over by two keys and is stopped by the same', async () => {
  for (const k of ['a', 'p']) await page.keyboard.press(k);
  await page.getByText('The agent acts by itself').first().waitFor();
  assert((await api(`/runs/${id()}`)).autopilot === true, 'the server does not know of it');
  await page.getByRole('tab', { name: /User/ }).click();
  await page.getByRole('button', { name: 'Stop the agent' }).waitFor(); // on every tab
  await shot(page, 'agent-autopilot-dark');
  for (const k of ['a', 'p']) await page.keyboard.press(k);
  await until('the agent let go', async () => (await api(`/runs/${id()}`)).autopilot === false);
});

await step('the learner repairs, and the run is solved', async () => {
  const done = await page.evaluate(run => fetch(`/api/v1/runs/${run}/actions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ kind: 'config.patch', on: 'api', args: { patch: { algorithm: 'efficient' } }, reason: 'the regressed algorithm is switched back' }) }).then(r => r.status), id());
  assert(done === 200, `the repair was answered with ${done}`);
  // What was accepted is the learner's own change now, and with 70 % of the requests let in nothing is solved.
  const shed = (await actions()).find(a => a.kind === 'load.shed' && a.by === 'learner');
  const undone = await page.evaluate(([run, action]) => fetch(`/api/v1/runs/${run}/actions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ kind: 'undo', args: { action } }) }).then(r => r.status), [id(), shed.id]);
  assert(undone === 200, `taking the accepted change back was answered with ${undone}`);
  await page.getByText(/^Solved in/).waitFor({ timeout: LONG });
});

await step('the debrief has lanes of human, agent and rule', async () => {
  await page.getByRole('link', { name: /^Open debrief/ }).first().click();
  const others = page.getByRole('region', { name: 'You and the others' });
  await others.waitFor({ timeout: 30_000 });
  for (const who of ['You', 'The agent', 'The rule']) await others.locator('.lane-row', { hasText: who }).first().waitFor();
  await others.locator('.dot').first().waitFor();
  await page.getByRole('region', { name: 'Your decisions' }).waitFor();
  await page.getByText(/It stabilises, you repair/).waitFor();
  await others.getByText('stopped when your run ended').first().waitFor();
  assert((await api(`/runs/${id()}/debrief`)).timeline.some(t => t.lane === 'agent'), 'what was shown when is not in the timeline');
  await others.scrollIntoViewIfNeeded();
  await axe(page, 'debrief');
  await pictures('debrief');
});

await check('no error, nothing refused by the security policy, no request to another address', async () => { assert(bad.length === 0, [...new Set(bad)].slice(0, 5).join('; ')); });
await close();
await browser.close();
process.exit(finish());
