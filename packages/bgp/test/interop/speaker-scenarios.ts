/** What a whole speaker is put through with each daemon: routes with attributes both ways, compared with its own client. */
import t from 'tap';
import type { PathAttributes } from '../../src/attribute/registry.ts';
import { createSpeaker } from '../../src/index.ts';
import type { PolicyChain } from '../../src/policy/model.ts';
import type { Announcement, Path, Speaker, SpeakerOptions } from '../../src/speaker/api.ts';
import { addAddresses, type Daemon, type DaemonKind, type DaemonSetup, startDaemon, until } from './daemons.ts';

export const ours = { address: '10.255.0.1', address6: 'fd00::1', asn: 65001 } as const;
export const theirs = { address: '10.255.0.2', address6: 'fd00::2', asn: 65002 } as const;

/** A route as a daemon's client shows it, in the least common form. */
export interface SeenRoute {
  readonly asPath: readonly number[];
  readonly nextHop: string;
  readonly med: number | undefined;
  readonly communities: readonly string[];
  readonly largeCommunities: readonly string[];
}

/** What the daemon originates; its configuration says the same in its own words. */
export const theirRoutes = {
  '203.0.113.0/24': { med: 30, communities: ['65002:7', '65002:8'], largeCommunities: ['65002:1:2'] },
  '2001:db8:b::/48': { med: 31, communities: ['65002:9'], largeCommunities: [] },
} as const;

export interface SpeakerPeer extends DaemonKind {
  /** Without graceful restart in use, as RFC 4724 §2 recommends. */
  readonly sendsEndOfRib: boolean;
  /** The daemon's route for a prefix that it learned from us. */
  route(prefix: string): Promise<SeenRoute | undefined>;
}

const all: PolicyChain = { name: 'all', statements: [], defaultVerdict: 'accept' };

const attributes: PathAttributes = {
  origin: 'egp',
  asPath: [{ kind: 'sequence', asns: [65010, 4_200_000_000] }],
  multiExitDisc: 55,
  communities: [65001 * 65536 + 100, 65001 * 65536 + 200],
  largeCommunities: [[65001, 3, 4]],
};

const announcements: readonly Announcement[] = [
  { prefix: '192.0.2.0/24', attributes },
  { prefix: '2001:db8:a::/48', nextHop: ours.address6, attributes },
];

const expectedThere = {
  asPath: [65001, 65010, 4_200_000_000],
  med: 55,
  communities: ['65001:100', '65001:200'],
  largeCommunities: ['65001:3:4'],
};

export function startSpeaker(options: Partial<SpeakerOptions> = {}): Speaker {
  const speaker = createSpeaker({
    asn: ours.asn,
    routerId: ours.address,
    listen: [{ address: ours.address }],
    importPolicy: all,
    exportPolicy: all,
    ...options,
  });
  speaker.addPeer({
    address: theirs.address,
    asn: theirs.asn,
    localAddress: ours.address,
    families: ['ipv4-unicast', 'ipv6-unicast'],
    connectRetryMs: 1000,
  });
  return speaker;
}

export const setup: DaemonSetup = {
  localAddress: theirs.address,
  localAsn: theirs.asn,
  routerId: theirs.address,
  peerAddress: ours.address,
  peerAsn: ours.asn,
};

function seenHere({ nextHop, attributes: own }: Path): SeenRoute {
  return {
    asPath: (own.asPath ?? []).flatMap(({ asns }) => asns),
    nextHop,
    med: own.multiExitDisc,
    communities: (own.communities ?? []).map((value) => `${value >>> 16}:${value & 0xffff}`),
    largeCommunities: (own.largeCommunities ?? []).map((parts) => parts.join(':')),
  };
}

export async function runSpeakerScenarios(
  peer: SpeakerPeer,
  more: (daemon: Daemon) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  await addAddresses(ours.address, ours.address6, theirs.address, theirs.address6);
  const daemon = await startDaemon(peer, setup);
  try {
    await t.test(`routes with attributes, both ways: ${peer.name}`, async (t) => {
      const speaker = startSpeaker();
      const ended: string[] = [];
      const warnings: string[] = [];
      speaker.on('end-of-rib', ({ family }) => ended.push(family));
      speaker.on('warning', ({ text }) => warnings.push(text));
      speaker.setAnnouncements(announcements);
      await speaker.start();
      const [four, six] = Object.keys(theirRoutes);
      await until(
        () => `their routes here: ${JSON.stringify(speaker.peers())} ${warnings.join('\n')}`,
        () => speaker.bestPath(four ?? '') !== undefined && speaker.bestPath(six ?? '') !== undefined,
      );
      for (const [prefix, expected] of Object.entries(theirRoutes)) {
        const path = speaker.bestPath(prefix);
        const nextHop = prefix.includes(':') ? theirs.address6 : theirs.address;
        t.strictSame(path && seenHere(path), { asPath: [theirs.asn], nextHop, ...expected }, prefix);
        t.match(path, { from: theirs.address, fromType: 'ebgp', stale: false });
      }
      for (const { prefix } of announcements) {
        await until(`${prefix} there`, async () => (await peer.route(prefix)) !== undefined);
        const nextHop = prefix.includes(':') ? ours.address6 : ours.address;
        t.strictSame(await peer.route(prefix), { ...expectedThere, nextHop }, prefix);
      }
      if (peer.sendsEndOfRib) await until('End-of-RIB of both families', () => ended.length === 2);

      speaker.setAnnouncements([{ prefix: '192.0.2.0/24', attributes: { ...attributes, multiExitDisc: 56 } }]);
      await until('the changed route there', async () => (await peer.route('192.0.2.0/24'))?.med === 56);
      await until('the withdrawn route gone', async () => (await peer.route('2001:db8:a::/48')) === undefined);
      speaker.withdraw('192.0.2.0/24');
      await until('all routes gone', async () => (await peer.route('192.0.2.0/24')) === undefined);
      t.match(speaker.peers()[0], { state: 'Established', established: 1, prefixesSent: 0, prefixesReceived: 2 });
      t.strictSame(
        warnings.filter((text) => !text.includes('ECONNREFUSED')),
        [],
      );
      await speaker.stop();
    });
    await more(daemon);
  } finally {
    await daemon.stop();
  }
}
