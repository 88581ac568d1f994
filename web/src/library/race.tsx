// "Race the agent": the agent and the rule meet the same incident on stacks of their own, if this machine has room for them.
import type { Signal } from '@preact/signals';
import type { JSX } from 'preact';
import { encode, get } from '../live/api';
import type { Room } from '../live/protocol';
import { useAsync } from '../ui/parts';

interface Recordings { recordings: { policy: string }[] }

export function RaceChoice({ id, on }: { id: string; on: Signal<boolean> }): JSX.Element {
  const { data: room } = useAsync(signal => get<Room>('/agent/room', { signal }), [id]);
  const { data: kept } = useAsync(signal => get<Recordings>(`/agent/recordings?scenario=${encode(id)}`, { signal }), [id]);
  const recorded = (kept?.recordings ?? []).some(r => r.policy === 'agent' || r.policy === 'rule');
  const none = room !== null && kept !== null && room.ghosts === 0 && !recorded;
  return (
    <div class="col gap4">
      <label class="row"><input type="checkbox" checked={on.value && !none} disabled={none} onChange={e => { on.value = e.currentTarget.checked; }} /> Race the agent and the rule: same incident, same seed, beside you</label>
      {room && room.ghosts < 2 && <p class="t3">{room.ghosts === 1 ? 'Only one of them can run live' : none ? 'There is no room for them now, and no recorded run' : 'Recorded runs will be shown'}{room.reason && `: ${room.reason}.`}</p>}
    </div>
  );
}
