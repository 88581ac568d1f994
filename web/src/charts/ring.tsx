// The hold ring: how much of the required time a criterion has been met without a break. Empty when unmet.
import type { JSX } from 'preact';

export function HoldRing({ part, size = 18, done }: { part: number; size?: number; done: boolean }): JSX.Element {
  const r = size / 2 - 2, c = 2 * Math.PI * r;
  return (
    <svg class={done ? 'ok' : 'info'} width={size} height={size} viewBox={`0 0 ${size} ${size}`} aria-hidden="true">
      <circle cx={size / 2} cy={size / 2} r={r} fill="none" stroke="var(--line)" stroke-width="3" />
      <circle class="ring-arc" cx={size / 2} cy={size / 2} r={r} fill="none" stroke="var(--ok)" stroke-width="3" stroke-dasharray={`${c}`} stroke-dashoffset={`${c * (1 - Math.max(0, Math.min(1, part)))}`}
        transform={`rotate(-90 ${size / 2} ${size / 2})`} />
    </svg>
  );
}
