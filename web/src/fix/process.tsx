// One process: its state, and what can be done to it. Stop and kill want a held press, because users feel them at once.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { second, serverNow } from '../live/clock';
import { act, looked } from '../live/commands';
import type { Process } from '../live/protocol';
import { active } from '../live/store';
import { ago } from '../ui/format';
import { Icon, type IconName } from '../ui/icons';
import { Hold } from '../ui/parts';
import { Mark, processState } from '../ui/status';

export function ProcessPanel({ p }: { p: Process }): JSX.Element {
  useEffect(() => looked(`process:${p.name}`), [p.name]);
  void second.value;
  const busy = useSignal<string | null>(null);
  const off = !active.value || busy.value !== null;
  const run = async (verb: string): Promise<void> => {
    busy.value = verb;
    await act({ kind: `process.${verb}`, on: p.name, args: {} });
    busy.value = null;
  };
  const button = (verb: string, label: string, icon: IconName): JSX.Element => <button class="btn small" disabled={off} onClick={() => void run(verb)}><Icon name={icon} size={14} />{busy.value === verb ? `${label}…` : label}</button>;
  const running = p.state === 'up' || p.state === 'starting';
  return (
    <section class="proc" aria-label={`Process ${p.name}`}>
      <div class="row"><Mark state={processState(p.state)} size={18} /><h2>{p.title || p.name}</h2><span class="t2">{p.state}</span><span class="grow" />
        {running ? <>
          {button('restart', 'Restart', 'restart')}
          {p.kind !== 'component' && button('reload', 'Reload', 'download')}
          {button('pause', 'Pause', 'pause')}
          <Hold label="Stop" icon="stop" disabled={off} run={() => void run('stop')} />
          <Hold label="Kill" icon="kill" disabled={off} run={() => void run('kill')} title="SIGKILL: press and hold. The supervisor starts it again." />
        </> : p.state === 'paused' ? <>{button('resume', 'Resume', 'play')}<Hold label="Kill" icon="kill" disabled={off} run={() => void run('kill')} /></> : button('start', 'Start', 'play')}
      </div>
      <dl class="proc-facts">
        <div><dt>{p.state === 'up' ? 'up for' : 'since'}</dt><dd>{ago(serverNow() - p.since_ms)}</dd></div>
        <div><dt>pid</dt><dd>{p.pid ?? 'none'}</dd></div>
        <div><dt>restarts</dt><dd>{p.restarts}</dd></div>
        <div><dt>deaths</dt><dd class={p.deaths > 0 ? 'warn' : ''}>{p.deaths}</dd></div>
        <div><dt>last exit</dt><dd>{p.last_exit ?? 'none'}</dd></div>
        <div><dt>address</dt><dd class="mono">{p.address}</dd></div>
      </dl>
      {p.detail && <p class="t2">{p.detail}</p>}
    </section>
  );
}
