// A pretend server for work on the panel without the platform: speaks docs/contracts.md with a believable run of a small shop.
// Used by `npm run mock` and by tests/browser; nothing of it reaches the product.
//   node tools/mock-server.mjs [--port 8079] [--fast] [--hostile]
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { WebSocketServer } from 'ws';
import { edgeValues, telemetry } from './mock-traces.mjs';

export const CSP = "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";
const dist = new URL('../dist/', import.meta.url).pathname;
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
const HOSTILE = '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script> ${7*7} {{constructor}} \u202Egnitset\u0000';

const LONG = `${HOSTILE} ${'x'.repeat(100_000)}`; // one word
const root = new URL('../../', import.meta.url).pathname, load = path => JSON.parse(readFileSync(root + path, 'utf8'));
const csv = name => { const [head, ...rows] = readFileSync(`${root}docs/learning-report/${name}.csv`, 'utf8').trim().split('\n').map(l => l.split(',')); return rows.map(r => Object.fromEntries(head.map((h, i) => [h, r[i] !== '' && Number.isFinite(Number(r[i])) ? Number(r[i]) : r[i]]))); };
const shape = load('scenarios/schema.json');
const AUTHORING = {
  schema: shape, edges: ['api->db', 'gateway->api'], metrics: ['fd:user_success:ratio10s', 'fd:user_latency:p95_10s'], mechanisms: [{ name: 'concurrency_limit', doc: 'too few workers or slots for the load' }],
  services: Object.entries(load('sut/knobs.json')).map(([name, config]) => ({ name, configurable: true, adapter_of: null, config })),
  kinds: Object.entries(shape.$defs.faults.properties).map(([name, args]) => ({ name, on: name.startsWith('net.') ? 'edge' : name.startsWith('load.') ? 'none' : name.startsWith('config.') ? 'service' : 'process', doc: `does ${name}`, expects: '', fault: true, repair: true, any_args: name.startsWith('config.'), args: name.startsWith('config.') ? null : args })),
};
const knob = (type, preset, title, extra = {}) => ({ type, default: preset, title, ...extra });
const SCHEMAS = {
  gateway: {
    upstream_timeout_ms: knob('integer', 1000, 'Upstream timeout', { minimum: 10, maximum: 30000, 'x-unit': 'ms', 'x-group': 'Upstream', description: 'How long one answer of the API may take.' }),
    pool_max: knob('integer', 64, 'Connections to the API', { minimum: 1, maximum: 512, 'x-unit': 'connections', 'x-group': 'Upstream', description: 'A request waits when all are in use.' }),
    retries: knob('integer', 1, 'Retries', { minimum: 0, maximum: 10, 'x-group': 'Upstream' }),
    rate_limit_rps: knob('number', 0, 'Rate limit', { minimum: 0, maximum: 10000, 'x-unit': 'requests/s', 'x-group': 'Protection', description: '0 switches it off.' }),
    breaker: knob('boolean', true, 'Circuit breaker', { 'x-group': 'Protection', description: 'Stops asking an upstream that fails.' }),
    blocked_agents: knob('array', [], 'Blocked user agents', { items: { type: 'string' }, maxItems: 32, 'x-group': 'Protection' }),
  },
  api: {
    worker_threads: knob('integer', 16, 'Worker threads', { minimum: 1, maximum: 64, 'x-unit': 'threads', 'x-group': 'Concurrency', description: 'Requests that are worked on at the same time.' }),
    queue_max: knob('integer', 128, 'Queue length', { minimum: 0, maximum: 4096, 'x-group': 'Concurrency', description: 'Requests that may wait for a worker; more are refused with 503.' }),
    algorithm: knob('string', 'efficient', 'Algorithm', { enum: ['efficient', 'regressed'], 'x-deploy': true, 'x-group': 'Business', description: 'How process_business_data computes a quote.' }),
    db_pool_max: knob('integer', 12, 'Database connections', { minimum: 1, maximum: 100, 'x-unit': 'connections', 'x-group': 'Database' }),
    db_timeout_ms: knob('integer', 2000, 'Query timeout', { minimum: 10, maximum: 60000, 'x-unit': 'ms', 'x-group': 'Database' }),
    cache: knob('boolean', true, 'Use the cache', { 'x-group': 'Database' }),
    log_level: knob('string', 'info', 'Log level', { enum: ['debug', 'info', 'warn', 'error'], 'x-group': 'Observability' }),
  },
  db: { max_connections: knob('integer', 60, 'Connections', { minimum: 5, maximum: 200, 'x-unit': 'connections', 'x-group': 'Limits' }), statement_timeout_ms: knob('integer', 5000, 'Statement timeout', { minimum: 0, maximum: 60000, 'x-unit': 'ms', 'x-group': 'Limits' }) },
};
const COMMON = { log_level: knob('string', 'info', 'Log level', { enum: ['debug', 'info', 'warn', 'error'], 'x-group': 'Observability' }) };
const PARTS = [
  ['loadgen', 'Users', 'service', ['gateway']], ['gateway', 'API gateway', 'service', ['api', 'auth']], ['auth', 'Auth service', 'service', ['redis']], ['api', 'Shop API', 'service', ['postgres', 'redis', 'nats']],
  ['worker', 'Order worker', 'service', ['nats', 'postgres', 'payments']], ['payments', 'Payment provider', 'service', []], ['config', 'Configuration service', 'service', []], ['logproc', 'Logs and traces', 'service', []],
  ['db', 'Database', 'adapter', []], ['cache', 'Cache', 'adapter', []], ['mq', 'Message queue', 'adapter', []],
  ['postgres', 'PostgreSQL', 'component', []], ['redis', 'Redis', 'component', []], ['nats', 'NATS JetStream', 'component', []], ['prometheus', 'Prometheus', 'component', []],
];
const ADAPTER = { db: 'postgres', cache: 'redis', mq: 'nats' };
const card = (order, id, title, level, tags, brief, objectives, extra = {}) => ({ id, title, level, time_limit_ms: 1200_000, tags, objectives, brief, order, pack: null, difficulty: { attempts: 0, resolved: 0, median_ms: 0 }, best: null, problems: [], ...extra });
const KNOTS = Array.from({ length: 16 }, (_, i) => ({ score: i * 0.2, p: 0.63 + 0.36 * (1 - Math.exp(-i / 4)) }));
const MODELS = [
  { file: 'default.fdlm', in_use: false, id: 'qtab-1f2e3d4c', name: 'qtab', kind: 'qtab', environment: 'sim1', fits: false, purpose: 'Trained on the simulator as it is: what docs/learning.md reports. It advises only where no model fitted to the stack is installed.', training_seed: 1, seed: 16, episodes: 500032, steps: 56873563, train_return: 3.5, samples: 57103, ece: 0.0038, coverage: 0.895, abstention: 0.0129, calibration: KNOTS },
  { file: 'live.fdlm', in_use: true, id: 'live-5b6a7988', name: 'live', kind: 'qtab', environment: 'sim1-fitted', fits: true, purpose: 'Trained on the simulator with what was measured on this stack (models/calibration.json): to advise beside a run.', training_seed: 1, seed: 16, episodes: 500032, steps: 55120000, train_return: 2.9, samples: 50321, ece: 0.0071, coverage: 0.901, abstention: 0.0412, calibration: KNOTS },
];
const SCENARIOS = [
  card(1, 'worker-pool-saturation', 'Checkout crawls at lunch time', 1, ['concurrency', 'queues'], 'Pager: **users wait for seconds**, some get errors. Support says it began a few minutes ago.\n\nCPU of all services looks *normal*. Nobody admits to a change.', ['Read a queue, and not the CPU', 'Change a limit at run time and prove that it helped']),
  card(2, 'cpu-regression', 'Quotes became slow after a deploy', 2, ['cpu', 'deploy'], 'Quotes take a second since the last deploy. `api` burns CPU.', ['Connect a deploy with a change of a golden signal'], { difficulty: { attempts: 6, resolved: 4, median_ms: 412_000 }, best: { outcome: 'resolved', took_ms: 395_000 } }),
  card(3, 'gateway-pool', 'Everything waits and nothing is busy', 2, ['latency', 'connections'], 'Latency went up everywhere, and **no** service is busy.', ['Find a wait that no CPU graph shows'], { difficulty: { attempts: 2, resolved: 0, median_ms: 0 }, best: { outcome: 'time_up', took_ms: 1200_000 } }),
  card(4, 'database-bottleneck', 'Orders hang in the database', 3, ['database', 'slow queries'], 'Orders hang. The database team is on a plane.', ['Tell slow queries from too few connections']),
  card(null, 'retry-storm', 'Slow after a ten-second blip', 4, ['metastability', 'retries'], 'A short burst is over. The pain is not.', ['Recognise a metastable failure'], { pack: 'mine', problems: [{ line: 12, column: 3, severity: 'warning', message: 'two hints at the same time' }] }),
];

export async function start({ port = 0, fast = false, hostile = false, model = 'normal', grafana = null, terminal = true } = {}) {
  const hold = fast ? 4000 : 30_000, hintAfter = fast ? 2500 : 45_000, limit = fast ? 90_000 : 1200_000, prepare = fast ? 500 : 2500;
  let epoch = Math.random().toString(16).slice(2), seq = 0, runs = 0, actionsMade = 0, feeds = 0;
  const kept = [], clients = new Set(), ended = new Map(), timers = new Set();
  const configs = {}, histories = {};
  const schemaOf = n => SCHEMAS[n] ?? COMMON;
  const presets = n => Object.fromEntries(Object.entries(schemaOf(n)).map(([k, p]) => [k, p.default]));
  const fresh = () => { for (const [n, , kind] of PARTS) if (kind !== 'component') { configs[n] = { revision: 1, config: presets(n), version: 'v1' }; histories[n] = []; } };
  fresh();
  const born = Date.now();
  const procs = PARTS.map(([name, title, kind], i) => ({ name, title: hostile && name === 'payments' ? HOSTILE : title, kind, state: 'up', pid: 4000 + i, since_ms: born, restarts: 0, deaths: 0, last_exit: null, address: `127.77.1.1:${8000 + i * 10}` }));
  const proc = n => procs.find(p => p.name === n);
  let run = null, criteria = [], guards = [], feed = [], actions = [], lost = 0, scenario = null, harm = { requests: 0, offered: 0, orders: 0 };
  const wait = (ms, f) => { const t = setTimeout(() => { timers.delete(t); f(); }, ms); timers.add(t); };

  const push = (type, data) => {
    const m = { seq: ++seq, t: Date.now(), type, data };
    const text = JSON.stringify(m);
    kept.push([m.seq, text]);
    if (kept.length > 2000) kept.shift();
    for (const c of clients) if (c.readyState === 1) c.send(text);
    return m;
  };
  /* Healthy are 40 requests and 3.2 orders a second. */
  const harmNow = () => run && { id: run.id, at_ms: run.onset_ms ? rel() : null, requests_lost: Math.round(harm.requests), requests_offered: Math.round(harm.offered), orders_lost: run.onset_ms ? Math.round(harm.orders * 10) / 10 : null, revenue_lost_cents: run.onset_ms ? Math.round(lost) : null, healthy: run.state === 'preparing' ? { success: null, latency_p95_s: null, goodput_rps: null, orders_rps: null } : { success: 0.9993, latency_p95_s: 0.058, goodput_rps: 40, orders_rps: 3.2 } };
  let reborn = false; // a new life that has not taken up the run of the one before
  const snapshot = () => JSON.stringify({ seq, t: Date.now(), type: 'snapshot', data: reborn ? { epoch, run: null, criteria: [], guards: [], feed: [], actions: [], processes: procs, server: { version: '0.0.0-mock', terminal, grafana } } : { epoch, run, criteria, guards, feed, actions, processes: procs, harm: harmNow(), server: { version: '0.0.0-mock', terminal, grafana } } });
  const rel = () => (run?.onset_ms ? Date.now() - run.onset_ms : run ? Date.now() - run.created_ms - prepare * 3 : 0);
  const addFeed = (kind, from, text, hint) => { const f = { id: `f${++feeds}`, at_ms: rel(), kind, from, text, ...(hint ? { hint } : {}) }; feed.push(f); push('feed', f); return f; };

  /* What others do in the same incident, as hostile as it can be. */
  const others = () => {
    const standing = { id: run.id, state: 'running', at_ms: 1000, met: 0, criteria: 2, users: 50, user_minutes_lost: 1.5, requests_lost: 12, requests_offered: 90, orders_lost: 3, revenue_lost_cents: 900, unmet_ms: 1000, utility: -1, changes: 1, restarts: 0, unnecessary_restarts: 0, clocks: {}, score: null };
    const lane = (who, source) => ({ who, policy: LONG, model: LONG, source, recorded_ms: null, seed: 1, fast: true, assisted: false, state: source === 'you' ? 'running' : LONG, outcome: null, reason: LONG, stopped: source === 'you' ? '' : LONG, standing, items: [] });
    return { run: run.id, race: true, over: false, withheld: false, note: LONG, lanes: [lane('you', 'you'), lane(LONG, 'live'), lane(HOSTILE, 'recorded')], divergence: null, regret: null, place: null };
  };
  const sources = new Map(), packs = [{ name: 'team', title: hostile ? HOSTILE : 'Of the team', version: '1', author: '', license: '', description: '', dir: '/home/packs/team', ok: true, writable: true, scenarios: 0, problems: [] }, { name: 'fixed', title: 'Read only', version: '1', author: '', license: '', description: '', dir: '/mnt/fixed', ok: true, writable: false, scenarios: 3, problems: [] }];
  let proofs = { state: 'idle', scenario: '', note: '', fast: false, stack: 2, began_ms: 0, ended_ms: 0, proofs: [] };

  // ---- the world: how the shop feels, from the configuration
  const wave = (t, p, a) => 1 + a * Math.sin((t / p) * 2 * Math.PI + p) + (Math.sin(t * 12.9898 + p * 78.233) * 43758.5453 % 1) * a * 0.6;
  const world = t => {
    const offered = 40 * wave(t, 97, 0.06), capacity = (configs.api.config.worker_threads / 16) * 90 * (configs.api.config.algorithm === 'regressed' ? 0.3 : 1) * (proc('api').state === 'up' ? 1 : 0);
    const load = offered / Math.max(capacity, 0.5), bad = Math.max(0, 1 - 1 / load) * 0.8;
    const p95 = load > 0.98 ? 1.1 + 1.6 * Math.min(1, load - 0.9) * wave(t, 13, 0.1) : 0.055 * wave(t, 11, 0.15) / Math.max(0.25, 1.15 - load);
    return { offered, load, bad, p95, ok: 1 - bad };
  };
  const ROWS = 900;
  const history = []; // [t, {key: value}]
  const sample = t => {
    const w = world(t), v = {};
    v['fd:user_success:ratio10s'] = w.ok; v['fd:user_latency:p50_10s'] = w.p95 * 0.4; v['fd:user_latency:p95_10s'] = w.p95; v['fd:user_latency:p99_10s'] = w.p95 * 1.5;
    v['fd:offered_rps'] = w.offered; v['fd:goodput_rps'] = w.offered * w.ok; v['fd:user_errors:rate10s'] = w.offered * w.bad; v['fd:orders:rate10s'] = w.offered * w.ok * 0.08;
    lost += w.offered * w.bad * 0.08 * 4200; v['fd:revenue_lost_cents:total'] = Math.round(lost);
    const share = { gateway: 1, api: 0.95, auth: 0.2, worker: 0.08, payments: 0.08, config: 0.05, loadgen: 0.02, logproc: 0.5, db: 0.02, cache: 0.02, mq: 0.02 };
    for (const [n, s] of Object.entries(share)) {
      const up = proc(n).state === 'up';
      v[`fd:service_up|${n}`] = up ? 1 : 0;
      if (!up) continue;
      const hot = n === 'api' || n === 'gateway';
      v[`fd:service_rps:rate10s|${n}`] = w.offered * s * wave(t, 23 + s, 0.05);
      v[`fd:service_errors:ratio10s|${n}`] = hot ? w.bad : 0;
      const base = hot ? w.p95 * (n === 'api' ? 0.95 : 1) : 0.006 * wave(t, 7 + s * 10, 0.3);
      v[`fd:service_latency:p50_10s|${n}`] = base * 0.4; v[`fd:service_latency:p95_10s|${n}`] = base; v[`fd:service_latency:p99_10s|${n}`] = base * 1.4;
      v[`fd:service_cpu:ratio10s|${n}`] = 0.02 + 0.1 * s * Math.min(1, 1 / w.load); v[`fd:service_memory:bytes|${n}`] = (9 + s * 6) * 1048576 * wave(t, 300, 0.02);
      v[`fd:service_restarts:count10m|${n}`] = proc(n).restarts;
      if (['gateway', 'api', 'worker', 'auth'].includes(n)) { v[`fd:service_saturation:ratio|${n}`] = n === 'api' ? Math.min(1, w.load) : Math.min(1, 0.1 + 0.1 * s); v[`fd:service_queue:depth|${n}`] = n === 'api' && w.load > 0.98 ? Math.round(128 * Math.min(1, w.load - 0.7)) : 0; }
    }
    v['fd:db_connections:used'] = 14; v['fd:db_connections:max'] = configs.db.config.max_connections; v['fd:db_query:p95_10s'] = 0.004 * wave(t, 31, 0.2); v['fd:db_wait:p95_10s'] = 0.0008; v['fd:gateway_pool_wait:p95_10s'] = 0.0004;
    return v;
  };
  const t0 = Math.floor(Date.now() / 1000);
  for (let t = t0 - 600; t < t0; t++) history.push([t, sample(t)]);
  lost = 0;

  // ---- the run
  const CRITERIA = () => [
    { id: 'user_ok', title: hostile ? HOSTILE : '98 % of requests succeed', kind: 'promql', promql: 'fd:user_success:ratio10s', target: '>= 0.98', op: '>=', threshold: 0.98, unit: '', weight: 3, hold_ms: hold },
    { id: 'user_p95', title: 'p95 below 400 ms', kind: 'promql', promql: 'fd:user_latency:p95_10s', target: '< 0.4', op: '<', threshold: 0.4, unit: 's', weight: 2, hold_ms: hold },
    ...(model === 'late' ? [{ id: 'no_restart', title: hostile ? HOSTILE : 'No service restarts', kind: 'promql', mode: 'after', promql: 'fd:service_up', target: '>= 1', op: '>=', threshold: 1, unit: '', weight: 1, hold_ms: hold }] : []),
  ].map(c => ({ ...c, due: c.mode !== 'after', after: c.mode === 'after' ? ['user_ok', 'user_p95'] : [], value: null, ok: null, since_ms: null, held_ms: 0, best_hold_ms: 0, held: false, reason: 'There is no data yet: the first sample is on its way' }));

  const judge = (v, dt) => {
    for (const c of criteria) {
      if (c.mode === 'after') { Object.assign(c, { reason: 'is judged once the other criteria are held' }); push('criterion', c); continue; }
      const value = v[c.promql], ok = c.op === '<' ? value < c.threshold : value >= c.threshold;
      const held = ok ? (c.ok ? c.held_ms + dt : 0) : 0;
      Object.assign(c, { value, since_ms: c.ok === ok ? c.since_ms : rel(), ok, held_ms: held, best_hold_ms: Math.max(c.best_hold_ms, held), held: held >= c.hold_ms,
        reason: hostile ? LONG : c.unit === 's' ? `p95 is ${Math.round(value * 1000)} ms, it must be below 400 ms` : `${(value * 100).toFixed(1)} % of requests succeed, needed are at least 98 %` });
      push('criterion', c);
    }
  };
  const setRun = change => { run = { ...run, ...change }; push('run', run); };
  const finish = (outcome, reason, complete = false) => {
    setRun({ state: 'ended', outcome, reason, ended_ms: Date.now(), complete, ...(hostile ? { reason: LONG } : {}) });
    ended.set(run.id, { run, criteria: structuredClone(criteria), actions: structuredClone(actions), feed: structuredClone(feed), lost });
    fresh();
    for (const p of procs) p.state = 'up';
  };
  let hurried = 0; // seconds told ahead of the clock; from then on the clock is not told any more
  const tick = () => {
    if (hurried) return;
    const t = Math.floor(Date.now() / 1000);
    if (history.length && history[history.length - 1][0] >= t) return;
    const v = sample(t);
    history.push([t, v]);
    if (history.length > ROWS) history.shift();
    push('series', { t: t * 1000, v });
    const w = world(t);
    const requests = Array.from({ length: 6 }, (_, i) => {
      const bad = Math.random() < w.bad, step = ['browse', 'product', 'quote', 'order'][i % 4];
      return { at_ms: Date.now() - i * 90, journey: ['visit', 'compare', 'buy'][i % 3], step, status: bad ? 503 : 200, ok: !bad, latency_ms: Math.round(w.p95 * 1000 * (0.3 + Math.random())), user: `u${i}`, trace_id: Math.random().toString(16).slice(2) };
    });
    push('user', { requests });
    if (run?.state === 'running') {
      harm = { requests: harm.requests + w.offered * w.bad, offered: harm.offered + w.offered, orders: harm.orders + Math.max(0, 3.2 - w.offered * w.ok * 0.08) };
      push('harm', harmNow());
      judge(v, 1000);
      if (criteria.every(c => c.held)) finish('resolved', 'All criteria were held.');
      else if (rel() > run.time_limit_ms) finish('time_up', 'The time limit passed before all criteria were held.');
    }
  };
  const beginRun = body => {
    fresh();
    scenario = SCENARIOS.find(s => s.id === body.scenario);
    criteria = CRITERIA(); guards = [{ id: 'lb_bypass', reason: hostile ? LONG : 'Traffic was removed and not served', ok: true, violated_at_ms: null }]; feed = []; actions = []; lost = 0; harm = { requests: 0, offered: 0, orders: 0 };
    run = { id: `r${++runs}`, scenario: scenario.id, title: hostile ? HOSTILE : scenario.title, level: scenario.level, state: 'preparing', outcome: null, reason: '', seed: body.seed ?? 4217, stack: 1, fast: !!body.fast, created_ms: Date.now(), onset_ms: null, page_ms: null, deadline_ms: null, ended_ms: null, needs_diagnosis: false, diagnosed: false, advice: 'after', time_limit_ms: limit, clocks: {}, brief: scenario.brief, objectives: scenario.objectives, complete: false };
    run.brief = '';
    push('run', run);
    for (const c of criteria) push('criterion', c);
    for (const g of guards) push('guard', g);
    const mine = run.id, still = f => () => { if (run.id === mine && run.state !== 'ended') f(); };
    wait(prepare, still(() => setRun({ state: 'baseline' })));
    wait(prepare * 2, still(() => { setRun({ state: 'injecting' }); configs.api.config.worker_threads = 2; configs.api.revision++; histories.api.push({ revision: configs.api.revision, at_ms: Date.now(), author: 'scenario', reason: 'cost saving', changed: { worker_threads: { from: 16, to: 2 } } }); }));
    wait(prepare * 3, still(() => {
      setRun({ state: 'running', onset_ms: Date.now() - 300, page_ms: Date.now(), deadline_ms: Date.now() + limit, brief: scenario.brief });
      addFeed('brief', 'Pager', scenario.brief);
      if (hostile) { addFeed('say', LONG, LONG); addFeed('action', 'you', LONG); push('comparison', others()); push('notice', { level: 'error', text: LONG }); }
      addFeed('deploy', 'Deploys', 'api was configured (cost saving)');
      addFeed('alert', 'Alertmanager', 'UsersWait: p95 of user requests is 1.4 s (objective 400 ms)');
      wait(hintAfter, still(() => addFeed('hint', 'Hint', hostile ? HOSTILE : 'The CPU of `api` is idle although requests wait. What do they wait for?', { id: 'h1', cost: 0, taken: true })));
      wait(hintAfter * 1.6, still(() => { addFeed('hint', 'Hint', '', { id: 'h2', cost: 5, taken: false }); addFeed('say', 'CTO', 'How many orders so far? I am on with the board in ten minutes.'); }));
    }));
    return run;
  };

  // ---- HTTP
  const problem = (res, status, detail, extra = {}) => { res.writeHead(status, { 'content-type': 'application/problem+json' }); res.end(JSON.stringify({ type: 'about:blank', title: 'Refused', status, detail, code: 'REFUSED', ...extra })); };
  const json = (res, body, status = 200) => { res.writeHead(status, { 'content-type': 'application/json' }); res.end(JSON.stringify(body)); };
  const apply = (a, res) => {
    const id = `a${++actionsMade}`;
    const action = { id, at_ms: rel(), by: 'learner', kind: a.kind, on: a.on ?? '', args: a.args ?? {}, changed: {}, undo: null, undone: false, undone_by: null, state: 'applied', detail: '', reason: a.reason ?? '' };
    if (a.kind === 'config.patch') {
      const schema = schemaOf(a.on), c = configs[a.on], errors = [];
      for (const [k, v] of Object.entries(a.args.patch ?? {})) {
        const p = schema[k];
        if (!p) errors.push({ pointer: `/${k}`, detail: `unknown key '${k}'` });
        else if (p.maximum !== undefined && v > p.maximum) errors.push({ pointer: `/${k}`, detail: `must be at most ${p.maximum}` });
        else if (k === 'queue_max' && v === 13) errors.push({ pointer: '/queue_max', detail: 'must not be 13' });
      }
      if (errors.length) return problem(res, 422, 'The configuration was refused: nothing was changed.', { errors });
      for (const [k, v] of Object.entries(a.args.patch)) { action.changed[k] = { from: c.config[k], to: v }; c.config[k] = v; }
      c.revision++;
      histories[a.on].push({ revision: c.revision, at_ms: Date.now(), author: 'learner', reason: action.reason, changed: action.changed });
      action.undo = { kind: 'config.patch', on: a.on, args: { patch: Object.fromEntries(Object.entries(action.changed).map(([k, x]) => [k, x.from])) } };
    } else if (a.kind === 'undo') {
      const old = actions.find(x => x.id === a.args?.action);
      if (!old?.undo || old.undone) return problem(res, 409, 'That change cannot be undone.');
      for (const [k, v] of Object.entries(old.undo.args.patch ?? {})) { action.changed[k] = { from: configs[old.on].config[k], to: v }; configs[old.on].config[k] = v; }
      action.on = old.on;
      Object.assign(old, { undone: true, undone_by: id });
      push('action', old);
    } else {
      const p = proc(a.on);
      if (!p) return problem(res, 404, `There is no process '${a.on}'.`);
      const verb = a.kind.replace('process.', '');
      const to = { stop: 'down', pause: 'paused' }[verb] ?? 'up';
      if (verb === 'restart' || verb === 'kill') { p.restarts++; if (verb === 'kill') { p.deaths++; p.last_exit = 'signal 9'; } p.state = 'starting'; p.since_ms = Date.now(); wait(600, () => { Object.assign(p, { state: 'up', since_ms: Date.now(), pid: p.pid + 100 }); push('process', p); }); }
      else { p.state = to; p.since_ms = Date.now(); }
      push('process', p);
      if (verb === 'stop') action.undo = { kind: 'process.start', on: a.on, args: {} };
    }
    actions.push(action);
    push('action', action);
    json(res, action);
  };
  const debrief = id => {
    const e = ended.get(id);
    if (!e) return null;
    const tl = [{ at_ms: 0, lane: 'fault', text: 'worker_threads of api was set to 2', on: 'api' }, { at_ms: 900, lane: 'symptom', text: 'p95 of users above 400 ms', on: 'gateway' },
      ...e.feed.filter(f => f.kind === 'hint' || f.kind === 'say').map(f => ({ at_ms: f.at_ms, lane: f.kind, text: f.text })), ...e.actions.map(a => ({ at_ms: a.at_ms, lane: 'action', text: `${a.kind} ${JSON.stringify(a.args)}`, on: a.on })),
      { at_ms: 2000, lane: 'view', text: 'panel:api.saturation' }, ...e.criteria.filter(c => c.held).map(c => ({ at_ms: c.since_ms ?? 0, lane: 'criterion', text: `${c.title}: met` }))].sort((a, b) => a.at_ms - b.at_ms);
    return { run: e.run, truth: { component: 'api', mechanism: 'concurrency_limit', mechanism_text: 'too few workers or slots for the load', object: { key: 'worker_threads' }, path: ['api', 'gateway'], victims: ['gateway', 'loadgen'], also: [], herrings: [{ at_ms: 20000, note: 'auth: more detailed logs' }], evidence: { symptom: ['panel:user.latency'], path: ['panel:api.queue', 'panel:api.saturation'], cause: ['config:api.worker_threads', 'history:api'] } },
      evidence: [{ at_ms: 2000, item: 'panel:api.saturation', part: 'path' }, { at_ms: 4000, item: 'config:api.worker_threads', part: 'cause' }], diagnosis: [{ at_ms: 3000, component: 'api', mechanism: 'concurrency_limit', object: 'worker_threads', affected: ['gateway'], note: hostile ? LONG : 'CPU is idle, the queue is full', ...(hostile ? { component: LONG, mechanism: HOSTILE } : {}) }], hints: [{ id: 'h1', cost: 0, offered: true, taken: true, text: 'What do the requests wait for?' }, { id: 'h2', cost: 5, offered: true, taken: false, text: 'Compare worker_threads with its default.' }], costliest: [{ from_ms: 900, to_ms: 9000, requests_lost: 105, after: 'the page went out' }], forward: e.forward ?? '', final: true, timeline: tl, criteria: e.criteria, actions: e.actions,
      solutions: [[{ 'config.set': { on: 'api', args: { worker_threads: 16 } } }]], wrong_fixes: [{ matched: false, explain: 'Restarting api empties the queue for a moment; it fills again, because the limit is in the configuration.' }, { matched: e.actions.some(a => a.kind === 'process.restart'), explain: 'A longer queue makes users wait longer and serves no one more.' }],
      text: '## Little’s law\n\nA pool of *n* workers that take *t* seconds each serves at most `n / t` requests a second. Below that line **nothing** helps but more workers or faster work.\n\n- Saturation shows before latency\n- CPU says nothing about a pool', clocks: { user_visible: 900, alert_fired: 1200, acknowledged: 2000, effective_action: e.actions[0]?.at_ms ?? null, slo_restored: e.criteria[0].since_ms }, users: { requests_lost: 182, requests_offered: 1399, orders_lost: 14, revenue_lost_cents: Math.round(e.lost) }, score: { total: 78.8, outcome: 50, harm: 16.4, diagnosis: 2.4, hints: 10, of: { outcome: 50, harm: 20, diagnosis: 20, hints: 10 } } };
  };
  const route = (req, res, path, q, body) => {
    const m = (re) => re.exec(path);
    let x;
    if (path === '/health') return json(res, { status: 'ok', version: '0', stack: 1, checks: {} });
    if (path === '/scenarios' && req.method === 'GET') return json(res, { scenarios: model === 'empty' ? [] : hostile ? [{ ...SCENARIOS[0], title: HOSTILE, brief: HOSTILE, tags: [HOSTILE], objectives: [HOSTILE] }] : SCENARIOS });
    if (path === '/authoring') return json(res, AUTHORING);
    if (path === '/scenarios/rehearse') {
      const solved = Number(q.get('solution')) > 0, at = Number(q.get('after_ms'));
      const events = [{ at_ms: 0, kind: 'fault', text: 'config.set', on: 'api' }, { at_ms: 1000, kind: 'brief', text: 'Pager: users wait.', on: 'pager' }, { at_ms: 1000, kind: 'lost', text: 'p95 below 400 ms', on: 'user_p95' },
        { at_ms: 91_000, kind: 'hint', text: 'Where does the time go?', on: 'mentor' }, ...(solved ? [{ at_ms: 1000 + at, kind: 'action', text: 'config.set', on: 'api' }, { at_ms: 2000 + at, kind: 'met', text: 'p95 below 400 ms', on: 'user_p95' }, { at_ms: 32_000 + at, kind: 'held', text: 'p95 below 400 ms', on: 'user_p95' }] : [])];
      return json(res, { outcome: solved ? 'resolved' : 'time_up', reason: '', page_ms: 1000, ended_ms: solved ? 32_000 + at : 1201_000, time_limit_ms: 1200_000, events });
    }
    if (path === '/verify' && req.method === 'GET') return json(res, proofs);
    if (path === '/verify' && req.method === 'POST') {
      proofs = { state: 'running', scenario: JSON.parse(body).scenario, note: '', fast: true, stack: 2, began_ms: Date.now(), ended_ms: 0, proofs: ['healthy: without the fault all criteria hold', 'the fault bites', 'doing nothing fails', 'solution 1 passes (first time)'].map(name => ({ name: hostile ? `${name} ${LONG}` : name, state: 'waiting', phase: '', outcome: '', reason: '', took_ms: 0 })) };
      const step = i => { if (proofs.state !== 'running') return; if (i > 0) Object.assign(proofs.proofs[i - 1], hostile ? { state: 'failed', reason: LONG, took_ms: 61_000 } : { state: 'passed', took_ms: 61_000 }); if (proofs.proofs[i]) Object.assign(proofs.proofs[i], { state: 'running', phase: hostile ? LONG : 'baseline' }); else Object.assign(proofs, hostile ? { state: 'broken', note: LONG, ended_ms: Date.now() } : { state: 'passed', ended_ms: Date.now() }); push('verify', proofs); if (proofs.proofs[i]) wait(fast ? 250 : 1500, () => step(i + 1)); };
      step(0);
      return json(res, proofs, 202);
    }
    if (path === '/verify/stop') { Object.assign(proofs, { state: 'cancelled', ended_ms: Date.now() }); push('verify', proofs); return json(res, proofs, 202); }
    if (path === '/learn/report') return model === 'empty' ? problem(res, 404, 'none') : json(res, hostile ? { own: true, curve: csv('curve').map(c => ({ ...c, learner: LONG })), policies: csv('policies').map(c => ({ ...c, policy: `${c.policy}${LONG}` })), stability: [...csv('stability').map(c => ({ ...c, policy: LONG })), { policy: HOSTILE, seconds: null, share_unstable: 'x' }] } : { own: false, curve: csv('curve'), policies: csv('policies'), stability: csv('stability') });
    if (path === '/learn/models') return model === 'empty' ? problem(res, 404, 'none') : json(res, { models: hostile ? [...MODELS.map(o => ({ ...o, file: LONG, id: HOSTILE, kind: LONG, purpose: LONG, in_use: true })), { file: HOSTILE, in_use: false, problem: LONG }] : MODELS });
    if (path === '/scenarios/lint') { if (hostile) return json(res, { ok: false, diagnostics: [{ line: 1, column: 1, severity: 'error', message: LONG }, { line: -5, column: 1e9, severity: HOSTILE, message: HOSTILE }, ...Array.from({ length: 300 }, (_, i) => ({ line: i, column: 0, severity: 'warning', message: LONG.slice(0, 2000) }))] }); const bad = body.split('\n').findIndex(l => /dificulty/.test(l)); return json(res, { ok: bad < 0, diagnostics: bad < 0 ? [] : [{ line: bad + 1, column: 1, severity: 'error', message: "unknown key 'dificulty', did you mean 'difficulty'?" }] }); }
    if (path === '/packs' && req.method === 'GET') return json(res, { packs });
    if (path === '/packs') {
      const b = JSON.parse(body);
      if (packs.some(p => p.name === b.name)) return problem(res, 409, `there is a pack '${b.name}' already`);
      packs.push({ name: b.name, title: b.title, version: '', author: '', license: '', description: '', dir: `/home/packs/${b.name}`, ok: true, writable: true, scenarios: 0, problems: [] });
      return json(res, { packs }, 201);
    }
    if ((x = m(/^\/scenarios\/([\w-]+)\/([\w-]+)\/source$/))) {
      const id = `${x[1]}/${x[2]}`;
      if (req.method === 'PUT' && !packs.some(p => p.name === x[1])) return problem(res, 404, `there is no pack '${x[1]}'`);
      if (req.method === 'PUT' && /dificulty/.test(body)) { res.writeHead(422, { 'content-type': 'application/problem+json' }); return res.end(JSON.stringify({ status: 422, detail: 'the scenario has errors and was not saved', diagnostics: [{ line: 2, column: 1, severity: 'error', message: "unknown key 'dificulty', did you mean 'difficulty'?" }] })); }
      if (req.method === 'PUT') { sources.set(id, body); return json(res, { ok: true, diagnostics: [] }); }
      if (!sources.has(id)) return problem(res, 404, `There is no scenario '${id}'.`);
      res.writeHead(200, { 'content-type': 'text/yaml' });
      return res.end(sources.get(id));
    }
    if ((x = m(/^\/scenarios\/([\w-]+)\/source$/))) { if (req.method === 'PUT') return json(res, { ok: true, diagnostics: [] }); res.writeHead(200, { 'content-type': 'text/yaml' }); return res.end(sourceOf(x[1])); }
    if ((x = m(/^\/scenarios\/([\w-]+)$/))) return json(res, { ...SCENARIOS.find(s => s.id === x[1]), hints: 2, criteria: CRITERIA() });
    if (path === '/runs' && req.method === 'GET') return json(res, { runs: [...ended.values()].map(e => e.run).reverse() });
    if (path === '/runs' && req.method === 'POST') { if (run && run.state !== 'ended') return problem(res, 409, `Run ${run.id} is active on this stack.`); const b = JSON.parse(body); if (!SCENARIOS.some(s => s.id === b.scenario)) return problem(res, 404, `There is no scenario '${b.scenario}'.`); return json(res, beginRun(b), 201); }
    if ((x = m(/^\/runs\/(r\d+)(\/.*)?$/))) {
      const id = x[1], rest = x[2] ?? '';
      const mine = run?.id === id;
      if (!mine && !ended.has(id)) return problem(res, 404, `There is no run ${id}.`);
      if (rest === '') return json(res, mine ? run : ended.get(id).run);
      if (rest === '/debrief') { const d = debrief(id); return d ? json(res, d) : problem(res, 409, 'The run has not ended yet.'); }
      if (rest === '/note') { ended.get(id).forward = JSON.parse(body).text; return json(res, {}); }
      if (!mine || run.state === 'ended') return problem(res, 409, 'The run is over.');
      if (rest === '/end') { const r = JSON.parse(body).reason; finish(r === 'complete' ? (criteria.every(c => c.held) ? 'resolved' : 'abandoned') : 'abandoned', r === 'complete' ? 'Marked complete by the learner.' : 'Given up.', r === 'complete'); return json(res, run); }
      if (rest === '/actions') return apply(JSON.parse(body), res);
      if (rest.startsWith('/hints/')) { const f = feed.find(i => i.hint?.id === rest.slice(7)); if (!f) return problem(res, 404, 'There is no such hint.'); f.hint.taken = true; f.text = 'Compare `worker_threads` of api with its default.'; push('feed', f); return json(res, { text: f.text }); }
      if (rest === '/diagnosis') return json(res, run);
      if (rest === '/evidence') return json(res, {});
    }
    if (path === '/stack') return json(res, { stack: 1, state: 'up', address: '127.77.1.1', services: procs.map(p => ({ ...p, config_url: p.kind !== 'component', needs: PARTS.find(y => y[0] === p.name)[3], adapter_of: ADAPTER[p.name] ?? null })), edges: PARTS.flatMap(([n, , , to]) => to.map(t => ({ from: n, to: t }))) });
    if ((x = m(/^\/stack\/config\/(\w+)(\/history)?$/))) { const c = configs[x[1]]; if (!c) return problem(res, 404, `There is no service '${x[1]}'.`); if (proc(x[1]).state !== 'up') return problem(res, 502, `${x[1]} does not answer: it is ${proc(x[1]).state}.`); return json(res, x[2] ? { entries: histories[x[1]] } : { service: x[1], version: c.version, revision: c.revision, config: c.config, defaults: presets(x[1]), schema: { type: 'object', properties: schemaOf(x[1]) } }); }
    if (path === '/logs') return json(res, model === 'nologproc' ? { ...told.find(q), source: 'files', notice: 'logproc does not answer, so these lines come from the log files; start or restart it in the Test tab (process logproc)' } : told.find(q));
    if (model === 'nologproc' && /^\/(logs\/|traces)/.test(path)) return problem(res, 503, 'traces cannot be read: logproc does not answer; start or restart it in the Test tab (process logproc)');
    if (path === '/logs/tail') return json(res, told.tail(q));
    if (path === '/logs/counts') return json(res, told.counts(q));
    if (path === '/traces') return json(res, told.traces(q));
    if ((x = m(/^\/traces\/(\w+)$/))) { const t = told.trace(x[1]); return t ? json(res, t) : problem(res, 404, `there is no trace '${x[1]}' (not seen, not kept, or too old)`); }
    if (path === '/metrics/query_exemplars') return json(res, told.examples(q));
    if (path === '/metrics/query' && q.get('query')?.includes('peer')) return json(res, edgeValues(q.get('query'), world(Date.now() / 1000)));
    if (path.startsWith('/metrics/')) return prom(res, path.slice(9), q);
    if (path === '/shop') {
      const b = JSON.parse(body), w = world(Date.now() / 1000), bad = Math.random() < w.bad, late = Math.round(w.p95 * 700 * (0.5 + Math.random()));
      const names = ['Desk lamp', 'Notebook, dotted, 160 pages', 'Fountain pen', 'Stapler', 'Tea mug', 'Backpack 24 l', 'Headphones', 'Keyboard'];
      const answer = bad ? { status: 503, body: '{"title":"no worker is free"}' } : b.method === 'POST' ? { status: 201, body: '{"order_id":4711}' } : { status: 200, body: JSON.stringify({ products: names.map((n, i) => ({ id: i + 1, name: n, price_cents: 990 + i * 1370, category: ['light', 'paper', 'pens', 'desk'][i % 4] })) }) };
      return wait(Math.min(late, 1500), () => json(res, { ...answer, latency_ms: late, headers: {} }));
    }
    return problem(res, 404, `There is nothing at ${path}.`);
  };
  const sourceOf = id => `schema: 1\nid: ${id}\ntitle: ${SCENARIOS.find(s => s.id === id)?.title ?? id}\nlevel: 1\ntime_limit: 20m\ntags: [concurrency, queues]\nbrief: |\n  Pager: users wait for seconds.\nload: {profile: steady, rps: 40}\ntimeline:\n  - {at: 0s, fault: config.set, on: api, args: {worker_threads: 2}, as: deploy, note: cost saving}\n  - {at: 90s, say: {from: manager, text: Any ETA?}}\ncriteria:\n  - {id: user_ok, title: 98 % of requests succeed, promql: 'fd:user_success:ratio10s', target: '>= 0.98', hold: 30s, weight: 3}\n  - {id: user_p95, title: p95 below 400 ms, promql: 'fd:user_latency:p95_10s', target: '< 0.4', unit: s, hold: 30s}\nhints:\n  - {after: 45s, text: What do the requests wait for?}\nsolutions:\n  - [{config.set: {on: api, args: {worker_threads: 16}}}]\n`;
  const told = telemetry({ world, hostile, HOSTILE });
  const prom = (res, what, q) => {
    const keys = [...new Set(history.slice(-5).flatMap(h => Object.keys(h[1])))], names = [...new Set(keys.map(k => k.split('|')[0]))];
    if (what === 'label/__name__/values') return json(res, { status: 'success', data: [...names, 'worker_pool_queue_depth', 'http_server_request_duration_seconds_bucket'] });
    if (what === 'metadata') return json(res, { status: 'success', data: { worker_pool_queue_depth: [{ type: 'gauge', help: 'Requests that wait for a worker.', unit: '' }] } });
    if (what === 'labels') return json(res, { status: 'success', data: ['__name__', 'service', 'instance'] });
    if (what.startsWith('label/') || what === 'series') return json(res, { status: 'success', data: [] });
    const query = q.get('query') ?? '';
    if (/[({]\s*$|\(\(|^\W/.test(query)) return json(res, { status: 'error', errorType: 'bad_data', error: `invalid parameter "query": 1:${query.length}: parse error: unclosed left parenthesis` }, 400);
    const name = names.find(n => query.includes(n)), service = /service="(\w+)"/.exec(query)?.[1];
    const from = Number(q.get('start')), to = Number(q.get('end')), step = Math.max(1, Number(q.get('step')));
    const at = new Map(history.map(h => [h[0], h[1]]));
    const result = keys.filter(k => name && k.split('|')[0] === name && (!service || k.split('|')[1] === service)).map(k => {
      const values = [];
      for (let t = from; t <= to; t += step) { const v = at.get(Math.round(t))?.[k]; if (v !== undefined) values.push([t, String(v)]); }
      return { metric: { __name__: name, ...(k.includes('|') ? { service: k.split('|')[1] } : {}) }, values };
    }).filter(s => s.values.length);
    json(res, { status: 'success', data: { resultType: 'matrix', result } });
  };

  const server = createServer((req, res) => {
    const url = new URL(req.url, 'http://x');
    res.setHeader('Content-Security-Policy', grafana ? `${CSP}; frame-src ${new URL(grafana).origin}` : CSP);
    res.setHeader('X-Content-Type-Options', 'nosniff');
    if (url.pathname.startsWith('/api/v1')) {
      let body = '';
      req.on('data', d => { body += d; });
      req.on('end', () => { try { route(req, res, url.pathname.slice(7), url.searchParams, body); } catch (e) { problem(res, 500, String(e)); } });
      return;
    }
    const file = normalize(join(dist, url.pathname === '/' ? 'index.html' : url.pathname));
    if (!file.startsWith(dist) || !existsSync(file)) { res.writeHead(404, { 'content-type': 'text/plain' }); return res.end('not found'); }
    res.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' });
    createReadStream(file).pipe(res);
  });
  const wss = new WebSocketServer({ noServer: true, maxPayload: 4096 }), shells = new WebSocketServer({ noServer: true, maxPayload: 8192 });
  server.on('upgrade', (req, socket, head) => {
    const to = req.url.startsWith('/ws/terminal') ? (terminal ? shells : null) : wss;
    if (!to) return socket.end('HTTP/1.1 404 Not Found\r\n\r\n');
    to.handleUpgrade(req, socket, head, ws => to.emit('connection', ws, req));
  });
  // A pretend shell: says back what is typed, knows "exit".
  shells.on('connection', ws => {
    let line = '';
    const say = text => ws.send(Buffer.from(text), { binary: true });
    say('stack 1 / $ ');
    ws.on('message', (data, binary) => {
      if (!binary) return;
      for (const c of data.toString()) {
        if (c !== '\r' && c !== '\n') { line += c; say(c); continue; }
        if (line === 'exit') { ws.send('{"type":"end","reason":"the shell has ended"}'); ws.close(1000); return; }
        say(`\r\n\u001b[1;31mran\u001b[0m ${hostile ? HOSTILE : line}\r\nstack 1 / $ `);
        line = '';
      }
    });
  });
  wss.on('connection', (ws, req) => {
    const q = new URL(req.url, 'http://x').searchParams, at = Number(q.get('seq'));
    clients.add(ws);
    const known = q.get('epoch') === epoch && (!kept.length || kept[0][0] <= at + 1);
    if (known) for (const k of kept) { if (k[0] > at) ws.send(k[1]); } else ws.send(snapshot());
    ws.on('close', () => clients.delete(ws));
  });
  const pulse = setInterval(tick, 1000);
  await new Promise(done => server.listen(port, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${server.address().port}`, push,
    /* The next n seconds of a run at once: charts, criteria and users as in each second of life. */
    hurry(n) {
      for (let i = 0; i < n; i++) {
        const t = Math.floor(Date.now() / 1000) + ++hurried, v = sample(t);
        push('series', { t: t * 1000, v });
        push('user', { requests: Array.from({ length: 6 }, (_, k) => ({ at_ms: t * 1000 + k, journey: 'buy', step: 'order', status: 200, ok: true, latency_ms: 20 + k, user: `u${k}`, trace_id: String(t * 10 + k) })) });
        for (const c of criteria) push('criterion', { ...c, value: v[c.promql] ?? null });
      }
    },
    drop() { for (const c of clients) c.terminate(); for (const c of shells.clients) c.terminate(); },
    /* Killed and started again: the new life finds the run later, and says that it is over. Without `told` it says nothing by itself. */
    reborn() { reborn = true; kept.length = 0; epoch = Math.random().toString(16).slice(2); for (const c of clients) c.terminate(); },
    found(told = true) { reborn = false; const r = { ...run, state: 'debriefed', outcome: 'failed', reason: 'the server stopped during the run; everything it had changed is being undone', ended_ms: Date.now() }; if (told) setRun(r); else run = r; },
    newLife() { epoch = Math.random().toString(16).slice(2); kept.length = 0; for (const c of clients) c.terminate(); },
    async close() { clearInterval(pulse); for (const t of timers) clearTimeout(t); for (const c of clients) c.terminate(); for (const c of shells.clients) c.terminate(); wss.close(); server.closeAllConnections(); await new Promise(done => server.close(done)); },
  };
}

if (process.argv[1] && import.meta.url.endsWith(process.argv[1].split('/').pop())) {
  const arg = name => { const i = process.argv.indexOf(name); return i < 0 ? undefined : process.argv[i + 1]; };
  const s = await start({ port: Number(arg('--port') ?? 8079), fast: process.argv.includes('--fast'), hostile: process.argv.includes('--hostile') });
  console.log(`mock server on ${s.url}`);
}
