// Colours for canvas marks, read from the CSS tokens; from the fifth series on a dash too, because eight hues cannot all stay apart.
import { theme } from '../ui/theme';

/* Asked of the style engine once for each theme: a drawing loop must not make it work. */
const known = new Map<string, string>();
theme.subscribe(() => known.clear());
export function token(name: string): string {
  let v = known.get(name);
  if (v === undefined) known.set(name, (v = getComputedStyle(document.documentElement).getPropertyValue(name).trim()));
  return v;
}
export const seriesColour = (i: number): string => token(`--s${(i % 8) + 1}`);
export const seriesDash = (i: number): number[] | undefined => (i % 8 < 4 ? undefined : i % 2 ? [2, 3] : [6, 3]);
export const seriesClass = (i: number): string => `sw${(i % 8) + 1}`;
