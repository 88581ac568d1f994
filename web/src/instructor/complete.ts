// What may be written at a position of a scenario: keys, enum values, and the names that the schema cannot know (services, edges, knobs of the
// service a step is about, criteria of this scenario, metrics). A pure function of text, position and vocabulary.
import { placeOf, schemasAt, type Place } from './place';
import type { Kind, Schema, Vocabulary } from './vocabulary';

export interface Option { label: string; detail?: string; info?: string; apply?: string; kind: 'key' | 'value'; last?: boolean }
export interface Options { from: number; to: number; options: Option[] }

const WORD = /[\w.>-]/, METRIC = /[\w:]/;
type Row = { [key: string]: unknown };
const row = (v: unknown): Row => (v !== null && typeof v === 'object' && !Array.isArray(v) ? (v as Row) : {});
const list = (v: unknown): unknown[] => (Array.isArray(v) ? v : []);

/* YAML reads these as something else than text. */
export function quoted(text: string): string {
  return /^(true|false|yes|no|on|off|null|~|[-+]?[\d.][\d._eE+-]*|0x[\da-f]+)$/i.test(text) || /^[\s>|&*!%@`"'#{[\]},?:-]|[:#]\s|\s$|^$/.test(text) || /[,{}[\]]/.test(text) ? `'${text.replace(/'/g, "''")}'` : text;
}

const typeOf = (s: Schema): string => (s.enum ? 'one of' : Array.isArray(s.type) ? s.type.join(' or ') : s.type ?? '');
export function limits(s: Schema): string {
  const out: string[] = [];
  if (s.minimum !== undefined || s.maximum !== undefined) out.push(`${s.minimum ?? ''} to ${s.maximum ?? ''}`);
  if (s.enum) out.push(s.enum.slice(0, 8).map(String).join(', ') + (s.enum.length > 8 ? ', …' : ''));
  if (s.maxLength !== undefined) out.push(`at most ${s.maxLength} bytes`);
  if (s.minItems !== undefined && s.maxItems !== undefined) out.push(`${s.minItems} to ${s.maxItems} items`);
  return out.join('; ');
}

/* The step that a place belongs to: a timeline entry (fault or herring names the kind), or a recipe's {kind: {on, args}}. */
export function stepOf(p: { path: (string | number)[]; parents: unknown[] }, v: Vocabulary): { kind: Kind; on: string } | null {
  const kinds = new Map(v.kinds.map(k => [k.name, k]));
  for (const parent of p.parents) {
    const r = row(parent), named = kinds.get(String(r.fault ?? r.herring ?? ''));
    if (named) return { kind: named, on: String(r.on ?? '') };
  }
  for (let i = p.path.length - 1; i >= 0; i--) {
    const kind = kinds.get(String(p.path[i]));
    if (!kind) continue;
    const holder = p.parents.map(row).find(r => 'on' in r);
    return { kind, on: String(holder?.on ?? '') };
  }
  return null;
}

function targets(kind: Kind, v: Vocabulary): Option[] {
  const services = v.services.filter(s => kind.on !== 'service' || s.configurable);
  if (kind.on === 'edge') return v.edges.map(e => ({ label: e, detail: 'edge', kind: 'value' as const, apply: e }));
  return kind.on === 'none' ? [] : services.map(s => ({ label: s.name, detail: s.adapter_of ? `adapter of ${s.adapter_of}` : kind.on, kind: 'value' as const }));
}

/* The schema of a step's arguments: the kind's own, or the knobs of the service. */
export function argsOf(step: { kind: Kind; on: string }, v: Vocabulary): Schema | null {
  return step.kind.any_args ? v.services.find(s => s.name === step.on)?.config ?? null : step.kind.args;
}

const keysOf = (s: Schema, siblings: string[], have: Set<string>): Option[] =>
  Object.entries(s.properties ?? {}).filter(([k]) => !siblings.includes(k) && !have.has(k)).map(([k, p]) => {
    have.add(k);
    return { label: k, detail: (s.required?.includes(k) ? 'required · ' : '') + typeOf(p), info: [p.description, limits(p)].filter(Boolean).join('\n'), apply: `${k}: `, kind: 'key' as const, last: !s.required?.includes(k) };
  });

function valuesOf(s: Schema): Option[] {
  if (s.enum) return s.enum.map(e => ({ label: String(e), apply: typeof e === 'string' ? quoted(e) : String(e), kind: 'value' as const }));
  if (s.const !== undefined) return [{ label: String(s.const), apply: typeof s.const === 'string' ? quoted(s.const) : String(s.const), kind: 'value' }];
  if (s.type === 'boolean') return ['true', 'false'].map(label => ({ label, kind: 'value' as const }));
  return s.default !== undefined ? [{ label: String(s.default), detail: 'default', kind: 'value' }] : [];
}

/* Names that only this scenario, or only the stack, knows. */
function namesFor(p: Place, v: Vocabulary): Option[] | null {
  const last = [...p.path].reverse().find(x => typeof x === 'string') as string | undefined, top = p.path[0];
  const criteria = list(row(p.whole).criteria).map(c => String(row(c).id ?? '')).filter(Boolean);
  const value = (label: string, detail: string, apply?: string, info?: string): Option => ({ label, detail, kind: 'value', ...(apply ? { apply } : {}), ...(info ? { info } : {}) });
  if (last === 'fault' || last === 'herring') return v.kinds.filter(k => k.fault).map(k => value(k.name, `on ${k.on === 'none' ? 'nothing' : k.on}`, undefined, `${k.doc}\n${k.expects}`));
  if (last === 'on') { const step = stepOf(p, v); return step ? targets(step.kind, v) : v.services.map(s => value(s.name, 'service')); }
  if (top === 'truth' && (last === 'component' || last === 'path' || last === 'victims')) return v.services.map(s => value(s.name, 'service'));
  if (last === 'mechanism') return v.mechanisms.map(m => value(m.name, '', undefined, m.doc));
  if (last === 'promql') return v.metrics.map(m => value(m, 'metric', `'${m}'`));
  if (last === 'after' && top === 'criteria') return criteria.map(c => value(c, 'criterion'));
  if (last === 'symptom') return criteria.flatMap(c => [value(`not ${c}`, 'criterion'), value(c, 'criterion')]);
  if (last === 'when' && top === 'hints') return criteria.flatMap(c => [value(`${c}.unmet_for > 4m`, 'hint after'), value(`${c}.held_for > 10s`, 'hint after')]);
  return null;
}

function atArgs(p: Place, v: Vocabulary): Option[] | null {
  const i = p.path.lastIndexOf('args');
  if (i < 0) return null;
  const step = stepOf(p, v), schema = step ? argsOf(step, v) : null;
  if (!schema) return null;
  if (p.path.length === i + 1) return keysOf(schema, p.role === 'key' ? p.siblings : [], new Set());
  const knob = schema.properties?.[String(p.path[i + 1])];
  return knob && p.path.length === i + 2 ? valuesOf(knob) : null;
}

function optionsAt(p: Place, v: Vocabulary, freshLine: boolean): Option[] {
  const special = atArgs(p, v);
  if (special) return special;
  const schemas = schemasAt(v.schema, p.path);
  if (p.role === 'value') {
    const names = namesFor(p, v);
    if (names) return names;
    const values = schemas.flatMap(valuesOf);
    // A value on a line of its own, where a map is expected, is the first key of that map.
    const isMap = schemas.some(s => s.properties), inList = typeof p.path[p.path.length - 1] === 'number';
    const have = new Set<string>();
    return isMap && (freshLine || inList) ? [...values, ...schemas.flatMap(s => keysOf(s, [], have))] : values;
  }
  const have = new Set<string>();
  return schemas.flatMap(s => keysOf(s, p.siblings, have));
}

export function complete(text: string, pos: number, v: Vocabulary): Options | null {
  const lineFrom = text.lastIndexOf('\n', pos - 1) + 1, before = text.slice(lineFrom, pos);
  if (/(^|\s)#/.test(before)) return null;
  const promql = /promql:\s*['"]?[^'"]*$/.test(before) ? METRIC : WORD;
  let from = pos, to = pos;
  while (from > lineFrom && promql.test(text[from - 1]!)) from--;
  while (from < pos && text.slice(from, pos).startsWith('- ')) from += 2;
  if (text[from] === '-' && from < pos && /^\s*$/.test(text.slice(lineFrom, from))) from++; // the dash of a list item
  while (to < text.length && promql.test(text[to]!)) to++;
  const quote = promql === METRIC && /['"]/.test(text[from - 1] ?? '');
  const p = placeOf(text, from, to);
  if (!p) return null;
  const freshLine = /^\s*(- )?\s*$/.test(text.slice(lineFrom, from));
  // A key without its colon swallows the next line: with one, the keys after it are seen too.
  if (p.role === 'key' && freshLine && /^\s*(\n|$)/.test(text.slice(to))) p.siblings = placeOf(text, from, to, ':')?.siblings ?? p.siblings;
  const rest = text.slice(to).match(/^[ \t]*:/);
  const options = optionsAt(p, v, freshLine).map(o => {
    if (o.kind === 'key' && rest) return { ...o, apply: o.label };
    return quote && o.apply ? { ...o, apply: o.label } : o;
  });
  return options.length ? { from, to, options } : null;
}
