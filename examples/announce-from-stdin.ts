/**
 * Routes by standard input, as scripts for ExaBGP write them, so that a shell script can announce:
 *
 *   announce route 203.0.113.0/24 next-hop self med 10 community [65000:1 65000:2]
 *   withdraw route 203.0.113.0/24
 *
 *   my-script | node examples/announce-from-stdin.ts --asn 65000 192.0.2.1=65001
 *
 * A line that is not understood is told on standard error and changes nothing. At the end of the input all is withdrawn.
 */

import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { type Announcement, createSpeaker, type PathAttributes, type PolicyChain } from '@routelet/bgp';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    asn: { type: 'string', default: '65000' },
    'router-id': { type: 'string', default: '192.0.2.9' },
    'local-address': { type: 'string' },
    port: { type: 'string', default: '179' },
  },
});

const ours: PolicyChain = {
  name: 'what the script says',
  statements: [{ name: 'own routes', match: { source: 'local' }, verdict: 'accept' }],
  defaultVerdict: 'reject',
};
const speaker = createSpeaker({ asn: Number(values.asn), routerId: values['router-id'], exportPolicy: ours });
const localAddress = values['local-address'];
for (const peer of positionals) {
  const [address = '', asn] = peer.split('=');
  const local = localAddress === undefined ? {} : { localAddress };
  speaker.addPeer({ address, asn: Number(asn), port: Number(values.port), ...local });
}
speaker.on('warning', ({ text }) => console.error(text));

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** What each keyword puts into the announcement. */
const keywords: Readonly<Record<string, (value: string, attributes: Mutable<PathAttributes>) => void>> = {
  med: (value, attributes) => {
    attributes.multiExitDisc = wholeNumber(value);
  },
  'local-preference': (value, attributes) => {
    attributes.localPref = wholeNumber(value);
  },
  community: (value, attributes) => {
    attributes.communities = value.split(' ').map((text) => {
      const [asn = '', local = ''] = text.split(':');
      return wholeNumber(asn) * 65536 + wholeNumber(local);
    });
  },
};

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new SyntaxError(`${JSON.stringify(text)} is no number`);
  return Number(text);
}

/** The words behind "announce route". */
function announcement(text: string): Announcement {
  const [prefix = '', ...words] = text.match(/\[[^\]]*\]|\S+/g) ?? [];
  const attributes: Mutable<PathAttributes> = {};
  let nextHop: string | undefined;
  for (let at = 0; at < words.length; at += 2) {
    const keyword = words[at] ?? '';
    const value = (words[at + 1] ?? '').replace(/^\[\s*|\s*\]$/g, '');
    if (keyword === 'next-hop') nextHop = value === 'self' ? undefined : value;
    else if (keywords[keyword] === undefined) throw new SyntaxError(`${JSON.stringify(keyword)} is not known`);
    else keywords[keyword](value, attributes);
  }
  return { prefix, attributes, ...(nextHop === undefined ? {} : { nextHop }) };
}

await speaker.start();
for await (const line of createInterface({ input: process.stdin })) {
  const [, verb, rest = ''] = /^(announce|withdraw) route (.+)$/.exec(line.trim()) ?? [];
  try {
    if (verb === 'announce') speaker.announce(announcement(rest));
    else if (verb === 'withdraw') speaker.withdraw(rest.split(' ')[0] ?? '');
    else if (line.trim() !== '') throw new SyntaxError('neither "announce route" nor "withdraw route"');
  } catch (error) {
    console.error(`${line}: ${error instanceof Error ? error.message : error}`);
  }
}
await speaker.stop();
