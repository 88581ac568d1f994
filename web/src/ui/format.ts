// Numbers for people: units, money, durations. One place, so that the same value reads the same everywhere.

export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return 'not yet';
  const s = Math.max(0, Math.floor(ms / 1000));
  const h = Math.floor(s / 3600);
  const mm = String(Math.floor((s % 3600) / 60)).padStart(h ? 2 : 1, '0');
  const ss = String(s % 60).padStart(2, '0');
  return h ? `${h}:${mm}:${ss}` : `${mm}:${ss}`;
}

/* Run-relative: "04:10", and "-0:20" before the onset. */
export const at = (ms: number): string => (ms < 0 ? '-' : '') + duration(Math.abs(ms));

export function seconds(ms: number): string {
  const s = ms / 1000;
  return Number.isInteger(s) ? String(s) : s.toFixed(1);
}

export function minutes(ms: number): string {
  return ms < 60_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`;
}

/* `keep` holds the trailing zeros: a value that is redrawn every second must not change its width for a 0. */
export function number(v: number, digits = 3, keep = false): string {
  const trim = keep ? (s: string): string => s : trimmed;
  if (!Number.isFinite(v)) return String(v);
  const a = Math.abs(v);
  if (a >= 1e9) return trim((v / 1e9).toPrecision(digits)) + 'G';
  if (a >= 1e6) return trim((v / 1e6).toPrecision(digits)) + 'M';
  if (a >= 1e4) return trim((v / 1e3).toPrecision(digits)) + 'k';
  if (a >= 100) return String(Math.round(v));
  if (a !== 0 && a < 0.001) return v.toExponential(1);
  return trim(v.toPrecision(digits));
}
const trimmed = (s: string): string => (s.includes('.') && !s.includes('e') ? s.replace(/\.?0+$/, '') : s);

const BYTES = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
export function bytes(v: number): string {
  let i = 0;
  while (Math.abs(v) >= 1024 && i < BYTES.length - 1) { v /= 1024; i++; }
  return `${i === 0 ? v : v.toFixed(v < 10 ? 1 : 0)} ${BYTES[i]}`;
}

export type Unit = 's' | 'ms' | '%' | 'ratio' | 'rps' | 'bytes' | 'cents' | '' | string;

/* Value and unit apart, so the number can be large and the unit small. */
export function split(v: number | null | undefined, unit: Unit, keep = false): [string, string] {
  if (v === null || v === undefined || !Number.isFinite(v)) return ['no data', ''];
  switch (unit) {
    case 's': {
      const n = (x: number): string => number(x, 3, keep);
      const a = Math.abs(v);
      if (a < 0.001 && a > 0) return [n(v * 1e6), 'µs'];
      if (a < 1) return [v === 0 ? '0' : n(v * 1000), 'ms'];
      return a < 120 ? [n(v), 's'] : [n(v / 60), 'min'];
    }
    case 'ms': return Math.abs(v) < 1000 ? [number(v, 3, keep), 'ms'] : [number(v / 1000, 3, keep), 's'];
    case 'ratio': return [percent(v, keep), '%'];
    case '%': return [number(v, 3, keep), '%'];
    case 'rps': return [number(v, 3, keep), '/s'];
    case 'B': case 'bytes': { const [n, u] = bytes(v).split(' ') as [string, string]; return [n, u]; }
    case 'cents': return [money(v), ''];
    case '': return [number(v), ''];
    default: return [number(v), unit];
  }
}
export function percent(v: number, keep = false): string {
  const p = v * 100;
  if (p === 0 || p === 100) return String(p);
  // 99.97 must not read as 100, and 0.04 not as 0: near the ends one more digit.
  const digits = p > 99 || p < 10 ? 2 : 1;
  const cut = Math.min(Math.max(p, -1e6), 1e6).toFixed(digits);
  return Number(cut) === 100 ? '99.99' : keep ? cut : trimmed(cut);
}
export const value = (v: number | null | undefined, unit: Unit, keep = false): string => split(v, unit, keep).filter(Boolean).join(' ').replace(' %', ' %');

export function money(cents: number): string {
  const sign = cents < 0 ? '-' : '';
  return sign + '$' + (Math.abs(cents) / 100).toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
}

export function clockOf(ms: number): string {
  const d = new Date(ms);
  return [d.getHours(), d.getMinutes(), d.getSeconds()].map(n => String(n).padStart(2, '0')).join(':');
}

export function ago(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  return s < 86_400 ? `${Math.floor(s / 3600)} h` : `${Math.floor(s / 86_400)} d`;
}

/* Any configuration value on one line. */
export function literal(v: unknown): string {
  if (v === undefined) return 'unset';
  if (typeof v === 'string') return v === '' ? '""' : v;
  return JSON.stringify(v);
}

/* The engine's reason begins with the outcome's own word, which stands beside it already. */
export const sentence = (reason: string): string => { const t = reason.replace(/^(resolved|time_up|abandoned|failed): /, ''); return t.charAt(0).toUpperCase() + t.slice(1); };

/* What an author or a process wrote, of a length that a page can bear. */
export const cut = (text: string, most = 400): string => (text.length > most ? `${text.slice(0, most)}…` : text);

export const plural = (n: number, one: string, many = one + 's'): string => `${n} ${n === 1 ? one : many}`;

/* The text of a criterion's unit: the ratio criteria carry no unit and compare with 0..1. */
export function criterionUnit(c: { unit: string; promql?: string }): Unit {
  if (c.unit) return c.unit;
  return (c.promql ?? '').includes('ratio') || (c.promql ?? '').includes('success') ? 'ratio' : '';
}
