/**
 * A route collector: takes everything its peers send, announces nothing, prints each change of a best path as JSON.
 *
 *   node examples/collector.ts --asn 65000 --router-id 192.0.2.9 --listen 192.0.2.9 --peer 192.0.2.1=65001 --port 1790
 */

import { parseArgs } from 'node:util';
import { createSpeaker, type PolicyChain, plainAttributes } from '@routelet/bgp';

const { values } = parseArgs({
  options: {
    asn: { type: 'string', default: '65000' },
    'router-id': { type: 'string', default: '192.0.2.9' },
    listen: { type: 'string', default: '0.0.0.0' },
    port: { type: 'string', default: '179' },
    peer: { type: 'string', multiple: true, default: [] },
  },
});

// Without a policy an eBGP peer may send and gets nothing (RFC 8212): what a collector wants is said here.
const everything: PolicyChain = { name: 'collect', statements: [], defaultVerdict: 'accept' };

const speaker = createSpeaker({
  asn: Number(values.asn),
  routerId: values['router-id'],
  listen: [{ address: values.listen, port: Number(values.port) }],
  importPolicy: everything,
});
for (const peer of values.peer) {
  const [address = '', asn] = peer.split('=');
  speaker.addPeer({ address, asn: Number(asn), passive: true, families: ['ipv4-unicast', 'ipv6-unicast'] });
}
speaker.on('peer-state', ({ address, to, reason }) => console.error(address, to, reason ?? ''));
speaker.on('warning', ({ text }) => console.error(text));
await speaker.start();
process.once('SIGTERM', () => speaker.stop());
process.once('SIGINT', () => speaker.stop());

for await (const changes of speaker.bestPathChanges()) {
  for (const change of changes) {
    const { prefix } = change;
    if (change.kind === 'withdrawn') {
      console.log(JSON.stringify({ prefix, withdrawn: true }));
    } else {
      const { from, nextHop, attributes } = change.path;
      console.log(JSON.stringify({ prefix, from, nextHop, ...plainAttributes(attributes) }));
    }
  }
}
