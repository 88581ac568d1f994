// Colours for canvas marks, read from the CSS tokens; from the fifth series on a dash too, because eight hues cannot all stay apart.
export const token = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
export const seriesColour = (i: number): string => token(`--s${(i % 8) + 1}`);
export const seriesDash = (i: number): number[] | undefined => (i % 8 < 4 ? undefined : i % 2 ? [2, 3] : [6, 3]);
export const seriesClass = (i: number): string => `sw${(i % 8) + 1}`;
