// Line icons, 16x16, drawn here: no icon font, no download.
import type { JSX } from 'preact';

const PATHS = {
  copy: 'M5.5 5.5V2.5h8v8h-3M2.5 5.5h8v8h-8z', check: 'm3 8.5 3.2 3.2L13 5', search: 'M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10Zm3.6-1.4L14 14',
  sun: 'M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1m8 8 1 1M13 3l-1 1M4 12l-1 1', moon: 'M13.5 9.5A6 6 0 0 1 6.5 2.5a6 6 0 1 0 7 7Z',
  help: 'M5.8 6c0-3 4.6-2.8 4.6-.1C10.4 7.8 8 7.8 8 10M8 13v.2', close: 'm4 4 8 8m0-8-8 8', back: 'M10 3 5 8l5 5', next: 'm6 3 5 5-5 5', down: 'm3.5 6 4.5 4.5L12.5 6',
  undo: 'M6 3 2.5 6.5 6 10M3 6.5h6.5a4 4 0 0 1 0 8H7', restart: 'M13 8a5 5 0 1 1-1.5-3.600M13.5 2v3.5H10', stop: 'M4 4h8v8H4z', play: 'M4.5 3v10l8-5z', pause: 'M5 3.5v9M11 3.5v9',
  chart: 'M2 13.5h12M3 10l3-4 3 2.5L13 3', list: 'M5.5 4H14M5.5 8H14M5.5 12H14M2 4h.5M2 8h.5M2 12h.5', map: 'M4 5.5a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3Zm8 0a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3Zm-4 8a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3ZM5.5 4h5M5 5.300l2.300 5.300m3.700-5.300L8.700 10.600',
  link: 'M6.5 9.5a2.5 2.5 0 0 0 3.600 0l2.600-2.600a2.5 2.5 0 0 0-3.600-3.600L8 4.400M9.5 6.5a2.5 2.5 0 0 0-3.600 0L3.300 9.100a2.5 2.5 0 0 0 3.600 3.600L8 11.600', cart: 'M1.5 2.5h2l1.5 8h7l1.5-5.5H4M6 13.5h.1M11.5 13.5h.1', bulb: 'M6 11.5c0-1.5-2-2.5-2-5a4 4 0 0 1 8 0c0 2.5-2 3.5-2 5zM6.5 14h3',
  download: 'M8 2v8m-3.5-3L8 10.5 11.5 7M2.5 13.5h11', bolt: 'M9 1.5 3.5 9H8l-1 5.5L12.5 7H8z', user: 'M8 8a3 3 0 1 0 0-6 3 3 0 0 0 0 6Zm-5.5 6c.5-3 2.5-4.5 5.5-4.5s5 1.5 5.5 4.5', wrench: 'M10 2.5a3.5 3.5 0 0 0-3 5L2.5 12 4 13.5 8.5 9a3.5 3.5 0 0 0 5-4L11.5 7 9 6.5 8.5 4.5z',
  terminal: 'M2 3h12v10H2zM4.500 6 7 8l-2.500 2M8.500 10.500h3', table: 'M2 3h12v10H2zM2 6.5h12M6.5 6.5V13', edit: 'M3 13l.5-3L11 2.5l2.5 2.5L6 12.5z', plus: 'M8 3v10M3 8h10', flag: 'M4 14V2.5h8l-2 3 2 3H4', expand: 'M9.5 2.5h4v4M6.5 13.5h-4v-4M13.5 2.5l-5 5M2.5 13.5l5-5', more: 'M3.5 8h.1M8 8h.1M12.5 8h.1', kill: 'M8 2a5 5 0 0 0-3 9v2.5h6V11a5 5 0 0 0-3-9ZM6 7.5h.1M10 7.5h.1',
} as const;

export type IconName = keyof typeof PATHS;
export function Icon({ name, size = 16 }: { name: IconName; size?: number }): JSX.Element {
  return (
    <svg width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round">
      <path d={PATHS[name]} />
    </svg>
  );
}
