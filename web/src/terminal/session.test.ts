import { expect, test } from 'vitest';
import { address, reasonOf } from './session';

test('the address follows the page', () => {
  expect(address({ protocol: 'http:', host: '127.0.0.1:8080' })).toBe('ws://127.0.0.1:8080/ws/terminal');
  expect(address({ protocol: 'https:', host: 'x.example' })).toBe('wss://x.example/ws/terminal');
});
test('only an end with a reason is one', () => {
  expect(reasonOf('{"type":"end","reason":"the incident is over"}')).toBe('the incident is over');
  expect(reasonOf('{"type":"end"}')).toBe(null);
  expect(reasonOf('{"type":"size"}')).toBe(null);
  expect(reasonOf('nonsense')).toBe(null);
});
