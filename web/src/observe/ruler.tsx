// Time over a waterfall: the whole trace as a strip whose lit part is what is shown, the axis, and the hands that zoom and pan it.
import { useSignal, type Signal } from '@preact/signals';
import type { HTMLAttributes, JSX } from 'preact';
import { useRef } from 'preact/hooks';
import type { Span } from '../live/protocol';
import { route, setQuery } from '../live/url';
import { value } from '../ui/format';
import { tickDigits, ticks } from './spans';
import { between, centre, isWhole, pan, parseView, viewText, whole, zoomAt, type View } from './zoom';

const DRAG_PX = 5;
const OVERVIEW_MAX = 300;

export interface Zoom {
  selection: Signal<[number, number] | null>; // in percent of the lanes, while somebody drags
  hands: HTMLAttributes<HTMLDivElement>;
  zoom: (factor: number, at?: number) => void; pan: (share: number) => void; reset: () => void; centre: (at: number) => void;
  isZoomed: () => boolean;
}

/* What is shown lives in the address, so that it is read anew at each key and turn: these come faster than drawings. */
export function useZoom(total: number): Zoom {
  const selection = useSignal<[number, number] | null>(null);
  const drag = useRef<{ x: number; id: number; moved: boolean } | null>(null);
  const dragged = useRef(false);
  const now = (): View => parseView(route.value.query['zoom'] ?? '', total);
  const show = (v: View): void => setQuery({ zoom: viewText(v, total) });
  const z = {
    zoom: (factor: number, at?: number) => { const v = now(); show(zoomAt(v, total, factor, at ?? (v.from + v.to) / 2)); },
    pan: (share: number) => show(pan(now(), total, share)),
    centre: (at: number) => show(centre(now(), total, at)),
    reset: () => show(whole(total)),
    isZoomed: () => !isWhole(now(), total),
  };
  const lanes = (e: MouseEvent): DOMRect => (e.currentTarget as HTMLElement).querySelector('.wf-scale')!.getBoundingClientRect();
  const part = (e: MouseEvent): number => { const r = lanes(e); return Math.min(1, Math.max(0, (e.clientX - r.left) / Math.max(1, r.width))); };
  const over = (e: MouseEvent): boolean => (e.target as Element).closest('.wf-lane, .wf-scale') !== null;
  const hands: HTMLAttributes<HTMLDivElement> = {
    onWheel: e => {
      const v = now();
      if (!over(e)) return;
      if (e.ctrlKey || e.metaKey || (e.target as Element).closest('.wf-scale')) { e.preventDefault(); z.zoom(Math.exp(Math.max(-100, Math.min(100, e.deltaY)) / 200), v.from + part(e) * (v.to - v.from)); return; }
      const by = e.shiftKey ? e.deltaY || e.deltaX : Math.abs(e.deltaX) > Math.abs(e.deltaY) ? e.deltaX : 0;
      if (by && z.isZoomed()) { e.preventDefault(); z.pan(by / 1000); }
    },
    onPointerDown: e => { dragged.current = false; if (e.button === 0 && over(e)) drag.current = { x: e.clientX, id: e.pointerId, moved: false }; },
    onPointerMove: e => {
      const d = drag.current;
      if (!d) return;
      if (!d.moved && Math.abs(e.clientX - d.x) < DRAG_PX) return;
      if (!d.moved) { d.moved = true; e.currentTarget.setPointerCapture(d.id); }
      const r = lanes(e), a = Math.min(1, Math.max(0, (d.x - r.left) / Math.max(1, r.width)));
      selection.value = [Math.min(a, part(e)) * 100, Math.max(a, part(e)) * 100];
    },
    onPointerUp: e => {
      const d = drag.current, s = selection.value, v = now();
      drag.current = null;
      selection.value = null;
      if (!d?.moved || !s) return;
      dragged.current = true;
      e.preventDefault();
      show(between(v.from + (s[0] / 100) * (v.to - v.from), v.from + (s[1] / 100) * (v.to - v.from), total));
    },
    onPointerCancel: () => { drag.current = null; selection.value = null; },
    onClickCapture: e => { if (dragged.current) { dragged.current = false; e.stopPropagation(); } }, // the end of a drag is no click
    onDblClick: e => { if (over(e)) z.reset(); },
  };
  return { ...z, selection, hands };
}

export function Ruler({ view, selection }: { view: View; selection: [number, number] | null }): JSX.Element {
  const length = view.to - view.from, digits = tickDigits(length), plain = view.from === 0;
  return (
    <div class="wf-axis" aria-hidden="true"><span />
      <div class="wf-scale">{ticks(length, view.from).map(x => <span key={x} style={{ left: `${length > 0 ? ((x - view.from) / length) * 100 : 0}%` }}>{plain ? value(x, 'ms') : `${x.toFixed(digits)} ms`}</span>)}
        {selection && <i class="wf-sel" style={{ left: `${selection[0]}%`, width: `${selection[1] - selection[0]}%` }} />}</div>
    </div>
  );
}

/* All of the trace; what is shown is lit. A drag or the arrow keys move it. */
export function Overview({ spans, view, total, z }: { spans: Span[]; view: View; total: number; z: Zoom }): JSX.Element {
  const share = (x: number): number => (total > 0 ? (x / total) * 100 : 0);
  const move = (e: PointerEvent): void => { const r = (e.currentTarget as HTMLElement).getBoundingClientRect(); z.centre(((e.clientX - r.left) / Math.max(1, r.width)) * total); };
  const key = (e: KeyboardEvent): void => {
    const by = e.key === 'ArrowLeft' ? -0.25 : e.key === 'ArrowRight' ? 0.25 : e.key === 'PageUp' ? -1 : e.key === 'PageDown' ? 1 : 0;
    if (by) z.pan(by); else if (e.key === 'Home') z.centre(0); else if (e.key === 'End') z.centre(total); else return;
    e.preventDefault();
    e.stopPropagation();
  };
  const marks = spans.length > OVERVIEW_MAX ? spans.filter(s => s.critical).slice(0, OVERVIEW_MAX) : spans;
  const text = `${value(view.from, 'ms')} to ${value(view.to, 'ms')} of ${value(total, 'ms')}`;
  return (
    <div class="wf-over-row"><span class="t3 ell">{isWhole(view, total) ? 'the whole trace' : text}</span>
      <div class="wf-over" role="slider" tabIndex={0} aria-label="Part of the trace that is shown" aria-orientation="horizontal" aria-valuemin={0} aria-valuemax={Math.round(total * 1000) / 1000} aria-valuenow={Math.round(view.from * 1000) / 1000} aria-valuetext={text}
        title="Drag to move what is shown" onKeyDown={key} onPointerDown={e => { e.stopPropagation(); if (!z.isZoomed()) return; e.currentTarget.setPointerCapture(e.pointerId); move(e); }} onPointerMove={e => { if (e.buttons & 1 && e.currentTarget.hasPointerCapture(e.pointerId)) move(e); }}>
        {marks.map(s => <i key={s.span_id} class={s.critical ? 'crit-path' : ''} style={{ left: `${share(s.at_ms)}%`, width: `max(1px, ${share(s.duration_ms)}%)` }} />)}
        <b style={{ left: `${share(view.from)}%`, width: `max(4px, ${share(view.to - view.from)}%)` }} />
      </div>
    </div>
  );
}
