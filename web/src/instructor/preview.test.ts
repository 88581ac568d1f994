import { expect, test } from 'vitest';
import { listOf, sayOf } from './preview';

test('a message is shown as who and what, however it is written', () => {
  expect(sayOf(`{from: support, text: 'Eleven tickets, all "slow". Is it the provider''s fault?'}`)).toBe(`support: Eleven tickets, all "slow". Is it the provider's fault?`);
  const block = listOf('timeline:\n  - at: 90s\n    say:\n      from: manager\n      text: Any ETA?\n', 'timeline')[0]!;
  expect(sayOf(block.fields.find(f => f.key === 'say')!.value)).toBe('manager: Any ETA?');
  expect(sayOf('{from: support')).toBe('{from: support'); // not finished: as it stands
});
