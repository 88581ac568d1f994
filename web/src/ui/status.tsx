// State is never colour alone: every state has a shape, and its word is in the accessible name.
import type { JSX } from 'preact';

export type State = 'ok' | 'warn' | 'crit' | 'unknown' | 'starting' | 'agent' | 'info' | 'off';

const WORD: Record<State, string> = {
  ok: 'ok', warn: 'warning', crit: 'critical', unknown: 'no data', starting: 'starting', agent: 'agent', info: 'note', off: 'off',
};
const COLOUR: Record<State, string> = {
  ok: 'ok', warn: 'warn', crit: 'crit', unknown: 'off', starting: 'info', agent: 'agent', info: 'info', off: 'off',
};

function shape(s: State): JSX.Element {
  switch (s) {
    case 'ok': return <><circle cx="8" cy="8" r="7" fill="currentColor" /><path d="M4.8 8.2 7 10.4l4.2-4.6" fill="none" stroke="var(--panel)" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" /></>;
    case 'warn': return <><path d="M8 1.2 15 14H1z" fill="currentColor" stroke="currentColor" stroke-linejoin="round" /><path d="M8 5.6v4" stroke="var(--panel)" stroke-width="1.8" stroke-linecap="round" /><circle cx="8" cy="12" r="1.1" fill="var(--panel)" /></>;
    case 'crit': return <><path d="M5 1h6l4 4v6l-4 4H5l-4-4V5z" fill="currentColor" /><path d="m5.6 5.6 4.8 4.8m0-4.8-4.8 4.8" stroke="var(--panel)" stroke-width="1.8" stroke-linecap="round" /></>;
    case 'unknown': return <><circle cx="8" cy="8" r="6.3" fill="none" stroke="currentColor" stroke-width="1.5" stroke-dasharray="2.6 2.2" /><path d="M6.3 6.5c0-2.3 3.5-2.2 3.5-.1 0 1.4-1.7 1.4-1.7 2.7" fill="none" stroke="currentColor" stroke-width="1.4" stroke-linecap="round" /><circle cx="8.1" cy="11.3" r=".9" fill="currentColor" /></>;
    case 'starting': return <><circle cx="8" cy="8" r="6.3" fill="none" stroke="var(--line)" stroke-width="2" /><path d="M8 1.7a6.3 6.3 0 0 1 0 12.6" fill="none" stroke="currentColor" stroke-width="2" /></>;
    case 'agent': return <path d="m8 .8 7.2 7.2L8 15.2.8 8z" fill="currentColor" />;
    case 'info': return <><circle cx="8" cy="8" r="6.3" fill="none" stroke="currentColor" stroke-width="1.6" /><path d="M8 7.4v4" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" /><circle cx="8" cy="4.9" r="1" fill="currentColor" /></>;
    case 'off': return <rect x="2.5" y="2.5" width="11" height="11" rx="1.5" fill="none" stroke="currentColor" stroke-width="1.6" />;
  }
}

export function Status({ state, size = 16, word }: { state: State; size?: number; word?: string }): JSX.Element {
  return <svg class={COLOUR[state]} width={size} height={size} viewBox="0 0 16 16" role="img" aria-label={word ?? WORD[state]}>{shape(state)}</svg>;
}

/* The same shape where the word stands beside it already. */
export function Mark({ state, size = 16 }: { state: State; size?: number }): JSX.Element {
  return <svg class={COLOUR[state]} width={size} height={size} viewBox="0 0 16 16" aria-hidden="true">{shape(state)}</svg>;
}

export const met = (ok: boolean | null): State => (ok === null ? 'unknown' : ok ? 'ok' : 'crit');

export function processState(state: string): State {
  switch (state) {
    case 'up': return 'ok';
    case 'starting': return 'starting';
    case 'stopping': case 'backoff': case 'paused': return 'warn';
    case 'failed': return 'crit';
    default: return 'off';
  }
}
