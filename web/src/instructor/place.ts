// Where in a scenario a position stands: the path of keys down to it, whether it is a key or a value, and what the schema says there.
import { isMap, isPair, isScalar, isSeq, parseDocument, visit, type Document, type Node, type Pair } from 'yaml';
import type { Schema } from './vocabulary';

export type Step = string | number;
export interface Place {
  path: Step[];          // of the map or list it stands in, then its key when it is a value
  role: 'key' | 'value';
  siblings: string[];    // keys that the same map has already
  around: unknown;       // that map as plain data, and the maps above it, innermost first
  parents: unknown[];
  whole: unknown;        // the document as plain data
}

const MARK = 'zqxcursorzqx';

const parse = (text: string): Document => parseDocument(text, { strict: false, uniqueKeys: false, logLevel: 'silent', stringKeys: false });
const plain = (n: unknown): unknown => { try { return (n as Node | null)?.toJSON() ?? null; } catch { return null; } };

/* The word at pos: from..to is replaced by a mark that the parser cannot miss, so that an unfinished document still has a place for it. */
export function placeOf(text: string, from: number, to: number, colon = ''): Place | null {
  const doc = parse(text.slice(0, from) + MARK + colon + text.slice(to));
  let found: { path: Step[]; role: 'key' | 'value'; parents: Node[] } | null = null;
  visit(doc, {
    Scalar(key, node, above) {
      if (found || typeof node.value !== 'string' || !node.value.includes(MARK)) return undefined;
      const path: Step[] = [], parents: Node[] = [];
      for (let i = 0; i < above.length; i++) {
        const a = above[i]!, below = above[i + 1] ?? node;
        if (isPair(a)) { if (!(i === above.length - 1 && key === 'key')) path.push(String((a.key as { value?: unknown } | null)?.value ?? '')); }
        else if (isSeq(a)) path.push((a.items as unknown[]).indexOf(below));
        if (isMap(a)) parents.unshift(a as Node);
      }
      found = { path, role: key === 'key' ? 'key' : 'value', parents };
      return visit.BREAK;
    },
  });
  if (!found) return null;
  const { path, role, parents } = found as { path: Step[]; role: 'key' | 'value'; parents: Node[] };
  const around = parents[0];
  const siblings = isMap(around) ? (around.items as Pair[]).map(p => String((p.key as { value?: unknown } | null)?.value ?? '')).filter(k => k && !k.includes(MARK)) : [];
  return { path, role, siblings, around: plain(around), parents: parents.map(plain), whole: plain(doc.contents) };
}

/* What stands at a position, for hovering: the key's or value's own place. */
export function nodeAt(text: string, pos: number): { from: number; to: number; path: Step[]; role: 'key' | 'value'; value: unknown; parents: unknown[] } | null {
  const doc = parse(text);
  let best: ReturnType<typeof nodeAt> = null;
  visit(doc, {
    Scalar(key, node, above) {
      const r = node.range;
      if (!r || pos < r[0] || pos > r[1] || r[0] === r[1]) return undefined;
      const path: Step[] = [], parents: unknown[] = [];
      for (let i = 0; i < above.length; i++) {
        const a = above[i]!, below = above[i + 1] ?? node;
        if (isPair(a)) path.push(String((a.key as { value?: unknown } | null)?.value ?? ''));
        else if (isSeq(a)) path.push((a.items as unknown[]).indexOf(below));
        if (isMap(a)) parents.unshift(plain(a));
      }
      best = { from: r[0], to: r[1], path, role: key === 'key' ? 'key' : 'value', value: isScalar(node) ? node.value : null, parents };
      return undefined;
    },
  });
  return best;
}

/* Every schema that may hold at a path: a reference followed, each alternative of anyOf and oneOf for itself. */
export function schemasAt(root: Schema, path: Step[]): Schema[] {
  const open = (s: Schema): Schema[] => {
    if (s.$ref) { const d = root.$defs?.[s.$ref.replace('#/$defs/', '')]; return d ? open(d) : []; }
    const more = [...(s.anyOf ?? []), ...(s.oneOf ?? [])];
    return more.length ? [...(s.properties || s.items ? [s] : []), ...more.flatMap(open)] : [s];
  };
  let at = open(root);
  for (const step of path) {
    at = at.flatMap(s => {
      if (typeof step === 'number') return s.items ? open(s.items) : [];
      const p = s.properties?.[step];
      if (p) return open(p);
      return typeof s.additionalProperties === 'object' ? open(s.additionalProperties) : [];
    });
  }
  return at;
}
