// "Race the agent": the agent and the rule meet the same incident on stacks of their own, if this machine has room for them.
import type { Signal } from '@preact/signals';
import type { JSX } from 'preact';
import { encode, get } from '../live/api';
import type { Recording, Room } from '../live/protocol';
import { useAsync } from '../ui/parts';

/* What stands in for a ghost without room: a run of the scenario as it is written now and of the same pace, and of the same seed if it is a
 * shipped one. seed '': the scenario's own. */
export const standsIn = (r: Recording, fast: boolean, seed: string): boolean =>
  (r.policy === 'agent' || r.policy === 'rule') && r.as_written && r.fast === fast && (!r.shipped || seed === '' || Number(seed) === r.seed);

export function RaceChoice({ id, on, fast, seed }: { id: string; on: Signal<boolean>; fast: boolean; seed: string }): JSX.Element {
  const { data: room } = useAsync(signal => get<Room>('/agent/room', { signal }), [id]);
  const { data: kept } = useAsync(signal => get<{ recordings: Recording[] }>(`/agent/recordings?scenario=${encode(id)}`, { signal }), [id]);
  const recorded = (kept?.recordings ?? []).filter(r => standsIn(r, fast, seed));
  const none = room !== null && kept !== null && room.ghosts === 0 && !recorded.length;
  const shown = recorded.every(r => r.shipped) ? 'Recorded runs that came with Firedrill will be shown' : 'Recorded runs will be shown';
  return (
    <div class="col gap4">
      <label class="row"><input type="checkbox" checked={on.value && !none} disabled={none} onChange={e => { on.value = e.currentTarget.checked; }} /> Race the agent and the rule: same incident, same seed, beside you</label>
      {room && room.ghosts < 2 && <p class="t3">{room.ghosts === 1 ? 'Only one of them can run live' : none ? 'There is no room for them now, and no recorded run of this kind' : shown}{room.reason && `: ${room.reason}.`}</p>}
    </div>
  );
}
