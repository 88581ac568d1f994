#!/usr/bin/env node
// Prints the scenario that docs/scenarios.md writes step by step, as a reader who copies each block would have it: blocks one after the other; a block that
// repeats a key of the file is an illustration.
import { readFileSync } from 'node:fs';

const text = readFileSync(new URL('../../docs/scenarios.md', import.meta.url), 'utf8');
const keys = new Set(), kept = [];
for (const [, block] of text.matchAll(/^```yaml\n([^]*?)^```$/gm)) {
  const own = [...block.matchAll(/^([a-z_]+):/gm)].map((m) => m[1]);
  if (own.length === 0 || own.some((k) => keys.has(k))) continue;
  own.forEach((k) => keys.add(k));
  kept.push(block);
}
process.stdout.write(kept.join('\n'));
