// The address bar is the state: "#/run/r12/observe/charts?service=api&last=15m". Screens read signals, and write through go() and setQuery().
import { computed, signal } from '@preact/signals';

export interface Route { parts: string[]; query: Record<string, string> }

export function parse(hash: string): Route {
  const raw = hash.replace(/^#\/?/, '');
  const cut = raw.indexOf('?');
  const path = cut < 0 ? raw : raw.slice(0, cut);
  const query: Record<string, string> = {};
  for (const [k, v] of new URLSearchParams(cut < 0 ? '' : raw.slice(cut + 1))) query[k] = v;
  return { parts: path.split('/').filter(Boolean).map(part), query };
}

function part(p: string): string {
  try { return decodeURIComponent(p); } catch { return p; }
}

export function format(parts: string[], query: Record<string, string>): string {
  const q = new URLSearchParams(query).toString();
  return '#/' + parts.map(encodeURIComponent).join('/') + (q ? '?' + q : '');
}

const hash = signal(typeof location === 'undefined' ? '' : location.hash);
export const route = computed(() => parse(hash.value));

if (typeof window !== 'undefined') window.addEventListener('hashchange', () => { hash.value = location.hash; });

/* Keeps what belongs to the whole run view (service filter, time range) when a tab changes. */
const KEPT = ['service', 'last', 'from', 'to'];

export function go(parts: string[], query: Record<string, string> = {}, keep = false): void {
  const q = { ...query };
  if (keep) for (const k of KEPT) if (route.value.query[k] !== undefined && q[k] === undefined) q[k] = route.value.query[k]!;
  location.hash = format(parts, q);
  hash.value = location.hash;
}

export function setQuery(change: Record<string, string | null>, replace = true): void {
  const q = { ...route.value.query };
  for (const [k, v] of Object.entries(change)) { if (v === null) delete q[k]; else q[k] = v; }
  const next = format(route.value.parts, q);
  if (next === location.hash) return;
  if (replace) history.replaceState(null, '', next); else history.pushState(null, '', next);
  hash.value = next;
}

export const href = (parts: string[], query: Record<string, string> = {}): string => format(parts, query);
