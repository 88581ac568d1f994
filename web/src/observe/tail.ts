// The lines of the log view: first what was, then what comes, by a question that waits. Falls back to asking again and again while logproc is away.
import { signal } from '@preact/signals';
import { Problem, said } from '../live/api';
import type { LogLine } from '../live/protocol';
import { logsFind, logsTail, type LogFilter } from '../live/traces';

export const LINES_MAX = 5000;
export const PAGE = 500;
const WAIT_MS = 4000;
const AGAIN_MS = 2000;
const BREATH_MS = 250;

export const ms = (l: LogLine): number => Date.parse(l.time) || 0;
const same = (a: LogLine, b: LogLine): boolean => a.time === b.time && (a.id !== undefined && b.id !== undefined ? a.id === b.id : a.message === b.message && a.service === b.service && a.trace_id === b.trace_id && a.instance === b.instance);

/* New lines behind what is known; an answer may begin with what is known already. */
export function join(known: LogLine[], fresh: LogLine[]): LogLine[] {
  const tail = known.slice(-PAGE);
  const add = fresh.filter(l => !tail.some(k => same(k, l)));
  return add.length ? [...known, ...add] : known;
}

export class Tail {
  readonly lines = signal<LogLine[] | null>(null);
  readonly error = signal<string | null>(null);
  readonly notice = signal<string | null>(null);
  readonly more = signal(false);   // older lines fit as well
  readonly follow = signal(true);  // false: paused, because somebody reads
  readonly missed = signal(0);     // lines that came meanwhile
  readonly live = signal(false);   // logproc is being followed
  private abort = new AbortController();
  private lost = false; // paused so long that newer lines were not kept

  constructor(private readonly filter: LogFilter, private readonly range: { from?: number; to?: number }) {}

  start(): void { void this.run(this.abort.signal); }
  stop(): void { this.abort.abort(); }

  pause(): void { this.follow.value = false; }
  resume(): void {
    this.follow.value = true;
    this.missed.value = 0;
    if (!this.lost) return;
    this.lost = false;
    this.stop();
    this.abort = new AbortController();
    this.start();
  }

  private async run(stopped: AbortSignal): Promise<void> {
    while (!stopped.aborted) {
      const after = await this.load(stopped);
      if (this.range.to !== undefined && this.error.value === null) return;
      if (after !== null && !stopped.aborted) await this.tail(after, stopped);
      if (!stopped.aborted) await pause(AGAIN_MS, stopped);
    }
  }

  /* The number of the newest line; null when it did not come from logproc. */
  private async load(stopped: AbortSignal): Promise<number | undefined | null> {
    try {
      const a = await logsFind(this.filter, { ...this.range, limit: PAGE }, stopped);
      const lines = a.lines ?? [];
      if (this.lines.value) this.add(lines); else this.lines.value = lines;
      this.notice.value = a.notice ?? null;
      this.more.value = a.more === true;
      this.error.value = null;
      return a.source === 'logproc' ? lines.reduce<number | undefined>((n, l) => Math.max(n ?? 0, l.id ?? 0), undefined) : null;
    } catch (e) {
      if (!stopped.aborted) this.error.value = said(e);
      return null;
    }
  }

  private async tail(from: number | undefined, stopped: AbortSignal): Promise<void> {
    let after = from, wait_ms = WAIT_MS;
    while (!stopped.aborted) {
      try {
        const a = await logsTail(this.filter, { ...(after === undefined ? {} : { after }), wait_ms: after === undefined ? 0 : wait_ms, limit: PAGE }, stopped);
        after = a.last;
        this.live.value = true;
        this.add(a.lines);
        await pause(wait_ms ? BREATH_MS : AGAIN_MS, stopped);
      } catch (e) {
        if (stopped.aborted) return;
        if (!(e instanceof Problem && e.status === 429)) { this.live.value = false; return; }
        wait_ms = 0; // many pages follow already: ask without waiting
      }
    }
  }

  private add(fresh: LogLine[]): void {
    const known = this.lines.value ?? [];
    const next = join(known, fresh);
    if (next === known) return;
    if (this.follow.value) { this.lines.value = next.slice(-LINES_MAX); return; }
    this.missed.value += next.length - known.length;
    // Nothing moves under the eyes of a reader: what does not fit any more is fetched when the reading is over.
    if (next.length > LINES_MAX) this.lost = true; else this.lines.value = next;
  }
}

function pause(time_ms: number, stopped: AbortSignal): Promise<void> {
  return new Promise(done => {
    const t = setTimeout(done, time_ms);
    stopped.addEventListener('abort', () => { clearTimeout(t); done(); }, { once: true });
  });
}
