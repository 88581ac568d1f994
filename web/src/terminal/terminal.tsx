// The Terminal tab: a shell beside the stack, as an unprivileged user. Loaded on its first visit; xterm.js draws it.
import { Terminal as Xterm, type ITheme } from '@xterm/xterm';
import '@xterm/xterm/css/xterm.css';
import { signal, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import './terminal.css';
import { looked } from '../live/commands';
import { terminalOn } from '../live/store';
import { Icon } from '../ui/icons';
import { Copy, Empty } from '../ui/parts';
import { Mark } from '../ui/status';
import { theme } from '../ui/theme';
import { strictDocument } from './document';
import { begin, type Session } from './session';

const TRY: [string, string][] = [
  ['curl', 'curl -s $GATEWAY/healthz'], ['psql', 'psql -c "SELECT state, count(*) FROM pg_stat_activity GROUP BY 1"'], ['redis', 'redis-cli info stats | head'], ['names', 'env | grep -E "127\\.77" | sort'],
];
const asked = signal(0); // a press on an example types it into the shell that is open
let typed = '';

export function Terminal(): JSX.Element {
  const on = terminalOn.value;
  if (!on) {
    return <Empty title="The terminal is off" action={<Copy text="./run -- --terminal" what="command" label="Copy ./run -- --terminal" />}>
      It gives a shell beside the stack to whoever opens this page, so it is there only when the server was started with --terminal. Everything else works without it.
    </Empty>;
  }
  return <Shell />;
}

function Shell(): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const state = useSignal<'opening' | 'open' | string>('opening');
  const turn = useSignal(0);
  useEffect(() => looked('terminal'), []);
  useEffect(() => {
    state.value = 'opening';
    return shellOpen(box.current!, s => { state.value = s; });
  }, [turn.value]);
  const ended = state.value !== 'opening' && state.value !== 'open';
  return (
    <section class="term" aria-label="Terminal">
      <div class="subbar term-bar">
        <Mark state={state.value === 'open' ? 'ok' : ended ? 'off' : 'info'} size={14} />
        <span class="t2 ell" role="status">{state.value === 'open' ? 'Shell beside the stack, as an unprivileged user' : ended ? `Ended: ${state.value}` : 'Opening a shell…'}</span>
        <span class="grow" />
        {ended ? <button class="btn small primary" onClick={() => { turn.value++; }}><Icon name="restart" size={14} /> New shell</button>
          : <><span class="t3 wide">Try</span>{TRY.map(([name, line]) => <button key={name} class="btn small" title={line} onClick={() => { typed = line; asked.value++; }}>{name}</button>)}
            <span class="t3 wide"><kbd>F6</kbd> leaves</span></>}
      </div>
      <div class="term-box" ref={box} />
    </section>
  );
}

/* What xterm needs of the size of a character it measures itself; we only divide. */
function fit(term: Xterm, box: HTMLElement): { columns: number; rows: number } | null {
  const screen = box.querySelector<HTMLElement>('.xterm-screen');
  if (!screen || !screen.offsetWidth || !box.clientWidth) return null;
  const w = screen.offsetWidth / term.cols, h = screen.offsetHeight / term.rows;
  const columns = Math.max(20, Math.min(500, Math.floor((box.clientWidth - 24) / w))), rows = Math.max(5, Math.min(200, Math.floor((box.clientHeight - 12) / h)));
  return { columns, rows };
}

function colours(): ITheme {
  const css = getComputedStyle(document.documentElement), c = (name: string): string => css.getPropertyValue(name).trim();
  const text = c('--text'), dim = c('--text-3'), ok = c('--ok'), warn = c('--warn'), crit = c('--crit'), accent = c('--accent'), agent = c('--agent');
  return {
    background: c('--bg'), foreground: text, cursor: text, cursorAccent: c('--bg'), selectionBackground: c('--raised'),
    black: dim, brightBlack: dim, white: text, brightWhite: text, red: crit, brightRed: crit, green: ok, brightGreen: ok, yellow: warn, brightYellow: warn,
    blue: accent, brightBlue: accent, cyan: accent, brightCyan: accent, magenta: agent, brightMagenta: agent,
  };
}

function shellOpen(box: HTMLElement, tell: (state: string) => void): () => void {
  const term = new Xterm({
    documentOverride: strictDocument(document), fontSize: 13, fontFamily: getComputedStyle(document.documentElement).getPropertyValue('--mono'),
    cursorBlink: false, scrollback: 2000, screenReaderMode: true, minimumContrastRatio: 4.5, theme: colours(),
  });
  const encoder = new TextEncoder();
  let session: Session | null = null;
  const size = (): void => {
    const s = fit(term, box);
    if (!s) return;
    if (s.columns !== term.cols || s.rows !== term.rows) term.resize(s.columns, s.rows);
    session?.resize(term.cols, term.rows);
  };
  term.open(box);
  box.querySelector('.xterm-viewport')?.setAttribute('tabindex', '0');
  box.querySelector('.xterm-viewport')?.setAttribute('role', 'group');
  box.querySelector('.xterm-viewport')?.setAttribute('aria-label', 'Lines of the terminal');
  // Tab belongs to the shell, so there must be another way out (WCAG 2.1.2).
  term.attachCustomKeyEventHandler(e => {
    if (e.key !== 'F6') return true;
    if (e.type === 'keydown') { e.preventDefault(); document.querySelector<HTMLElement>('[role="tab"][aria-selected="true"]')?.focus(); }
    return false;
  });
  session = begin({
    open: () => { tell('open'); size(); term.focus(); },
    said: bytes => term.write(bytes),
    ended: reason => { tell(reason); term.options.disableStdin = true; },
  });
  const sent = term.onData(text => session?.type(encoder.encode(text)));
  const watch = new ResizeObserver(size);
  watch.observe(box);
  const shade = theme.subscribe(() => { term.options.theme = colours(); });
  const press = asked.subscribe(n => { if (n && typed) { session?.type(encoder.encode(typed)); typed = ''; term.focus(); } });
  return () => { press(); shade(); watch.disconnect(); sent.dispose(); session?.close(); term.dispose(); box.replaceChildren(); };
}
