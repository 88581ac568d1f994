// What became of a run whose server died: the next life says it by itself when it has rebuilt the run; otherwise it is asked until it knows.
import { effect } from '@preact/signals';
import { encode, get, Problem } from './api';
import type { Run } from './protocol';
import { orphan, over, run } from './store';

const EVERY_MS = 1000;

export function orphanStart(): () => void {
  return effect(() => {
    const id = orphan.value;
    if (!id) return undefined;
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const again = (): void => { if (!abort.signal.aborted) timer = setTimeout(() => void ask(), EVERY_MS); };
    const ask = async (): Promise<void> => {
      try {
        const r = await get<Run>(`/runs/${encode(id)}`, { signal: abort.signal });
        if (!over(r)) return again(); // written down before the death: it is being put back now
        run.value = r;
        orphan.value = null;
      } catch (e) {
        if (abort.signal.aborted) return undefined;
        if (!(e instanceof Problem && e.status === 404)) return again();
        run.value = null; // another home: nobody knows it
        orphan.value = null;
      }
      return undefined;
    };
    timer = setTimeout(() => void ask(), EVERY_MS);
    return () => { abort.abort(); clearTimeout(timer); };
  });
}
