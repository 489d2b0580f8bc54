/** What tshark reads in every message, capability and attribute that we encode is what the model says: all fields, no others. */

import t from 'tap';
import { formatAddress, formatIpv4, parseAddress, parseIpv4, parsePrefix } from '../../src/address.ts';
import { attributeDescriptors, type PathAttributes } from '../../src/attribute/registry.ts';
import { type Capability, capabilityDescriptors } from '../../src/capability/registry.ts';
import { afiOf, safiOf } from '../../src/family/model.ts';
import { ipv4Unicast, ipv6Unicast } from '../../src/family/registry.ts';
import { defaultContext, encodeMessage } from '../../src/message/message.ts';
import type { Message, UpdateContext } from '../../src/message/model.ts';
import { encodeShutdownText } from '../../src/message/notification.ts';
import { encodeEndOfRib } from '../../src/message/update.ts';
import { dissect, type Fields } from './tshark.ts';

type Expected = Readonly<Record<string, readonly (string | number)[]>>;

/** One message and the fields tshark must show, besides the header's. */
interface Row {
  readonly title: string;
  readonly bytes: Uint8Array;
  readonly fields: Expected;
}

const attribute = 'bgp.update.path_attribute';

/** Shown for every message or attribute, and compared as a whole: lengths and flags are what `encode` computes. */
const framing =
  /^bgp\.(marker|length|type)$|flags|\.length$|\.len$|unused|bgp\.large_communities$|communication_length|prefix_length|nbr_snpa|\.next_hop$|cap\.reserved/;

function shown(fields: Fields): Record<string, string[]> {
  return Object.fromEntries(
    [...fields]
      .filter(([name]) => name === `${attribute}.next_hop` || !framing.test(name))
      .map(([name, values]) => [name, [...values]]),
  );
}

const afis = (list: readonly { family: number }[]): number[] => list.map(({ family }) => afiOf(family));
const safis = (list: readonly { family: number }[]): number[] => list.map(({ family }) => safiOf(family));
const bit = (value: boolean): number => (value ? 1 : 0);

const helperOnly: Expected = {
  'bgp.cap.gr.helper_mode_only': [''],
  '_ws.expert.message': ['Graceful Restart Capability supported in Helper mode only'],
  '_ws.expert.severity': [2097152],
  '_ws.expert.group': [67108864],
};

/** The fields of a capability behind type and length. */
function capabilityFields(capability: Capability): Expected {
  switch (capability.kind) {
    case 'multiprotocol':
      return { 'bgp.cap.mp.afi': afis([capability]), 'bgp.cap.mp.safi': safis([capability]) };
    case 'extended-next-hop':
      return {
        'bgp.cap.enh.afi': afis(capability.entries),
        'bgp.cap.enh.safi': safis(capability.entries),
        'bgp.cap.enh.nhafi': capability.entries.map(({ nextHopAfi }) => nextHopAfi),
      };
    // Two that this tshark has no reading of: it shows their bytes.
    case 'role':
      return { 'bgp.cap.unknown': ['02'] };
    case 'long-lived-graceful-restart':
      return { 'bgp.cap.unknown': ['00:01:01:80:01:51:80:00:02:01:00:ff:ff:ff'] };
    case 'graceful-restart': {
      const { restarting, notification, restartTimeSeconds, families } = capability;
      const word = (bit(restarting) << 15) | (bit(notification) << 14) | restartTimeSeconds;
      return {
        'bgp.cap.gr.timers': [`0x${word.toString(16).padStart(4, '0')}`],
        'bgp.cap.gr.timers.restart_flag': [bit(restarting)],
        'bgp.cap.gr.timers.notification_flag': [bit(notification)],
        'bgp.cap.gr.timers.restart_time': [restartTimeSeconds],
        'bgp.cap.gr.afi': afis(families),
        'bgp.cap.gr.safi': safis(families),
        'bgp.cap.gr.flag': families.map(({ forwardingPreserved }) => (forwardingPreserved ? '0x80' : '0x00')),
        'bgp.cap.gr.flag.pfs': families.map(({ forwardingPreserved }) => bit(forwardingPreserved)),
        // tshark's remark on a capability without families.
        ...(families.length > 0 ? {} : helperOnly),
      };
    }
    case 'four-octet-as':
      return { 'bgp.cap.4as': [capability.asn] };
    case 'add-path':
      return {
        'bgp.cap.ap.afi': afis(capability.families),
        'bgp.cap.ap.safi': safis(capability.families),
        'bgp.cap.ap.sendreceive': capability.families.map(({ receive, send }) => bit(receive) + 2 * bit(send)),
      };
    case 'fqdn':
      return {
        'bgp.cap.orf.fqdn.hostname': [capability.hostname],
        'bgp.cap.orf.fqdn.domain_name': [capability.domain],
      };
    case 'software-version':
    case 'unknown': {
      // tshark 4.0 does not know the software version: its bytes are compared.
      const value =
        capability.kind === 'unknown'
          ? capability.value
          : [capability.version.length, ...Buffer.from(capability.version)];
      return { 'bgp.cap.unknown': [Array.from(value, (byte) => byte.toString(16).padStart(2, '0')).join(':')] };
    }
    default:
      return {};
  }
}

const families = [
  { family: ipv4Unicast.key, forwardingPreserved: true },
  { family: ipv6Unicast.key, forwardingPreserved: false },
];

const capabilities: readonly Capability[] = [
  { kind: 'multiprotocol', family: ipv4Unicast.key },
  { kind: 'multiprotocol', family: ipv6Unicast.key },
  { kind: 'route-refresh' },
  { kind: 'extended-next-hop', entries: [{ family: ipv4Unicast.key, nextHopAfi: 2 }] },
  { kind: 'extended-message' },
  { kind: 'graceful-restart', restarting: true, notification: false, restartTimeSeconds: 120, families },
  { kind: 'graceful-restart', restarting: false, notification: true, restartTimeSeconds: 4095, families: [] },
  { kind: 'four-octet-as', asn: 4200000001 },
  {
    kind: 'add-path',
    families: [
      { family: ipv4Unicast.key, receive: true, send: true },
      { family: ipv6Unicast.key, receive: true, send: false },
    ],
  },
  { kind: 'enhanced-route-refresh' },
  { kind: 'role', role: 'rs-client' },
  {
    kind: 'long-lived-graceful-restart',
    families: [
      { family: ipv4Unicast.key, forwardingPreserved: true, staleTimeSeconds: 86_400 },
      { family: ipv6Unicast.key, forwardingPreserved: false, staleTimeSeconds: 16_777_215 },
    ],
  },
  { kind: 'fqdn', hostname: 'node-a', domain: 'example' },
  { kind: 'software-version', version: 'routelet/0.1' },
  { kind: 'unknown', code: 240, value: Uint8Array.of(1, 2, 3) },
];

function openRow(capability: Capability): Row {
  const message: Message = {
    kind: 'open',
    version: 4,
    myAs: 65010,
    holdTimeSeconds: 90,
    identifier: 0x0a000001,
    capabilities: [capability],
  };
  const code =
    capability.kind === 'unknown'
      ? capability.code
      : capabilityDescriptors.find(({ kind }) => kind === capability.kind)?.code;
  return {
    title: `OPEN with ${capability.kind}`,
    bytes: encodeMessage(message),
    fields: {
      'bgp.open.version': [4],
      'bgp.open.myas': [65010],
      'bgp.open.holdtime': [90],
      'bgp.open.identifier': ['10.0.0.1'],
      'bgp.open.opt.param.type': [2],
      'bgp.cap.type': [code ?? -1],
      ...Object.fromEntries(Object.entries(capabilityFields(capability)).filter(([, values]) => values.length > 0)),
    },
  };
}

const wide = 4200000001;
const segmentCodes = { set: 1, sequence: 2, 'confederation-sequence': 3, 'confederation-set': 4 };

/** One attribute: its value in the model and the fields behind its header. */
const attributeRows: readonly (readonly [attributes: PathAttributes, fields: Expected])[] = [
  ...(['igp', 'egp', 'incomplete'] as const).map(
    (origin, code) => [{ origin }, { [`${attribute}.origin`]: [code] }] as const,
  ),
  ...(['sequence', 'set', 'confederation-sequence', 'confederation-set'] as const).map(
    (kind) =>
      [
        {
          asPath: [
            { kind, asns: [65000, wide] },
            { kind: 'sequence', asns: [1] },
          ],
        },
        {
          [`${attribute}.as_path_segment.type`]: [segmentCodes[kind], 2],
          [`${attribute}.as_path_segment.as4`]: [65000, wide, 1],
        },
      ] as const,
  ),
  [{ asPath: [] }, {}],
  [{ nextHop: parseIpv4('192.0.2.9') }, { [`${attribute}.next_hop`]: ['192.0.2.9'] }],
  [{ multiExitDisc: 4294967295 }, { [`${attribute}.multi_exit_disc`]: [4294967295] }],
  [{ localPref: 200 }, { [`${attribute}.local_pref`]: [200] }],
  [{ atomicAggregate: true }, {}],
  [
    { aggregator: { asn: wide, address: parseIpv4('10.0.0.9') } },
    { [`${attribute}.aggregator_as`]: [wide], [`${attribute}.aggregator_origin`]: ['10.0.0.9'] },
  ],
  [
    { communities: [65000 * 65536 + 100, 0xffffff01] },
    {
      [`${attribute}.community_as`]: [65000],
      [`${attribute}.community_value`]: [100],
      [`${attribute}.community_wellknown`]: ['0xffffff01'],
    },
  ],
  [{ originatorId: parseIpv4('10.0.0.7') }, { [`${attribute}.originator_id`]: ['10.0.0.7'] }],
  [
    { clusterList: [0x0a000008, 0x0a000009] },
    { 'bgp.path_attribute.cluster_id': [formatIpv4(0x0a000008), '10.0.0.9'] },
  ],
  [
    { extendedCommunities: [0x0002fde800000007n] },
    {
      'bgp.ext_com.type': ['0x00'],
      'bgp.ext_com.type.auth': [0],
      'bgp.ext_com.type.tran': [0],
      'bgp.ext_com.stype_tr_as2': ['0x02'],
      'bgp.ext_com.value_as2': [65000],
      'bgp.ext_com.value_an4': [7],
    },
  ],
  [
    { aigp: [{ type: 1, value: Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 100) }] },
    { 'bgp.update.attribute.aigp.type': [1], 'bgp.update.attribute.aigp.accu_igp_metric': [4294967396] },
  ],
  [
    {
      largeCommunities: [
        [wide, 1, 2],
        [3, 4, 5],
      ],
    },
    {
      'bgp.large_communities.ga': [wide, 3],
      'bgp.large_communities.ldp1': [1, 4],
      'bgp.large_communities.ldp2': [2, 5],
    },
  ],
  // No reading in tshark 4.0: it shows their type and length (checked below) and no content.
  [{ ipv6ExtendedCommunities: [new Uint8Array(20).fill(2)] }, { 'bgp.update.path_attributes.unknown': [''] }],
  [{ onlyToCustomer: 65000 }, { 'bgp.update.path_attributes.unknown': [''] }],
  [{ unknown: [{ type: 200, flags: 0xe0, value: Uint8Array.of(1) }] }, { 'bgp.update.path_attributes.unknown': [''] }],
];

function attributeRow(attributes: PathAttributes, fields: Expected): Row {
  const [name] = Object.keys(attributes);
  const type =
    attributeDescriptors.find((descriptor) => descriptor.name === name)?.type ?? attributes.unknown?.[0]?.type ?? -1;
  const message: Message = { kind: 'update', withdrawn: [], attributes, nlri: [] };
  return {
    title: `UPDATE with ${name}`,
    bytes: encodeMessage(message),
    fields: { [`${attribute}.type_code`]: [type], ...fields },
  };
}

const global = '2001:db8::1';
const linkLocal = 'fe80::1';
const twoOctets: UpdateContext = { ...defaultContext, fourOctetAs: false, peerType: 'ebgp' };

const messageRows: readonly Row[] = [
  {
    title: 'UPDATE of IPv4',
    bytes: encodeMessage({
      kind: 'update',
      withdrawn: [parsePrefix('10.1.0.0/16'), parsePrefix('10.2.3.0/24')],
      attributes: { origin: 'igp', asPath: [], nextHop: 0xc0000209 },
      nlri: [parsePrefix('192.0.2.128/25'), parsePrefix('172.16.0.0/12')],
    }),
    fields: {
      'bgp.withdrawn_prefix': ['10.1.0.0', '10.2.3.0'],
      [`${attribute}.type_code`]: [1, 2, 3],
      [`${attribute}.origin`]: [0],
      [`${attribute}.next_hop`]: ['192.0.2.9'],
      'bgp.nlri_prefix': ['192.0.2.128', '172.16.0.0'],
    },
  },
  {
    title: 'UPDATE of IPv6',
    bytes: encodeMessage({
      kind: 'update',
      withdrawn: [],
      attributes: { origin: 'igp', asPath: [] },
      nlri: [],
      mpReach: {
        family: ipv6Unicast.key,
        nextHop: parseAddress(global),
        nlri: [parsePrefix('2001:db8:1::/48'), parsePrefix('::/0')],
      },
      mpUnreach: { family: ipv6Unicast.key, nlri: [parsePrefix('2001:db8:2::/47')] },
    }),
    fields: {
      [`${attribute}.type_code`]: [15, 14, 1, 2],
      [`${attribute}.mp_unreach_nlri.afi`]: [2],
      [`${attribute}.mp_unreach_nlri.safi`]: [1],
      'bgp.mp_unreach_nlri_ipv6_prefix': ['2001:db8:2::'],
      [`${attribute}.mp_reach_nlri.afi`]: [2],
      [`${attribute}.mp_reach_nlri.safi`]: [1],
      [`${attribute}.mp_reach_nlri.next_hop.ipv6`]: [global],
      'bgp.mp_reach_nlri_ipv6_prefix': ['2001:db8:1::', '::'],
      [`${attribute}.origin`]: [0],
    },
  },
  {
    title: 'UPDATE of IPv6 with a link-local next hop (RFC 2545)',
    bytes: encodeMessage({
      kind: 'update',
      withdrawn: [],
      attributes: {},
      nlri: [],
      mpReach: {
        family: ipv6Unicast.key,
        nextHop: Uint8Array.of(...parseAddress(global), ...parseAddress(linkLocal)),
        nlri: [parsePrefix('2001:db8:1::/48')],
      },
    }),
    fields: {
      [`${attribute}.type_code`]: [14],
      [`${attribute}.mp_reach_nlri.afi`]: [2],
      [`${attribute}.mp_reach_nlri.safi`]: [1],
      [`${attribute}.mp_reach_nlri.next_hop.ipv6`]: [global],
      [`${attribute}.mp_reach_nlri.next_hop.ipv6.link_local`]: [formatAddress(parseAddress(linkLocal))],
      'bgp.mp_reach_nlri_ipv6_prefix': ['2001:db8:1::'],
    },
  },
  { title: 'End-of-RIB of IPv4', bytes: encodeEndOfRib(ipv4Unicast.key), fields: {} },
  {
    title: 'End-of-RIB of IPv6',
    bytes: encodeEndOfRib(ipv6Unicast.key),
    fields: {
      [`${attribute}.type_code`]: [15],
      [`${attribute}.mp_unreach_nlri`]: [''],
      [`${attribute}.mp_unreach_nlri.afi`]: [2],
      [`${attribute}.mp_unreach_nlri.safi`]: [1],
    },
  },
  {
    title: 'NOTIFICATION with a text (RFC 9003)',
    bytes: encodeMessage({ kind: 'notification', code: 6, subcode: 2, data: encodeShutdownText('maintenance') }),
    fields: {
      'bgp.notify.major_error': [6],
      'bgp.notify.minor_error_cease': [2],
      'bgp.notify.communication': ['maintenance'],
    },
  },
  { title: 'KEEPALIVE', bytes: encodeMessage({ kind: 'keepalive' }), fields: {} },
  {
    title: 'ROUTE-REFRESH',
    bytes: encodeMessage({ kind: 'route-refresh', family: ipv6Unicast.key, subtype: 2 }),
    fields: { 'bgp.route_refresh.afi': [2], 'bgp.route_refresh.subtype': [2], 'bgp.route_refresh.safi': [1] },
  },
];

const fourOctetRows: readonly Row[] = [
  ...capabilities.map(openRow),
  ...attributeRows.map(([attributes, fields]) => attributeRow(attributes, fields)),
  ...messageRows,
];

/** tshark is told the size of AS numbers in AS_PATH and AGGREGATOR. */
const twoOctetRows: readonly Row[] = [
  {
    title: 'UPDATE to a two-octet peer (RFC 6793)',
    bytes: encodeMessage(
      {
        kind: 'update',
        withdrawn: [],
        attributes: {
          asPath: [{ kind: 'sequence', asns: [65000, wide] }],
          aggregator: { asn: wide, address: 0x0a000009 },
        },
        nlri: [],
      },
      twoOctets,
    ),
    fields: {
      [`${attribute}.type_code`]: [2, 7, 17, 18],
      [`${attribute}.as_path_segment.type`]: [2, 2],
      [`${attribute}.as_path_segment.as2`]: [65000, 23456],
      [`${attribute}.as_path_segment.as4`]: [65000, wide],
      [`${attribute}.aggregator_as`]: [23456, wide],
      [`${attribute}.aggregator_origin`]: ['10.0.0.9', '10.0.0.9'],
    },
  },
];

for (const [asnBytes, rows] of [
  [4, fourOctetRows],
  [2, twoOctetRows],
] as const) {
  t.test(`tshark, AS numbers of ${asnBytes} octets`, async (t) => {
    const read = dissect(
      rows.map(({ bytes }) => bytes),
      asnBytes,
    );
    t.equal(read.length, rows.length, 'one message a packet');
    for (const [index, { title, bytes, fields }] of rows.entries()) {
      const seen = read[index] ?? new Map();
      t.strictSame(
        shown(seen),
        Object.fromEntries(Object.entries(fields).map(([name, values]) => [name, values.map(String)])),
        title,
      );
      t.strictSame(seen.get('bgp.length'), [String(bytes.length)], `${title}: length`);
      const extended = seen.get(`${attribute}.flags.extended_length`) ?? [];
      t.notOk(extended.includes('1'), `${title}: no extended length where it is not needed`);
    }
  });
}

t.test('every attribute and capability is in the tables', async (t) => {
  const names = new Set(attributeRows.flatMap(([attributes]) => Object.keys(attributes)));
  // AS4_PATH and AS4_AGGREGATOR are in the message to a two-octet peer.
  for (const { name } of attributeDescriptors)
    t.ok(names.has(name) || name === 'as4Path' || name === 'as4Aggregator', name);
  for (const { kind } of capabilityDescriptors)
    t.ok(
      capabilities.some((capability) => capability.kind === kind),
      kind,
    );
});
