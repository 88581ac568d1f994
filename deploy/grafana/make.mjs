// Dashboards as code: writes deploy/grafana/dashboards/*.json from the recording rules of deploy/prometheus/rules.yml.
// node deploy/grafana/make.mjs            writes them
// node deploy/grafana/make.mjs --check    exits 1 if a file differs from what would be written
// node deploy/grafana/make.mjs --rules    prints every query as a rules file, for promtool check rules
import { readFileSync, writeFileSync, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const source = { type: 'prometheus', uid: 'firedrill' };
let id = 0;

function panel(title, unit, x, y, queries, extra = {}) {
  return {
    id: ++id, title, type: 'timeseries', datasource: source, gridPos: { x, y, w: 8, h: 7 },
    fieldConfig: { defaults: { unit, min: 0, custom: { lineWidth: 1, fillOpacity: 8, showPoints: 'never', spanNulls: false }, ...extra }, overrides: [] },
    options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
    targets: queries.map(([expr, legendFormat], i) => ({ refId: String.fromCharCode(65 + i), datasource: source, expr, legendFormat })),
  };
}
function dashboard(uid, title, panels, variables = []) {
  return {
    uid, title, tags: ['firedrill'], schemaVersion: 39, version: 1, editable: true, refresh: '1s', graphTooltip: 1,
    time: { from: 'now-15m', to: 'now' }, timepicker: { refresh_intervals: ['1s', '5s', '30s'] }, templating: { list: variables }, panels,
  };
}
const objective = (value) => ({ thresholds: { mode: 'absolute', steps: [{ color: 'transparent', value: null }, { color: 'red', value }] } });

id = 0;
const users = dashboard('firedrill-users', 'Firedrill: users of the shop', [
  panel('Successful requests', 'percentunit', 0, 0, [['fd:user_success:ratio10s', 'success']], { max: 1 }),
  panel('Latency', 's', 8, 0, [['fd:user_latency:p50_10s', 'p50'], ['fd:user_latency:p95_10s', 'p95'], ['fd:user_latency:p99_10s', 'p99']], objective(0.4)),
  panel('Offered and served', 'reqps', 16, 0, [['fd:offered_rps', 'offered'], ['fd:goodput_rps', 'served well']]),
  panel('Errors', 'reqps', 0, 7, [['fd:user_errors:rate10s', 'errors']]),
  panel('Orders', 'reqps', 8, 7, [['fd:orders:rate10s', 'orders']]),
  panel('Revenue lost since start', 'currencyUSD', 16, 7, [['fd:revenue_lost_cents:total / 100', 'lost']]),
]);
id = 0;
const service = '{service=~"$service"}';
const services = dashboard('firedrill-services', 'Firedrill: golden signals of each service', [
  panel('Traffic', 'reqps', 0, 0, [[`fd:service_rps:rate10s${service}`, '{{service}}']]),
  panel('Server errors', 'percentunit', 8, 0, [[`fd:service_errors:ratio10s${service}`, '{{service}}']], { max: 1 }),
  panel('Latency p95', 's', 16, 0, [[`fd:service_latency:p95_10s${service}`, '{{service}}']]),
  panel('Busy worker threads', 'percentunit', 0, 7, [[`fd:service_saturation:ratio${service}`, '{{service}}']], { max: 1 }),
  panel('Queue', 'short', 8, 7, [[`fd:service_queue:depth${service}`, '{{service}}']]),
  panel('CPU', 'short', 16, 7, [[`fd:service_cpu:ratio10s${service}`, '{{service}}']]),
  panel('Memory', 'bytes', 0, 14, [[`fd:service_memory:bytes${service}`, '{{service}}']]),
  panel('Database sessions', 'short', 8, 14, [['fd:db_connections:used', 'used'], ['fd:db_connections:max', 'limit']]),
  panel('Waiting for a connection, p95', 's', 16, 14, [['fd:db_wait:p95_10s', 'database'], ['fd:gateway_pool_wait:p95_10s', 'gateway pool']]),
  panel('Versions', 'short', 0, 21, [['count by (service, version) (http_server_active_requests)', '{{service}} {{version}}']]),
], [{ name: 'service', label: 'Service', type: 'query', datasource: source, query: 'label_values(fd:service_up, service)', refresh: 2, includeAll: true, multi: true, current: { text: 'All', value: '$__all' } }]);

const files = { 'users.json': users, 'services.json': services };
if (process.argv.includes('--rules')) {
  const exprs = Object.values(files).flatMap((d) => d.panels.flatMap((p) => p.targets.map((t) => t.expr.replace(/\$service/g, '.+'))));
  console.log(`groups:\n- name: dashboards\n  rules:\n${exprs.map((e, i) => `  - record: check:${i}\n    expr: ${JSON.stringify(e)}`).join('\n')}`);
} else {
  let differs = 0;
  for (const [name, value] of Object.entries(files)) {
    const path = join(here, 'dashboards', name), text = `${JSON.stringify(value, null, 1)}\n`;
    if (!process.argv.includes('--check')) writeFileSync(path, text);
    else if (!existsSync(path) || readFileSync(path, 'utf8') !== text) { differs++; console.error(`${path} is not what make.mjs writes`); }
  }
  process.exit(differs ? 1 : 0);
}
