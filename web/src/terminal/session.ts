// One shell over its own WebSocket: bytes both ways, its size, and why it ended.
export interface Session { type: (bytes: Uint8Array) => void; resize: (columns: number, rows: number) => void; close: () => void }
export interface Hears { open: () => void; said: (bytes: Uint8Array) => void; ended: (reason: string) => void }

const CHUNK = 4096; // a paste goes out in pieces, so that no message is too long for the server

export function address(at: { protocol: string; host: string }): string {
  return `${at.protocol === 'https:' ? 'wss' : 'ws'}://${at.host}/ws/terminal`;
}

/* The last words of the server, or what the close itself tells. */
export function reasonOf(text: string): string | null {
  try {
    const m = JSON.parse(text) as { type?: string; reason?: string };
    return m.type === 'end' && typeof m.reason === 'string' ? m.reason : null;
  } catch { return null; }
}

export function begin(hears: Hears): Session {
  const ws = new WebSocket(address(location));
  let reason = '', opened = false, over = false;
  ws.binaryType = 'arraybuffer';
  ws.onopen = () => { opened = true; hears.open(); };
  ws.onmessage = e => {
    if (typeof e.data === 'string') reason = reasonOf(e.data) ?? reason;
    else hears.said(new Uint8Array(e.data as ArrayBuffer));
  };
  ws.onclose = () => {
    if (over) return;
    over = true;
    hears.ended(reason || (opened ? 'the connection was lost' : 'the server gave no terminal: four may be open at once, and it must be reachable'));
  };
  const live = (): boolean => ws.readyState === WebSocket.OPEN;
  return {
    type: bytes => { for (let i = 0; i < bytes.length && live(); i += CHUNK) ws.send(bytes.subarray(i, i + CHUNK)); },
    resize: (columns, rows) => { if (live()) ws.send(JSON.stringify({ type: 'size', columns, rows })); },
    close: () => { over = true; ws.close(); },
  };
}
