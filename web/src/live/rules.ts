// Names of the recording rules (docs/contracts.md, Metrics). Users' rules have no label; the others carry `service`.
export const USER = {
  success: 'fd:user_success:ratio10s', p50: 'fd:user_latency:p50_10s', p95: 'fd:user_latency:p95_10s', p99: 'fd:user_latency:p99_10s',
  offered: 'fd:offered_rps', goodput: 'fd:goodput_rps', errors: 'fd:user_errors:rate10s', orders: 'fd:orders:rate10s', lost: 'fd:revenue_lost_cents:total',
} as const;
export const SERVICE = {
  up: 'fd:service_up', rps: 'fd:service_rps:rate10s', errors: 'fd:service_errors:ratio10s', p50: 'fd:service_latency:p50_10s', p95: 'fd:service_latency:p95_10s',
  p99: 'fd:service_latency:p99_10s', cpu: 'fd:service_cpu:ratio10s', memory: 'fd:service_memory:bytes', saturation: 'fd:service_saturation:ratio',
  queue: 'fd:service_queue:depth', restarts: 'fd:service_restarts:count10m', dbUsed: 'fd:db_connections:used', dbMax: 'fd:db_connections:max',
  dbQuery: 'fd:db_query:p95_10s', dbWait: 'fd:db_wait:p95_10s', poolWait: 'fd:gateway_pool_wait:p95_10s',
  cacheHits: 'fd:cache_hits:ratio10s', cacheMemory: 'fd:cache_memory:ratio', jobs: 'fd:queue_jobs:depth', jobRate: 'fd:queue_jobs:rate10s', jobAge: 'fd:queue_age:p95_10s',
  deadLetters: 'fd:dead_letters:count',
} as const;
export const RULES: string[] = [...Object.values(USER), ...Object.values(SERVICE)];
