import { expect, test } from 'vitest';
import { firstModel, type Model } from './learn';

const model = (file: string, more: Partial<Model> = {}): Model => ({ file, in_use: false, ...more });

test('the model that advises comes first, then the one made for this stack', () => {
  const a = model('a', { fits: true }), b = model('b', { in_use: true }), c = model('c');
  expect(firstModel([c, a, b])).toBe(b);
  expect(firstModel([c, a])).toBe(a);
  expect(firstModel([c])).toBe(c);
  expect(firstModel([])).toBeUndefined();
});
