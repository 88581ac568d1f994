// Plots of finished figures, in SVG: lines with a band of uncertainty, bars with whiskers. What lives is drawn by chart.tsx.
import type { JSX } from 'preact';
import { cut, number } from '../ui/format';

export interface Line { name: string; points: { x: number; y: number; lo?: number; hi?: number }[]; step?: boolean; dashed?: boolean }
export interface Bar { name: string; value: number; lo?: number; hi?: number; note?: string }

const W = 520, H = 220, L = 52, R = 22, T = 10, B = 34;

/* Round numbers that cover the range, about n of them. */
export function ticks(from: number, to: number, n: number): number[] {
  if (!(to > from)) return [from];
  const raw = (to - from) / n, power = 10 ** Math.floor(Math.log10(raw)), step = [1, 2, 5, 10].map(m => m * power).find(s => s >= raw) ?? raw;
  const out: number[] = [];
  for (let t = Math.ceil(from / step) * step; t <= to + step * 1e-9; t += step) out.push(Math.abs(t) < step * 1e-9 ? 0 : t);
  return out;
}
const short = (v: number): string => (Math.abs(v) >= 1e6 ? `${number(v / 1e6, 3)} M` : Math.abs(v) >= 1e4 ? `${number(v / 1e3, 3)} k` : number(v, 3));
const colour = (i: number): string => `var(--s${(i % 8) + 1})`;
const dash = (i: number, dashed?: boolean): string | undefined => (dashed ? '5 4' : i >= 4 ? '2 3' : undefined);

/* What is no number is no point; a line without points is none. */
export const drawable = (lines: Line[]): Line[] => lines.map(l => ({ ...l, points: l.points.filter(p => Number.isFinite(p.x) && Number.isFinite(p.y)).map(p => (Number.isFinite(p.lo) && Number.isFinite(p.hi) ? p : { x: p.x, y: p.y })) })).filter(l => l.points.length > 0);

export function LinePlot({ title, xLabel, yLabel, lines: given, yFrom, yTo }: { title: string; xLabel: string; yLabel: string; lines: Line[]; yFrom?: number; yTo?: number }): JSX.Element {
  const lines = drawable(given), all = lines.flatMap(l => l.points);
  const x0 = Math.min(...all.map(p => p.x)), x1 = Math.max(...all.map(p => p.x));
  const y0 = yFrom ?? Math.min(...all.map(p => p.lo ?? p.y)), y1 = yTo ?? Math.max(...all.map(p => p.hi ?? p.y));
  const x = (v: number): number => L + ((v - x0) / (x1 - x0 || 1)) * (W - L - R), y = (v: number): number => H - B - ((Math.max(y0, Math.min(y1, v)) - y0) / (y1 - y0 || 1)) * (H - T - B);
  const path = (l: Line, pick: (p: Line['points'][0]) => number): string => l.points.map((p, i) => (i === 0 ? 'M' : l.step ? `H${x(p.x).toFixed(1)}V` : 'L') + (i > 0 && l.step ? y(pick(p)).toFixed(1) : `${x(p.x).toFixed(1)} ${y(pick(p)).toFixed(1)}`)).join('');
  const last = lines.map(l => `${cut(l.name, 60)} ${short(l.points[l.points.length - 1]?.y ?? NaN)}`).join(', ');
  return (
    <figure class="plot-svg">
      <figcaption><b>{title}</b><span class="row wrap gap4 cap">{lines.map((l, i) => <span class="row gap4" key={l.name}><svg width="18" height="8" aria-hidden="true"><line x1="0" y1="4" x2="18" y2="4" stroke={colour(i)} stroke-width="2.500" stroke-dasharray={dash(i, l.dashed)} /></svg>{cut(l.name, 60)}</span>)}</span></figcaption>
      <svg viewBox={`0 0 ${W} ${H}`} role="img" aria-label={`${title}. ${yLabel} by ${xLabel}, at the end: ${last}`}>
        <g class="plot-axis">
          {ticks(y0, y1, 5).map(t => <g key={t}><line x1={L} x2={W - R} y1={y(t)} y2={y(t)} /><text x={L - 6} y={y(t) + 4} text-anchor="end">{short(t)}</text></g>)}
          {ticks(x0, x1, 6).map(t => <text key={t} x={x(t)} y={H - B + 15} text-anchor="middle">{short(t)}</text>)}
          <text x={(L + W - R) / 2} y={H - 4} text-anchor="middle">{xLabel}</text><text x={12} y={(H - B + T) / 2} text-anchor="middle" transform={`rotate(-90 12 ${(H - B + T) / 2})`}>{yLabel}</text>
        </g>
        {lines.map((l, i) => (
          <g key={l.name}>
            {l.points.every(p => p.lo !== undefined && p.hi !== undefined) && l.points.length > 1 &&
              <path d={path(l, p => p.hi!) + [...l.points].reverse().map(p => `L${x(p.x).toFixed(1)} ${y(p.lo!).toFixed(1)}`).join('') + 'Z'} fill={colour(i)} fill-opacity=".16" />}
            <path d={path(l, p => p.y)} fill="none" stroke={colour(i)} stroke-width="2" stroke-dasharray={dash(i, l.dashed)} />
          </g>))}
      </svg>
    </figure>
  );
}

export function BarPlot({ title, unit, bars: given }: { title: string; unit: string; bars: Bar[] }): JSX.Element {
  const bars = given.filter(b => Number.isFinite(b.value));
  const top = Math.max(0, ...bars.map(b => b.hi ?? b.value)), low = Math.min(0, ...bars.map(b => b.lo ?? b.value)), span = top - low || 1;
  const x = (v: number): number => ((v - low) / span) * 100;
  return (
    <figure class="plot-svg">
      <figcaption><b>{title}</b><span class="cap">{unit}</span></figcaption>
      <div class="plot-bars" role="list" aria-label={`${title}, ${unit}`}>{bars.map((b, i) => (
        <div class="plot-bar" role="listitem" key={b.name}><span class="ell" title={cut(b.name)}>{cut(b.name, 100)}</span>
          <svg viewBox="0 0 100 16" preserveAspectRatio="none" aria-hidden="true">
            <rect x={Math.min(x(0), x(b.value))} y="3" width={Math.max(0.4, Math.abs(x(b.value) - x(0)))} height="10" fill={colour(i)} />
            {b.lo !== undefined && b.hi !== undefined && <path d={`M${x(b.lo)} 8H${x(b.hi)}M${x(b.lo)} 4v8M${x(b.hi)} 4v8`} stroke="var(--text)" stroke-width="1" vector-effect="non-scaling-stroke" />}
          </svg>
          <span class="num">{short(b.value)}{b.lo !== undefined && b.hi !== undefined && <span class="t3"> {short(b.lo)} to {short(b.hi)}</span>}</span></div>))}
      </div>
    </figure>
  );
}
