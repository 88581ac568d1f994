// Grafana beside our own charts, when the server was started with --grafana-url: its dashboards in a frame, with our theme, time range and service.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { fixed, last, runStart, type Last } from '../charts/window';
import { grafana } from '../live/store';
import { route, setQuery } from '../live/url';
import { Empty } from '../ui/parts';
import { theme } from '../ui/theme';

const BOARDS = [['firedrill-services', 'Services'], ['firedrill-users', 'Users']] as const;
const AGO: Record<Exclude<Last, 'run'>, string> = { '2m': 'now-2m', '5m': 'now-5m', '15m': 'now-15m', '30m': 'now-30m' };
const SLOW_MS = 15_000;

/* kiosk hides Grafana's own menu; a live range is relative, so that the frame moves by itself and is not loaded anew each second. */
export function address(base: string, board: string, o: { theme: string; service: string; fixed: { from: number; to: number } | null; last: Last; start: number | null }): string {
  const q = new URLSearchParams({ kiosk: '', theme: o.theme === 'light' ? 'light' : 'dark' });
  if (o.fixed) { q.set('from', String(Math.round(o.fixed.from * 1000))); q.set('to', String(Math.round(o.fixed.to * 1000))); } else {
    q.set('from', o.last === 'run' ? (o.start ? String(Math.round(o.start * 1000)) : 'now-15m') : AGO[o.last]);
    q.set('to', 'now');
    q.set('refresh', '5s');
  }
  if (o.service) q.set('var-service', o.service);
  return `${base.replace(/\/+$/, '')}/d/${board}?${q}`;
}

export function Grafana(): JSX.Element {
  const base = grafana.value;
  const asked = route.value.query.board;
  const board = BOARDS.find(([id]) => id === asked)?.[0] ?? BOARDS[0][0];
  const state = useSignal<'wait' | 'loaded' | 'slow'>('wait');
  const src = base ? address(base, board, { theme: theme.value, service: route.value.query.service ?? '', fixed: fixed.value, last: last.value, start: runStart.value }) : '';
  useEffect(() => { state.value = 'wait'; const t = setTimeout(() => { if (state.value === 'wait') state.value = 'slow'; }, SLOW_MS); return () => clearTimeout(t); }, [src]);
  if (!base) return <Empty title="Grafana is not set up">Start the server with --grafana-url to see its dashboards here. The Charts view shows the same without it.</Empty>;
  return (
    <div class="grafana">
      <div class="logs-bar">
        {BOARDS.map(([id, name]) => <button key={id} class="chip" aria-pressed={board === id} onClick={() => setQuery({ board: id })}>{name}</button>)}
        <span class="t3 grow ell" role="status">{state.value === 'wait' ? 'Grafana is loading' : state.value === 'slow' ? `Grafana at ${base} does not answer. Is it running, and does it allow to be embedded (allow_embedding)?` : ''}</span>
        <a class="btn small" href={src} target="_blank" rel="noreferrer">Open in a tab of its own</a>
      </div>
      <iframe class="grafana-frame" title="Grafana dashboard" src={src} sandbox="allow-scripts allow-same-origin allow-forms allow-popups" onLoad={() => { state.value = 'loaded'; }} />
    </div>
  );
}
