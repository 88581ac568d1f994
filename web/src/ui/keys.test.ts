import { afterEach, expect, test } from 'vitest';
import { keysAdd, keysMatch, nameOf } from './keys';

let drop: () => void = () => {};
afterEach(() => drop());
const press = (key: string, o: Partial<KeyboardEvent> = {}): string => nameOf({ key, ctrlKey: false, metaKey: false, altKey: false, ...o } as KeyboardEvent);
const k = (keys: string, when?: () => boolean) => ({ keys, what: keys, group: 'g', run: () => {}, ...(when ? { when } : {}) });

test('names as the table writes them', () => {
  expect(press('k', { ctrlKey: true })).toBe('Ctrl+K');
  expect(press('k', { metaKey: true })).toBe('Ctrl+K');
  expect(press('ArrowLeft')).toBe('Left');
  expect(press('Escape')).toBe('Esc');
  expect(press('?')).toBe('?');
});
test('a sequence needs both keys, and a stray second key is itself', () => {
  drop = keysAdd([k('g h'), k('h')]);
  expect(keysMatch('g', false)).toBeNull();
  expect(keysMatch('h', false)?.keys).toBe('g h');
  expect(keysMatch('h', false)?.keys).toBe('h');
});
test('in a field only the palette opens', () => {
  drop = keysAdd([k('1'), k('Ctrl+K')]);
  expect(keysMatch('1', true)).toBeNull();
  expect(keysMatch('Ctrl+K', true)?.keys).toBe('Ctrl+K');
});
test('a key whose time has not come is not there', () => {
  drop = keysAdd([k('Enter', () => false)]);
  expect(keysMatch('Enter', false)).toBeNull();
});
