// Everything a learner can change. Each goes to the server, which applies it, records its undo, and tells everybody by `action`.
import { post, said } from './api';
import type { Action, Json, Run } from './protocol';
import { actions, run } from './store';
import { toast } from '../ui/toast';
import { literal } from '../ui/format';

export interface Command { kind: string; on: string; args: Record<string, Json>; reason?: string }

const VERB: Record<string, string> = {
  'process.start': 'Start', 'process.stop': 'Stop', 'process.restart': 'Restart', 'process.kill': 'Kill', 'process.pause': 'Pause',
  'process.resume': 'Resume', 'process.reload': 'Reload', 'config.patch': 'Configure', 'load.shed': 'Shed load on', undo: 'Undo',
};

/* Sends one command and throws its refusal: forms show that at the field. */
export function command(c: Command): Promise<Action> {
  const r = run.value;
  if (!r) return Promise.reject(new Error('No incident is running, so nothing can be changed. Start a scenario first.'));
  return post<Action>(`/runs/${encodeURIComponent(r.id)}/actions`, { ...c, reason: c.reason ?? '' }, { timeout_ms: 60_000 });
}

/* The same for buttons: the outcome is told in the corner. */
export async function act(c: Command): Promise<Action | null> {
  const name = c.kind === 'undo' ? 'Undo' : describe({ kind: c.kind, on: c.on });
  try {
    const a = await command(c);
    if (a.state === 'failed') { toast('crit', `${name} failed`, a.detail); return a; }
    toast('ok', c.kind === 'undo' ? 'Undone' : `${name}: done`, a.detail || undefined, undefined, 3000);
    return a;
  } catch (e) {
    toast('crit', `${name} was refused`, said(e));
    return null;
  }
}

export function describe(a: { kind: string; on?: string; args?: Record<string, Json>; changed?: Action['changed'] }): string {
  if (a.changed && Object.keys(a.changed).length) {
    return Object.entries(a.changed).map(([k, v]) => `${a.on ? `${a.on}.` : ''}${k} ${literal(v.from)} → ${literal(v.to)}`).join(', ');
  }
  const patch = a.args?.patch;
  if (patch && typeof patch === 'object' && !Array.isArray(patch)) return Object.entries(patch).map(([k, v]) => `${a.on}.${k} → ${literal(v)}`).join(', ');
  const verb = VERB[a.kind] ?? a.kind;
  return a.on ? `${verb} ${a.on}` : verb.replace(/ on$/, ''); // what concerns the whole shop names no place
}

/* The newest change of the learner that can still be taken back. */
export function lastUndoable(): Action | null {
  const list = actions.value;
  for (let i = list.length - 1; i >= 0; i--) {
    const a = list[i]!;
    if (a.by === 'learner' && a.kind !== 'undo' && a.state === 'applied' && a.undo && !a.undone) return a;
  }
  return null;
}
export const undo = (a: Action): Promise<Action | null> => act({ kind: 'undo', on: a.on, args: { action: a.id } });

export async function end(id: string, reason: 'complete' | 'abandoned'): Promise<Run | null> {
  try {
    const r = await post<Run>(`/runs/${encodeURIComponent(id)}/end`, { reason }, { timeout_ms: 30_000 });
    run.value = r;
    return r;
  } catch (e) {
    toast('crit', 'The run could not be ended', said(e));
    return null;
  }
}

/* What became of an advice is a note for the debrief: losing it is no error to show. */
export async function adviceAnswer(answer: 'accepted' | 'ignored', text: string, on: string): Promise<void> {
  const r = run.value;
  if (r) await post(`/runs/${encodeURIComponent(r.id)}/advice`, { answer, text, on }).catch(() => undefined);
}

export async function autopilot(on: boolean): Promise<void> {
  const r = run.value;
  if (!r) return;
  try {
    const told = await post<Run>(`/runs/${encodeURIComponent(r.id)}/autopilot`, { on });
    if (run.value?.id === told.id) run.value = told;
    toast('info', on ? 'The agent acts by itself' : 'The agent acts no more', undefined, undefined, 3000);
  } catch (e) {
    toast('crit', on ? 'The agent could not take over' : 'The agent could not be stopped', said(e));
  }
}

export async function takeHint(runId: string, hint: string): Promise<void> {
  try {
    const { text } = await post<{ text: string }>(`/runs/${encodeURIComponent(runId)}/hints/${encodeURIComponent(hint)}`, {});
    toast('warn', 'Hint', text, undefined, 12_000);
  } catch (e) {
    toast('crit', 'The hint was refused', said(e));
  }
}

/* What the learner looked at, sent in batches; told once each in a run. It feeds the debrief, so losing one is no error to show. */
const told = new Set<string>();
let waiting: string[] = [];
let timer: ReturnType<typeof setTimeout> | undefined;
let toldIn = '';
export function looked(item: string): void {
  const r = run.value;
  if (!r || r.state !== 'running') return;
  if (toldIn !== r.id) { told.clear(); toldIn = r.id; }
  if (told.has(item)) return;
  told.add(item);
  waiting.push(item);
  timer ??= setTimeout(() => {
    timer = undefined;
    const items = waiting.splice(0, 32);
    post(`/runs/${encodeURIComponent(r.id)}/evidence`, { items }).catch(() => { for (const i of items) told.delete(i); });
  }, 1000);
}
