// The map of the whole page: which address shows which screen, and what surrounds them all.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { second } from './live/clock';
import { caughtUp, link, retry, retryAt } from './live/socket';
import { active, notice, ready, run } from './live/store';
import { go, href, route } from './live/url';
import { Library } from './library/library';
import { RunView } from './run/run';
import { keysAdd, keysAll, type Key } from './ui/keys';
import { Boundary, Dialog, lazy, Skeleton } from './ui/parts';
import { Icon } from './ui/icons';
import { Mark } from './ui/status';
import { theme, themeFlip } from './ui/theme';
import { Announcer, toast, Toasts } from './ui/toast';
import { Palette, paletteOpen } from './palette';

const Instructor = lazy(() => import('./instructor/instructor'), 'Instructor');
const Monitor = lazy(() => import('./monitor/monitor'), 'Monitor');
const Learn = lazy(() => import('./learn/learn'), 'Learn');
const Debrief = lazy(() => import('./debrief/debrief'), 'Debrief');

export function App(): JSX.Element {
  const help = useSignal(false);
  useEffect(() => keysAdd([
    { keys: '?', what: 'Show all shortcuts', group: 'Everywhere', run: () => { help.value = true; } },
    { keys: 'Ctrl+K', what: 'Search services, metrics and actions', group: 'Everywhere', run: () => { paletteOpen.value = !paletteOpen.value; } },
    { keys: 'g h', what: 'Go to the scenario library', group: 'Go to', run: () => go([]) },
    { keys: 'g r', what: 'Go to the running incident', group: 'Go to', run: () => run.value && go(['run', run.value.id, 'user']), when: () => run.value !== null },
    { keys: 'g i', what: 'Go to the scenario editor', group: 'Go to', run: () => go(['instructor']) },
    { keys: 'g u', what: 'Go to the runs', group: 'Go to', run: () => go(['runs']) },
    { keys: 'g l', what: 'Go to the learning page', group: 'Go to', run: () => go(['learn']) },
    { keys: 'c t', what: 'Switch between dark and light', group: 'Everywhere', run: themeFlip },
  ]), []);
  useEffect(() => notice.subscribe(n => { if (n) toast('warn', 'Message from the server', n.text); }), []);
  const [first, id, third] = route.value.parts;
  const inRun = first === 'run' && id !== undefined;
  return (
    <>
      <a class="skip" href="#main" onClick={e => { e.preventDefault(); document.querySelector<HTMLElement>('main')?.focus(); }}>Skip to the content</a>
      {!(inRun && third !== 'debrief') && <TopBar />}
      <LinkBanner />
      <Boundary name="This screen" key={first ?? 'library'}>
        {inRun && third === 'debrief' ? <Debrief id={id} /> : inRun ? <RunView id={id} openHelp={() => { help.value = true; }} />
          : first === 'instructor' ? <Instructor id={id} /> : first === 'learn' ? <Learn /> : first === 'runs' ? <Monitor /> : !ready.value && link.value !== 'down' ? <Waiting /> : <Library selected={first === 's' ? id : undefined} />}
      </Boundary>
      <Toasts />
      <Announcer />
      {help.value && <Help close={() => { help.value = false; }} />}
      {paletteOpen.value && <Palette close={() => { paletteOpen.value = false; }} />}
    </>
  );
}

const Waiting = (): JSX.Element => <main class="page pad16" id="main" tabIndex={-1}><Skeleton lines={8} height={28} /></main>;

function TopBar(): JSX.Element {
  const at = route.value.parts[0];
  const r = run.value;
  const tab = (parts: string[], label: string, on: boolean): JSX.Element => <a class="tab" href={href(parts)} aria-current={on ? 'page' : undefined}>{label}</a>;
  return (
    <header class="top">
      <a class="brand" href="#/"><Logo /> Firedrill</a>
      <nav class="tabs" aria-label="Main">
        {tab([], 'Scenarios', at === undefined || at === 's')}
        {tab(['instructor'], 'Editor', at === 'instructor')}
        {tab(['runs'], 'Runs', at === 'runs')}
        {tab(['learn'], 'Learning', at === 'learn')}
      </nav>
      <span class="grow" />
      {r && active.value && <a class="btn" href={href(['run', r.id, 'user'])}><Mark state="crit" /><span class="ell" style={{ maxWidth: '260px' }}>{r.title}</span><span class="t3">running</span></a>}
      <Tools />
    </header>
  );
}

export function Tools({ openHelp }: { openHelp?: () => void }): JSX.Element {
  return (
    <div class="row gap4">
      <button class="btn quiet wide" onClick={() => { paletteOpen.value = true; }} title="Search services, metrics and actions"><Icon name="search" size={14} /> Search <kbd>Ctrl K</kbd></button>
      <button class="btn quiet icon" onClick={themeFlip} aria-label={theme.value === 'dark' ? 'Switch to the light theme' : 'Switch to the dark theme'} title="Theme (c t)"><Icon name={theme.value === 'dark' ? 'sun' : 'moon'} /></button>
      {openHelp && <button class="btn quiet icon" onClick={openHelp} aria-label="Show all shortcuts" title="Shortcuts (?)"><Icon name="help" /></button>}
    </div>
  );
}

export const Logo = (): JSX.Element => (
  <svg width="22" height="22" viewBox="0 0 32 32" aria-hidden="true"><path d="M3 18h7l3-9 6 16 3-7h7" fill="none" stroke="var(--accent)" stroke-width="3" stroke-linecap="round" stroke-linejoin="round" /></svg>
);

function LinkBanner(): JSX.Element | null {
  void second.value;
  if (link.value === 'stale') return <div class="banner" role="status"><Mark state="warn" /> The data is more than 3 seconds old. Waiting for the server…</div>;
  if (link.value === 'down') {
    const s = Math.max(0, Math.ceil((retryAt.value - Date.now()) / 1000));
    return <div class="banner" role="status"><Mark state="crit" /> Connection lost. {s > 0 ? `Reconnecting in ${s} s` : 'Reconnecting…'} <button class="btn small" onClick={retry}>Retry now</button></div>;
  }
  if (Date.now() - caughtUp.value < 2500) return <div class="banner" role="status"><Mark state="ok" /> Caught up.</div>;
  return null;
}

function Help({ close }: { close: () => void }): JSX.Element {
  const groups = new Map<string, Key[]>();
  for (const k of keysAll()) groups.set(k.group, [...(groups.get(k.group) ?? []), k]);
  return (
    <Dialog title="Shortcuts" close={close}>
      <div class="help-grid" tabIndex={0} role="region" aria-label="List of shortcuts">
        {[...groups].map(([name, list]) => (
          <section key={name}>
            <h3 class="over">{name}</h3>
            <dl class="help-list">{list.map(k => <div key={k.keys}><dt>{k.keys.split(' ').map(x => <kbd key={x}>{x}</kbd>)}</dt><dd>{k.what}</dd></div>)}</dl>
          </section>
        ))}
        <section>
          <h3 class="over">In a chart</h3>
          <dl class="help-list"><div><dt>drag</dt><dd>Zoom all charts</dd></div><div><dt>double click</dt><dd>Back to live</dd></div></dl>
        </section>
      </div>
    </Dialog>
  );
}
