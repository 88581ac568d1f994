// A repair as the scenario's author wrote it, in words.
import type { Json } from '../live/protocol';
import { literal } from '../ui/format';

/* A step is {"config.set": {"on": "api", "args": {...}}} or the same with kind, on and args spelled out. */
export function step(s: Json): string {
  if (s === null || typeof s !== 'object' || Array.isArray(s)) return literal(s);
  const one = Object.entries(s);
  const spelled = typeof s.kind === 'string';
  const kind = spelled ? String(s.kind) : one[0]?.[0] ?? '';
  const body = (spelled ? s : one[0]?.[1]) as { [k: string]: Json } | null;
  if (body === null || typeof body !== 'object') return `${kind} ${literal(body)}`;
  const args = body.args && typeof body.args === 'object' && !Array.isArray(body.args) ? body.args : {};
  const inner = args.patch && typeof args.patch === 'object' && !Array.isArray(args.patch) ? args.patch : args;
  const list = Object.entries(inner).map(([k, v]) => `${k} = ${literal(v)}`).join(', ');
  const verb: Record<string, string> = { 'config.set': 'Set on', 'config.patch': 'Set on', 'process.restart': 'Restart', 'process.start': 'Start', 'process.stop': 'Stop' };
  return `${verb[kind] ?? kind} ${literal(body.on ?? '')}${list ? ': ' + list : ''}`;
}
