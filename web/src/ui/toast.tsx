// Short messages in the corner: polite, pausable by pointer or focus, never the only home of a fact.
import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Icon } from './icons';
import { Mark, type State } from './status';

interface Toast { n: number; state: State; title: string; text?: string; action?: { label: string; run: () => void }; ms: number }
const toasts = signal<Toast[]>([]);
let next = 1;

export function toast(state: State, title: string, text?: string, action?: Toast['action'], ms = 6000): void {
  toasts.value = [...toasts.value.filter(t => t.title !== title || t.text !== text), { n: next++, state, title, text, action, ms }].slice(-4);
}
const drop = (n: number): void => { toasts.value = toasts.value.filter(t => t.n !== n); };

function One({ t }: { t: Toast }): JSX.Element {
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const go = (): void => { clearTimeout(timer.current); timer.current = setTimeout(() => drop(t.n), t.ms); };
  const hold = (): void => clearTimeout(timer.current);
  useEffect(() => { go(); return hold; }, []);
  return (
    <div class="toast" onPointerEnter={hold} onPointerLeave={go} onFocusIn={hold} onFocusOut={go}>
      <div class="toast-head">
        <Mark state={t.state} /><span class="grow" style={{ overflowWrap: 'anywhere' }}>{t.title.slice(0, 200)}</span>
        <button class="btn quiet icon small" aria-label="Dismiss" onClick={() => drop(t.n)}><Icon name="close" size={12} /></button>
      </div>
      {t.text && <p class="t2" style={{ marginTop: '4px', overflowWrap: 'anywhere' }}>{t.text.slice(0, 400)}</p>}
      {t.action && <button class="btn small" style={{ marginTop: '8px' }} onClick={() => { t.action!.run(); drop(t.n); }}>{t.action.label}</button>}
    </div>
  );
}

export function Toasts(): JSX.Element {
  return <div class="toasts" role="status" aria-live="polite">{toasts.value.map(t => <One key={t.n} t={t} />)}</div>;
}

/* Read out, not shown. */
export const spoken = signal('');
export const announce = (text: string): void => { spoken.value = text; };
export const Announcer = (): JSX.Element => <div class="sr" role="status" aria-live="polite">{spoken}</div>;
