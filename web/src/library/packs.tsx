// Scenario packs that were left out, with what is wrong with them: whoever installed one must not wonder where its scenarios are.
import type { JSX } from 'preact';
import { get } from '../live/api';
import type { Pack } from '../live/protocol';
import { ProblemBox, useAsync } from '../ui/parts';

export const packSays = (p: Pack): string => {
  const first = p.problems[0];
  return `The pack in ${p.dir} is left out: ${first ? (first.line ? `line ${first.line}: ` : '') + first.message : 'it cannot be read'}`;
};

export function BadPacks(): JSX.Element | null {
  const { data } = useAsync(signal => get<{ packs: Pack[] }>('/packs', { signal }), []);
  const bad = (data?.packs ?? []).filter(p => !p.ok);
  return bad.length ? <div class="pad">{bad.map(p => <ProblemBox key={p.dir} mild text={packSays(p)} />)}</div> : null;
}
