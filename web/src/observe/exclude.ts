// What a log search leaves out: KEY:VALUE, one a line, in the address (`not`) as in the question to the server.
export const EXCLUDE_MAX = 8;
export const TEXT_MAX = 2000;

export const excluded = (not: string): string[] => not.split('\n').filter(Boolean);

/* null: it cannot be left out as well. */
export function exclude(not: string, key: string, value: string): string | null {
  const list = excluded(not), pair = `${key}:${value}`;
  if (!key || key.includes(':') || pair.includes('\n')) return null;
  if (list.includes(pair)) return not;
  const next = [...list, pair].join('\n');
  return list.length >= EXCLUDE_MAX || new TextEncoder().encode(next).length > TEXT_MAX ? null : next;
}

export const include = (not: string, pair: string): string => excluded(not).filter(p => p !== pair).join('\n');
