/**
 * A look at a peer: opens a session, waits until the peer has sent its whole table (End-of-RIB, RFC 4724 §2), prints it, and
 * leaves. Nothing is announced to the peer.
 *
 *   node examples/look-at-peer.ts --asn 65000 --router-id 192.0.2.9 192.0.2.1=65001
 */

import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { createSpeaker, type PolicyChain, plainAttributes, type SpeakerEvents } from '@routelet/bgp';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    asn: { type: 'string', default: '65000' },
    'router-id': { type: 'string', default: '192.0.2.9' },
    'local-address': { type: 'string' },
    port: { type: 'string', default: '179' },
    'wait-seconds': { type: 'string', default: '30' },
  },
});
const [address = '', asn] = (positionals[0] ?? '').split('=');

const everything: PolicyChain = { name: 'look', statements: [], defaultVerdict: 'accept' };
const speaker = createSpeaker({ asn: Number(values.asn), routerId: values['router-id'], importPolicy: everything });
const localAddress = values['local-address'];
speaker.addPeer({
  address,
  asn: Number(asn),
  port: Number(values.port),
  ...(localAddress === undefined ? {} : { localAddress }),
  // Both sides send the capability, so the peer marks the end of its table.
  gracefulRestart: true,
});
speaker.on('warning', ({ text }) => console.error(text));

const complete = new EventTarget();
const onEndOfRib = ({ family }: SpeakerEvents['end-of-rib'][0]): void => {
  if (family === 'ipv4-unicast') complete.dispatchEvent(new Event('end'));
};
speaker.on('end-of-rib', onEndOfRib);
await speaker.start();
const patience = AbortSignal.timeout(Number(values['wait-seconds']) * 1000);
try {
  await once(complete, 'end', { signal: patience });
  for (const { prefix, nextHop, attributes } of speaker.routes('ipv4-unicast')) {
    console.log(prefix, nextHop, JSON.stringify(plainAttributes(attributes)));
  }
} catch {
  const [peer] = speaker.peers();
  console.error(
    `no whole table from ${address} in ${values['wait-seconds']} s: ${peer?.state} ${peer?.lastDown ?? ''}`,
  );
  process.exitCode = 1;
}
await speaker.stop();
