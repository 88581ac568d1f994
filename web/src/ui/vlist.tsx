// Windowed rows of one height: only what is on the screen exists. `open` is the index of one row that has details below it.
import { useSignal } from '@preact/signals';
import type { JSX, RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

export function VList({ count, rowHeight, row, label, follow, scrolled, box }: {
  count: number; rowHeight: number; row: (i: number) => JSX.Element; label: string; follow: boolean; scrolled: (atEnd: boolean) => void; box?: RefObject<HTMLDivElement>;
}): JSX.Element {
  const own = useRef<HTMLDivElement>(null);
  const ref = box ?? own;
  const top = useSignal(0);
  const height = useSignal(600);
  useEffect(() => {
    const el = ref.current!;
    const o = new ResizeObserver(() => { height.value = el.clientHeight; });
    o.observe(el);
    return () => o.disconnect();
  }, []);
  /* Where the end was when it was last gone to. Whoever is above it has scrolled up, and the news of that is still on its way: a list that follows
   * by what it knew before would pull him back. At the end itself the list has only become shorter. */
  const placed = useRef(0);
  useEffect(() => {
    const el = ref.current!;
    if (!follow) placed.current = 0;
    else if (el.scrollTop >= placed.current - 1 || el.scrollHeight - el.scrollTop - el.clientHeight < 2) {
      el.scrollTop = el.scrollHeight;
      placed.current = el.scrollTop;
    }
  }, [count, follow, height.value]);
  const first = Math.max(0, Math.floor(top.value / rowHeight) - 10);
  const end = Math.min(count, Math.ceil((top.value + height.value) / rowHeight) + 10);
  const rows: JSX.Element[] = [];
  for (let i = first; i < end; i++) rows.push(row(i));
  return (
    <div class="log-rows scroll" ref={ref} tabIndex={0} role="region" aria-label={label} onScroll={e => {
      const el = e.currentTarget;
      top.value = el.scrollTop;
      scrolled(el.scrollHeight - el.scrollTop - el.clientHeight < rowHeight * 1.5);
    }}>
      <div style={{ height: `${first * rowHeight}px` }} />
      {rows}
      <div style={{ height: `${Math.max(0, count - end) * rowHeight}px` }} />
    </div>
  );
}
