import { expect, test } from 'vitest';
import type { Recording } from '../live/protocol';
import { standsIn } from './race';

const kept: Recording = { scenario: 'pool', seed: 7, fast: false, policy: 'agent', model: 'live-1', outcome: 'time_up', recorded_ms: 1, shipped: false, as_written: true };

test('what stands in for a ghost without room', () => {
  expect(standsIn(kept, false, '')).toBe(true);
  expect(standsIn(kept, true, '')).toBe(false); // another pace
  expect(standsIn({ ...kept, as_written: false }, false, '')).toBe(false);
  expect(standsIn({ ...kept, policy: 'solution' }, false, '')).toBe(false);
  expect(standsIn(kept, false, '8')).toBe(true); // the home's own: marked as of another seed
  expect(standsIn({ ...kept, shipped: true }, false, '8')).toBe(false);
  expect(standsIn({ ...kept, shipped: true }, false, '7')).toBe(true);
  expect(standsIn({ ...kept, shipped: true }, false, '')).toBe(true);
});
