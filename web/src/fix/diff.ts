// What a learner has typed against what is in force: checked here for an early word, checked by the service for the last one.
import type { Json, SchemaProperty, ServiceConfig } from '../live/protocol';

export type Draft = Record<string, string>; // key -> text in the field, only keys that were touched

export const same = (a: Json | undefined, b: Json | undefined): boolean => JSON.stringify(a) === JSON.stringify(b);

/* How a value stands in its field. */
export function toText(v: Json | undefined): string {
  if (v === undefined || v === null) return '';
  if (Array.isArray(v)) return v.map(String).join('\n');
  return typeof v === 'string' ? v : String(v);
}

export type Parsed = { value: Json; error: null } | { value: null; error: string };
const bad = (error: string): Parsed => ({ value: null, error });

export function parse(text: string, p: SchemaProperty): Parsed {
  const t = text.trim();
  switch (p.type) {
    case 'integer':
    case 'number': {
      const n = Number(t);
      if (t === '' || !Number.isFinite(n)) return bad('must be a number');
      if (p.type === 'integer' && !Number.isInteger(n)) return bad('must be a whole number');
      if (p.minimum !== undefined && n < p.minimum) return bad(`must be at least ${p.minimum}`);
      if (p.maximum !== undefined && n > p.maximum) return bad(`must be at most ${p.maximum}`);
      return { value: n, error: null };
    }
    case 'boolean': return { value: t === 'true', error: null };
    case 'array': {
      const list = text.split('\n').map(s => s.trim()).filter(Boolean);
      if (p.maxItems !== undefined && list.length > p.maxItems) return bad(`must have at most ${p.maxItems} lines`);
      return { value: list, error: null };
    }
    default:
      if (p.enum && !p.enum.some(e => String(e) === text)) return bad(`must be one of ${p.enum.map(String).join(', ')}`);
      if (p.maxLength !== undefined && text.length > p.maxLength) return bad(`must be at most ${p.maxLength} characters`);
      return { value: text, error: null };
  }
}

export interface Change { key: string; from: Json; to: Json }
export interface Plan { changes: Change[]; errors: Record<string, string> }

export function plan(c: ServiceConfig, draft: Draft): Plan {
  const changes: Change[] = [], errors: Record<string, string> = {};
  for (const [key, text] of Object.entries(draft)) {
    const p = c.schema.properties?.[key];
    if (!p || text === toText(c.config[key])) continue;
    const r = parse(text, p);
    if (r.error !== null) errors[key] = r.error;
    else if (!same(r.value, c.config[key])) changes.push({ key, from: c.config[key] ?? null, to: r.value });
  }
  return { changes, errors };
}

export function limits(p: SchemaProperty, preset: Json | undefined): string {
  const parts: string[] = [];
  const unit = p['x-unit'] ? ' ' + p['x-unit'] : '';
  if (p.minimum !== undefined && p.maximum !== undefined) parts.push(`${p.minimum} to ${p.maximum}${unit}`);
  else if (p.minimum !== undefined) parts.push(`at least ${p.minimum}${unit}`);
  else if (p.maximum !== undefined) parts.push(`at most ${p.maximum}${unit}`);
  else if (p.type === 'array') parts.push('one on each line');
  if (preset !== undefined) parts.push(`default ${Array.isArray(preset) ? (preset.length ? preset.join(', ') : 'none') : preset === '' ? 'empty' : String(preset)}`);
  return parts.join(' · ');
}
