// Small pieces that every screen uses. No data in here.
import { useSignal } from '@preact/signals';
import { Component, type ComponentChildren, type JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { Icon, type IconName } from './icons';
import { Mark } from './status';
import { announce } from './toast';

export function Empty({ title, children, action }: { title: string; children?: ComponentChildren; action?: ComponentChildren }): JSX.Element {
  return <div class="empty"><b>{title}</b>{children && <p>{children}</p>}{action}</div>;
}

export function ProblemBox({ text, retry, mild }: { text: string; retry?: () => void; mild?: boolean }): JSX.Element {
  return (
    <div class={'problem' + (mild ? ' mild' : '')} role="alert">
      <Mark state={mild ? 'warn' : 'crit'} /><span class="grow any">{text.slice(0, 2000)}</span>
      {retry && <button class="btn small" onClick={retry}>Try again</button>}
    </div>
  );
}

export async function copy(text: string, what: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Plain http on a remote host has no clipboard API: fall back to a selection.
    const area = document.createElement('textarea');
    area.value = text;
    area.setAttribute('aria-hidden', 'true');
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    if (!done) { announce('Copying was refused by the browser'); return false; }
  }
  announce(`${what} copied`);
  return true;
}

export function Copy({ text, what, label }: { text: string | (() => string); what: string; label?: string }): JSX.Element {
  const done = useSignal(false);
  const press = async (): Promise<void> => {
    if (!(await copy(typeof text === 'string' ? text : text(), what))) return;
    done.value = true;
    setTimeout(() => { done.value = false; }, 1200);
  };
  return (
    <button class={'btn quiet small' + (label ? '' : ' icon')} title={`Copy ${what}`} aria-label={`Copy ${what}`} onClick={press}>
      <Icon name={done.value ? 'check' : 'copy'} size={14} />{label}
    </button>
  );
}

/* Keyboard as the ARIA practice has it: arrows move, Home and End jump, only the selected tab is in the tab order. */
export function Tabs<T extends string>({ items, value, pick, label, sub }: {
  items: { id: T; label: string; icon?: IconName; keys?: string; badge?: ComponentChildren }[]; value: T; pick: (id: T) => void; label: string; sub?: boolean;
}): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const key = (e: KeyboardEvent): void => {
    const i = items.findIndex(t => t.id === value);
    const n = e.key === 'ArrowRight' ? i + 1 : e.key === 'ArrowLeft' ? i - 1 : e.key === 'Home' ? 0 : e.key === 'End' ? items.length - 1 : null;
    if (n === null) return;
    e.preventDefault();
    const to = items[(n + items.length) % items.length]!;
    pick(to.id);
    requestAnimationFrame(() => box.current?.querySelector<HTMLElement>(`[data-id="${to.id}"]`)?.focus());
  };
  return (
    <div class={'tabs' + (sub ? ' sub' : '')} role="tablist" aria-label={label} ref={box} onKeyDown={key}>
      {items.map(t => (
        <button key={t.id} class="tab" role="tab" data-id={t.id} aria-selected={t.id === value} tabIndex={t.id === value ? 0 : -1} onClick={() => pick(t.id)}>
          {t.icon && <Icon name={t.icon} size={14} />}<span>{t.label}</span>{t.badge}{t.keys && <kbd class="wide" aria-hidden="true">{t.keys}</kbd>}
        </button>
      ))}
    </div>
  );
}

export function Dialog({ title, close, children, foot }: { title: string; close: () => void; children: ComponentChildren; foot?: ComponentChildren }): JSX.Element {
  const ref = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => { const d = ref.current!; d.showModal(); return () => d.close(); }, []);
  return (
    <dialog ref={ref} aria-label={title} onCancel={e => { e.preventDefault(); close(); }} onClick={e => { if (e.target === ref.current) close(); }}>
      <div class="dialog-head"><h2>{title}</h2><button class="btn quiet icon small" aria-label="Close" onClick={close}><Icon name="close" /></button></div>
      <div class="dialog-body">{children}</div>
      {foot && <div class="dialog-foot">{foot}</div>}
    </dialog>
  );
}

/* Stop and scale to nothing cost users: they need a press of 600 ms, by pointer or by key, which shows how far it is. */
export function Hold({ label, run, disabled, icon, title }: { label: string; run: () => void; disabled?: boolean; icon?: IconName; title?: string }): JSX.Element {
  const on = useSignal(false);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const start = (): void => { if (on.value || disabled) return; on.value = true; timer.current = setTimeout(() => { on.value = false; run(); }, 600); };
  const end = (): void => { on.value = false; clearTimeout(timer.current); };
  useEffect(() => end, []);
  const act = (e: KeyboardEvent): boolean => e.key === ' ' || e.key === 'Enter';
  return (
    <button class={'btn small hold' + (on.value ? ' holding' : '')} disabled={disabled} title={title ?? `${label}: press and hold`} aria-label={`${label}, press and hold`}
      onPointerDown={start} onPointerUp={end} onPointerLeave={end} onKeyDown={e => { if (act(e)) { e.preventDefault(); start(); } }} onKeyUp={e => { if (act(e)) { e.preventDefault(); end(); } }}>
      {icon && <Icon name={icon} size={14} />}{label}
    </button>
  );
}

/* One broken panel must not take the page with it. */
export class Boundary extends Component<{ name: string; children: ComponentChildren }, { error: string | null }> {
  state = { error: null as string | null };
  static getDerivedStateFromError(e: unknown): { error: string } { return { error: e instanceof Error ? e.message : String(e) }; }
  render(): ComponentChildren {
    if (this.state.error === null) return this.props.children;
    return (
      <div class="pad">
        <ProblemBox text={`${this.props.name} stopped with an error: ${this.state.error}. The rest of the page goes on.`} retry={() => this.setState({ error: null })} />
      </div>
    );
  }
}

export function Skeleton({ lines = 3, height = 16 }: { lines?: number; height?: number }): JSX.Element {
  return <div class="col pad" role="status"><span class="sr">Loading</span>{Array.from({ length: lines }, (_, i) => <div key={i} class="skel" style={{ height: `${height}px`, width: `${92 - ((i * 17) % 40)}%` }} />)}</div>;
}

/* A screen loaded on first use; a skeleton appears only after 150 ms. */
export function lazy<M, K extends keyof M>(load: () => Promise<M>, name: K): M[K] {
  type Screen = (props: object) => JSX.Element;
  let Loaded: Screen | null = null;
  function Lazy(props: object): JSX.Element {
    const state = useSignal<'wait' | 'ready' | string>(Loaded ? 'ready' : 'wait');
    const fetchIt = (): void => { load().then(m => { Loaded = m[name] as Screen; state.value = 'ready'; }, (e: Error) => { state.value = e.message; }); };
    useEffect(() => { if (!Loaded) fetchIt(); }, []);
    if (Loaded) return <Loaded {...props} />;
    if (state.value === 'wait') return <Skeleton lines={6} height={22} />;
    return <div class="pad"><ProblemBox text={`This part of the page could not be loaded (${state.value}). The server may have been restarted with a newer version: reload the page.`} retry={fetchIt} /></div>;
  }
  return Lazy as M[K];
}

export function useAsync<T>(load: (abort: AbortSignal) => Promise<T>, deps: unknown[]): { data: T | null; error: string | null; busy: boolean; again: () => void } {
  const data = useSignal<T | null>(null);
  const error = useSignal<string | null>(null);
  const busy = useSignal(true);
  const turn = useSignal(0);
  useEffect(() => {
    const abort = new AbortController();
    busy.value = true;
    load(abort.signal).then(
      d => { if (!abort.signal.aborted) { data.value = d; error.value = null; busy.value = false; } },
      (e: Error) => { if (!abort.signal.aborted) { error.value = e.message; busy.value = false; } });
    return () => abort.abort();
  }, [...deps, turn.value]);
  return { data: data.value, error: error.value, busy: busy.value, again: () => { turn.value++; } };
}
