// One socket: connect, resume by seq, notice silence, come back. Everything it hears goes to the store.
import { signal } from '@preact/signals';
import type { Message } from './protocol';
import { apply, epoch } from './store';

const SILENT_MS = 3500;
const RETRY_MS = [300, 700, 1500]; // never longer: two seconds after the server is back the page is live again

export type Link = 'connecting' | 'live' | 'stale' | 'down';
export const link = signal<Link>('connecting');
export const retryAt = signal(0);
export const caughtUp = signal(0); // wall ms of the last successful return

let ws: WebSocket | null = null;
let seq = 0;
let heard = 0;
let tries = 0;
let timer: ReturnType<typeof setTimeout> | undefined;

/* With the place we stood at, so that the server resumes without a round trip. */
const address = (): string => `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws${epoch.value ? `?epoch=${encodeURIComponent(epoch.value)}&seq=${seq}` : ''}`;

function open(): void {
  clearTimeout(timer);
  const mine = new WebSocket(address());
  ws = mine;
  heard = performance.now();
  if (link.value !== 'down') link.value = 'connecting';
  mine.onopen = () => {
    heard = performance.now();
  };
  mine.onmessage = e => {
    if (mine !== ws) return;
    heard = performance.now();
    let m: Message;
    try { m = JSON.parse(e.data as string) as Message; } catch { return; }
    if (typeof m.seq === 'number') seq = m.type === 'snapshot' ? m.seq : Math.max(seq, m.seq);
    if (link.value !== 'live') {
      if (link.value === 'down') caughtUp.value = Date.now();
      link.value = 'live';
      tries = 0;
    }
    apply(m);
  };
  mine.onclose = () => { if (mine === ws) lost(); };
}

function lost(): void {
  ws = null;
  link.value = 'down';
  const wait = RETRY_MS[Math.min(tries++, RETRY_MS.length - 1)]!;
  retryAt.value = Date.now() + wait;
  clearTimeout(timer);
  timer = setTimeout(open, wait);
}

export function retry(): void { if (!ws) { tries = 0; open(); } }

export function socketStart(): void {
  open();
  setInterval(() => {
    if (link.value === 'live' && performance.now() - heard > SILENT_MS) link.value = 'stale';
    // Half-open for long, or not even that: the close event may take minutes, so end it ourselves.
    if (ws && link.value !== 'live' && performance.now() - heard > 3 * SILENT_MS) { const w = ws; lost(); w?.close(); }
  }, 500);
  addEventListener('online', retry);
}
