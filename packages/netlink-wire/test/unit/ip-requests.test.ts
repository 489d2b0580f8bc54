/** The bytes of our requests are those that `ip` sends for the same (test/fixtures/captures*.json). */
import t from 'tap';
import * as k from '../../src/constants/index.ts';
import type { Address, LinkSettings, Neighbour, Route, Rule, Tunnel } from '../../src/rtnetlink/model.ts';
import { type Operation, operationRequest } from '../../src/rtnetlink/operation.ts';
import { bytesOf, Captures, capture, fromHex, linkIndex, requestHex } from '../fixtures/captures.ts';

const links = new Captures('captures-links.json');
const br0 = linkIndex('br0');
const br1 = linkIndex('br1');
const v0 = linkIndex('v0');

function route(destination: string | undefined, more: Partial<Route> = {}): Route {
  const [address = '', length = '0'] = destination?.split('/') ?? [];
  const family = more.family ?? (address.includes(':') ? k.AF_INET6 : k.AF_INET);
  return {
    family,
    ...(destination !== undefined && { destination: bytesOf(address) }),
    destinationLength: Number(length),
    tos: 0,
    table: k.RT_TABLE_MAIN,
    protocol: 17,
    scope: k.RT_SCOPE_UNIVERSE,
    type: k.RTN_UNICAST,
    flags: 0,
    nextHops: [],
    ...more,
  };
}

const hop = (gateway: string, weight?: number) => ({
  gateway: bytesOf(gateway),
  index: br0,
  ...(weight !== undefined && { weight }),
});

function address(local: string, prefixLength: number, more: Partial<Address> = {}): Address {
  const family = local.includes(':') ? k.AF_INET6 : k.AF_INET;
  return { family, index: br0, prefixLength, scope: 0, flags: 0, local: bytesOf(local), ...more };
}

function rule(more: Partial<Rule>): Rule {
  const { family = k.AF_INET } = more;
  const base = { family, destinationLength: 0, sourceLength: 0, tos: 0, table: 0, action: k.FR_ACT_TO_TBL, flags: 0 };
  return { ...base, ...more };
}

function neighbour(destination: string): Neighbour {
  return {
    family: destination.includes(':') ? k.AF_INET6 : k.AF_INET,
    index: br0,
    state: k.NUD_PERMANENT,
    flags: 0,
    type: 0,
    destination: bytesOf(destination),
    linkAddress: new Uint8Array([2, 0, 0, 0, 0, 2]),
  };
}

const from = (text: string, sourceLength: number) => ({ source: bytesOf(text), sourceLength });
const viaIp = (text: string) => [hop(text)];

const operations: Readonly<Record<string, Operation>> = {
  'link create bridge': { kind: 'link', action: 'create', object: { name: 'br0', kind: 'bridge' } },
  'link set up': { kind: 'link', action: 'set', object: { index: br0, up: true } },
  'link set down': { kind: 'link', action: 'set', object: { index: br1, up: false } },
  'link set mtu': { kind: 'link', action: 'set', object: { index: br0, mtu: 1400 } },
  'link set address': {
    kind: 'link',
    action: 'set',
    object: { index: br1, address: new Uint8Array([2, 0, 0, 0, 0, 1]) },
  },
  'link set master': { kind: 'link', action: 'set', object: { index: v0, master: br1 } },
  'link set nomaster': { kind: 'link', action: 'set', object: { index: v0, master: 0 } },
  'link delete': { kind: 'link', action: 'delete', object: { index: br1 } },
  'address add v4': { kind: 'address', action: 'add', object: address('10.0.0.1', 24) },
  'address add v4 broadcast label': {
    kind: 'address',
    action: 'add',
    object: address('10.0.1.1', 24, { broadcast: bytesOf('10.0.1.255'), label: 'br0:1' }),
  },
  'address add v4 peer': {
    kind: 'address',
    action: 'add',
    object: address('192.168.7.1', 32, { index: v0, address: bytesOf('192.168.7.2') }),
  },
  'address add v6': { kind: 'address', action: 'add', object: address('fd00::1', 64, { flags: k.IFA_F_NODAD }) },
  'address add v6 noprefixroute': {
    kind: 'address',
    action: 'add',
    object: address('fd00:1::1', 64, { flags: k.IFA_F_NOPREFIXROUTE }),
  },
  'address delete v4': { kind: 'address', action: 'delete', object: address('10.0.1.1', 24) },
  'route add v4': { kind: 'route', action: 'add', object: route('10.1.0.0/16', { nextHops: viaIp('10.0.0.2') }) },
  'route add v4 link': {
    kind: 'route',
    action: 'add',
    object: route('10.2.0.0/16', { scope: k.RT_SCOPE_LINK, nextHops: [{ index: br0 }] }),
  },
  'route add v4 source metric table': {
    kind: 'route',
    action: 'add',
    object: route('10.3.0.0/16', {
      table: 1000,
      priority: 50,
      preferredSource: bytesOf('10.0.0.1'),
      nextHops: viaIp('10.0.0.2'),
    }),
  },
  'route add v4 metrics': {
    kind: 'route',
    action: 'add',
    object: route('10.4.0.0/16', {
      nextHops: viaIp('10.0.0.2'),
      metrics: { lock: 1 << 2, mtu: 1300, advmss: 1200, hoplimit: 9, initcwnd: 20 },
    }),
  },
  'route add v4 multipath': {
    kind: 'route',
    action: 'add',
    object: route('10.5.0.0/16', { nextHops: [hop('10.0.0.2', 1), hop('10.0.0.3', 3)] }),
  },
  'route add v4 via inet6': {
    kind: 'route',
    action: 'add',
    object: route('10.6.0.0/16', { nextHops: viaIp('fd00::2') }),
  },
  'route add v4 multipath via inet6': {
    kind: 'route',
    action: 'add',
    object: route('10.7.0.0/16', { nextHops: [hop('fd00::2', 1), hop('10.0.0.3', 1)] }),
  },
  'route add v4 default onlink': {
    kind: 'route',
    action: 'add',
    object: route(undefined, { nextHops: [{ ...hop('172.16.0.1'), flags: k.RTNH_F_ONLINK }] }),
  },
  'route add v4 blackhole': { kind: 'route', action: 'add', object: route('10.8.0.0/16', { type: k.RTN_BLACKHOLE }) },
  'route replace v4': {
    kind: 'route',
    action: 'replace',
    object: route('10.1.0.0/16', { nextHops: viaIp('10.0.0.3') }),
  },
  'route change v4': { kind: 'route', action: 'change', object: route('10.1.0.0/16', { nextHops: viaIp('10.0.0.4') }) },
  'route append v4': { kind: 'route', action: 'append', object: route('10.1.0.0/16', { nextHops: viaIp('10.0.0.5') }) },
  'route delete v4': {
    kind: 'route',
    action: 'delete',
    object: route('10.2.0.0/16', { scope: k.RT_SCOPE_NOWHERE, type: k.RTN_UNSPEC, nextHops: [{ index: br0 }] }),
  },
  'route add v6': { kind: 'route', action: 'add', object: route('fd01::/64', { nextHops: viaIp('fd00::2') }) },
  'route add v6 metric': {
    kind: 'route',
    action: 'add',
    object: route('fd02::/64', { priority: 77, nextHops: viaIp('fd00::2') }),
  },
  'route add v6 multipath': {
    kind: 'route',
    action: 'add',
    object: route('fd03::/64', { nextHops: [hop('fd00::2', 1), hop('fd00::3', 2)] }),
  },
  'route add v6 default': {
    kind: 'route',
    action: 'add',
    object: route('::/0', { nextHops: viaIp('fd00::9') }),
  },
  'route add v4 nexthop object': { kind: 'route', action: 'add', object: route('10.10.0.0/16', { nexthopId: 5 }) },
  'rule add table': {
    kind: 'rule',
    action: 'add',
    object: rule({ priority: 100, ...from('10.1.0.0', 16), table: 1000 }),
  },
  'rule add mark': {
    kind: 'rule',
    action: 'add',
    object: rule({ priority: 101, mark: 0x10, markMask: 0xff, inputInterface: 'br0', table: 77 }),
  },
  'rule add to oif': {
    kind: 'rule',
    action: 'add',
    object: rule({
      priority: 102,
      destination: bytesOf('10.2.0.0'),
      destinationLength: 16,
      outputInterface: 'br0',
      table: 78,
    }),
  },
  'rule add suppress': {
    kind: 'rule',
    action: 'add',
    object: rule({ priority: 103, table: k.RT_TABLE_MAIN, suppressPrefixLength: 0 }),
  },
  'rule add ports': {
    kind: 'rule',
    action: 'add',
    object: rule({
      priority: 104,
      ipProtocol: 6,
      sourcePorts: { start: 100, end: 200 },
      destinationPorts: { start: 80, end: 90 },
      table: 79,
    }),
  },
  'rule add goto': {
    kind: 'rule',
    action: 'add',
    object: rule({ priority: 90, ...from('10.3.0.0', 16), action: k.FR_ACT_GOTO, goto: 101 }),
  },
  'rule add prohibit': {
    kind: 'rule',
    action: 'add',
    object: rule({ priority: 105, ...from('10.4.0.0', 16), action: k.FR_ACT_PROHIBIT }),
  },
  'rule add v6': {
    kind: 'rule',
    action: 'add',
    object: rule({ family: k.AF_INET6, priority: 100, ...from('fd01::', 64), table: 1000 }),
  },
  'neighbour add v4': { kind: 'neighbour', action: 'add', object: neighbour('10.0.0.2') },
  'neighbour add v6': { kind: 'neighbour', action: 'add', object: neighbour('fd00::2') },
};

const tunnel = (local: string, remote: string, more: Partial<Tunnel>): Tunnel => ({
  local: bytesOf(local),
  remote: bytesOf(remote),
  ipProtocol: 0,
  ...(!local.includes(':') && { pathMtuDiscovery: true, tos: 0 }),
  ttl: 0,
  // `ip` says all that it knows of, zeroes too.
  link: 0,
  mark: 0,
  encap: { type: k.TUNNEL_ENCAP_NONE, flags: 0, sourcePort: 0, destinationPort: 0 },
  ...more,
});
const ends = (last: number) => ['10.0.0.1', `10.0.0.${last}`] as const;
const create = (name: string, kind: string, more: Partial<LinkSettings> = {}): Operation => ({
  kind: 'link',
  action: 'create',
  object: { name, kind, ...more },
});
const ip6 = { encapLimit: 4, flowInfo: 0, flags: 0, ttl: 64 };

const linkOperations: Readonly<Record<string, Operation>> = {
  'link create dummy': create('d0', 'dummy'),
  'link create ipip': create('t0', 'ipip', { mtu: 1480, tunnel: tunnel(...ends(2), { ttl: 64 }) }),
  'link create ipip gue': create('t1', 'ipip', {
    tunnel: tunnel(...ends(3), {
      ipProtocol: k.IPPROTO_IPIP,
      ttl: 225,
      tos: 0x10,
      encap: { type: k.TUNNEL_ENCAP_GUE, flags: 0, sourcePort: 0, destinationPort: 5555 },
    }),
  }),
  'link create ipip fou': create('t2', 'ipip', {
    tunnel: tunnel(...ends(4), {
      pathMtuDiscovery: false,
      link: 1,
      mark: 7,
      encap: { type: k.TUNNEL_ENCAP_FOU, flags: 0, sourcePort: 4444, destinationPort: 5556 },
    }),
  }),
  'link create ip6tnl': create('t4', 'ip6tnl', {
    tunnel: tunnel('fd00::1', 'fd00::2', {
      ...ip6,
      ttl: 33,
      flags: k.IP6_TNL_F_IGN_ENCAP_LIMIT,
      encap: {
        type: k.TUNNEL_ENCAP_NONE,
        flags: k.TUNNEL_ENCAP_FLAG_CSUM6,
        sourcePort: 0,
        destinationPort: 0,
      },
    }),
  }),
  'link create ip6tnl gue': create('t5', 'ip6tnl', {
    tunnel: tunnel('fd00::1', 'fd00::3', {
      ...ip6,
      ipProtocol: k.IPPROTO_IPV6,
      encap: {
        type: k.TUNNEL_ENCAP_GUE,
        flags: k.TUNNEL_ENCAP_FLAG_CSUM6,
        sourcePort: 0,
        destinationPort: 5555,
      },
    }),
  }),
  'link create ipip metadata': create('t6', 'ipip', { tunnel: { ipProtocol: 0, collectMetadata: true } }),
  'link change ipip': {
    kind: 'link',
    action: 'set',
    object: { index: links.linkIndex('t0'), kind: 'ipip', tunnel: tunnel(...ends(9), { ttl: 32 }) },
  },
  'link create veth': create('v0', 'veth', { peer: { name: 'v1' } }),
};

const cases = [
  ...Object.entries(operations).map(([name, operation]) => ({ capture: capture(name), operation })),
  ...Object.entries(linkOperations).map(([name, operation]) => ({ capture: links.named(name), operation })),
];
t.ok(cases.length > 45, 'there are operations to compare');

for (const { capture, operation } of cases) {
  t.test(capture.name, async (t) => {
    const sent = capture.sent.at(-1);
    if (sent === undefined) throw new Error('ip sent nothing');
    // `ip` leaves what was on its stack in the padding of a next hop's RTA_VIA.
    const withoutPadding =
      capture.name === 'route add v4 multipath via inet6' ? sent.replace('0000000201001', '0000000200001') : sent;
    t.equal(requestHex(operationRequest(operation), fromHex(sent)), withoutPadding, capture.command);
  });
}
