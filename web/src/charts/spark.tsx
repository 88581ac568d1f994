// A sparkline in SVG with its target line. No axes: the number stands beside it.
import type { JSX } from 'preact';

export function Spark({ points, width = 96, height = 28, target }: { points: (number | null)[]; width?: number; height?: number; target?: number | null }): JSX.Element {
  const known = points.filter((v): v is number => v !== null);
  const lo0 = Math.min(...known, target ?? Infinity), hi0 = Math.max(...known, target ?? -Infinity);
  const pad = (hi0 - lo0 || Math.abs(hi0) || 1) * 0.12;
  const lo = lo0 - pad, hi = hi0 + pad;
  const y = (v: number): number => height - 1 - ((v - lo) / (hi - lo)) * (height - 2);
  const step = points.length > 1 ? width / (points.length - 1) : width;
  let d = '', pen = false;
  points.forEach((v, i) => {
    if (v === null) { pen = false; return; }
    d += `${pen ? 'L' : 'M'}${(i * step).toFixed(1)} ${y(v).toFixed(1)}`;
    pen = true;
  });
  return (
    <svg class="spark" width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
      {target !== null && target !== undefined && known.length > 0 && <line x1="0" x2={width} y1={y(target)} y2={y(target)} stroke="var(--text-3)" stroke-dasharray="3 3" />}
      {d && <path d={d} fill="none" stroke="var(--s1)" stroke-width="1.5" stroke-linejoin="round" />}
    </svg>
  );
}
