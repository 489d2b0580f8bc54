/**
 * A BGP speaker in a process of its own, for a test that puts it in another namespace. Its options are the first argument
 * (JSON), orders come as lines of JSON on standard input, and what it sees leaves as lines of JSON.
 */
import { createInterface } from 'node:readline';
import { createSpeaker, type PeerOptions } from '@routelet/bgp';

interface Setup {
  readonly asn: number;
  readonly address: string;
  readonly peer: PeerOptions;
}
type Order =
  | { readonly announce: string; readonly nextHop: string }
  | { readonly withdraw: string }
  | { readonly stop: true };

const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
const acceptAll = { name: 'all', statements: [], defaultVerdict: 'accept' } as const;

const { asn, address, peer } = JSON.parse(process.argv[2] ?? '') as Setup;
const speaker = createSpeaker({
  asn,
  routerId: address,
  listen: [{ address, port: 179 }],
  importPolicy: acceptAll,
  exportPolicy: acceptAll,
});
speaker.on('peer-state', ({ to, reason }) => say({ state: to, reason: reason?.text }));
speaker.on('warning', ({ text }) => say({ warning: text }));
speaker.addPeer({ connectRetryMs: 200, families: ['ipv4-unicast', 'ipv6-unicast'], ...peer });
await speaker.start();
say({ ready: true });

void (async () => {
  for await (const changes of speaker.bestPathChanges()) {
    for (const change of changes) {
      if (change.kind === 'withdrawn') say({ withdrawn: change.prefix });
      else if (change.path.fromType !== 'local') say({ best: change.prefix, nextHop: change.path.nextHop });
    }
  }
})();

for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line) as Order;
  if ('announce' in order) speaker.announce({ prefix: order.announce, nextHop: order.nextHop });
  else if ('withdraw' in order) speaker.withdraw(order.withdraw);
  else break;
}
await speaker.stop();
process.exit(0);
