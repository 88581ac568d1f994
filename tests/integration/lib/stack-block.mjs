// Five stack numbers in a row that no other test on this machine has (100 to 104, 105 to 109, ... 189): ghosts and further stacks take the ones after the first.
// A port on the first one's address is the sign. It is held as long as this process lives, also while a stack is down or has not begun to listen.
//   node stack-block.mjs   prints the first number and holds it until its standard input ends
import net from 'node:net';

const BLOCKS = 18, WIDTH = 5, FIRST = 100;
export const SIGN = 8999;

// A server on the address of a stack that keeps nobody from ending, or null: somebody listens there.
export function listen(port, number) {
  const server = net.createServer();
  return new Promise((done) => { server.once('error', () => done(null)).listen(port, `127.77.${number}.1`, () => done(server.unref())); });
}

export async function isFree(port, number) {
  const probe = await listen(port, number);
  if (probe) await new Promise((done) => probe.close(done));
  return probe !== null;
}

export async function stackBlock() {
  const begin = Math.floor(Math.random() * BLOCKS);
  for (let i = 0; i < BLOCKS; i++) {
    const first = FIRST + ((begin + i) % BLOCKS) * WIDTH, sign = await listen(SIGN, first);
    if (!sign) continue;
    let free = true;
    for (let k = 0; k < WIDTH && free; k++) {
      for (const port of [8030, 9090]) free &&= await isFree(port, first + k);
    }
    if (free) return first;
    sign.close();
  }
  throw new Error(`no five stack numbers from ${FIRST} to ${FIRST + BLOCKS * WIDTH - 1} are free`);
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  console.log(await stackBlock());
  process.stdin.resume();
  process.stdin.on('end', () => process.exit(0));
}
