#!/usr/bin/env node
// The log processor: follows files through rotation and restarts, takes OTLP, searches, follows live, keeps and removes, shows traces as trees.
import { createServer } from 'node:http';
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { check, config, equal, finish, folder, json, metrics, patch, program, service, stackAddress, stackNumber, start as startProgram, stop, test, until } from './lib/sut.mjs';

const number = await stackNumber(34), dir = folder(), host = stackAddress(number);
const log = (name) => `${dir}/logs/${name}.log`;
const line = (service, event, message, more = {}) => `${JSON.stringify({ time: new Date().toISOString(), level: 'info', service, instance: `${service}-1`,
  version: 'v1', event, message, ...more })}\n`;
const recent = new Date(Date.now() - 600000).toISOString(); // ten minutes ago
const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
writeFileSync(log('api'), line('api', 'order.accepted', 'an order was accepted', { order_id: 17, trace_id: trace, span_id: '00f067aa0ba902b7' })
  + line('api', 'pool.timeout', 'no session: the pool timed out', { level: 'error', waited_ms: 1000 }));
writeFileSync(log('postgres'), `${recent.replace('T', ' ').replace('Z', ' UTC')} [77] ERROR:  relation "x" does not exist\n`);
writeFileSync(log('nats'), '[12] 2026/01/02 03:04:05.000000 [WRN] slow consumer\n');

const start = () => service('logproc', { number, port: 8060, dir, upstreams: { config: `${host}:8030` } });
let logproc = await start();
const get = async (path) => (await json(`http://${logproc.address}${path}`)).body;
const lines = async (query) => (await get(`/logs?${query}`)).lines;
const set = async (values) => { const r = await patch(logproc.address, values); equal(r.status, 200, JSON.stringify(r.body)); };
const post = (path, body) => json(`http://${logproc.address}${path}`, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body), headers: { 'content-type': 'application/json' } });

await test('lines of files are found by word, service, level, event, field, trace, time', async () => {
  await until('the lines', async () => (await get('/stats')).lines >= 4);
  equal((await lines('q=order')).length, 1, JSON.stringify(await lines('q=order')));
  const [l] = await lines('q=order');
  equal([l.service, l.event, l.order_id, l.trace_id, l.level, l.version], ['api', 'order.accepted', 17, trace, 'info', 'v1'], 'one line');
  equal((await lines('level=error')).map((x) => x.service).sort(), ['api', 'postgres'], 'errors');
  equal((await lines('service=postgres'))[0].time, recent, "PostgreSQL's own time");
  equal((await lines('service=nats,postgres')).length, 2, 'two services');
  equal((await lines('service=nats'))[0].level, 'warn', 'level of NATS');
  equal((await lines('event=pool.timeout')).length, 1, 'event');
  equal((await lines('field=order_id:17')).length, 1, 'field');
  equal((await lines('field=order_id:18')).length, 0, 'other value');
  equal((await lines('field=instance:api-1')).length, 2, 'a member that every line has');
  const without = (...pairs) => lines(`service=api&not=${encodeURIComponent(pairs.join('\n'))}`);
  equal((await without('order_id:17')).map((x) => x.event), ['pool.timeout'], 'without a field');
  equal((await without('order_id:18')).length, 2, 'without a value that none has');
  equal((await without('event:pool.timeout')).map((x) => x.event), ['order.accepted'], 'without an event');
  equal((await without('level:error')).map((x) => x.event), ['order.accepted'], 'without a level, which is no "or worse"');
  equal((await without('message:no session: the pool timed out')).map((x) => x.event), ['order.accepted'], 'a value with a colon');
  equal((await without('event:pool.timeout', 'order_id:17')).length, 0, 'without both');
  equal((await lines('not=service:api%0Aservice:logproc')).map((x) => x.service).sort(), ['nats', 'postgres'], 'without a service');
  equal((await get(`/logs/counts?service=api&not=${encodeURIComponent('level:error')}`)).counts.reduce((n, [, ...by]) => n + by.reduce((a, b) => a + b), 0), 1, 'counted without');
  equal((await lines(`trace_id=${trace}`)).length, 1, 'trace');
  equal((await lines('from=-5m&service=api')).length, 2, 'the last five minutes');
  equal((await lines(`to=${new Date(Date.now() - 300000).toISOString()}`)).length, 1, 'before a time');
  equal((await lines('q=%22pool%20timed%22')).length, 1, 'phrase');
  equal((await lines('q=time*%20session')).length, 1, 'prefix and word');
  equal((await lines('q=%22timed%20pool%22')).length, 0, 'phrase the other way round');
  equal((await lines('q=%28OR%20NOT%20-%20%22')).length, 0, 'operators are words');
  equal((await lines('q=%3B%27--')).length > 0, true, 'nothing to search for finds all');
});

await test('bad questions are answered with what was expected', async () => {
  for (const [path, word] of [['/logs?level=loud', 'level=loud'], ['/logs?limit=0', 'limit=0'], ['/logs?limit=5000', 'limit=5000'], ['/logs?from=yesterday', 'from=yesterday'],
    ['/logs?field=nocolon', 'KEY:VALUE'], ['/logs?not=nocolon', 'KEY:VALUE'], [`/logs?not=${Array.from({ length: 9 }, (_, i) => `k:${i}`).join('%0A')}`, 'more than 8'], ['/traces?min_ms=x', 'min_ms=x']]) {
    const r = await json(`http://${logproc.address}${path}`);
    equal(r.status, 400, path);
    check(r.body.detail.includes(word), `${path}: ${r.body.detail}`);
  }
  equal((await json(`http://${logproc.address}/traces/${'0'.repeat(32)}`)).status, 404, 'unknown trace');
  equal((await post('/v1/traces', { spans: [] })).status, 400, 'not OTLP');
  equal((await post('/v1/logs', '[1')).status, 400, 'not JSON');
});

await test('rotation and restart: each line once, none lost', async () => {
  const send = (n) => appendFileSync(log('worker'), line('worker', 'job.done', `job ${n}`, { n }));
  for (let n = 0; n < 50; n++) send(n);
  appendFileSync(log('worker'), '{"half":'); // a line that is still being written
  await until('50 lines', async () => (await lines('event=job.done')).length === 50);
  appendFileSync(log('worker'), '"yes"}\n');
  send(50);
  renameSync(log('worker'), `${log('worker')}.1`);
  send(51);
  await until('52 lines', async () => (await lines('event=job.done')).length === 52);
  equal((await lines('field=half:yes')).length, 1, 'the half line, whole');
  logproc.kill('SIGKILL');
  await logproc.ended;
  for (let n = 52; n < 60; n++) send(n);
  logproc = await start();
  await until('60 lines', async () => (await lines('event=job.done')).length === 60);
  const seen = (await lines('event=job.done&limit=200')).map((l) => l.n).sort((a, b) => a - b);
  equal(seen, Array.from({ length: 60 }, (_, n) => n), 'each once');
});

await test('tail_files off: files wait, and are caught up with; log_level', async () => {
  await set({ tail_files: false });
  const read = async () => (await metrics(logproc.address)).logproc_lines_total;
  const turn = async () => { await post('/v1/logs', { resourceLogs: [{ scopeLogs: [{ logRecords: [{ severityNumber: 9, body: { stringValue: `turn ${Math.random()}` } }] }] }] }); };
  appendFileSync(log('api'), line('api', 'unread', 'nobody reads this yet'));
  for (let n = 0; n < 3; n++) { const before = await read(); await turn(); await until('a turn of the intake', async () => (await read()) > before); }
  equal((await lines('event=unread')).length, 0, 'not read');
  await set({ tail_files: true });
  await until('the line', async () => (await lines('event=unread')).length === 1);
});

await test('live tail waits for what fits', async () => {
  const { last } = await get('/logs/tail');
  const began = Date.now();
  const waiting = get(`/logs/tail?after=${last}&wait_ms=8000&service=gateway`);
  appendFileSync(log('worker'), line('worker', 'noise', 'nothing for the gateway'));
  await until('the noise', async () => (await lines('event=noise')).length === 1);
  appendFileSync(log('gateway'), line('gateway', 'breaker.opened', 'the breaker opened'));
  const answer = await waiting;
  equal(answer.lines.map((l) => l.event), ['breaker.opened'], 'what came');
  check(Date.now() - began < 7000, 'before the time was over');
  const empty = await get(`/logs/tail?after=${answer.last}&wait_ms=50&service=gateway`);
  equal(empty.lines, [], 'nothing more');
});

await test('lines are counted by time and level', async () => {
  const at = Math.floor(Date.now() / 1000) * 1000 - 100000, when = (ms) => ({ time: new Date(at + ms).toISOString(), level: 'info' });
  for (const [ms, level] of [[0, 'info'], [900, 'error'], [1000, 'warn'], [1999, 'debug'], [9999, 'error'], [10000, 'info']]) appendFileSync(log('counted'), line('counted', 'c', 'c', { ...when(ms), level }));
  await until('the lines', async () => (await lines('service=counted')).length === 6);
  const c = await get(`/logs/counts?service=counted&from=${at}&to=${at + 9999}&bins=10`);
  equal([c.step_ms, c.counts], [1000, [[at, 0, 1, 0, 1], [at + 1000, 1, 0, 1, 0], [at + 9000, 0, 0, 0, 1]]], JSON.stringify(c));
  equal((await get(`/logs/counts?service=counted&level=error&from=${at}&to=${at + 9999}&bins=1`)).counts, [[at, 0, 0, 0, 2]], 'a filter counts too');
  equal((await json(`http://${logproc.address}/logs/counts?from=2000&to=1000`)).status, 400, 'from after to');
});

await test('an answer is bounded in bytes, and says so', async () => {
  for (let n = 0; n < 150; n++) appendFileSync(log('huge'), line('huge', 'h', `${n} ${'x'.repeat(15000)}`));
  appendFileSync(log('huge'), `${JSON.stringify({ service: 'huge', message: `<script>alert(1)</script>${'y'.repeat(100000)}` })}\n`);
  await until('the lines', async () => (await lines('service=huge&q=149')).length === 1);
  const first = await get('/logs?service=huge&limit=1000');
  equal([first.more, first.lines.length >= 60 && first.lines.length < 100], [true, true], `${first.lines.length} lines`);
  check(first.lines.every((l) => l.message.length <= 16384), 'a line is at most 16 KiB');
  let after = -1, seen = 0;
  for (let n = 0; n < 10 && seen < 151; n++) { const t = await get(`/logs/tail?service=huge&after=${after}&limit=1000`); seen += t.lines.length; after = t.last; }
  check(seen >= 151, `the tail goes on where an answer was cut, without a gap: ${seen}`);
  equal((await get('/logs?service=nats&limit=1000')).more, false, 'a small answer is whole');
});

await test('alerts of Alertmanager become lines', async () => {
  const alert = (status) => ({ version: '4', status, alerts: [{ status, labels: { alertname: 'ServiceDown', service: 'api', severity: 'page' }, annotations: { summary: 'api is away' }, startsAt: '2026-01-02T03:04:05Z', fingerprint: 'f1' }] });
  equal((await post('/v1/alerts', alert('firing'))).status, 200, 'firing');
  equal((await post('/v1/alerts', alert('resolved'))).status, 200, 'resolved');
  equal((await post('/v1/alerts', { alerts: 7 })).status, 400, 'not a webhook');
  const found = await until('two lines', async () => { const t = await get('/logs/tail?after=-1&service=alertmanager&event=alert'); return t.lines.length === 2 && t.lines; });
  equal(found.map((l) => [l.level, l.status, l.alert, l.on, l.message]), [['error', 'firing', 'ServiceDown', 'api', 'api is away'], ['info', 'resolved', 'ServiceDown', 'api', 'api is away']], 'lines');
  equal((await get('/logs/tail?after=999999999&service=alertmanager&event=alert')).lines.length, 2, 'a number of an archive that is gone means all of this one');
});

const id = (bytes) => randomBytes(bytes).toString('hex');
const attribute = (key, value) => ({ key, value: { stringValue: value } });
function otlp(spans) {
  const groups = {};
  for (const s of spans) (groups[s.service] ??= []).push({ traceId: s.trace, spanId: s.span, parentSpanId: s.parent, name: s.name, kind: s.kind ?? 1,
    startTimeUnixNano: `${BigInt(s.at) * 1000000n}`, endTimeUnixNano: `${BigInt(s.at + s.ms) * 1000000n}`, status: { code: s.failed ? 2 : 0 },
    attributes: [attribute('http.route', '/orders'), { key: 'n', value: { intValue: '42' } }] });
  return { resourceSpans: Object.entries(groups).map(([service, list]) => ({ resource: { attributes: [attribute('service.name', service)] }, scopeSpans: [{ spans: list }] })) };
}
const now = Date.now();
const order = id(16), ids = { gateway: id(8), api: id(8), db: id(8), cache: id(8), worker: id(8) };

await test('a trace is shown as a tree with its critical path and its log lines', async () => {
  appendFileSync(log('api'), line('api', 'order.accepted', 'in the trace', { trace_id: order }));
  const r = await post('/v1/traces', otlp([
    { trace: order, span: ids.gateway, service: 'gateway', name: 'POST /orders', at: now, ms: 300, kind: 2 },
    { trace: order, span: ids.api, parent: ids.gateway, service: 'api', name: 'POST /orders', at: now + 10, ms: 280, kind: 2 },
    { trace: order, span: ids.cache, parent: ids.api, service: 'api', name: 'redis GET', at: now + 12, ms: 5, kind: 3 },
    { trace: order, span: ids.db, parent: ids.api, service: 'api', name: 'sql history', at: now + 20, ms: 260, kind: 3 },
    { trace: order, span: ids.worker, parent: ids.api, service: 'worker', name: 'settle', at: now + 295, ms: 40, kind: 5 },
    { trace: order, span: ids.worker, parent: ids.api, service: 'worker', name: 'settle', at: now + 295, ms: 40, kind: 5 },
    { trace: 'short', span: ids.worker, service: 'worker', name: 'bad', at: now, ms: 1 },
  ]));
  equal([r.status, r.body.partialSuccess.rejectedSpans], [200, 1], 'one span is not whole');
  const t = await until('the trace', async () => { const x = await get(`/traces/${order}`); return x.spans === 5 && x.logs.length === 1 && x; });
  equal([t.duration_ms, t.failed, t.services], [335, false, ['gateway', 'api', 'worker']], 'the whole');
  const [gateway] = t.roots;
  equal(gateway.children.map((c) => c.name), ['POST /orders'], 'children of the gateway');
  const api = gateway.children[0];
  equal(api.children.map((c) => [c.name, c.at_ms, c.critical]), [['redis GET', 12, true], ['sql history', 20, true], ['settle', 295, false]], 'children of api');
  equal([api.kind, api.attrs.n, api.attrs['http.route']], ['server', 42, '/orders'], 'attributes');
  equal(t.logs[0].message, 'in the trace', 'log lines');
});

await test('tail sampling keeps what failed and what was slow, and a share of the rest', async () => {
  await set({ trace_keep_percent: 0, slow_trace_ms: 250 });
  const failed = id(16), quick = Array.from({ length: 40 }, () => id(16));
  await post('/v1/traces', otlp([{ trace: failed, span: id(8), service: 'api', name: 'GET /x', at: now, ms: 5, failed: true },
    ...quick.map((t) => ({ trace: t, span: id(8), service: 'api', name: 'GET /x', at: now, ms: 5 }))]));
  await until('the quick ones to go', async () => (await get('/stats')).traces === 2);
  const found = (await get('/traces?failed=1')).traces;
  equal(found.map((t) => t.trace_id), [failed], 'failed');
  equal((await get('/traces?min_ms=300')).traces.map((t) => [t.trace_id, t.service, t.name, t.services]), [[order, 'gateway', 'POST /orders', ['api', 'gateway', 'worker']]], 'slow');
  equal((await get('/traces?service=worker')).traces.length, 1, 'by service');
  equal((await get('/traces?order=slowest')).traces.map((t) => t.trace_id), [order, failed], 'slowest first');
  equal((await json(`http://${logproc.address}/traces?order=loudest`)).status, 400, 'order');
  await set({ trace_keep_percent: 50 });
  const many = Array.from({ length: 200 }, () => id(16));
  await post('/v1/traces', otlp(many.map((t) => ({ trace: t, span: id(8), service: 'api', name: 'GET /y', at: now, ms: 5 }))));
  const drawn = many.filter((t) => parseInt(t.slice(24), 16) % 100 < 50).length;
  await until('half of them to go', async () => (await get('/stats')).traces === 2 + drawn);
});

await test('OTLP logs', async () => {
  equal((await post('/v1/logs', { resourceLogs: [{ resource: { attributes: [attribute('service.name', 'outside')] }, scopeLogs: [{ logRecords: [
    { timeUnixNano: `${BigInt(now) * 1000000n}`, severityNumber: 17, body: { stringValue: 'it broke outside' }, attributes: [attribute('event.name', 'outside.broke'), attribute('room', '7')], traceId: order },
    { severityNumber: 9, body: { stringValue: 'no time given' } }] }] }] })).status, 200, 'accepted');
  const [l] = await until('the line', async () => { const x = await lines('q=outside&level=error'); return x.length === 1 && x; });
  equal([l.service, l.event, l.room, l.level, l.trace_id], ['outside', 'outside.broke', '7', 'error', order], 'line');
});

// ---- forwarders ----
// A receiver that answers as told and keeps what it got. Debian has no Loki and no OpenTelemetry collector: this one stands in, and holds each body against
// the published form (Loki: "Ingest logs" of its HTTP API; OTLP: opentelemetry-proto's logs.proto and trace.proto in their JSON form).
async function receiver(port) {
  const r = { got: [], status: 204, address: `http://${host}:${port}` };
  r.server = createServer((q, a) => {
    let text = '';
    q.on('data', (d) => { text += d; });
    q.on('end', () => {
      if (r.status < 300) r.got.push({ path: q.url, type: q.headers['content-type'], method: q.method, body: JSON.parse(text) });
      a.writeHead(r.status);
      a.end(r.status < 300 ? '' : 'no');
    });
  });
  await new Promise((done) => r.server.listen(port, host, done));
  return r;
}
const only = (object, keys, where) => { const odd = Object.keys(object).filter((k) => !keys.includes(k)); check(odd.length === 0, `${where}: unknown members ${odd}`); };
const isNanos = (text) => typeof text === 'string' && /^[1-9][0-9]{18}$/.test(text);
function lokiLines(got) {
  const found = [];
  for (const { path, type, method, body } of got) {
    equal([method, path, type], ['POST', '/loki/api/v1/push', 'application/json'], 'request');
    only(body, ['streams'], 'body');
    for (const stream of body.streams) {
      only(stream, ['stream', 'values'], 'stream');
      for (const [label, value] of Object.entries(stream.stream)) check(/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(label) && typeof value === 'string' && value, `label ${label}=${value}`);
      for (const entry of stream.values) {
        check(Array.isArray(entry) && entry.length === 2 && isNanos(entry[0]) && typeof entry[1] === 'string', JSON.stringify(entry));
        found.push({ ...stream.stream, ...JSON.parse(entry[1]) });
      }
    }
  }
  return found;
}
const anyValue = (v, where) => { equal(Object.keys(v).length, 1, where); only(v, ['stringValue', 'boolValue', 'intValue', 'doubleValue'], where); if ('intValue' in v) equal(typeof v.intValue, 'string', where); };
const attributesHold = (list, where) => { for (const a of list) { only(a, ['key', 'value'], where); check(a.key, where); anyValue(a.value, `${where} ${a.key}`); } };
function otlpRecords(got) {
  const found = { logs: [], spans: [] };
  for (const { path, type, body } of got) {
    const isTraces = path === '/v1/traces';
    equal([path, type], [isTraces ? '/v1/traces' : '/v1/logs', 'application/json'], 'request');
    only(body, [isTraces ? 'resourceSpans' : 'resourceLogs'], 'body');
    for (const group of body[isTraces ? 'resourceSpans' : 'resourceLogs']) {
      only(group, ['resource', isTraces ? 'scopeSpans' : 'scopeLogs'], 'group');
      attributesHold(group.resource.attributes, 'resource');
      const name = group.resource.attributes.find((a) => a.key === 'service.name').value.stringValue;
      for (const scope of group[isTraces ? 'scopeSpans' : 'scopeLogs'])
        for (const r of scope[isTraces ? 'spans' : 'logRecords']) {
          only(r, isTraces ? ['traceId', 'spanId', 'parentSpanId', 'name', 'kind', 'startTimeUnixNano', 'endTimeUnixNano', 'attributes', 'status']
            : ['timeUnixNano', 'severityNumber', 'severityText', 'body', 'traceId', 'spanId', 'attributes'], 'record');
          attributesHold(r.attributes, 'record');
          check(isTraces ? isNanos(r.startTimeUnixNano) && /^[0-9a-f]{32}$/.test(r.traceId) && /^[0-9a-f]{16}$/.test(r.spanId) : isNanos(r.timeUnixNano) && r.severityNumber >= 1 && r.severityNumber <= 24, JSON.stringify(r));
          found[isTraces ? 'spans' : 'logs'].push({ ...r, service: name });
        }
    }
  }
  return found;
}
const forwarded = async (to, outcome) => (await metrics(logproc.address))[`logproc_forwarded_total{to="${to}",outcome="${outcome}"}`] ?? 0;
const sendLines = (event, count, more = {}) => appendFileSync(log('api'), Array.from({ length: count }, (_, n) => line('api', event, `line ${n}`, { n, ...more })).join(''));

await test('forwarding to Loki (a stand-in): every line once, through an outage; below forward_level none', async () => {
  const loki = await receiver(3100);
  await set({ forward_loki_url: loki.address });
  sendLines('to.loki', 700, { trace_id: trace });
  sendLines('to.loki', 3, { level: 'debug' });
  const arrived = () => lokiLines(loki.got).filter((l) => l.event === 'to.loki');
  await until('700 lines', () => arrived().length >= 700);
  loki.status = 503;
  sendLines('to.loki', 50);
  await until('a failure', async () => (await metrics(logproc.address))['logproc_forward_failures_total{to="loki"}'] >= 1);
  const health = async () => (await json(`http://${logproc.address}/healthz`)).body.checks.loki;
  check(/does not take/.test(JSON.stringify(await health())), JSON.stringify(await health()));
  check((await metrics(logproc.address))['logproc_forward_queue_bytes{to="loki"}'] > 0, 'what waits');
  check(readFileSync(logproc.log, 'utf8').includes('"forward.failed"'), 'the log tells');
  loki.status = 204;
  await until('750 lines', () => arrived().length >= 750);
  await until('health', async () => !/does not take/.test(JSON.stringify(await health())));
  const all = arrived();
  equal([all.length, all.filter((l) => l.level === 'debug').length], [750, 0], 'each once');
  equal([all[0].job, all[0].service, all[0].instance, all[0].level, all[0].n, all[0].trace_id, all[0].message], ['firedrill', 'api', 'api-1', 'info', 0, trace, 'line 0'], 'one line');
  loki.status = 400;
  sendLines('to.loki', 5);
  await until('a refusal', async () => (await forwarded('loki', 'refused')) >= 5);
  loki.status = 204;
  sendLines('to.loki', 1);
  await until('the next line all the same', () => arrived().length >= 751);
  await set({ forward_loki_url: '' });
  loki.server.close();
});

await test('forwarding: forward_queue_kb bounds what waits for a receiver that is away', async () => {
  await set({ forward_loki_url: `http://${host}:3109`, forward_queue_kb: 16 });
  const began = await forwarded('loki', 'dropped');
  sendLines('flood.loki', 400);
  await until('drops', async () => (await forwarded('loki', 'dropped')) - began > 200);
  check((await metrics(logproc.address))['logproc_forward_queue_bytes{to="loki"}'] <= 16 * 1024, 'queue');
  await until('the lines to be stored all the same', async () => (await lines('event=flood.loki&limit=1000')).length === 400);
  await set({ forward_loki_url: '', forward_queue_kb: 1024 });
});

await test('forwarding by OTLP/HTTP: to a stand-in that knows the form, and to a second log processor, which stores the same', async () => {
  const collector = await receiver(4318);
  collector.status = 200;
  await set({ forward_otlp_url: collector.address });
  const one = id(16), span = id(8);
  sendLines('to.otlp', 20, { trace_id: one, ratio: 0.25, ok: true });
  await post('/v1/traces', otlp([{ trace: one, span, service: 'api', name: 'GET /z', at: now, ms: 7, failed: true, kind: 2 }]));
  const has = () => { const r = otlpRecords(collector.got); return r.logs.filter((l) => l.attributes.some((a) => a.value.stringValue === 'to.otlp')).length === 20 && r.spans.some((s) => s.traceId === one) && r; };
  const r = await until('lines and span', has);
  const s = r.spans.find((x) => x.traceId === one);
  equal([s.service, s.name, s.kind, s.status.code, BigInt(s.endTimeUnixNano) - BigInt(s.startTimeUnixNano) === 7000000n], ['api', 'GET /z', 2, 2, true], 'span');
  collector.server.close();
  const other = folder();
  const loki = await receiver(3101);
  const second = await service('logproc', { number, port: 8061, dir: other, upstreams: { config: `${host}:8030` }, env: { FIREDRILL_FORWARD_LOKI_URL: loki.address } });
  await set({ forward_otlp_url: `http://${second.address}` });
  const two = id(16);
  sendLines('to.second', 20, { trace_id: two, ratio: 0.25, ok: true });
  await post('/v1/traces', otlp([{ trace: two, span, service: 'api', name: 'GET /z', at: now, ms: 7, failed: true, kind: 2 }]));
  const twin = async (path) => (await json(`http://${second.address}${path}`)).body;
  await until('20 lines there', async () => (await twin('/logs?event=to.second')).lines.length === 20);
  const strip = (l) => Object.fromEntries(Object.entries(l).filter(([k]) => k !== 'id' && k !== 'firedrill.stack').sort());
  equal((await twin('/logs?event=to.second')).lines.map(strip), (await lines('event=to.second')).map(strip), 'the same lines');
  const tree = await until('the trace there', async () => { const t = await twin(`/traces/${two}`); return t.roots && t; });
  equal([tree.roots[0].name, tree.roots[0].attrs.n, tree.failed], ['GET /z', 42, true], 'trace');
  await until('20 lines further on, to where the environment says', () => lokiLines(loki.got).filter((l) => l.event === 'to.second').length === 20);
  loki.server.close();
  await set({ forward_otlp_url: '' });
  await stop(second);
});

const victoria = '/usr/bin/victoria-metrics';
if (!existsSync(victoria)) console.log('# no victoria-metrics here: the Influx line protocol is not tested against a real receiver');
else await test('forwarding by Influx line protocol to VictoriaMetrics: counts of lines and spans', async () => {
  mkdirSync(`${dir}/data/victoria`);
  const vm = startProgram(victoria, [`-httpListenAddr=${host}:8428`, `-storageDataPath=${dir}/data/victoria`, '-retentionPeriod=1', '-loggerLevel=WARN', '-search.latencyOffset=0s'], { log: `${dir}/logs/victoria.out` });
  await until('VictoriaMetrics', async () => (await fetch(`http://${host}:8428/health`)).status === 200);
  await set({ forward_influx_url: `http://${host}:8428` });
  for (let n = 0; n < 3; n++) sendLines('to.influx', 40, { level: 'warn' });
  await post('/v1/traces', otlp(Array.from({ length: 10 }, (_, n) => ({ trace: id(16), span: id(8), service: 'odd, "na=me', name: 'GET /a b', at: now, ms: 20, failed: n < 4 }))));
  const value = async (promql) => { const { body } = await json(`http://${host}:8428/api/v1/query?nocache=1&query=${encodeURIComponent(promql)}`); return body.data.result.length ? Number(body.data.result[0].value[1]) : null; };
  await until('120 warnings', async () => (await value('sum(sum_over_time(log_lines_count{service="api",level="warn"}[1m]))')) === 120);
  const spansOf = (field) => value(`sum(sum_over_time(spans_${field}{operation="GET /a b"}[1m]))`);
  await until('10 spans', async () => (await spansOf('count')) === 10);
  equal([await spansOf('failed'), await spansOf('duration_ms_sum')], [4, 200], 'failed, sum of durations');
  equal(await value('max(max_over_time(spans_duration_ms_max{service="odd, \\"na=me"}[1m]))'), 20, 'escaped words come back');
  await set({ forward_influx_url: '' });
  await stop(vm);
});

await test('forwarding: an address that is none is refused, with what was expected', async () => {
  const r = await patch(logproc.address, { forward_otlp_url: 'http://127.0.0.1:4318/v1?x=' });
  equal(r.status, 422, JSON.stringify(r.body));
  check(/forward_otlp_url.*expected http:\/\/HOST:PORT/.test(r.body.detail), r.body.detail);
  equal((await config(logproc.address)).forward_otlp_url, '', 'unchanged');
  const wrong = folder();
  const child = startProgram(program('sut-logproc'), ['--name', 'logproc', '--instance', 'logproc-1', '--listen', `${host}:8062`, '--dir', wrong],
    { log: `${wrong}/logs/logproc.log`, env: { FIREDRILL_FORWARD_OTLP_URL: 'ftp://x' } });
  await child.ended;
  check(/FIREDRILL_FORWARD_OTLP_URL is 'ftp:\/\/x', expected http:\/\/HOST:PORT/.test(readFileSync(`${wrong}/logs/logproc.log`, 'utf8')), 'the sentence');
});

await test('age and disk quota', async () => {
  await set({ disk_quota_mb: 1 });
  for (let part = 0; part < 20; part++) {
    appendFileSync(log('flood'), Array.from({ length: 400 }, (_, n) => line('flood', 'flood', `${part} ${n} ${id(120)}`)).join(''));
    await until('the flood to be read', async () => (await metrics(logproc.address)).logproc_lines_total >= part * 400);
  }
  await until('the archive to be within its limit', async () => (await get('/stats')).bytes <= 1024 * 1024, 60000);
  check((await lines('service=flood&limit=10')).length === 10, 'the newest stay');
  check(statSync(`${dir}/data/logproc/archive.db`).size < 8 * 1024 * 1024, 'the file shrinks with it');
  await set({ retention_s: 10, disk_quota_mb: 64 });
  await until('all lines of the flood to be too old', async () => (await lines('service=flood')).length === 0, 60000);
});

await test('a damaged archive is thrown away, and all goes on', async () => {
  logproc.kill('SIGTERM');
  equal(await logproc.ended, 0, 'exit status');
  writeFileSync(`${dir}/data/logproc/archive.db`, 'this is no database, and long enough to be looked at by SQLite as one: '.repeat(40));
  logproc = await start();
  appendFileSync(log('api'), line('api', 'after', 'after the damage'));
  await until('a new line', async () => (await lines('event=after')).length === 1);
});

await test('ends by SIGTERM at once, with a follower waiting', async () => {
  const { last } = await get('/logs/tail');
  const waiting = get(`/logs/tail?after=${last}&wait_ms=10000&service=nobody`);
  await new Promise((done) => setTimeout(done, 200));
  const began = Date.now();
  logproc.kill('SIGTERM');
  equal(await logproc.ended, 0, 'exit status');
  check(Date.now() - began < 3000, `${Date.now() - began} ms`);
  await waiting;
});
await finish();
