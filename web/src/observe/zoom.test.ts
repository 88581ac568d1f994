import { expect, test } from 'vitest';
import { bar, between, centre, isWhole, pan, parseView, viewText, whole, zoomAt } from './zoom';

const T = 1000;
test('a zoom keeps the place under the pointer and stays inside the trace', () => {
  expect(zoomAt(whole(T), T, 0.5, 400)).toEqual({ from: 200, to: 700 });
  expect(zoomAt({ from: 200, to: 700 }, T, 2, 400)).toEqual({ from: 0, to: 1000 });
  expect(zoomAt({ from: 900, to: 1000 }, T, 4, 900)).toEqual({ from: 600, to: 1000 }); // no further than the end
  expect(zoomAt(whole(T), T, 0.5, -50)).toEqual({ from: 0, to: 500 });
  let v = whole(T);
  for (let i = 0; i < 100; i++) v = zoomAt(v, T, 0.5, 333);
  expect(v.to - v.from).toBeCloseTo(0.1);
  expect(v.from <= 333 && v.to >= 333).toBe(true);
});

test('a pan keeps the length', () => {
  expect(pan({ from: 200, to: 400 }, T, 0.5)).toEqual({ from: 300, to: 500 });
  expect(pan({ from: 900, to: 1000 }, T, 0.5)).toEqual({ from: 900, to: 1000 });
  expect(pan({ from: 50, to: 250 }, T, -1)).toEqual({ from: 0, to: 200 });
  expect(centre({ from: 0, to: 100 }, T, 500)).toEqual({ from: 450, to: 550 });
  expect(between(700, 300, T)).toEqual({ from: 300, to: 700 });
});

test('the address holds the part, and nonsense is the whole', () => {
  expect(viewText({ from: 120.5, to: 340 }, T)).toBe('120.5-340');
  expect(viewText(whole(T), T)).toBeNull();
  expect(parseView('120.5-340', T)).toEqual({ from: 120.5, to: 340 });
  for (const text of ['', 'x', '5', '300-200', '-5-10', '2000-3000', '1e9-2e9', '10-20-30']) expect(isWhole(parseView(text, T), T)).toBe(true);
  expect(parseView('900-5000', T)).toEqual({ from: 0, to: 1000 });
  expect(parseView('0-1', 0)).toEqual({ from: 0, to: 0 });
});

test('spans are cut at the edges, and those outside say on which side', () => {
  const v = { from: 200, to: 400 };
  expect(bar(v, 250, 50)).toEqual({ left: 25, width: 25 });
  expect(bar(v, 0, 1000)).toEqual({ left: 0, width: 100 });
  expect(bar(v, 300, 900)).toEqual({ left: 50, width: 50 });
  expect(bar(v, 0, 100)).toBe('before');
  expect(bar(v, 500, 1)).toBe('behind');
  expect(bar({ from: 0, to: 0 }, 0, 0)).toEqual({ left: 0, width: 100 });
});
