// The strip at the bottom: every process in one look. A click filters every tab by that service.
import type { JSX } from 'preact';
import { describe, lastUndoable, undo } from '../live/commands';
import { latest, tick } from '../live/metrics';
import { link } from '../live/socket';
import type { Process, Run } from '../live/protocol';
import { actions, over, parts } from '../live/store';
import { route, setQuery } from '../live/url';
import { SERVICE } from '../live/rules';
import { plural, percent } from '../ui/format';
import { Icon } from '../ui/icons';
import { Mark, processState, type State } from '../ui/status';

/* A process can be up and still hurt: half of its answers failing, or every worker busy. */
export function health(p: Process): { state: State; word: string } {
  const s = processState(p.state);
  if (s !== 'ok') return { state: s, word: p.state };
  const errors = latest(SERVICE.errors, p.name), full = latest(SERVICE.saturation, p.name);
  if (errors !== null && errors > 0.05) return { state: 'crit', word: `${percent(errors)} % errors` };
  if (full !== null && full > 0.95) return { state: 'warn', word: `${percent(full)} % busy` };
  if (errors !== null && errors > 0.01) return { state: 'warn', word: `${percent(errors)} % errors` };
  return { state: 'ok', word: 'up' };
}

export function Strip({ r }: { r: Run }): JSX.Element {
  void tick.value;
  const filter = route.value.query.service;
  const mine = actions.value.filter(a => a.by === 'learner' && a.kind !== 'undo' && a.state === 'applied');
  const can = lastUndoable();
  return (
    <footer class="strip">
      <div class="strip-list scroll" role="group" aria-label="Processes: press to filter every tab" tabIndex={0}>
        {parts.value.map(p => {
          const h = health(p);
          return (
            <button key={p.name} class="chip" aria-pressed={filter === p.name} title={`${p.title || p.name}: ${h.word}`} onClick={() => setQuery({ service: filter === p.name ? null : p.name }, false)}>
              <Mark state={h.state} size={12} />{p.name} <span class={h.state === 'ok' ? 'sr' : 'strip-word'}>{h.word}</span>
            </button>
          );
        })}
        {parts.value.length === 0 && <span class="t3">No process is known yet.</span>}
      </div>
      <span class="t2 wide">{plural(mine.length, 'change')}</span>
      <button class="btn quiet small" disabled={!can || over(r)} title={can ? `Undo ${describe(can)} (Ctrl+Z)` : 'Nothing to undo'} onClick={() => can && void undo(can)}><Icon name="undo" size={14} /> Undo<span class="wide"> last</span></button>
      <span class="row gap4 t2 link-word"><Mark state={link.value === 'live' ? 'ok' : link.value === 'down' ? 'crit' : 'warn'} size={12} />{link.value === 'live' ? 'live' : link.value === 'down' ? 'offline' : 'waiting'}</span>
    </footer>
  );
}
