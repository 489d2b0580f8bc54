/** Our side as a process: each line on standard input names a file with the new set of routes; answers when the kernel has it. */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { createRib, type NodeRoute } from '@routelet/rib';

const rib = createRib();
rib.on('problem', (problem) => process.stderr.write(`${problem.route.destination}: ${problem.text}\n`));
await rib.start();
const source = rib.source('bench', { distance: 1 });

function* read(path: string): Generator<NodeRoute> {
  for (const line of readFileSync(path, 'latin1').split('\n')) {
    const space = line.indexOf(' ');
    if (space > 0)
      yield { destination: line.slice(0, space), nextHops: [{ gateway: line.slice(space + 1), interface: 'v0' }] };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'start') {
    process.stdout.write('0');
    continue;
  }
  const startMs = performance.now();
  const routes = [...read(line)];
  const parsedMs = performance.now();
  source.replaceAll(routes);
  await rib.settled();
  process.stdout.write(String((parsedMs - startMs) / 1000));
}
