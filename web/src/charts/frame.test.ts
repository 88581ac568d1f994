import { afterEach, beforeEach, expect, test, vi } from 'vitest';

let frames: (() => void)[] = [];
const frame = (): void => { const now = frames; frames = []; for (const f of now) f(); };
beforeEach(() => {
  frames = [];
  vi.resetModules();
  vi.stubGlobal('requestAnimationFrame', (f: () => void) => frames.push(f));
  vi.stubGlobal('document', { hidden: false, addEventListener: () => undefined });
});
afterEach(() => vi.unstubAllGlobals());

test('charts are drawn one frame after the second has arrived, each once', async () => {
  const { markLater } = await import('./frame');
  const drawn: string[] = [], chart = (name: string, visible = true): { visible: boolean; draw: () => void } => ({ visible, draw: () => { drawn.push(name); } });
  const all = new Set([chart('a'), chart('hidden', false), chart('b')]);
  markLater(all);
  markLater(all); // a second one before the frame: still once
  frame();
  expect(drawn).toEqual([]); // the frame of the second belongs to the rest of the page
  frame();
  expect(drawn).toEqual(['a', 'b']);
  frame();
  expect(drawn).toEqual(['a', 'b']);
});

test('a frame that has used its budget leaves the rest to the next one', async () => {
  const { mark } = await import('./frame');
  let now = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => now);
  const drawn: number[] = [], chart = (n: number): { visible: boolean; draw: () => void } => ({ visible: true, draw: () => { drawn.push(n); now += 0.9; } });
  for (let n = 1; n <= 7; n++) mark(chart(n));
  frame();
  expect(drawn).toEqual([1, 2, 3, 4, 5]); // 0.9 ms each: the fifth is beyond 4 ms
  frame();
  expect(drawn).toEqual([1, 2, 3, 4, 5, 6, 7]);
});

test('a frame draws four charts however late it is', async () => {
  const { mark } = await import('./frame');
  let now = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => now);
  const drawn: number[] = [];
  for (let n = 1; n <= 5; n++) mark({ visible: true, draw: () => { drawn.push(n); now += 50; } });
  frame();
  expect(drawn).toEqual([1, 2, 3, 4]);
  frame();
  expect(drawn).toEqual([1, 2, 3, 4, 5]);
});
