// What the server last said, as signals. apply() is the only writer; it is a plain function of the message, so tests can feed it.
import { computed, signal } from '@preact/signals';
import { clockSet, serverNow } from './clock';
import { seriesAdd, seriesAgain } from './metrics';
import { verify } from './verify';
import type { Action, Comparison, Criterion, FeedItem, Guard, Harm, Message, Process, Recommendation, Run, UserRequest } from './protocol';

export const REQUESTS_MAX = 300;
export const SPARK_MAX = 180;

export const epoch = signal('');
export const ready = signal(false); // a snapshot has arrived
export const version = signal('');
export const terminalOn = signal(false); // the server gives out shells
export const grafana = signal<string | null>(null); // address of a Grafana to embed
export const run = signal<Run | null>(null);
export const criteria = signal<Criterion[]>([]);
export const guards = signal<Guard[]>([]);
export const feed = signal<FeedItem[]>([]);
export const actions = signal<Action[]>([]);
export const processes = signal<Process[]>([]);
export const requests = signal<UserRequest[]>([]);
export const recommendations = signal<Recommendation[]>([]);
export const comparison = signal<Comparison | null>(null);
export const harm = signal<Harm | null>(null);
export const notice = signal<{ n: number; text: string } | null>(null);
/* A run that was live here when the server died: its next life does not know it yet, or not any more. See orphan.ts. */
export const orphan = signal<string | null>(null);
/* Arrived after the page was open: what may be announced, once. A snapshot never fills it. */
export const arrived = signal<FeedItem | null>(null);

/* The last minutes of each criterion's value, for its sparkline; kept beside the store because values come one by one. */
export const trail = new Map<string, { t: number; v: number | null }[]>();

export const active = computed(() => {
  const r = run.value;
  return r !== null && r.state !== 'ended' && r.state !== 'debriefed';
});
/* Prepared, measured, broken: all that comes before somebody is paged. */
export const early = (r: Run): boolean => r.state === 'preparing' || r.state === 'baseline' || r.state === 'injecting';
export const over = (r: Run): boolean => r.state === 'ended' || r.state === 'debriefed';

/* In the order in which a request meets them; what this build does not have is left out. */
const PATH = ['loadgen', 'gateway', 'auth', 'api', 'worker', 'payments'];
const KIND = { service: 0, adapter: 1, component: 2 };
const place = (p: Process): number => { const i = PATH.indexOf(p.name); return KIND[p.kind] * 100 + (i < 0 ? 50 : i); };
export const parts = computed(() => processes.value.filter(p => p.built !== false).map((p, i) => ({ p, i })).sort((a, b) => place(a.p) - place(b.p) || a.i - b.i).map(x => x.p));

export const metCount = computed(() => criteria.value.filter(c => c.ok === true).length);

function upsert<T>(list: T[], item: T, same: (a: T, b: T) => boolean): T[] {
  const at = list.findIndex(x => same(x, item));
  if (at < 0) return [...list, item];
  const copy = list.slice();
  copy[at] = item;
  return copy;
}
const byId = (a: { id: string }, b: { id: string }): boolean => a.id === b.id;

function trailAdd(c: Criterion, t: number): void {
  let list = trail.get(c.id);
  if (!list) trail.set(c.id, (list = []));
  list.push({ t, v: c.value });
  if (list.length > SPARK_MAX) list.shift();
}

export function apply(m: Message): void {
  clockSet(m.t);
  switch (m.type) {
    case 'snapshot': {
      const d = m.data, before = run.value;
      if (epoch.value) seriesAgain(); // every snapshot but the first says that something was missed
      const lost = before !== null && !over(before) && d.run === null && epoch.value !== '' && epoch.value !== d.epoch;
      if (!lost && run.value?.id !== d.run?.id) { trail.clear(); requests.value = []; recommendations.value = []; comparison.value = null; }
      epoch.value = d.epoch;
      version.value = d.server?.version ?? '';
      terminalOn.value = d.server?.terminal === true;
      grafana.value = d.server?.grafana ?? null;
      processes.value = d.processes ?? [];
      ready.value = true;
      // Nothing moves under the eyes of somebody who was in the middle of it: what was seen last stays until it is known what became of it.
      if (lost) { orphan.value = before!.id; return; }
      orphan.value = null;
      run.value = d.run;
      criteria.value = d.criteria ?? [];
      guards.value = d.guards ?? [];
      feed.value = d.feed ?? [];
      actions.value = d.actions ?? [];
      harm.value = d.harm ?? null;
      if (d.comparison?.race) comparison.value = d.comparison;
      for (const c of criteria.value) trailAdd(c, m.t);
      return;
    }
    case 'run':
      if (run.value?.id !== m.data.id) {
        trail.clear();
        criteria.value = []; guards.value = []; feed.value = []; actions.value = []; requests.value = [];
        recommendations.value = []; comparison.value = null; harm.value = null;
      }
      orphan.value = null;
      run.value = m.data;
      return;
    case 'criterion':
      criteria.value = upsert(criteria.value, m.data, byId);
      trailAdd(m.data, m.t);
      return;
    case 'guard': guards.value = upsert(guards.value, m.data, byId); return;
    case 'feed': {
      const known = feed.value.some(f => f.id === m.data.id);
      feed.value = upsert(feed.value, m.data, byId);
      if (!known) arrived.value = m.data;
      return;
    }
    case 'action': actions.value = upsert(actions.value, m.data, byId); return;
    case 'process': processes.value = upsert(processes.value, m.data, (a, b) => a.name === b.name); return;
    case 'user': requests.value = [...requests.value, ...(m.data.requests ?? [])].slice(-REQUESTS_MAX); return;
    case 'series': seriesAdd(m.data.t, m.data.v); return;
    case 'recommendation': recommendations.value = [...recommendations.value, m.data].slice(-50); return;
    case 'comparison': comparison.value = m.data; return;
    case 'harm': if (m.data.id === run.value?.id) harm.value = m.data; return;
    case 'verify': verify.value = m.data; return;
    case 'notice': notice.value = { n: m.seq, text: m.data.text ?? m.data.detail ?? 'The server sent a notice.' }; return;
    default: return; // beat, log, fault, mapek and kinds of a newer server
  }
}

/* Wall-clock ms of a run-relative time; null while the run has no onset. */
export function wall(at_ms: number): number | null {
  const onset = run.value?.onset_ms;
  return onset ? onset + at_ms : null;
}

/* What is left on the clock, in ms; null before the page went out, which starts it. Frozen at the end of the run. */
export function left(r: Run | null, now = serverNow()): number | null {
  if (!r || !r.deadline_ms) return null;
  return Math.max(0, r.deadline_ms - (r.ended_ms ?? now));
}
