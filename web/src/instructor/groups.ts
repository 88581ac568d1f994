// The scenarios as the editor lists them: what comes with the product, one's own, then each pack by its name.
import type { ScenarioCard } from '../live/protocol';
import { cut } from '../ui/format';

type Card = Pick<ScenarioCard, 'pack' | 'writable'>;
const groupOf = (c: Card): string => (c.pack ? `Pack ${cut(c.pack, 60)}` : c.writable ? 'Your own' : 'With the product');
const place = (c: Card): string => (c.pack ? `2${c.pack}` : c.writable ? '1' : '0');

export function byPack<T extends Card>(cards: T[]): { title: string; cards: T[] }[] {
  const groups = new Map<string, { title: string; cards: T[] }>();
  for (const c of cards) {
    const g = groups.get(place(c));
    if (g) g.cards.push(c); else groups.set(place(c), { title: groupOf(c), cards: [c] });
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, g]) => g);
}
