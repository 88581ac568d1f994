// Time series of the recording rules: appended once a second from the socket, completed backwards by query_range. Series never go
// through signals: tick tells that a second arrived, and the charts draw from the tables.
import { signal } from '@preact/signals';
import { encode, get } from './api';
import { serverNow } from './clock';
import type { Matrix, PromAnswer } from './protocol';

export const ROWS_MAX = 3600;
const GAP_S = 4;
const POINTS = 600; // of a history
const STEP_MAX_S = ROWS_MAX / POINTS;

export type Column = (number | null)[];

/* One recording rule: a shared time column and one value column for each service ('' for rules without that label). */
export class Table {
  ts: number[] = [];
  cols = new Map<string, Column>();
  private asked: Promise<void> | null = null;
  private depth_s = 0;
  constructor(readonly name: string) {}

  append(t: number, values: Map<string, number>): void {
    const last = this.ts[this.ts.length - 1];
    if (last !== undefined && t <= last) return;
    if (last !== undefined && t - last > GAP_S) this.row(last + 1, new Map());
    this.row(t, values);
    if (this.ts.length > ROWS_MAX) {
      const cut = this.ts.length - ROWS_MAX;
      this.ts.splice(0, cut);
      for (const c of this.cols.values()) c.splice(0, cut);
    }
  }

  private row(t: number, values: Map<string, number>): void {
    const n = this.ts.length;
    this.ts.push(t);
    for (const k of values.keys()) if (!this.cols.has(k)) this.cols.set(k, new Array<number | null>(n).fill(null));
    for (const [k, c] of this.cols) { const v = values.get(k); c.push(v === undefined || !Number.isFinite(v) ? null : v); }
  }

  /* Puts older rows in front; rows at or after the first live one are ours already and stay. */
  prepend(result: Matrix[], step: number): void {
    const first = this.ts[0] ?? Infinity;
    const rows = new Map<number, Map<string, number>>();
    for (const m of result) {
      const key = m.metric.service ?? '';
      for (const [t, v] of m.values ?? []) {
        if (t > first - step * 0.5) continue;
        let row = rows.get(t);
        if (!row) rows.set(t, (row = new Map()));
        row.set(key, Number(v));
      }
    }
    const old = new Table(this.name);
    let before = -Infinity;
    for (const t of [...rows.keys()].sort((a, b) => a - b)) {
      if (before !== -Infinity && t - before > step * 2.5) old.row(before + step, new Map());
      old.row(t, rows.get(t)!);
      before = t;
    }
    const keys = new Set([...old.cols.keys(), ...this.cols.keys()]);
    const merged = new Map<string, Column>();
    for (const k of keys) {
      merged.set(k, [...(old.cols.get(k) ?? new Array<null>(old.ts.length).fill(null)), ...(this.cols.get(k) ?? new Array<null>(this.ts.length).fill(null))]);
    }
    this.ts = [...old.ts, ...this.ts];
    this.cols = merged;
  }

  /* Once for each life of the table: everything the window needs that happened before the page was open. */
  history(seconds: number): Promise<void> {
    this.depth_s = Math.max(this.depth_s, seconds);
    this.asked ??= this.load(seconds).catch(() => { this.asked = null; });
    return this.asked;
  }

  /* Begins anew from what Prometheus has: after a silence, or a new life of the server. */
  again(): void {
    this.ts = [];
    this.cols = new Map();
    this.asked = null;
    if (this.depth_s) void this.history(this.depth_s);
  }

  private async load(seconds: number): Promise<void> {
    const end = Math.floor(serverNow() / 1000);
    const step = Math.max(1, Math.ceil(seconds / POINTS));
    const result = await queryRange(this.name, end - seconds, end, step);
    this.prepend(result, step);
    tick.value++;
  }
}

const tables = new Map<string, Table>();
export const tick = signal(0);
/* Names of services for which a rule has a column: what the dashboards can show. */
export const seen = signal<string[]>([]);

export function table(name: string): Table {
  let t = tables.get(name);
  if (!t) tables.set(name, (t = new Table(name)));
  return t;
}

export function seriesAdd(t_ms: number, v: Record<string, number>): void {
  const by = new Map<string, Map<string, number>>();
  for (const key in v) {
    const cut = key.indexOf('|');
    const name = cut < 0 ? key : key.slice(0, cut);
    let m = by.get(name);
    if (!m) by.set(name, (m = new Map()));
    m.set(cut < 0 ? '' : key.slice(cut + 1), v[key]!);
  }
  const t = Math.round(t_ms / 1000);
  for (const [name, values] of by) table(name).append(t, values);
  for (const known of tables.values()) if (!by.has(known.name) && known.ts.length) known.append(t, new Map());
  const services = new Set(seen.value);
  for (const values of by.values()) for (const k of values.keys()) if (k) services.add(k);
  if (services.size !== seen.value.length) seen.value = [...services];
  tick.value++;
}

/* A rule's column on another rule's time axis: at each of its times what was known then. Histories asked for at different moments have different steps. */
export function onAxis(name: string, service: string, ts: number[]): Column | undefined {
  const t = table(name), c = t.cols.get(service), own = t.ts;
  if (!c || own === ts) return c;
  if (own.length === ts.length && own[0] === ts[0] && own[own.length - 1] === ts[ts.length - 1]) return c;
  let k = -1;
  return ts.map(x => {
    while (k + 1 < own.length && own[k + 1]! <= x) k++;
    return k >= 0 && x - own[k]! <= STEP_MAX_S ? c[k] ?? null : null;
  });
}

/* After a silence of the connection the server may stand on another stack, and in any case Prometheus knows what we missed. */
export function seriesAgain(): void { for (const t of tables.values()) t.again(); tick.value++; }

const FRESH_S = 10;
export function latest(name: string, service = ''): number | null {
  const t = tables.get(name);
  const c = t?.cols.get(service);
  if (!t || !c) return null;
  const now = serverNow() / 1000;
  for (let i = c.length - 1; i >= 0 && now - t.ts[i]! < FRESH_S; i--) if (c[i] !== null) return c[i]!;
  return null;
}

export async function queryRange(promql: string, from: number, to: number, step: number, signal_?: AbortSignal): Promise<Matrix[]> {
  const path = `/metrics/query_range?query=${encode(promql)}&start=${from}&end=${to}&step=${step}`;
  const a = await get<PromAnswer>(path, signal_ ? { signal: signal_ } : {});
  return Array.isArray(a.data?.result) && a.data.resultType === 'matrix' ? (a.data.result as Matrix[]) : [];
}
