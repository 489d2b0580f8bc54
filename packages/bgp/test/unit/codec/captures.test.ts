/** What five other implementations sent (see test/fixtures/README.md), against what their configurations said. */

import { readFileSync } from 'node:fs';
import t from 'tap';
import { formatAddress, formatIpv4, formatPrefix } from '../../../src/address.ts';
import type { PathAttributes } from '../../../src/attribute/registry.ts';
import { findCapability } from '../../../src/capability/registry.ts';
import { ipv4Unicast, ipv6Unicast } from '../../../src/family/registry.ts';
import { messageType } from '../../../src/iana.ts';
import { headerBytes } from '../../../src/message/header.ts';
import { decodeMessage, defaultContext, encodeMessage } from '../../../src/message/message.ts';
import type { Message, OpenMessage, UpdateContext } from '../../../src/message/model.ts';
import { shutdownText } from '../../../src/message/notification.ts';
import { decodeUpdate } from '../../../src/message/update.ts';
import { endOfRibFamily, scanUpdate } from '../../../src/message/update-scan.ts';
import { bytesOf, hexOf } from './hex.ts';

const daemons = ['bird', 'frr', 'gobgp', 'exabgp', 'openbgpd'] as const;
const daemonAsn = 4200000001;

function read(daemon: string): Map<string, Uint8Array[]> {
  const text = readFileSync(new URL(`../../fixtures/${daemon}.json`, import.meta.url), 'utf8');
  const sessions = new Map<string, Uint8Array[]>();
  for (const [session, messages] of Object.entries(JSON.parse(text))) {
    if (Array.isArray(messages))
      sessions.set(
        session,
        messages.map((hex) => bytesOf(String(hex))),
      );
  }
  return sessions;
}

function contextOf(session: string): UpdateContext {
  return {
    ...defaultContext,
    fourOctetAs: session !== 'ebgp-two-octet',
    peerType: session === 'ibgp' ? 'ibgp' : 'ebgp',
    extendedMessages: true,
  };
}

/** Prefix → attributes and next hop, as text where it was configured as text. */
function routesOf(
  messages: readonly Uint8Array[],
  context: UpdateContext,
): Map<string, { nextHop: string; attributes: PathAttributes }> {
  const routes = new Map<string, { nextHop: string; attributes: PathAttributes }>();
  for (const bytes of messages) {
    const message = decodeMessage(bytes, context);
    if (message.kind !== 'update') continue;
    const { attributes, nlri, mpReach } = message;
    for (const prefix of nlri)
      routes.set(formatPrefix(prefix), { nextHop: formatIpv4(attributes.nextHop ?? 0), attributes });
    if (mpReach === undefined || 'raw' in mpReach.nlri) continue;
    for (const prefix of mpReach.nlri)
      routes.set(formatPrefix(prefix), { nextHop: formatAddress(mpReach.nextHop), attributes });
  }
  return routes;
}

for (const daemon of daemons) {
  t.test(daemon, async (t) => {
    const sessions = read(daemon);
    t.strictSame([...sessions.keys()], ['ebgp', 'ebgp-two-octet', 'ibgp']);
    for (const [session, messages] of sessions) {
      t.test(session, async (t) => {
        const context = contextOf(session);
        const open = messages
          .map((bytes) => decodeMessage(bytes, context))
          .find((message): message is OpenMessage => message.kind === 'open');
        t.match(open, { version: 4, myAs: 23456, identifier: 0x0a090002 });
        t.ok(open && (open.holdTimeSeconds === 90 || open.holdTimeSeconds === 240));
        const capabilities = open?.capabilities ?? [];
        t.equal(findCapability(capabilities, 'four-octet-as')?.asn, daemonAsn);
        t.ok(findCapability(capabilities, 'route-refresh'));
        const families = capabilities.flatMap((capability) =>
          capability.kind === 'multiprotocol' ? [capability.family] : [],
        );
        t.strictSame(families, [ipv4Unicast.key, ipv6Unicast.key]);
        const restart = findCapability(capabilities, 'graceful-restart');
        t.equal(restart?.restartTimeSeconds, daemon === 'openbgpd' ? 0 : 120);

        const updates = messages.filter((bytes) => bytes[18] === messageType.update);
        const bodies = updates.map((bytes) => bytes.subarray(headerBytes));
        // ExaBGP sends what it is told to, ORIGINATOR_ID and CLUSTER_LIST to an eBGP peer too (RFC 7606 §7.9, §7.10).
        const discarded = daemon === 'exabgp' && session !== 'ibgp' ? ['ORIGINATOR_ID', 'CLUSTER_LIST'] : [];
        const problems = bodies.flatMap((body) => decodeUpdate(body, context).problems);
        t.strictSame(
          problems.map(({ subject }) => subject),
          discarded,
        );
        t.ok(problems.every(({ reaction }) => reaction === 'attribute-discard'));
        const markers = bodies.map((body) => endOfRibFamily(scanUpdate(body))).filter((family) => family !== undefined);
        t.strictSame(markers.sort(), [ipv4Unicast.key, ipv6Unicast.key]);

        const routes = routesOf(updates, context);
        const ownAs = session === 'ibgp' ? [] : [daemonAsn];
        for (const prefix of ['10.2.3.0/24', '192.0.2.129/32']) {
          const route = routes.get(prefix);
          t.equal(route?.nextHop, '10.9.0.2');
          t.strictSame(
            route?.attributes.asPath,
            ownAs.map((asn) => ({ kind: 'sequence', asns: [asn] })),
            `${prefix}: AS path`,
          );
          t.equal(route?.attributes.localPref, session === 'ibgp' ? 100 : undefined);
        }
        const rich = routes.get('10.1.0.0/16');
        t.ok(rich);
        t.match(rich?.attributes, {
          origin: 'incomplete',
          multiExitDisc: 50,
          extendedCommunities: [0x0002fdf200000007n],
          largeCommunities: [[4200000001, 1, 2]],
        });
        t.ok(rich?.attributes.communities?.includes(65010 * 65536 + 100));
        const rich6 = routes.get('2001:db8:1::/48');
        t.equal(rich6?.nextHop, '2001:db8:9::2');
        t.strictSame(rich6?.attributes.largeCommunities, [[1, 2, 3]]);
        t.equal(rich6?.attributes.multiExitDisc, 7);
        t.equal(routes.get('2001:db8:2:3::/64')?.nextHop, '2001:db8:9::2');

        let same = 0;
        for (const bytes of messages) {
          const message: Message = decodeMessage(bytes, context);
          const again = encodeMessage(message, context);
          t.strictSame(decodeMessage(again, context), message, 'decode → encode → decode');
          if (hexOf(again) === hexOf(bytes)) same += 1;
        }
        t.comment(`${messages.length} messages, ${same} of them encoded to the same bytes`);
      });
    }
  });
}

t.test('the prepended path with a four-octet AS in the middle', async (t) => {
  // BIRD prepends in the order the filter says, then its own AS; the two-octet session carries it in AS4_PATH.
  for (const session of ['ebgp', 'ebgp-two-octet']) {
    for (const daemon of ['bird', 'frr', 'gobgp'] as const) {
      const path = routesOf(read(daemon).get(session) ?? [], contextOf(session)).get('10.1.0.0/16')?.attributes.asPath;
      t.strictSame(path, [{ kind: 'sequence', asns: [daemonAsn, 65020, 4200000099] }], `${daemon} ${session}`);
    }
    const exabgp = routesOf(read('exabgp').get(session) ?? [], contextOf(session)).get('10.1.0.0/16')?.attributes;
    t.strictSame(exabgp?.asPath, [{ kind: 'sequence', asns: [65020, 4200000099] }], 'exabgp');
    t.strictSame(exabgp?.aggregator, { asn: daemonAsn, address: 0x0a090002 });
    t.equal(exabgp?.atomicAggregate, true);
  }
});

t.test('reflection attributes come through in iBGP only', async (t) => {
  const of = (session: string) =>
    routesOf(read('exabgp').get(session) ?? [], contextOf(session)).get('10.1.0.0/16')?.attributes;
  t.match(of('ibgp'), { originatorId: 0x0a090007, clusterList: [0x0a090008, 0x0a090009], localPref: 200 });
});

t.test('an attribute nobody knows is kept', async (t) => {
  const routes = routesOf(read('exabgp').get('ebgp') ?? [], contextOf('ebgp'));
  t.strictSame(routes.get('10.2.3.0/24')?.attributes.unknown, [{ type: 99, flags: 0xc0, value: bytesOf('01020304') }]);
});

t.test('OpenBGPD says goodbye in words (RFC 9003)', async (t) => {
  const last = read('openbgpd').get('ibgp')?.at(-1);
  const message = last && decodeMessage(last);
  t.equal(message?.kind === 'notification' ? shutdownText(message) : undefined, 'bgpd shutting down');
});
