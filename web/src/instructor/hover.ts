// What a word of a scenario means: the schema's description of a key, and what is known of kinds, mechanisms, knobs and services.
import { argsOf, limits, stepOf } from './complete';
import { nodeAt, schemasAt } from './place';
import type { Vocabulary } from './vocabulary';

export interface Meaning { from: number; to: number; title: string; lines: string[] }

export function meaning(text: string, pos: number, v: Vocabulary): Meaning | null {
  const n = nodeAt(text, pos);
  if (!n) return null;
  const word = String(n.value ?? ''), at = (title: string, ...lines: string[]): Meaning => ({ from: n.from, to: n.to, title, lines: lines.filter(Boolean) });
  const kind = v.kinds.find(k => k.name === word);
  if (kind) return at(kind.name, kind.doc, kind.expects, `on: ${kind.on === 'none' ? 'nothing' : kind.on}; ${[kind.fault && 'fault', kind.repair && 'repair'].filter(Boolean).join(', ')}`);
  const args = n.path.lastIndexOf('args');
  if (args >= 0 && n.path.length > args + 1) {
    const step = stepOf(n, v), knob = step ? argsOf(step, v)?.properties?.[String(n.path[args + 1])] : undefined;
    if (knob) return at(String(n.path[args + 1]), knob.description ?? '', String(knob.type ?? ''), limits(knob));
  }
  if (n.role === 'value') {
    const m = v.mechanisms.find(x => x.name === word);
    if (m) return at(m.name, m.doc);
    const s = v.services.find(x => x.name === word);
    if (s) return at(s.name, s.adapter_of ? `adapter of ${s.adapter_of}` : 'part of the stack', s.configurable ? 'can be configured at run time' : 'has no configuration of its own');
  }
  const schema = schemasAt(v.schema, n.path).find(s => s.description) ?? schemasAt(v.schema, n.path)[0];
  const key = [...n.path].reverse().find(x => typeof x === 'string');
  if (!schema || key === undefined || n.role === 'value') return null;
  return at(String(key), schema.description ?? '', limits(schema));
}
