// The logs, traces and examples of the pretend server: made from the clock, so that a line, its trace and the list always agree.
// world(t) says how the shop feels at second t; hostile: text that a page must survive.
const STEP = 800, LEVELS = ['debug', 'info', 'warn', 'error'], NAMES = ['GET /products', 'POST /orders', 'POST /login', 'settle'];
export const traceId = s => `${'f00d'.repeat(6)}${s.toString(16).padStart(8, '0').slice(-8)}`;
const slotOf = id => (/^(f00d){6}[0-9a-f]{8}$/.test(id) ? parseInt(id.slice(24), 16) : null);
const isNow = s => s * STEP <= Date.now();

export function telemetry({ world, hostile, HOSTILE }) {
  const seconds = s => s * STEP / 1000;
  const line = s => {
    const bad = world(seconds(s)).bad > 0.1 && s % 3 === 0, service = ['gateway', 'api', 'auth', 'worker'][s % 4];
    return { id: s, time: new Date(s * STEP).toISOString(), level: bad ? 'warn' : s % 40 === 0 ? 'error' : 'info', service, instance: `${service}-1`, version: 'v1', event: bad ? 'pool.rejected' : 'request.done', trace_id: traceId(s), span_id: `00000000000000${(s % 90 + 10)}`,
      message: hostile ? HOSTILE + 'x'.repeat(100_000) : bad ? 'no worker was free within 1000 ms: the request was refused' : `${NAMES[s % 3]} 200`, duration_ms: 40, order_id: s % 1000, ...(hostile ? { [`${HOSTILE}key`]: HOSTILE, deep: { a: [HOSTILE] } } : {}) };
  };
  const fits = (l, q) => {
    const field = /^([^:]+):(.*)$/.exec(q.get('field') ?? '');
    return (!q.get('service') || q.get('service') === l.service) && (!q.get('q') || JSON.stringify(l).includes(q.get('q').replaceAll('"', '').replace('*', ''))) && (!q.get('level') || LEVELS.indexOf(l.level) >= LEVELS.indexOf(q.get('level'))) &&
      (!q.get('event') || l.event === q.get('event')) && (!q.get('trace_id') || l.trace_id === q.get('trace_id')) && (!field || String(l[field[1]]) === field[2]) && !(q.get('not') ?? '').split('\n').some(p => { const at = p.indexOf(':'); return at > 0 && String(l[p.slice(0, at)]) === p.slice(at + 1); });
  };
  const between = (from, to, q) => {
    const out = [];
    for (let s = Math.ceil(Math.max(from, Date.now() - 600_000) / STEP); isNow(s) && s * STEP <= to; s++) { const l = line(s); if (fits(l, q)) out.push(l); }
    return out;
  };
  const find = q => {
    const lines = between(Number(q.get('from') || Date.now() - 120_000), Number(q.get('to') || Infinity), q), limit = hostile ? 3 : Number(q.get('limit') ?? 200);
    return { lines: lines.slice(-limit), source: 'logproc', more: lines.length > limit };
  };
  const tail = q => { const last = Math.floor(Date.now() / STEP), after = Number(q.get('after') ?? last); return { last, lines: between((after + 1) * STEP, Infinity, q).slice(0, hostile ? 2 : 500) }; };
  const counts = q => {
    const from_ms = Number(q.get('from')), to_ms = Number(q.get('to')), step_ms = Math.max(1, Math.ceil((to_ms - from_ms + 1) / Number(q.get('bins') ?? 60))), by = new Map();
    for (const l of between(from_ms, to_ms, q)) { const at = from_ms + Math.floor((Date.parse(l.time) - from_ms) / step_ms) * step_ms; const row = by.get(at) ?? [0, 0, 0, 0]; row[LEVELS.indexOf(l.level)]++; by.set(at, row); }
    return { from_ms, to_ms, step_ms, counts: [...by].sort((a, b) => a[0] - b[0]).map(([t, c]) => [t, ...c]) };
  };
  const trace = id => {
    const s = slotOf(id);
    if (s === null || !isNow(s)) return null;
    const w = world(seconds(s)), total = Math.round(w.p95 * 400 * (1 + (s * 7919 % 97) / 97) * 10) / 10, failed = s % 13 === 0, name = NAMES[s % 3], start = s * STEP * 1000;
    const say = t => (hostile ? `${t} ${HOSTILE}${'z'.repeat(20_000)}` : t);
    const span = (n, service, what, at, took, kind, critical, children = [], attrs = {}) => ({ span_id: `00000000000000${10 + n}`, parent_id: '', service: hostile && n === 3 ? HOSTILE : service, instance: `${service}-1`, version: 'v1', name: say(what), kind, start_us: start + at * 1000, duration_ms: took, failed: failed && (n === 0 || n === 1 || n === 3), attrs: { ...attrs, ...(hostile ? { [HOSTILE]: say('') } : {}) }, at_ms: at, critical, children });
    const wide = hostile ? Array.from({ length: 1500 }, (_, i) => ({ ...span(80, 'api', '', total * 0.2, total * 0.01, 'internal', false), span_id: (i + 4096).toString(16).padStart(16, '0'), name: `call ${i}`, attrs: { i } })) : [];
    const roots = [span(0, 'gateway', name, 0, total, 'server', true, [span(1, 'api', name, total * 0.04, total * 0.92, 'server', true, [
      span(2, 'api', 'redis GET', total * 0.06, total * 0.05, 'client', true, [], { 'db.system': 'redis' }), span(3, 'api', 'sql product', total * 0.14, total * 0.6, 'client', true, [], { 'db.system': 'postgresql', 'db.operation': 'SELECT', rows: 24 }),
      span(4, 'api', 'publish JOBS', total * 0.78, total * 0.1, 'producer', true, [span(5, 'worker', 'settle', total * 0.9, total * 0.4, 'consumer', false, [span(6, 'worker', 'POST /charge', total * 0.95, total * 0.3, 'client', false)])]), ...wide,
    ], { 'http.route': name.split(' ')[1], order_id: s % 1000 })], { 'http.response.status_code': failed ? 503 : 200 })];
    return { trace_id: id, start_ms: s * STEP, duration_ms: total * 1.3, spans: 7 + wide.length, failed, services: ['gateway', hostile ? HOSTILE : 'api', 'worker'], roots, logs: [line(s)] };
  };
  const traces = q => {
    const from = Math.max(Number(q.get('from') || 0), Date.now() - 600_000), to = Math.min(Number(q.get('to') || Infinity), Date.now()), list = [];
    for (let s = Math.ceil(from / STEP); s * STEP <= to; s++) {
      if (s % 3 && q.get('limit') !== '1000') continue;
      const t = trace(traceId(s));
      if (!t || (q.get('failed') && !t.failed) || t.duration_ms < Number(q.get('min_ms') ?? 0) || (q.get('service') && !t.services.includes(q.get('service'))) || (q.get('name') && q.get('name') !== t.roots[0].name)) continue;
      list.push({ trace_id: t.trace_id, start_ms: t.start_ms, duration_ms: t.duration_ms, spans: t.spans, failed: t.failed, service: hostile ? HOSTILE : 'gateway', name: t.roots[0].name, services: t.services });
    }
    list.sort((a, b) => (q.get('order') === 'slowest' ? b.duration_ms - a.duration_ms : b.start_ms - a.start_ms));
    return { traces: list.slice(0, hostile ? 20 : Number(q.get('limit') ?? 100)) };
  };
  const examples = q => {
    const to = Number(q.get('end')), list = [];
    for (let s = Math.floor(to * 1000 / STEP) - 20; s * STEP / 1000 <= to; s += 4) list.push({ labels: { trace_id: traceId(s) }, value: String(trace(traceId(s))?.duration_ms / 1000), timestamp: seconds(s) });
    return { status: 'success', data: [{ seriesLabels: { __name__: 'http_server_request_duration_seconds_bucket' }, exemplars: list }] };
  };
  return { find, tail, counts, trace, traces, examples };
}

/* The traffic of the edges, as Prometheus would answer the map's questions. */
export function edgeValues(query, w) {
  const pairs = [['loadgen', 'gateway', 40], ['gateway', 'api', 38], ['gateway', 'auth', 6], ['api', 'postgres', 90], ['api', 'redis', 60], ['api', 'nats', 4], ['worker', 'nats', 4], ['worker', 'postgres', 8], ['worker', 'payments', 4], ['auth', 'redis', 6]];
  const errors = query.includes('errors_total'), time = query.includes('_seconds_sum');
  const value = (from, to, rps) => (errors ? (from === 'gateway' && to === 'api' ? rps * w.bad : 0) : time ? rps * (to === 'api' || to === 'gateway' ? w.p95 * 0.6 : 0.003) : rps);
  return { status: 'success', data: { resultType: 'vector', result: pairs.map(([service, peer, rps]) => ({ metric: { service, peer }, value: [Date.now() / 1000, String(value(service, peer, rps))] })) } };
}
