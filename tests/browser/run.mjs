// All browser tests that need no real server, one after the other.  node tests/browser/run.mjs
import { spawnSync } from 'node:child_process';

let bad = 0;
for (const name of ['flows', 'screens', 'budget']) {
  console.log(`# ${name}`);
  const r = spawnSync(process.execPath, [new URL(`${name}.mjs`, import.meta.url).pathname], { stdio: 'inherit' });
  if (r.status !== 0) bad++;
}
process.exit(bad ? 1 : 0);
