import { expect, test } from 'vitest';
import { encodeId, Problem } from '../live/api';
import { refusal, renamed, wrongName } from './naming';

const none = { name: '', title: '' };
test('a name is judged where it goes to', () => {
  const taken = ['mine', 'team/theirs'];
  expect(wrongName('mine', '', none, taken)).toContain('already');
  expect(wrongName('theirs', '', none, taken)).toBeNull();
  expect(wrongName('theirs', 'team', none, taken)).toContain('already');
  expect(wrongName('mine', 'team', none, taken)).toBeNull();
  expect(wrongName('A b', '', none, taken)).toContain('Id');
  expect(wrongName('mine', '+', none, taken)).toContain('Name of the pack');
  expect(wrongName('mine', '+', { name: 'fresh', title: ' ' }, taken)).toContain('title');
  expect(wrongName('mine', '+', { name: 'fresh', title: 'Fresh' }, taken)).toBeNull();
});

test('a refusal names the lines', () => {
  const d = (line: number) => ({ line, column: 1, severity: 'error' as const, message: `wrong ${line}` });
  expect(refusal(new Problem(422, { detail: 'not saved', diagnostics: [d(3), { ...d(4), severity: 'warning' }, d(5)] } as never))).toBe('not saved: line 3: wrong 3; line 5: wrong 5');
  expect(refusal(new Problem(409, { detail: "there is a pack 'x' already" }))).toBe("there is a pack 'x' already");
});

test('the text carries its own id, the address the whole one', () => {
  expect(renamed('schema: 1\nid: old\ntitle: x', 'new')).toBe('schema: 1\nid: new\ntitle: x');
  expect(encodeId('team/a b')).toBe('team/a%20b');
});
