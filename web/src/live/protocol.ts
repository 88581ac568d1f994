// Every message and answer that crosses the border to the server, as docs/contracts.md has it. Types only: no code, no defaults.

export type RunState = 'preparing' | 'baseline' | 'injecting' | 'running' | 'ended' | 'debriefed';
export type Outcome = 'resolved' | 'time_up' | 'abandoned' | 'failed';

export interface Run {
  id: string; scenario: string; title: string; level: number; state: RunState; outcome: Outcome | null; reason: string;
  seed: number; stack: number; fast: boolean; created_ms: number; onset_ms: number | null; page_ms: number | null; deadline_ms: number | null;
  ended_ms: number | null; time_limit_ms: number; advice?: string; needs_diagnosis?: boolean; diagnosed?: boolean; clocks: Record<string, number | null>; brief: string; objectives: string[]; complete: boolean; assisted?: boolean; autopilot?: boolean;
}

export interface Criterion {
  id: string; title: string; kind: 'promql' | 'probe' | 'replay'; promql?: string; probe?: string; target: string; op: string; threshold: number | null; unit: string;
  weight: number; hold_ms: number; value: number | null; ok: boolean | null; since_ms: number | null; held_ms: number;
  best_hold_ms: number; held: boolean; reason: string;
  due?: boolean; after?: string[]; // not due: its turn comes after these are held
}

export interface Guard { id: string; reason: string; ok: boolean; violated_at_ms: number | null }

export interface FeedItem {
  id: string; at_ms: number; kind: 'brief' | 'say' | 'hint' | 'deploy' | 'alert' | 'resolved' | 'action' | 'system'; from: string; text: string;
  hint?: { id: string; cost: number; taken: boolean; agent?: boolean };
}

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Changed = Record<string, { from: Json; to: Json }>;

export interface Action {
  id: string; at_ms: number; by: 'learner' | 'agent' | 'scenario' | 'engine'; kind: string; on: string; args: Record<string, Json>;
  changed?: Changed; undo: { kind: string; on: string; args: Record<string, Json> } | null; undone: boolean; undone_by: string | null;
  state: 'pending' | 'applied' | 'failed'; detail: string; reason: string;
}

export type ProcessState = 'down' | 'starting' | 'up' | 'stopping' | 'paused' | 'backoff' | 'failed';

export interface Process {
  name: string; title: string; kind: 'service' | 'adapter' | 'component'; state: ProcessState; pid: number | null; since_ms: number;
  restarts: number; deaths: number; last_exit: string | null; address: string; built?: boolean; detail?: string;
}

export interface StackService extends Process { config_url: boolean; needs: string[]; adapter_of: string | null }
export interface Stack { stack: number; state: string; address: string; services: StackService[]; edges: { from: string; to: string }[] }

export interface UserRequest {
  at_ms: number; journey: string; step: string; status: number; ok: boolean; latency_ms: number; user: string; trace_id: string;
}

export interface Recommendation {
  id?: string; at_ms?: number; policy?: string; confidence?: number; reason?: string;
  action?: { kind: string; on: string; args: Record<string, Json> } | null;
  why?: { feature: string; value: number; normal?: number; unit?: string }[];
  q?: { action: string; value: number; chosen?: boolean; blocked?: string; p_recovered?: number }[];
  name?: string; target?: string; model?: string; out_of_calibration?: boolean; abstain?: boolean; belief?: Record<string, number>;
  cause?: { ranked: { service: string; score: number; signal: string }[]; abstain: boolean };
  forecast?: { criterion: string; value?: number; ok?: boolean }[];
}

/* What users lost since the onset, and what the healthy system showed while its baseline was measured. null: nobody measured it. */
export interface Harm {
  id: string; at_ms: number | null; requests_lost: number; requests_offered: number; orders_lost: number | null; revenue_lost_cents: number | null;
  healthy: { success: number | null; latency_p95_s: number | null; goodput_rps: number | null; orders_rps: number | null };
}

/* How a run stands, by the same function for whoever plays. */
export interface Standing {
  state: string; at_ms: number | null; met: number; criteria: number; users: number; user_minutes_lost: number; requests_lost: number; requests_offered: number;
  orders_lost: number; revenue_lost_cents: number; unmet_ms: number; utility: number; changes: number; restarts: number; unnecessary_restarts: number;
  clocks: Record<string, number>; score: { total: number } | null;
}
export interface LaneItem { id: string; at_ms: number; by: string; kind: string; on: string; args: Record<string, Json>; changed?: Changed; state: string }
/* items: null while they would be advice. */
export interface Lane {
  who: string; policy: string; model: string; source: 'you' | 'live' | 'recorded'; recorded_ms: number | null; shipped: boolean; other_model: boolean; seed: number; fast: boolean; assisted: boolean;
  state: string; outcome: Outcome | null; reason: string; stopped: string; standing: Standing | null; items: LaneItem[] | null;
}
/* A kept or shipped run of a driver; as_written: of the scenario as it is now. */
export interface Recording { scenario: string; seed: number; fast: boolean; policy: string; model: string; outcome: string; recorded_ms: number; shipped: boolean; as_written: boolean }
export interface Regret {
  user_minutes: number; unit_user_minutes: number; steps: number; steps_in_calibration: number; unjudged: string[];
  items: { from_ms: number; to_ms: number; steps: number; target: string; did: string; better: string; user_minutes: number; q_did: number; q_better: number; reason: string; out_of_calibration: boolean }[];
}
export interface Comparison {
  run: string; race: boolean; over: boolean; withheld: boolean; note: string; lanes: Lane[];
  divergence: { with: string; at_ms: number; kind: 'only_you' | 'only_they' | 'different' | 'timing'; you: LaneItem | null; they: LaneItem | null }[] | null;
  regret: Regret | null; place: { place: number; of: number } | null;
}
export interface Room { mode: string; ghosts: number; reason: string }

export interface Snapshot {
  epoch: string; run: Run | null; criteria: Criterion[]; guards: Guard[]; feed: FeedItem[]; actions: Action[];
  processes: Process[]; server: { version: string; terminal?: boolean; grafana?: string | null }; comparison?: Comparison | null; harm?: Harm | null;
}

export interface LogLine {
  id?: number; time: string; level: string; service: string; instance?: string; version?: string; event?: string; trace_id?: string;
  message: string; [field: string]: Json | undefined;
}

export interface LogLines { lines: LogLine[]; source?: 'logproc' | 'files'; more?: boolean; notice?: string }
/* Rows of [start_ms, debug, info, warn, error]. */
export interface LogCounts { from_ms: number; to_ms: number; step_ms: number; counts: number[][] }

export interface TraceRow { trace_id: string; start_ms: number; duration_ms: number; spans: number; failed: boolean; service: string; name: string; services: string[] }
export interface Span {
  span_id: string; parent_id: string; service: string; instance?: string; version?: string; name: string; kind: string; start_us: number;
  duration_ms: number; failed: boolean; attrs: Record<string, Json>; at_ms: number; critical: boolean; children: Span[];
}
export interface Trace { trace_id: string; start_ms: number; duration_ms: number; spans: number; failed: boolean; services: string[]; roots: Span[]; logs: LogLine[] }

interface Payloads {
  snapshot: Snapshot; run: Run; criterion: Criterion; guard: Guard; feed: FeedItem; action: Action; process: Process;
  user: { requests: UserRequest[] }; series: { t: number; v: Record<string, number> }; recommendation: Recommendation;
  comparison: Comparison; harm: Harm; log: unknown; verify: import('./verify').Verify; notice: { level?: string; text?: string; detail?: string }; beat: object;
  fault: unknown; mapek: unknown;
}
export type Message = { [K in keyof Payloads]: { seq: number; t: number; type: K; data: Payloads[K] } }[keyof Payloads];

export interface ScenarioCard {
  id: string; title: string; level: number; time_limit_ms: number; tags: string[]; objectives: string[]; brief: string;
  order: number | null; pack: string | null;
  difficulty: { attempts: number; resolved: number; median_ms: number | null } | null;
  best: { outcome: Outcome; took_ms: number } | null; problems: Diagnostic[]; writable?: boolean; playable?: boolean;
}

/* A scenario pack found in an extra folder; one that is not ok is left out whole. */
export interface Pack {
  name: string; title: string; version: string; author: string; license: string; description: string; dir: string;
  ok: boolean; writable: boolean; scenarios: number; problems: Diagnostic[];
}

export interface Diagnostic { line: number; column: number; severity: 'error' | 'warning'; message: string }

export interface SchemaProperty {
  type?: 'integer' | 'number' | 'boolean' | 'string' | 'array'; title?: string; description?: string; default?: Json;
  minimum?: number; maximum?: number; enum?: Json[]; maxLength?: number; items?: { type?: string; maxLength?: number }; maxItems?: number;
  'x-unit'?: string; 'x-group'?: string; 'x-deploy'?: boolean; readOnly?: boolean;
}
export interface ConfigSchema { properties: Record<string, SchemaProperty> }
export interface ServiceConfig {
  service: string; version: string; revision: number; config: Record<string, Json>; defaults: Record<string, Json>; schema: ConfigSchema;
}
export interface ConfigEntry { revision: number; at_ms: number; author: string; reason: string; changed: Changed }

export interface TimelineItem { at_ms: number; lane: string; text: string; on?: string }
export interface Debrief {
  run: Run; truth: Record<string, Json> | null; timeline: TimelineItem[]; criteria: Criterion[]; actions: Action[];
  solutions: Json[][]; wrong_fixes: { matched: boolean; explain: string }[]; text: string; clocks: Record<string, number | null>;
  users: { requests_lost: number; requests_offered?: number; orders_lost: number; revenue_lost_cents: number; unmet_ms?: number } | null;
  guards?: Guard[]; diagnosis?: Diagnosis[]; hints?: { id: string; cost: number; offered: boolean; taken: boolean; text: string }[];
  evidence?: { at_ms: number; item: string; part: string | null }[]; forward?: string; final?: boolean;
  costliest?: { from_ms: number; to_ms: number; requests_lost: number; after: string }[];
  agent?: { can_repair: boolean; beyond: { kind: string; on: string; args: Record<string, Json> }[] };
  score: { total: number; outcome: number; harm: number; diagnosis: number; hints: number; of: Record<string, number> } | null;
}
export interface Diagnosis { at_ms?: number; component: string; mechanism: string; object: Json; affected: string[]; note: string }

/* GET /scenarios/ID, as much of it as a learner is shown. */
export interface ScenarioDetail { criteria?: { id: string; title: string; kind: string; promql?: string; target?: string; hold_ms?: number; weight?: number }[]; hints?: number }

export interface Matrix { metric: Record<string, string>; values?: [number, string][]; value?: [number, string] }
export interface PromAnswer {
  status: 'success' | 'error'; error?: string; warnings?: string[];
  data?: { resultType: 'matrix' | 'vector' | 'scalar' | 'string'; result: Matrix[] | [number, string] };
}
export interface ProblemBody { type?: string; title?: string; status?: number; detail?: string; code?: string; errors?: { pointer?: string; detail: string }[] }
