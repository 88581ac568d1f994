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
  const drawn: number[] = [], slow = (n: number): { visible: boolean; draw: () => void } => ({ visible: true, draw: () => { drawn.push(n); now += 3; } });
  for (const d of [slow(1), slow(2), slow(3)]) mark(d);
  frame();
  expect(drawn).toEqual([1, 2]); // 3 ms, 6 ms: over 4 ms
  frame();
  expect(drawn).toEqual([1, 2, 3]);
});
