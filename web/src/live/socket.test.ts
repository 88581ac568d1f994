import { afterEach, expect, test, vi } from 'vitest';

class Socket {
  static all: Socket[] = [];
  onclose?: () => void; onopen?: () => void; onmessage?: (e: { data: string }) => void;
  constructor(readonly url: string) { Socket.all.push(this); }
  close(): void { this.onclose?.(); }
}
afterEach(() => { vi.useRealTimers(); vi.unstubAllGlobals(); });

test('a server that was away for long is asked again at least every 1.5 s', async () => {
  vi.useFakeTimers();
  vi.stubGlobal('WebSocket', Socket);
  vi.stubGlobal('location', { protocol: 'http:', host: 'x', hash: '' });
  vi.stubGlobal('addEventListener', () => undefined);
  vi.stubGlobal('document', { hidden: false, addEventListener: () => undefined });
  const { socketStart, link } = await import('./socket');
  socketStart();
  for (let i = 0; i < 20; i++) {
    const tries = Socket.all.length;
    Socket.all[tries - 1]!.onclose!();
    expect(link.value).toBe('down');
    vi.advanceTimersByTime(1500);
    expect(Socket.all.length).toBe(tries + 1);
  }
  Socket.all.at(-1)!.onmessage!({ data: '{"seq":1,"t":0,"type":"beat","data":{}}' });
  expect(link.value).toBe('live');
});

test('a connection that hangs while it is made is given up and made anew', async () => {
  vi.useFakeTimers();
  vi.resetModules();
  Socket.all = [];
  vi.stubGlobal('WebSocket', Socket);
  vi.stubGlobal('location', { protocol: 'http:', host: 'x', hash: '' });
  vi.stubGlobal('addEventListener', () => undefined);
  vi.stubGlobal('document', { hidden: false, addEventListener: () => undefined });
  const { socketStart } = await import('./socket');
  socketStart();
  vi.advanceTimersByTime(12_500); // no answer to it, neither yes nor no
  expect(Socket.all.length).toBe(2);
});
