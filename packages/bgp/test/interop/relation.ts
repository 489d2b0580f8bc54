/** A speaker of ours and one daemon, with a route each, for what the two are to each other. */
import { join } from 'node:path';
import { createSpeaker } from '../../src/index.ts';
import type { PolicyChain } from '../../src/policy/model.ts';
import type { PeerOptions, Speaker, SpeakerOptions } from '../../src/speaker/api.ts';
import { bird, type Daemon, type DaemonKind, run, startDaemon } from './daemons.ts';
import { ours, setup, theirs } from './speaker-scenarios.ts';

const all: PolicyChain = { name: 'all', statements: [], defaultVerdict: 'accept' };
export const route = '192.0.2.0/24';
export const theirRoute = '203.0.113.0/24';

/** BIRD with lines for the neighbour, and for its IPv4 channel. */
export function birdWith(asn: number, peerAsn: number, neighbor: string, channel = '', more = ''): DaemonKind {
  return {
    ...bird,
    files: () => ({
      'bird.conf': `
        router id ${theirs.address};
        log stderr all;
        protocol device {}
        protocol static { ipv4; route ${theirRoute} blackhole; ${more} }
        protocol bgp routelet {
          local ${theirs.address} as ${asn};
          neighbor ${ours.address} as ${peerAsn};
          multihop 2; strict bind on;
          connect delay time 1; connect retry time 2; error wait time 1, 2;
          ${neighbor}
          ipv4 { import all; export all; next hop self; ${channel} };
        }`,
    }),
  };
}

export const birdc = ({ folder }: Daemon, ...words: string[]): Promise<string> =>
  run('birdc', '-s', join(folder, 'bird.ctl'), ...words);

export async function together(
  kind: DaemonKind,
  options: Partial<SpeakerOptions>,
  peer: Partial<PeerOptions> | undefined,
  scenario: (speaker: Speaker, daemon: Daemon) => Promise<void>,
): Promise<void> {
  const daemon = await startDaemon(kind, setup);
  const speaker = createSpeaker({
    asn: ours.asn,
    routerId: ours.address,
    listen: [{ address: ours.address }],
    importPolicy: all,
    exportPolicy: all,
    ...options,
  });
  if (peer !== undefined) {
    const base = { address: theirs.address, asn: theirs.asn, localAddress: ours.address, connectRetryMs: 1000 };
    speaker.addPeer({ ...base, ...peer });
  }
  speaker.announce({ prefix: route, attributes: { asPath: [{ kind: 'sequence', asns: [65010] }] } });
  try {
    await speaker.start();
    await scenario(speaker, daemon);
  } finally {
    await speaker.stop();
    await daemon.stop();
  }
}

/** Its client fails while there is none. */
export const routeAtBird = (daemon: Daemon): Promise<string> =>
  birdc(daemon, 'show', 'route', 'all', 'for', route, 'protocol', 'routelet').catch(() => '');
