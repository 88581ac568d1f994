import { expect, test } from 'vitest';
import { byPack } from './groups';

test('the product first, then one\'s own, then the packs by name; inside a group the order stays', () => {
  const card = (id: string, pack: string | null, writable: boolean): { id: string; pack: string | null; writable: boolean } => ({ id, pack, writable });
  const groups = byPack([card('z/1', 'zoo', true), card('b', null, false), card('mine', null, true), card('a', null, false), card('team/1', 'team', false)]);
  expect(groups.map(g => [g.title, ...g.cards.map(c => c.id)])).toEqual([['With the product', 'b', 'a'], ['Your own', 'mine'], ['Pack team', 'team/1'], ['Pack zoo', 'z/1']]);
  expect(byPack([])).toEqual([]);
});
