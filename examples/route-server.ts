/**
 * A route server (RFC 7947): passes routes between members of an exchange without putting itself into AS paths or next hops.
 * Members say by communities who may have a route: 0:ASN keeps it from that member.
 *
 *   node examples/route-server.ts --asn 65500 --router-id 192.0.2.250 --listen 192.0.2.250 192.0.2.1=65001 192.0.2.2=65002
 */

import { parseArgs } from 'node:util';
import { createSpeaker, type PeerOptions, type PolicyChain } from '@routelet/bgp';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    asn: { type: 'string', default: '65500' },
    'router-id': { type: 'string', default: '192.0.2.250' },
    listen: { type: 'string', default: '0.0.0.0' },
    port: { type: 'string', default: '179' },
  },
});

/** No default route and nothing longer than a /24 at an exchange. */
const fromMembers: PolicyChain = {
  name: 'from members',
  statements: [
    { name: 'usual lengths', match: { prefixes: [{ prefix: '0.0.0.0/0', ge: 8, le: 24 }] }, verdict: 'accept' },
  ],
  defaultVerdict: 'reject',
};

function member(text: string): PeerOptions {
  const [address = '', number] = text.split('=');
  const asn = Number(number);
  const toMember: PolicyChain = {
    name: `to ${asn}`,
    statements: [{ name: 'not for this member', match: { communities: [asn] }, verdict: 'reject' }],
    defaultVerdict: 'accept',
  };
  return { address, asn, passive: true, routeServerClient: true, importPolicy: fromMembers, exportPolicy: toMember };
}

const speaker = createSpeaker({
  asn: Number(values.asn),
  routerId: values['router-id'],
  listen: [{ address: values.listen, port: Number(values.port) }],
});
speaker.setPeers(positionals.map(member));
speaker.on('peer-state', ({ address, to }) => console.log(address, to));
speaker.on('warning', ({ text }) => console.error(text));
await speaker.start();
process.once('SIGTERM', () => speaker.stop());
process.once('SIGINT', () => speaker.stop());
