// The only file that knows uPlot. A chart draws columns that live elsewhere; it is redrawn by frame.ts, never by a render.
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import './chart.css';
import { tick, type Column } from '../live/metrics';
import { split, value, type Unit } from '../ui/format';
import { Copy } from '../ui/parts';
import { Icon } from '../ui/icons';
import { theme } from '../ui/theme';
import { forget, mark, markLater, secondBegins, type Drawable } from './frame';
import { seriesClass, seriesColour, seriesDash, token } from './palette';
import { crosshair, fixed, last, live, span, zoom } from './window';

export interface Line { key: string; label: string; colour?: number }
export interface Marker { t: number; kind: 'onset' | 'action' | 'hint' | 'deploy' | 'alert'; text: string }
export interface ChartProps {
  title: string; unit: Unit; lines: Line[]; data: () => { ts: number[]; cols: (Column | undefined)[] };
  promql?: string; explore?: string; height?: number; target?: number | null; max?: number; markers?: () => Marker[];
  range?: () => { from: number; to: number }; onLook?: () => void; compact?: boolean; actions?: ComponentChildren; legend?: boolean; none?: string; points?: Point[];
}

/* A single request on the chart, which leads to its trace. */
export interface Point { t: number; v: number; href: string; label: string }

/* A caption, the plot and what is around them: told to the style engine, so that a number that changes has nothing outside of its chart to lay out. */
const BAR = 30, BAR_COMPACT = 26, AROUND = 6;
const DOT = 24;
const LOOK_MS = 800;
const TELL_MS = 5000;
const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 86_400];
const charts = new Set<Drawable>();
let beat = 0;

/* One subscription for all charts: a second arrived, so everything visible is out of date. */
function pulse(): void {
  const now = tick.value;
  if (now === beat) return;
  beat = now;
  if (fixed.value && charts.size) return;
  if (secondBegins() && charts.size) markLater(charts);
}
tick.subscribe(pulse);
function all(): void { for (const c of charts) mark(c); }
fixed.subscribe(all);
last.subscribe(all);

const size = (v: string[] | null): number => Math.max(34, ...(v ?? []).map(s => s.length * 6.4 + 14));

class Plot implements Drawable {
  visible = false;
  private u: uPlot | null = null;
  private values: (HTMLElement | null)[] = [];
  private told = -Infinity;
  private look: ReturnType<typeof setTimeout> | undefined;
  constructor(private readonly box: HTMLElement, private readonly legend: HTMLElement, private readonly dots: HTMLElement, public props: ChartProps) {}

  build(): void {
    this.u?.destroy();
    const p = this.props;
    this.values = [...this.legend.querySelectorAll<HTMLElement>('[data-v]')];
    const grid = { stroke: token('--grid'), width: 1 };
    const ink = token('--text-3');
    const font = '11px system-ui, sans-serif';
    const opts: uPlot.Options = {
      width: Math.max(80, this.box.clientWidth), height: Math.max(40, this.box.clientHeight), legend: { show: false },
      padding: [6, 6, 0, 0],
      cursor: { sync: { key: 'fd', scales: ['x', null], setSeries: false }, y: false, points: { size: 6 }, drag: { x: true, y: false, setScale: false } },
      scales: { x: { time: true, range: () => { const w = this.window(); return [w.from, w.to]; } }, y: { range: (_u, lo, hi) => this.yRange(lo, hi) } },
      axes: [
        { stroke: ink, grid, ticks: { show: false }, size: 22, font, gap: 4, space: 54, incrs: STEPS_S, values: (u, splits) => { const w = (u.scales.x!.max ?? 0) - (u.scales.x!.min ?? 0); const near = (u.scales.x!.min ?? 0) + (w * 24) / Math.max(1, u.width); return splits.map(t => (t < near ? '' : hhmm(t, w < 600))); } },
        { stroke: ink, grid, ticks: { show: false }, gap: 4, space: p.compact ? 18 : 34, font, size: (_u, v) => size(v), values: (_u, splits) => splits.map(v => axis(v, p.unit)) },
      ],
      series: [{}, ...p.lines.map((l, i): uPlot.Series => {
        const c = l.colour ?? i;
        const stroke = seriesColour(c);
        const dash = seriesDash(c);
        return { label: l.label, stroke, width: 1.5, points: { show: false }, spanGaps: false, ...(dash ? { dash } : {}), ...(p.lines.length === 1 ? { fill: stroke + '18' } : {}) };
      })],
      hooks: {
        setSelect: [u => { if (u.select.width > 4) zoom(u.posToVal(u.select.left, 'x'), u.posToVal(u.select.left + u.select.width, 'x')); u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false); }],
        setCursor: [u => this.readout(u.cursor.idx ?? null)],
        draw: [u => { this.overlay(u); this.points(u); }],
      },
    };
    this.u = new uPlot(opts, this.columns(), this.box);
    this.u.over.addEventListener('dblclick', live);
    this.u.over.addEventListener('pointerenter', () => { this.look = setTimeout(() => this.props.onLook?.(), LOOK_MS); });
    this.u.over.addEventListener('pointerleave', () => clearTimeout(this.look));
    this.readout(null);
  }

  private window(): { from: number; to: number } { return this.props.range?.() ?? span(); }

  private yRange(lo: number | null, hi: number | null): [number, number] {
    const t = this.props.target;
    let top = Math.max(hi ?? 0, t !== null && t !== undefined ? t * 1.08 : 0, this.props.max ?? 0);
    if (!(top > 0)) top = 1;
    const bottom = Math.min(0, lo ?? 0);
    // Success ratios live near 1: let the axis begin below what happened, not at 0.
    return [bottom, this.props.max !== undefined && top <= this.props.max ? this.props.max : top * 1.1];
  }

  /* The slice of the window, so that autoscale sees what the eye sees. */
  private columns(): uPlot.AlignedData {
    const { ts, cols } = this.props.data();
    const w = this.window();
    let a = lower(ts, w.from) - 1, b = lower(ts, w.to) + 1;
    a = Math.max(0, a); b = Math.min(ts.length, b);
    const n = b - a;
    return [ts.slice(a, b), ...cols.map(c => (c ? c.slice(a, b) : new Array<null>(n).fill(null)))] as uPlot.AlignedData;
  }

  draw(): void {
    const u = this.u;
    if (!u) { this.build(); return; }
    const data = this.columns();
    u.batch(() => { u.setData(data); }); // batch draws now; a plain setData would defer to a microtask and escape the frame budget
    if (u.cursor.idx === null || u.cursor.idx === undefined) this.readout(null);
  }

  resize(): void {
    if (!this.u || !this.box.clientWidth) return;
    this.u.setSize({ width: this.box.clientWidth, height: this.box.clientHeight });
  }

  /* Values at the crosshair, or the latest ones when no pointer is over any chart. */
  private readout(idx: number | null): void {
    const u = this.u;
    if (!u) return;
    const summary: string[] = [];
    this.props.lines.forEach((l, i) => {
      const col = u.data[i + 1] as (number | null)[] | undefined;
      let v: number | null = null;
      if (col && idx !== null) v = col[idx] ?? null;
      else if (col) for (let k = col.length - 1; k >= Math.max(0, col.length - 8); k--) if (col[k] !== null && col[k] !== undefined) { v = col[k]!; break; }
      const text = v === null ? '–' : value(v, this.props.unit, true);
      const el = this.values[i];
      if (el && el.textContent !== text) (el.firstChild ?? el.appendChild(new Text())).nodeValue = text;
      if (idx === null) summary.push(`${l.label} ${v === null ? 'no data' : text}`);
    });
    const empty = !u.data[0].length || u.data.slice(1).every(c => !(c as Column).some(v => v !== null));
    this.box.classList.toggle('no-data', empty);
    if (empty) this.box.dataset.empty = this.props.data().cols.some(c => c !== undefined) ? 'no data in this window' : this.props.none ?? 'not reported';
    // The words for a screen reader: not at every tick, which would rebuild the accessibility tree of every chart once a second.
    if (idx === null && performance.now() - this.told > TELL_MS) {
      this.told = performance.now();
      this.box.setAttribute('aria-label', `${this.props.title}: ${empty ? 'no data in this window' : summary.join(', ')}`);
    }
  }

  private overlay(u: uPlot): void {
    const ctx = u.ctx, { left, top, width, height } = u.bbox;
    ctx.save();
    const t = this.props.target;
    if (t !== null && t !== undefined) {
      const y = u.valToPos(t, 'y', true);
      if (y >= top && y <= top + height) { ctx.strokeStyle = token('--text-3'); ctx.setLineDash([5, 4]); ctx.beginPath(); ctx.moveTo(left, y); ctx.lineTo(left + width, y); ctx.stroke(); }
    }
    for (const m of this.props.markers?.() ?? []) {
      const x = u.valToPos(m.t, 'x', true);
      if (x < left || x > left + width) continue;
      ctx.strokeStyle = token(m.kind === 'action' ? '--accent' : m.kind === 'onset' ? '--crit' : m.kind === 'hint' ? '--warn' : '--text-3');
      ctx.setLineDash(m.kind === 'action' || m.kind === 'onset' ? [] : [3, 3]);
      ctx.globalAlpha = 0.75; ctx.lineWidth = devicePixelRatio;
      ctx.beginPath(); ctx.moveTo(x, top); ctx.lineTo(x, top + height); ctx.stroke();
    }
    ctx.restore();
  }

  /* Links, not canvas: they can be reached by keyboard. Each is put where its request is, or hidden outside of the window. */
  private points(u: uPlot): void {
    const list = this.props.points ?? [], { left, top, width, height } = u.bbox, r = devicePixelRatio;
    const taken: [number, number][] = [];
    [...this.dots.children].forEach((el, i) => {
      const p = list[i], a = el as HTMLElement;
      if (!p) return;
      const x = u.valToPos(p.t, 'x', true), y = Math.max(top + 4 * r, Math.min(top + height, u.valToPos(p.v, 'y', true)));
      // Two links on one spot could not be told apart: the slower one stays.
      a.hidden = x < left || x > left + width || taken.some(([tx, ty]) => Math.abs(tx - x) < DOT * r && Math.abs(ty - y) < DOT * r);
      if (a.hidden) return;
      taken.push([x, y]);
      a.style.transform = `translate(${x / r + this.box.offsetLeft - DOT / 2}px, ${y / r + this.box.offsetTop - DOT / 2}px)`;
    });
  }

  destroy(): void { clearTimeout(this.look); this.u?.destroy(); this.u = null; }
}

function lower(ts: number[], t: number): number {
  let a = 0, b = ts.length;
  while (a < b) { const m = (a + b) >> 1; if (ts[m]! < t) a = m + 1; else b = m; }
  return a;
}
function hhmm(t: number, secs: boolean): string {
  const d = new Date(t * 1000);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${two(d.getHours())}:${two(d.getMinutes())}${secs ? ':' + two(d.getSeconds()) : ''}`;
}
function axis(v: number, unit: Unit): string {
  const [n, u] = split(v, unit);
  return u === '/s' ? n : u === '%' ? n + '%' : u && u.length <= 3 ? n + ' ' + u : n;
}

export function Chart(p: ChartProps): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const legend = useRef<HTMLDivElement>(null);
  const dots = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | null>(null);
  const shape = p.lines.map(l => l.key + l.colour).join() + p.unit + p.title + p.max + p.target + theme.value + crosshair.value;
  useEffect(() => {
    const it = new Plot(box.current!, legend.current!, dots.current!, p);
    plot.current = it;
    charts.add(it);
    const seen = new IntersectionObserver(e => { it.visible = e[e.length - 1]!.isIntersecting; if (it.visible) mark(it); }, { rootMargin: '80px' });
    const sized = new ResizeObserver(() => it.resize());
    seen.observe(box.current!);
    sized.observe(box.current!);
    return () => { seen.disconnect(); sized.disconnect(); charts.delete(it); forget(it); it.destroy(); };
  }, [shape]);
  if (plot.current) { plot.current.props = p; mark(plot.current); }
  const height = p.height ?? 130;
  return (
    <figure class={'chart panel' + (p.compact ? ' compact' : p.lines.length > 1 ? ' full' : '') + (crosshair.value ? '' : ' no-cross')} style={{ height: `${height + (p.compact ? BAR_COMPACT : BAR) + AROUND}px` }}>
      <figcaption>
        <span class="chart-title ell">{p.title}</span>
        <div class={'legend' + (p.legend === false ? ' no' : '')} ref={legend}>
          {p.lines.map((l, i) => (
            <span class="legend-item" key={l.key}>
              {(p.lines.length > 1) && <i class={seriesClass(l.colour ?? i)} aria-hidden="true" />}{p.lines.length > 1 && <span class="t2">{l.label}</span>}<b data-v />
            </span>
          ))}
        </div>
        <span class="chart-tools">
          {p.actions}
          {p.promql && <Copy text={p.promql} what="PromQL" />}
          {p.explore && <a class="btn quiet icon small" href={p.explore} title="Open in Explore" aria-label={`Open ${p.title} in Explore`}><Icon name="expand" size={14} /></a>}
        </span>
      </figcaption>
      <div class="plot" ref={box} role="img" aria-label={p.title} style={{ height: `${height}px` }} />
      <div class="plot-dots" ref={dots}>{p.points?.map(x => <a key={x.href} href={x.href} title={x.label} aria-label={x.label} />)}</div>
    </figure>
  );
}
