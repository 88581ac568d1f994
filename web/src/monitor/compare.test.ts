import { expect, test } from 'vitest';
import type { Debrief, FeedItem, Run } from '../live/protocol';
import { best, FIGURES } from './compare';
import { help, took } from './monitor';

const d = (total: number | null, held: number | null): Debrief => ({ score: total === null ? null : { total }, clocks: { held }, users: null, actions: [], run: { outcome: 'resolved', advice: 'after' } }) as unknown as Debrief;
const figure = (label: string): (typeof FIGURES)[0] => FIGURES.find(f => f.label === label)!;

test('the best of a row: higher score, shorter time, and none where all are equal', () => {
  expect(best([d(80, 1), d(90, 2)], figure('Score').rank)).toEqual([false, true]);
  expect(best([d(1, 60_000), d(1, 30_000), d(1, 30_000)], figure('Held').rank)).toEqual([false, true, true]);
  expect(best([d(80, 1), d(80, 1)], figure('Score').rank)).toEqual([false, false]);
});
test('what did not happen is neither best nor compared', () => {
  expect(best([d(null, -1), d(50, 10)], figure('Score').rank)).toEqual([false, false]);
  expect(best([d(1, -1), d(1, 10), d(1, 20)], figure('Held').rank)).toEqual([false, true, false]);
  expect(figure('Held').text(d(1, -1))).toBe('never');
});
test('help is a hint that was taken for points, or advice beside the run', () => {
  const hint = (taken: boolean, cost: number): FeedItem => ({ hint: { id: 'h', taken, cost } }) as unknown as FeedItem;
  expect(help({ advice: 'after' } as Run, [hint(true, 0), hint(false, 5)])).toBe('unassisted');
  expect(help({ advice: 'live' } as Run, [hint(true, 5)])).toBe('assisted: 1 hint, advice of the agent');
});
test('a run that never began took no time', () => expect([took({ onset_ms: null, ended_ms: 5 } as Run), took({ onset_ms: 1000, ended_ms: 61_000 } as Run)]).toEqual([null, 60_000]));
