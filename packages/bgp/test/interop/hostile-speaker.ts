/** Process (with --expose-gc): the speaker that hostile peers are set on. Answers each line of input with its figures. */
import { readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { createSpeaker } from '../../src/index.ts';
import type { PolicyChain } from '../../src/policy/model.ts';
import { allPeers, type Figures, target } from './hostile-plan.ts';

const all: PolicyChain = { name: 'all', statements: [], defaultVerdict: 'accept' };
const speaker = createSpeaker({
  asn: target.asn,
  routerId: target.address,
  listen: [{ address: target.address }],
  importPolicy: all,
  exportPolicy: all,
});
let warnings = 0;
const lastWarnings: string[] = [];
speaker.on('warning', ({ text }) => {
  warnings++;
  lastWarnings.push(text);
  if (lastWarnings.length > 5) lastWarnings.shift();
});
for (const { address, asn } of allPeers) speaker.addPeer({ address, asn, passive: true, holdTimeMs: 240_000 });
await speaker.start();
console.log('started');

createInterface({ input: process.stdin }).on('line', () => {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
  const figures: Figures = {
    descriptors: readdirSync('/proc/self/fd').length,
    heapBytes: heapUsed + arrayBuffers,
    residentBytes: rss,
    warnings,
    lastWarnings,
    peers: speaker.peers(),
  };
  console.log(JSON.stringify(figures));
});
