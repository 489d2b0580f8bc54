/**
 * Roles, long-lived graceful restart, IPv6 next hops for IPv4, link bandwidth and shutdown texts: what BIRD, FRR and OpenBGPD
 * sent (test/fixtures/capabilities.json), the tables of the RFCs, and what both OPENs make of them.
 */

import { readFileSync } from 'node:fs';
import t from 'tap';
import { formatAddress } from '../../../src/address.ts';
import { linkBandwidthCommunity, linkBandwidthOf } from '../../../src/attribute/link-bandwidth.ts';
import { exportOtc, importOtc, type OtcVerdict } from '../../../src/attribute/only-to-customer.ts';
import { findCapability } from '../../../src/capability/registry.ts';
import { counterpartOf, type Role, roles } from '../../../src/capability/role.ts';
import { ipv4Unicast, ipv6Unicast } from '../../../src/family/registry.ts';
import { errorCode, openSubcode } from '../../../src/iana.ts';
import { decodeMessage, defaultContext, encodeMessage } from '../../../src/message/message.ts';
import type { Message, OpenMessage } from '../../../src/message/model.ts';
import { negotiate, validateOpen } from '../../../src/message/negotiation.ts';
import { shutdownText } from '../../../src/message/notification.ts';
import { bytesOf, hexOf } from './hex.ts';

const recorded: Record<string, string[]> = JSON.parse(
  readFileSync(new URL('../../fixtures/capabilities.json', import.meta.url), 'utf8'),
);
const context = { ...defaultContext, peerType: 'ebgp' } as const;

function messagesOf(daemon: string): Message[] {
  return (recorded[daemon] ?? []).map((hex) => decodeMessage(bytesOf(hex), context));
}

function openOf(daemon: string): OpenMessage {
  const open = messagesOf(daemon).find((message) => message.kind === 'open');
  if (open === undefined) throw new Error(`no OPEN of ${daemon}`);
  return open;
}

t.test('what the daemons sent', async (t) => {
  t.strictSame(Object.keys(recorded), ['bird', 'frr', 'openbgpd']);
  const sentRoles = Object.keys(recorded).map((daemon) => findCapability(openOf(daemon).capabilities, 'role')?.role);
  t.strictSame(sentRoles, ['provider', 'peer', 'customer']);
  t.strictSame(findCapability(openOf('bird').capabilities, 'long-lived-graceful-restart')?.families, [
    { family: ipv4Unicast.key, forwardingPreserved: false, staleTimeSeconds: 7200 },
    { family: ipv6Unicast.key, forwardingPreserved: false, staleTimeSeconds: 7200 },
  ]);
  t.strictSame(findCapability(openOf('frr').capabilities, 'long-lived-graceful-restart')?.families, [
    { family: ipv4Unicast.key, forwardingPreserved: true, staleTimeSeconds: 3600 },
  ]);
  for (const daemon of Object.keys(recorded)) {
    const messages = messagesOf(daemon);
    t.match(messages.filter((message) => message.kind === 'notification').map(shutdownText), ['nightly work'], daemon);
    for (const [index, _hex] of (recorded[daemon] ?? []).entries()) {
      const message = messages[index];
      if (message === undefined) continue;
      t.strictSame(decodeMessage(encodeMessage(message, context), context), message, `${daemon} ${index}`);
    }
  }
  t.equal(hexOf(encodeMessage(openOf('bird'))), recorded['bird']?.[0], 'the OPEN of BIRD, byte by byte');
  const otc = ['bird', 'frr'].map((daemon) =>
    messagesOf(daemon).flatMap((message) =>
      message.kind === 'update' && message.attributes.origin !== undefined ? [message.attributes.onlyToCustomer] : [],
    ),
  );
  t.strictSame(otc, [[65020], [65020]], 'a provider and a peer mark their routes');
});

t.test('an IPv6 next hop for IPv4 is taken only where it was agreed', async (t) => {
  const hex = recorded['bird']?.find((message) => message.includes('20010db80009')) ?? '';
  const message = decodeMessage(bytesOf(hex), { ...context, extendedNextHop: [ipv4Unicast.key] });
  t.equal(message.kind === 'update' && message.mpReach && formatAddress(message.mpReach.nextHop), '2001:db8:9::2');
  for (const extendedNextHop of [[], [ipv6Unicast.key]]) {
    // RFC 7606 §7.11: the NLRI cannot be found then.
    t.throws(() => decodeMessage(bytesOf(hex), { ...context, extendedNextHop }), {
      code: 'BGP_UPDATE_ATTRIBUTE',
      notification: { code: errorCode.updateMessage },
    });
  }
  const offer = { kind: 'extended-next-hop', entries: [{ family: ipv4Unicast.key, nextHopAfi: 2 }] } as const;
  const base = { kind: 'open', version: 4, myAs: 65010, holdTimeSeconds: 90, identifier: 1 } as const;
  const ours = (capabilities: OpenMessage['capabilities']): OpenMessage => ({ ...base, capabilities });
  t.strictSame(negotiate(ours([offer]), openOf('bird')).extendedNextHop, [ipv4Unicast.key]);
  t.strictSame(negotiate(ours([]), openOf('bird')).extendedNextHop, []);
  t.strictSame(negotiate(ours([offer]), openOf('openbgpd')).extendedNextHop, []);
  t.strictSame(
    negotiate(ours([{ ...offer, entries: [{ family: ipv4Unicast.key, nextHopAfi: 1 }] }]), openOf('bird'))
      .extendedNextHop,
    [],
  );
});

t.test('long-lived graceful restart needs both capabilities of both sides', async (t) => {
  const restart = {
    kind: 'graceful-restart',
    restarting: false,
    notification: true,
    restartTimeSeconds: 60,
    families: [],
  } as const;
  const longLived = { kind: 'long-lived-graceful-restart', families: [] } as const;
  const base = { kind: 'open', version: 4, myAs: 65010, holdTimeSeconds: 90, identifier: 1 } as const;
  const agreed = negotiate({ ...base, capabilities: [restart, longLived] }, openOf('frr'));
  t.strictSame(agreed.longLivedGracefulRestart, [
    { family: ipv4Unicast.key, forwardingPreserved: true, staleTimeMs: 3_600_000 },
  ]);
  for (const capabilities of [[], [restart], [longLived]]) {
    t.equal(negotiate({ ...base, capabilities }, openOf('frr')).longLivedGracefulRestart, undefined);
  }
  t.equal(
    negotiate({ ...base, capabilities: [restart, longLived] }, openOf('openbgpd')).longLivedGracefulRestart,
    undefined,
  );
  const longest = {
    kind: 'long-lived-graceful-restart',
    families: [{ family: ipv4Unicast.key, forwardingPreserved: true, staleTimeSeconds: 1e9 }],
  } as const;
  const cut = decodeMessage(encodeMessage({ ...base, capabilities: [longest] }));
  t.match(cut, { capabilities: [{ families: [{ staleTimeSeconds: 0xff_ffff }] }] }, 'RFC 9494 §3.1: 24 bits');
});

/** RFC 9234 §4.2, table 2. */
const fitting: readonly (readonly [Role, Role])[] = [
  ['provider', 'customer'],
  ['customer', 'provider'],
  ['rs', 'rs-client'],
  ['rs-client', 'rs'],
  ['peer', 'peer'],
];

t.test('roles', async (t) => {
  const base = { kind: 'open', version: 4, myAs: 65001, holdTimeSeconds: 90, identifier: 7 } as const;
  const peerOpen = (...codes: (Role | number)[]): OpenMessage => ({
    ...base,
    capabilities: codes.map((code) => ({ kind: 'role', role: code }) as const),
  });
  const expected = { localAsn: 65000, localIdentifier: 1 };
  const mismatch = {
    code: 'BGP_OPEN_ROLE',
    notification: { code: errorCode.openMessage, subcode: openSubcode.roleMismatch },
  };
  for (const role of roles) {
    for (const peer of roles) {
      const error = validateOpen(peerOpen(peer), { ...expected, role });
      const fits = fitting.some(([a, b]) => a === role && b === peer);
      if (fits) t.equal(error, undefined, `${role} and ${peer}`);
      else t.match(error, mismatch, `${role} and ${peer}`);
    }
    t.equal(validateOpen(peerOpen(), { ...expected, role }), undefined, 'no role is no mismatch');
    t.match(validateOpen(peerOpen(), { ...expected, role, roleRequired: true }), mismatch, 'but in strict mode');
    const counterpart = counterpartOf[role];
    t.equal(
      validateOpen(peerOpen(counterpart, counterpart), { ...expected, role }),
      undefined,
      'twice the same is one',
    );
    const other = counterpart === 'peer' ? 'customer' : 'peer';
    t.match(validateOpen(peerOpen(counterpart, other), { ...expected, role }), mismatch, 'different ones');
    t.match(validateOpen(peerOpen(9), { ...expected, role }), mismatch, 'not assigned');
  }
  t.equal(validateOpen(peerOpen('peer', 'provider'), expected), undefined, 'nobody asked');
  const local: OpenMessage = { ...base, capabilities: [{ kind: 'role', role: 'customer' }] };
  t.match(negotiate(local, openOf('bird')), { role: 'customer', peerRole: 'provider' });
  t.equal(
    decodeMessage(encodeMessage(peerOpen(9))).kind === 'open' && hexOf(encodeMessage(peerOpen(9))).endsWith('090109'),
    true,
  );
});

t.test('OTC, RFC 9234 §5', async (t) => {
  const ours = 65000;
  const peer = 65001;
  const other = 65002;
  const keep = (otc: number | undefined): OtcVerdict => ({ leak: false, otc });
  const leak: OtcVerdict = { leak: true };
  // Our role, what comes with no OTC, with the peer's AS in it, with another's.
  const ingress: readonly (readonly [Role, OtcVerdict, OtcVerdict, OtcVerdict])[] = [
    ['provider', keep(undefined), leak, leak],
    ['rs', keep(undefined), leak, leak],
    ['peer', keep(peer), keep(peer), leak],
    ['customer', keep(peer), keep(peer), keep(other)],
    ['rs-client', keep(peer), keep(peer), keep(other)],
  ];
  t.equal(ingress.length, roles.length);
  for (const [role, none, own, others] of ingress) {
    t.strictSame(
      [undefined, peer, other].map((otc) => importOtc(otc, role, peer)),
      [none, own, others],
      `in as ${role}`,
    );
  }
  // Our role towards the receiver, what goes with no OTC, with one.
  const egress: readonly (readonly [Role, OtcVerdict, OtcVerdict])[] = [
    ['provider', keep(ours), keep(other)],
    ['rs', keep(ours), keep(other)],
    ['peer', keep(ours), leak],
    ['customer', keep(undefined), leak],
    ['rs-client', keep(undefined), leak],
  ];
  t.equal(egress.length, roles.length);
  for (const [role, none, some] of egress) {
    t.strictSame(
      [undefined, other].map((otc) => exportOtc(otc, role, ours)),
      [none, some],
      `out as ${role}`,
    );
  }
});

t.test('link bandwidth', async (t) => {
  const communities = messagesOf('frr').flatMap((message) =>
    message.kind === 'update' ? (message.attributes.extendedCommunities ?? []) : [],
  );
  t.strictSame(
    linkBandwidthOf(communities),
    { asn: 65020, bytesPerSecond: 100_000_000, transitive: true },
    '800 Mbit/s',
  );
  const value = { asn: 65020, bytesPerSecond: 100_000_000, transitive: true };
  t.strictSame([linkBandwidthCommunity(value)], communities);
  const nonTransitive = linkBandwidthCommunity({ ...value, bytesPerSecond: 5, transitive: false });
  t.equal(nonTransitive >> 48n, 0x4004n);
  t.equal(linkBandwidthOf([...communities, nonTransitive, ...communities])?.bytesPerSecond, 5, 'the lowest of several');
  const negative = (nonTransitive & ~0xffff_ffffn) | 0xbf80_0000n;
  const notANumber = (nonTransitive & ~0xffff_ffffn) | 0x7fc0_0000n;
  t.equal(linkBandwidthOf([negative, notANumber, 0x0002fdf200000007n]), undefined);
  for (const bytesPerSecond of [-1, Number.NaN, Number.POSITIVE_INFINITY, 1e39]) {
    t.throws(() => linkBandwidthCommunity({ ...value, bytesPerSecond }), RangeError);
  }
});

t.test('a NOTIFICATION of more than 4096 bytes: RFC 8654', async (t) => {
  const message = { kind: 'notification', code: 3, subcode: 5, data: new Uint8Array(5000).fill(7) } as const;
  t.strictSame(decodeMessage(encodeMessage(message)), message);
  t.equal(
    encodeMessage(message, { ...defaultContext, extendedMessages: false }).length,
    4096,
    'cut where it was not agreed',
  );
});

t.test('more than 255 bytes of parameters: RFC 9072', async (t) => {
  const open: OpenMessage = {
    kind: 'open',
    version: 4,
    myAs: 65000,
    holdTimeSeconds: 90,
    identifier: 1,
    capabilities: new Array(80).fill({ kind: 'multiprotocol', family: ipv6Unicast.key }),
  };
  const bytes = encodeMessage(open);
  t.equal(hexOf(bytes.subarray(28, 35)), 'ffff01e30201e0', 'type 255, two octets of length, then a parameter with two');
  t.strictSame(decodeMessage(bytes), open);
});
