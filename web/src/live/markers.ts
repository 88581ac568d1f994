// What happened, as marks on every chart's time axis: your changes, deploys, hints, alerts and the moment it began.
import type { Marker } from '../charts/chart';
import { describe } from './commands';
import { actions, feed, run } from './store';

export function markers(): Marker[] {
  const onset = run.value?.onset_ms;
  if (!onset) return [];
  const list: Marker[] = [{ t: onset / 1000, kind: 'onset', text: 'The incident began' }];
  for (const a of actions.value) if (a.by === 'learner' || a.by === 'agent') list.push({ t: (onset + a.at_ms) / 1000, kind: 'action', text: describe(a) });
  for (const f of feed.value) if (f.kind === 'hint' || f.kind === 'deploy' || f.kind === 'alert') list.push({ t: (onset + f.at_ms) / 1000, kind: f.kind, text: f.text });
  return list;
}
