// Redraw scheduler: draws only what is visible, about 4 ms in a frame, and says so when the machine cannot keep up.
import { signal } from '@preact/signals';

export interface Drawable { visible: boolean; draw(): void }

const BUDGET_MS = 4; // of script; half as much again is the raster of what was drawn, later in the same frame
const AT_LEAST = 4; // however little of the processor is ours: what is late by the clock is not made sooner by drawing one chart a frame
const LATE_MS = 5000;
const dirty = new Set<Drawable>();
let raf = 0;
let behindSince = 0;
let skip = false;

/* True while drawing is slowed to every second tick because the budget was missed for 5 s. */
export const slow = signal(false);

function visibleLeft(): boolean {
  for (const d of dirty) if (d.visible) return true;
  return false;
}

function run(): void {
  raf = 0;
  const t0 = performance.now();
  let drawn = 0;
  for (const d of dirty) {
    if (!d.visible) continue;
    dirty.delete(d);
    d.draw();
    if (++drawn >= AT_LEAST && performance.now() - t0 > BUDGET_MS) break;
  }
  if (visibleLeft()) raf = requestAnimationFrame(run);
}

export function mark(d: Drawable): void {
  dirty.add(d);
  if (!raf && d.visible && !document.hidden) raf = requestAnimationFrame(run);
}
/* All of them, beginning one frame later: the frame in which a second arrives has the numbers of the whole page to lay out, and is long already. */
let waits = 0;
export function markLater(list: Iterable<Drawable>): void {
  waits ||= requestAnimationFrame(() => { waits = 0; for (const d of list) mark(d); });
}
export const forget = (d: Drawable): void => { dirty.delete(d); };

/* Called once a second, before the charts are marked. False: leave this second out. */
export function secondBegins(): boolean {
  const now = performance.now();
  if (visibleLeft() && !document.hidden) behindSince ||= now;
  else { behindSince = 0; if (slow.value) slow.value = false; }
  if (behindSince && now - behindSince > LATE_MS) slow.value = true;
  skip = slow.value && !skip;
  return !skip;
}

if (typeof document !== 'undefined') {
  document.addEventListener('visibilitychange', () => { if (!document.hidden && !raf && visibleLeft()) raf = requestAnimationFrame(run); });
}
