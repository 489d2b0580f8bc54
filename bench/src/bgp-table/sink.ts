/**
 * Process: takes what a daemon announces over each of its sessions, counts prefixes, and says when all have come and when
 * all are withdrawn. Between the two it writes the table that the first session got to a file, for comparison.
 */
import { writeFileSync } from 'node:fs';
import { leanPeer, machineMs } from './lean-peer.ts';
import { type Scenario, sinksOf, winningPathLength } from './plan.ts';
import { tableText } from './table-text.ts';
import { readUpdate } from './update-reader.ts';

const scenario: Scenario = JSON.parse(process.argv[2] ?? '');
const file = process.argv[3] ?? '';
/** Numbers in the path of a route that stays: the winner's and the daemon's; 0: of one feeder all do. */
const finalPathLength = scenario.feeders === 1 ? 0 : winningPathLength + 1;
const kept: Buffer[] = [];
let incomplete = scenario.sinks;
let full = scenario.sinks;

function say(event: string): void {
  console.log(JSON.stringify({ event, at: machineMs() }));
}

function counter(keeps: boolean): (message: Buffer) => void {
  let announced = 0;
  let withdrawn = 0;
  return (message) => {
    const { announced: came, withdrawn: gone, pathLength } = readUpdate(message);
    if (keeps && announced < scenario.routes) kept.push(message);
    if (came > 0 && (finalPathLength === 0 || pathLength === finalPathLength)) {
      announced += came;
      if (announced === scenario.routes && --incomplete === 0) complete();
    }
    if (gone === 0) return;
    withdrawn += gone;
    if (withdrawn === scenario.routes && --full === 0) say('empty');
  };
}

function complete(): void {
  say('complete');
  setTimeout(() => {
    writeFileSync(file, tableText(kept.splice(0)));
    say('written');
  }, 0);
}

for (const [index, peer] of sinksOf(scenario).entries()) {
  await leanPeer(peer, scenario.family, index + 1000, counter(index === 0));
}
say('ready');
