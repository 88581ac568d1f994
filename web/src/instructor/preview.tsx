// What the text would be in a run, on one page: timeline and criteria, read with the editor's own YAML parser. A look, not a verdict.
import { yamlLanguage } from '@codemirror/lang-yaml';
import type { JSX } from 'preact';
import { duration } from '../ui/format';

export interface Entry { key: string; value: string }
export interface Item { fields: Entry[] }

/* "90s", "2m", "1h30m", "250ms" -> ms; null when it is not a duration. */
export function durationOf(text: string): number | null {
  const t = text.trim();
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(t)) return t === '0' ? 0 : null;
  let sum = 0;
  for (const m of t.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) sum += Number(m[1]) * { ms: 1, s: 1000, m: 60_000, h: 3600_000 }[m[2] as 'ms' | 's' | 'm' | 'h'];
  return sum;
}

const unquote = (s: string): string => s.trim().replace(/^(['"])([\s\S]*)\1$/, '$2');

/* The items of the list under a top-level key, one level deep: enough for a timeline. */
export function listOf(text: string, name: string, any = false): Item[] {
  const tree = yamlLanguage.parser.parse(text);
  const items: Item[] = [];
  const slice = (n: { from: number; to: number }): string => text.slice(n.from, n.to);
  const top = tree.topNode.getChild('Document')?.getChild('BlockMapping') ?? null;
  for (const pair of top?.getChildren('Pair') ?? []) {
    const key = pair.getChild('Key');
    if (!key || slice(key).trim() !== name) continue;
    const seq = pair.getChild('BlockSequence') ?? pair.getChild('FlowSequence');
    for (const item of seq ? (seq.name === 'BlockSequence' ? seq.getChildren('Item') : any ? seq.getChildren('FlowSequence') : seq.getChildren('FlowMapping')) : []) {
      const map = item.name === 'FlowMapping' ? item : item.getChild('FlowMapping') ?? item.getChild('BlockMapping');
      const fields: Entry[] = [];
      for (const p of map?.getChildren('Pair') ?? []) {
        const k = p.getChild('Key');
        if (k) fields.push({ key: unquote(slice(k)), value: unquote(text.slice(k.to, p.to).replace(/^\s*:\s*/, '')) });
      }
      items.push({ fields });
    }
  }
  return items;
}

const field = (i: Item, key: string): string | null => i.fields.find(f => f.key === key)?.value ?? null;

/* A message as people read it: who, and what. */
export function sayOf(value: string): string {
  const said = listOf(`say:\n  - ${value.trim().replace(/\n\s*/g, '\n    ')}`, 'say')[0];
  const from = said && field(said, 'from'), words = said && field(said, 'text');
  return from && words ? `${from}: ${words.replace(/''/g, "'")}` : value;
}

const what = (i: Item): string => { const say = field(i, 'say'); return say ? sayOf(say) : [field(i, 'fault') ?? field(i, 'herring') ?? '', field(i, 'on')].filter(Boolean).join(' on '); };
const hint = (i: Item): string => field(i, 'text') ?? (field(i, 'agent') === 'true' ? 'what the agent advises at that moment' : field(i, 'when') ?? 'no text yet');

export function Preview({ text }: { text: string }): JSX.Element {
  const timeline = listOf(text, 'timeline'), criteria = listOf(text, 'criteria'), hints = listOf(text, 'hints');
  const events = [
    ...timeline.map(i => ({ at: durationOf(field(i, 'at') ?? ''), kind: field(i, 'fault') ? 'fault' : field(i, 'herring') ? 'herring' : field(i, 'say') ? 'say' : 'step', text: what(i) })),
    ...hints.map(i => ({ at: durationOf(field(i, 'after') ?? ''), kind: 'hint', text: hint(i) })),
  ].sort((a, b) => (a.at ?? Infinity) - (b.at ?? Infinity));
  return (
    <>
      <h2 class="over">Timeline</h2>
      {events.length === 0 ? <p class="t3">Nothing under "timeline" or "hints" yet.</p> : <ol class="inst-time">{events.map((e, n) => <li key={n}><span class="t3">{e.at === null ? 'if' : duration(e.at)}</span><span class="tag">{e.kind}</span><span class="t2">{e.text.slice(0, 160)}</span></li>)}</ol>}
      <h2 class="over">Criteria</h2>
      {criteria.length === 0 ? <p class="t3">Nothing under "criteria" yet.</p> : <ul class="inst-time">{criteria.map((c, n) => <li key={n}><span>{field(c, 'title') ?? field(c, 'id') ?? 'unnamed'}</span><span class="grow" /><code class="t2">{field(c, 'target') ?? field(c, 'replay') ?? ''}</code></li>)}</ul>}
    </>
  );
}
