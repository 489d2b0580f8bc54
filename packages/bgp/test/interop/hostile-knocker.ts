/** Process: `hostile-knocker.ts COUNT AT_ONCE` connects from so many addresses, and says now and then how it went. */
import { connect } from 'node:net';
import { target } from './hostile-plan.ts';

const [count = 0, atOnce = 1] = process.argv.slice(2).map(Number);
const reportEach = 1000;
let ended = 0;
let told = 0;

/** Resolves when the other side has closed; was it told why (RFC 4486 §4, Connection Rejected)? */
function knock(index: number): Promise<boolean> {
  return new Promise((resolve) => {
    const localAddress = `10.66.${index >> 8}.${index & 255}`;
    let rejected = false;
    const socket = connect({ host: target.address, port: 179, localAddress });
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      rejected ||= chunk[18] === 3 && chunk[19] === 6 && chunk[20] === 5;
    });
    socket.on('close', () => resolve(rejected));
  });
}

async function knocker(from: number): Promise<void> {
  for (let index = from; index < count; index += atOnce) {
    if (await knock(index)) told++;
    ended++;
    if (ended % reportEach === 0) console.log(JSON.stringify({ ended, told }));
  }
}

await Promise.all(Array.from({ length: atOnce }, (_, index) => knocker(index)));
