// The HTTP half of the server: JSON in, JSON out, every refusal as a Problem whose text a person can act on.
import type { Json, ProblemBody } from './protocol';

export const API = '/api/v1';

export class Problem extends Error {
  constructor(readonly status: number, readonly body: ProblemBody) {
    super(body.detail || body.title || `The server answered ${status}.`);
  }
  get fields(): { pointer?: string; detail: string }[] { return this.body.errors ?? []; }
}

async function read(response: Response): Promise<unknown> {
  const text = await response.text();
  const kind = response.headers.get('content-type') ?? '';
  if (!kind.includes('json')) {
    if (response.ok) return text;
    throw new Problem(response.status, { detail: `The server answered ${response.status} ${response.statusText}.` });
  }
  let body: unknown;
  try { body = JSON.parse(text); } catch { throw new Problem(response.status, { detail: 'The server sent an answer that is not JSON.' }); }
  // Prometheus has its own envelope: it refuses with status "error" and a text for the author of the query.
  if (!response.ok) {
    const prom = body as { error?: string };
    throw new Problem(response.status, prom.error && typeof prom.error === 'string' ? { ...(body as ProblemBody), detail: prom.error } : (body as ProblemBody));
  }
  return body;
}

export interface CallOptions { timeout_ms?: number; signal?: AbortSignal }

async function call<T>(method: string, path: string, body: BodyInit | undefined, kind: string, o: CallOptions): Promise<T> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(new Error('timeout')), o.timeout_ms ?? 15_000);
  o.signal?.addEventListener('abort', () => abort.abort(o.signal?.reason));
  try {
    const headers: Record<string, string> = body === undefined ? {} : { 'Content-Type': kind };
    return (await read(await fetch(API + path, { method, body, headers, signal: abort.signal }))) as T;
  } catch (e) {
    if (e instanceof Problem || o.signal?.aborted) throw e;
    const late = abort.signal.aborted;
    throw new Problem(0, {
      detail: late ? 'The server did not answer in time. It may be busy: try again.'
        : 'The server cannot be reached. Is it still running? This page reconnects by itself.',
    });
  } finally {
    clearTimeout(timer);
  }
}

export const get = <T>(path: string, o: CallOptions = {}): Promise<T> => call<T>('GET', path, undefined, '', o);
export const post = <T>(path: string, body: Json | object, o: CallOptions = {}): Promise<T> =>
  call<T>('POST', path, JSON.stringify(body), 'application/json', o);
export const send = <T>(method: 'POST' | 'PUT', path: string, text: string, o: CallOptions = {}): Promise<T> =>
  call<T>(method, path, text, 'text/yaml', o);
export const encode = encodeURIComponent;
/* The id of a scenario, "a" or "pack/a", as a path. */
export const encodeId = (id: string): string => id.split('/').map(encode).join('/');

export function said(e: unknown): string {
  return e instanceof Error ? e.message : String(e);
}
