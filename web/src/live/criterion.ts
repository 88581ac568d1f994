// How a criterion stands, in a word: the same in sidebar, monitor and question at the end.
import type { Criterion } from './protocol';

/* Its turn has not come; what it was before the incident may stay to be read. */
export const waits = (c: Criterion): boolean => c.ok === null && c.due === false;

export function word(c: Criterion): 'held' | 'met' | 'not met' | 'not due yet' | 'no data' {
  if (c.held) return 'held';
  if (c.ok !== null) return c.ok ? 'met' : 'not met';
  return waits(c) ? 'not due yet' : 'no data';
}

/* The titles of what must be held first, without what is held already. */
export function waitsFor(c: Criterion, all: Criterion[]): string[] {
  return waits(c) ? all.filter(o => c.after?.includes(o.id) && !o.held).map(o => o.title) : [];
}
