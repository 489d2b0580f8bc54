/** Routes of both families over both transports, and the attributes they carry. */
import type { PathAttributes } from '../../../../src/attribute/registry.ts';
import type { Cell } from '../cell.ts';
import type { Feature } from '../feature.ts';
import type { Family, SeenPath } from '../peer.ts';

const prefixes: { readonly [F in Family]: { readonly ours: string; readonly theirs: string } } = {
  ipv4: { ours: '192.0.2.0/24', theirs: '203.0.113.0/24' },
  ipv6: { ours: '2001:db8:a::/48', theirs: '2001:db8:b::/48' },
};

/** A route each way with its attributes, a change, and a withdrawal, all seen in the peer's table. */
async function bothWays(cell: Cell, family: Family, nextHopFamily: Family = family): Promise<void> {
  const { ours, theirs } = prefixes[family];
  const nextHop = cell.namespace.addresses.ours[nextHopFamily];
  const attributes: PathAttributes = { asPath: [{ kind: 'sequence', asns: [65010, 65011] }], multiExitDisc: 55 };
  cell.speaker.announce({ prefix: ours, nextHop, attributes });
  await cell.established();
  const expected: Partial<SeenPath> = { best: true, nextHop, asPath: `${cell.asn} 65010 65011`, med: 55 };
  await cell.shows(ours, JSON.stringify(expected), ([path, ...more]) => more.length === 0 && matches(path, expected));
  await cell.knows(theirs, 'from the peer', ([path]) => {
    return (
      path?.from === cell.theirAddress &&
      path.nextHop === cell.namespace.addresses.theirs[nextHopFamily] &&
      path.attributes.asPath?.flatMap(({ asns }) => asns).join(' ') === String(cell.peerAsn)
    );
  });
  cell.speaker.announce({ prefix: ours, nextHop, attributes: { ...attributes, multiExitDisc: 56 } });
  await cell.shows(ours, 'with the changed MED', ([path]) => path?.med === 56);
  cell.speaker.withdraw(ours);
  await cell.shows(ours, 'withdrawn', (paths) => paths.length === 0);
}

function matches(path: SeenPath | undefined, expected: Partial<SeenPath>): boolean {
  const names = Object.keys(expected) as (keyof SeenPath)[];
  return path !== undefined && names.every((name) => inOrder(path[name]) === inOrder(expected[name]));
}

/** Communities are sets: some clients show them sorted by number. */
function inOrder(value: SeenPath[keyof SeenPath]): string {
  return String(typeof value === 'object' ? [...value].sort() : value);
}

const unicast = { 'bgp.update.path_attribute.type_code': '14' };

/** One route with these attributes, until the peer shows it as it should. */
async function carries(
  cell: Cell,
  attributes: PathAttributes,
  expected: Partial<SeenPath> | ((path: SeenPath) => boolean),
): Promise<void> {
  const prefix = prefixes.ipv4.ours;
  cell.speaker.announce({ prefix, attributes });
  await cell.established();
  const holds = typeof expected === 'function' ? expected : (path: SeenPath) => matches(path, expected);
  await cell.shows(prefix, String(holds), ([path]) => path?.best === true && holds(path));
}

/** GoBGP's client lists what either side offers: a capability that it only received. */
export async function notOffered(cell: Cell, line: RegExp): Promise<string> {
  await cell.established();
  return cell.says(new RegExp(`${line.source}(?=\\n)`));
}

const plain = { bird: {}, frr: {}, gobgp: {}, exabgp: {}, openbgpd: {} };

/** Attributes of 7,600 bytes. Some clients cut such lists off, but all show the beginning of the second, behind 4,000 bytes. */
const manyCommunities = Array.from({ length: 1000 }, (_, index) => 65001 * 65536 + index);
const manyLargeCommunities = Array.from({ length: 300 }, (_, index) => [65001, 1, index] as const);

export const routeFeatures: readonly Feature[] = [
  {
    name: 'IPv4 over IPv4',
    theirs: plain,
    drive: (cell) => bothWays(cell, 'ipv4'),
    wire: [
      {
        from: 'ours',
        fields: { 'bgp.type': '2', 'bgp.nlri_prefix': '192.0.2.0', 'bgp.update.path_attribute.multi_exit_disc': '56' },
      },
      { from: 'ours', fields: { 'bgp.type': '2', 'bgp.withdrawn_prefix': '192.0.2.0' } },
      { from: 'theirs', fields: { 'bgp.type': '2', 'bgp.nlri_prefix': '203.0.113.0' } },
    ],
  },
  {
    name: 'IPv6 over IPv4',
    families: ['ipv6'],
    // OpenBGPD takes ::1 for its address on the link when it may choose.
    theirs: { ...plain, openbgpd: { neighbor: 'multihop 2\nset nexthop no-modify' } },
    drive: (cell) => bothWays(cell, 'ipv6'),
    wire: [
      { from: 'ours', fields: { ...unicast, 'bgp.mp_reach_nlri_ipv6_prefix': '2001:db8:a::' } },
      { from: 'theirs', fields: { ...unicast, 'bgp.mp_reach_nlri_ipv6_prefix': '2001:db8:b::' } },
    ],
  },
  {
    name: 'IPv6 over IPv6',
    families: ['ipv6'],
    transport: 'ipv6',
    theirs: plain,
    drive: (cell) => bothWays(cell, 'ipv6'),
    wire: [
      { from: 'ours', fields: { ...unicast, 'bgp.mp_reach_nlri_ipv6_prefix': '2001:db8:a::' } },
      { from: 'theirs', fields: { ...unicast, 'bgp.mp_reach_nlri_ipv6_prefix': '2001:db8:b::' } },
    ],
  },
  {
    name: 'IPv4 with an IPv6 next hop (8950)',
    families: ['ipv4', 'ipv6'],
    transport: 'ipv6',
    ours: { peer: { extendedNextHop: true } },
    theirs: {
      bird: { ipv4: 'extended next hop on;' },
      frr: { neighbor: 'capability extended-nexthop' },
      gobgp: {},
      exabgp: { router: 'nexthop enable;', neighbor: 'nexthop { ipv4 unicast ipv6; }' },
      openbgpd: { refuses: { neighbor: 'announce extended nexthop yes' }, words: /syntax error/ },
    },
    drive: (cell) => bothWays(cell, 'ipv4', 'ipv6'),
    wire: [
      { from: 'ours', fields: { 'bgp.cap.type': '5', 'bgp.cap.enh.nhafi': '2' } },
      { from: 'theirs', fields: { 'bgp.cap.type': '5', 'bgp.cap.enh.nhafi': '2' } },
      { from: 'ours', fields: { ...unicast, 'bgp.update.path_attribute.mp_reach_nlri.afi': '1' } },
      { from: 'theirs', fields: { ...unicast, 'bgp.update.path_attribute.mp_reach_nlri.afi': '1' } },
    ],
  },
  {
    name: 'four-octet AS numbers',
    asn: 4_200_000_001,
    peerAsn: 4_200_000_002,
    theirs: plain,
    drive: (cell) => bothWays(cell, 'ipv4'),
    wire: [
      { from: 'ours', fields: { 'bgp.open.myas': '23456', 'bgp.cap.4as': '4200000001' } },
      { from: 'theirs', fields: { 'bgp.open.myas': '23456', 'bgp.cap.4as': '4200000002' } },
      { from: 'ours', fields: { 'bgp.update.path_attribute.as_path_segment.as4': '4200000001' } },
      { from: 'theirs', fields: { 'bgp.update.path_attribute.as_path_segment.as4': '4200000002' } },
    ],
  },
  {
    name: 'communities',
    theirs: plain,
    drive: (cell) =>
      carries(
        cell,
        { communities: [65001 * 65536 + 100, 65001 * 65536 + 200] },
        { communities: ['65001:100', '65001:200'] },
      ),
    wire: [{ from: 'ours', fields: { 'bgp.update.path_attribute.community_value': '100' } }],
  },
  {
    name: 'extended communities',
    theirs: plain,
    drive: (cell) =>
      carries(cell, { extendedCommunities: [0x0002fde900000064n] }, { extendedCommunities: ['rt:65001:100'] }),
    wire: [{ from: 'ours', fields: { 'bgp.update.path_attribute.type_code': '16', 'bgp.ext_com.value_as2': '65001' } }],
  },
  {
    name: 'large communities',
    theirs: plain,
    drive: (cell) =>
      carries(
        cell,
        {
          largeCommunities: [
            [65001, 3, 4],
            [4_200_000_000, 3, 4],
          ],
        },
        { largeCommunities: ['4200000000:3:4', '65001:3:4'] },
      ),
    wire: [{ from: 'ours', fields: { 'bgp.large_communities.ga': '4200000000', 'bgp.large_communities.ldp1': '3' } }],
  },
  {
    name: 'extended messages',
    theirs: {
      bird: { neighbor: 'enable extended messages on;' },
      frr: {},
      gobgp: { lacks: (cell) => notOffered(cell, /UnknownCapability\(6\):\s+received/) },
      exabgp: { router: 'extended-message enable;' },
      openbgpd: { refuses: { neighbor: 'announce extended yes' }, words: /syntax error/ },
    },
    drive: (cell) =>
      carries(
        cell,
        { communities: manyCommunities, largeCommunities: manyLargeCommunities },
        ({ communities, largeCommunities }) =>
          communities.includes('65001:20') && largeCommunities.includes('65001:1:20'),
      ),
    wire: [
      // tshark 4.0 takes no message of more than 4096 bytes for BGP: the header is in the segment's first bytes.
      { from: 'ours', fields: { 'tcp.payload': /^(ff:){16}1[0-9a-f]:[0-9a-f]{2}:02/ } },
      { from: 'theirs', fields: { 'bgp.cap.type': '6' } },
    ],
  },
];
