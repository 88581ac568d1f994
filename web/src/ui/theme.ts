import { signal } from '@preact/signals';

export type Theme = 'dark' | 'light';
const now = (): Theme => (typeof document !== 'undefined' && document.documentElement.dataset.theme === 'light' ? 'light' : 'dark');
export const theme = signal<Theme>(now());

export function themeSet(t: Theme): void {
  document.documentElement.dataset.theme = t;
  try { localStorage.setItem('fd-theme', t); } catch { /* storage is off: the choice lasts for this page */ }
  theme.value = t;
}
export const themeFlip = (): void => themeSet(theme.value === 'dark' ? 'light' : 'dark');

/* Until somebody chooses, the system decides, also when it changes its mind. */
export function themeFollow(): void {
  matchMedia('(prefers-color-scheme: light)').addEventListener('change', e => {
    try { if (localStorage.getItem('fd-theme')) return; } catch { /* follow */ }
    document.documentElement.dataset.theme = e.matches ? 'light' : 'dark';
    theme.value = now();
  });
}
