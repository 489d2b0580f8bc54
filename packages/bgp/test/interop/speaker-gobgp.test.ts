import { gobgp, run } from './daemons.ts';
import { ours, runSpeakerScenarios, type SpeakerPeer, theirs } from './speaker-scenarios.ts';

interface GobgpAttribute {
  readonly type: number;
  readonly as_paths?: readonly { readonly asns: readonly number[] }[];
  readonly nexthop?: string;
  readonly metric?: number;
  readonly communities?: readonly number[];
  readonly value?: readonly { readonly ASN: number; readonly LocalData1: number; readonly LocalData2: number }[];
}

const peer: SpeakerPeer = {
  ...gobgp,
  sendsEndOfRib: false,
  async ready() {
    const add = (...words: string[]): Promise<string> => run('gobgp', 'global', 'rib', 'add', ...words);
    const tags = ['community', '65002:7,65002:8', 'large-community', '65002:1:2'];
    await add('203.0.113.0/24', 'nexthop', theirs.address, 'med', '30', ...tags);
    await add('-a', 'ipv6', '2001:db8:b::/48', 'nexthop', theirs.address6, 'med', '31', 'community', '65002:9');
  },
  async route(prefix) {
    const family = prefix.includes(':') ? 'ipv6' : 'ipv4';
    const text = await run('gobgp', 'neighbor', ours.address, 'adj-in', '-a', family, '-j');
    const tables: { readonly attrs: readonly GobgpAttribute[]; readonly nlri: { readonly prefix: string } }[] =
      Object.values(JSON.parse(text) as Record<string, never[]>).flat();
    const attributes = tables.find(({ nlri }) => nlri.prefix === prefix)?.attrs;
    if (attributes === undefined) return undefined;
    const of = (type: number): GobgpAttribute | undefined => attributes.find((attribute) => attribute.type === type);
    return {
      asPath: (of(2)?.as_paths ?? []).flatMap(({ asns }) => asns),
      nextHop: of(3)?.nexthop ?? of(14)?.nexthop ?? '',
      med: of(4)?.metric,
      communities: (of(8)?.communities ?? []).map((value) => `${value >>> 16}:${value & 0xffff}`),
      largeCommunities: (of(32)?.value ?? []).map(
        ({ ASN, LocalData1, LocalData2 }) => `${ASN}:${LocalData1}:${LocalData2}`,
      ),
    };
  },
};

await runSpeakerScenarios(peer);
