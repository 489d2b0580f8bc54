/** The kernel's own messages (test/fixtures/captures.json) are read, and written again read the same. */
import t from 'tap';
import * as k from '../../src/constants/index.ts';
import { NLMSG_DONE, NLMSG_ERROR } from '../../src/constants/netlink.ts';
import { decodeAcknowledgement } from '../../src/message/acknowledgement.ts';
import { families, type ObjectFamily, objectKinds } from '../../src/rtnetlink/families.ts';
import { decodeLink } from '../../src/rtnetlink/link.ts';
import type { Link } from '../../src/rtnetlink/model.ts';
import { decodeNotification, type Notification } from '../../src/rtnetlink/notification.ts';
import type { ObjectByKind, ObjectKind } from '../../src/rtnetlink/operation.ts';
import { operationRequest } from '../../src/rtnetlink/operation.ts';
import { Reader } from '../../src/wire/reader.ts';
import { Writer } from '../../src/wire/writer.ts';
import { bytesOf, Captures, capture, captures, eachMessage, linkIndex } from '../fixtures/captures.ts';

const br0 = linkIndex('br0');

/** All objects of a kind in the replies to a command. */
function objects<K extends ObjectKind>(kind: K, name: string): ObjectByKind[K][] {
  const family = families[kind];
  const found: ObjectByKind[K][] = [];
  eachMessage(capture(name).received, (header, body) => {
    if (header.type === family.newType) found.push(family.decode(body));
  });
  return found;
}

t.test('each object of each capture: decode, encode, decode', async (t) => {
  const seen = new Map<ObjectKind, number>();
  for (const { received } of captures) {
    eachMessage(received, (header, body) => {
      for (const kind of objectKinds) {
        const family: ObjectFamily<ObjectByKind[ObjectKind]> = families[kind];
        if (header.type !== family.newType && header.type !== family.deleteType) continue;
        const object = family.decode(body);
        body.finish();
        const writer = new Writer();
        family.body.encode(writer, object);
        const again = family.decode(new Reader(writer.take()));
        t.strictSame(again, object, `${kind} ${family.body.describe(object)}`);
        seen.set(kind, (seen.get(kind) ?? 0) + 1);
      }
    });
  }
  for (const kind of objectKinds) t.ok((seen.get(kind) ?? 0) > 5, `there are objects of kind ${kind}`);
});

t.test('links', async (t) => {
  const link = objects('link', 'dump links').find(({ name }) => name === 'br0');
  t.match(link, { index: br0, type: k.ARPHRD_ETHER, mtu: 1400, kind: 'bridge' });
  t.ok(((link?.flags ?? 0) & k.IFF_UP) !== 0, 'br0 is up');
  t.match(
    objects('link', 'dump links').find(({ name }) => name === 'v0'),
    { kind: 'veth', link: linkIndex('v1') },
  );
});

t.test('what a tunnel or a veth is made with is written and read the same', async (t) => {
  const requests = new Captures('captures-links.json').cases.filter(({ name }) => name.startsWith('link create'));
  t.ok(requests.length > 8, 'there are kinds');
  const kinds = new Map<string, Link>();
  for (const { name, sent } of requests) {
    eachMessage(sent.slice(-1), (_header, body) => {
      const link = decodeLink(body);
      body.finish();
      const writer = new Writer();
      families.link.body.encode(writer, link);
      t.strictSame(decodeLink(new Reader(writer.take())), link, name);
      kinds.set(link.name, link);
    });
  }
  t.match(kinds.get('t1'), {
    kind: 'ipip',
    tunnel: {
      local: bytesOf('10.0.0.1'),
      remote: bytesOf('10.0.0.3'),
      ttl: 225,
      tos: 16,
      pathMtuDiscovery: true,
      encap: { type: k.TUNNEL_ENCAP_GUE, sourcePort: 0, destinationPort: 5555 },
    },
  });
  t.match(kinds.get('t2')?.tunnel, { pathMtuDiscovery: false, link: 1, mark: 7, encap: { sourcePort: 4444 } });
  t.match(kinds.get('t4'), { kind: 'ip6tnl', tunnel: { remote: bytesOf('fd00::2'), flags: 1, ttl: 33 } });
  t.equal(kinds.get('t4')?.tunnel?.encap, undefined, 'TUNNEL_ENCAP_NONE is none');
  t.strictSame(kinds.get('t6')?.tunnel, { ipProtocol: 0, collectMetadata: true });
  t.equal(kinds.get('v0')?.tunnel, undefined);
});

t.test('tunnels as the kernel shows them', async (t) => {
  const found = new Map<string, Link>();
  eachMessage(new Captures('captures-links.json').named('dump links').received, (header, body) => {
    if (header.type !== k.RTM_NEWLINK) return;
    const link = decodeLink(body);
    body.finish();
    const writer = new Writer();
    families.link.body.encode(writer, link);
    t.strictSame(decodeLink(new Reader(writer.take())), link, link.name);
    found.set(link.name, link);
  });
  t.match(found.get('d0'), { kind: 'dummy', type: k.ARPHRD_ETHER });
  const local = bytesOf('10.0.0.1');
  const plain = { local, ipProtocol: k.IPPROTO_IPIP, tos: 0, pathMtuDiscovery: true };
  t.match(found.get('t0'), { kind: 'ipip', type: k.ARPHRD_TUNNEL, mtu: 1480 });
  t.strictSame(found.get('t0')?.tunnel, { ...plain, ipProtocol: 0, remote: bytesOf('10.0.0.9'), ttl: 32 });
  t.strictSame(found.get('t1')?.tunnel, {
    ...plain,
    remote: bytesOf('10.0.0.3'),
    ttl: 225,
    tos: 16,
    encap: { type: k.TUNNEL_ENCAP_GUE, flags: 0, sourcePort: 0, destinationPort: 5555 },
  });
  t.match(found.get('t2')?.tunnel, { link: 1, mark: 7, encap: { type: k.TUNNEL_ENCAP_FOU, sourcePort: 4444 } });
  t.match(found.get('t3'), { kind: 'sit', type: k.ARPHRD_SIT, tunnel: { remote: bytesOf('10.0.0.5'), ttl: 64 } });
  t.match(found.get('t4'), { kind: 'ip6tnl', type: k.ARPHRD_TUNNEL6, tunnel: { remote: bytesOf('fd00::2'), ttl: 33 } });
  t.strictSame(found.get('t6')?.tunnel?.collectMetadata, true);
});

t.test('data that a kind of link has not is an error of its own', async (t) => {
  for (const object of [
    { name: 'x', kind: 'dummy', tunnel: {} },
    { name: 'x', kind: 'ipip', peer: {} },
    { name: 'x', kind: 'ipip', tunnel: { encapLimit: 4 } },
    { name: 'x', tunnel: {} },
  ])
    t.throws(
      () => operationRequest({ kind: 'link', action: 'create', object }).encodeBody(new Writer()),
      { name: 'WireError', code: 'value' },
      JSON.stringify(object),
    );
});

t.test('addresses', async (t) => {
  const found = objects('address', 'dump addresses');
  const at = (local: string) => found.find((one) => one.local.join() === bytesOf(local).join());
  t.match(at('10.0.0.1'), { family: k.AF_INET, index: br0, prefixLength: 24, label: 'br0' });
  t.match(at('192.168.7.1'), { prefixLength: 32, address: bytesOf('192.168.7.2') });
  t.match(at('fd00:1::1'), { family: k.AF_INET6, prefixLength: 64 });
  t.ok(((at('fd00:1::1')?.flags ?? 0) & k.IFA_F_NOPREFIXROUTE) !== 0, 'IFA_FLAGS counts, not ifa_flags');
});

t.test('routes', async (t) => {
  const found = [...objects('route', 'dump routes v4'), ...objects('route', 'dump routes v6')];
  const at = (destination: string) =>
    found.find((one) => one.destination?.join() === bytesOf(destination).join() && one.protocol === 17);
  t.match(at('10.3.0.0'), {
    table: 1000,
    priority: 50,
    preferredSource: bytesOf('10.0.0.1'),
    nextHops: [{ gateway: bytesOf('10.0.0.2'), index: br0 }],
  });
  t.strictSame(at('10.4.0.0')?.metrics, { lock: 4, mtu: 1300, advmss: 1200, hoplimit: 9, initcwnd: 20 });
  t.strictSame(at('10.5.0.0')?.nextHops, [
    { gateway: bytesOf('10.0.0.2'), index: br0, weight: 1 },
    { gateway: bytesOf('10.0.0.3'), index: br0, weight: 3 },
  ]);
  t.strictSame(at('10.6.0.0')?.nextHops[0]?.gateway, bytesOf('fd00::2'), 'RTA_VIA');
  t.match(at('10.8.0.0'), { type: k.RTN_BLACKHOLE, nextHops: [] });
  t.equal(at('10.10.0.0')?.nexthopId, 5);
  t.match(at('fd03::'), {
    family: k.AF_INET6,
    priority: 1024,
    nextHops: [
      { gateway: bytesOf('fd00::2'), weight: 1 },
      { gateway: bytesOf('fd00::3'), weight: 2 },
    ],
  });
});

t.test('rules and neighbours', async (t) => {
  const rules = objects('rule', 'dump rules v4');
  const at = (priority: number) => rules.find((one) => one.priority === priority);
  t.match(at(100), { source: bytesOf('10.1.0.0'), sourceLength: 16, table: 1000, action: k.FR_ACT_TO_TBL });
  t.match(at(101), { mark: 16, markMask: 255, inputInterface: 'br0', table: 77 });
  t.match(at(103), { suppressPrefixLength: 0, table: k.RT_TABLE_MAIN });
  t.match(at(104), { ipProtocol: 6, sourcePorts: { start: 100, end: 200 }, destinationPorts: { start: 80, end: 90 } });
  t.match(at(90), { action: k.FR_ACT_GOTO, goto: 101 });
  t.notOk(
    rules.some((one) => one.suppressPrefixLength === 0xffffffff),
    'no rule suppresses "-1"',
  );
  const neighbour = objects('neighbour', 'dump neighbours').find(({ state }) => state === k.NUD_PERMANENT);
  t.match(neighbour, { index: br0, linkAddress: new Uint8Array([2, 0, 0, 0, 0, 2]) });
  t.ok(objects('neighbour', 'dump forwarding table').some(({ family }) => family === k.AF_BRIDGE));
});

t.test('refusals carry the errno and the text of the kernel', async (t) => {
  const expected: readonly (readonly [string, number, string | undefined])[] = [
    ['route add v4 again', 17, undefined],
    ['route add v6 again', 17, undefined],
    ['address add v4 again', 17, 'ipv4: Address already assigned'],
    ['route add v4 unreachable gateway', 101, 'Nexthop has invalid gateway'],
    ['route add v4 bad prefix', 22, 'Invalid prefsrc address'],
    ['route delete v4 missing', 3, undefined],
  ];
  for (const [name, errno, text] of expected) {
    let seen = 0;
    eachMessage(capture(name).received, (header, body) => {
      if (header.type !== NLMSG_ERROR) return;
      const answer = decodeAcknowledgement(header, body);
      body.finish();
      t.equal(answer.errno, errno, name);
      t.equal(answer.extended.NLMSGERR_ATTR_MSG, text, name);
      seen++;
    });
    t.equal(seen, 1, name);
  }
});

t.test('the monitor: what happened, in order', async (t) => {
  const events: Notification[] = [];
  eachMessage(capture('monitor').received, (header, body) => {
    if (header.type === NLMSG_DONE) return;
    const event = decodeNotification(header, body, () => false);
    if (event !== undefined) events.push(event);
  });
  const routes = events.filter((event) => event.kind === 'route' && event.object.protocol === 17 && event.portId !== 0);
  t.match(routes, [
    { type: 'new', object: { destination: bytesOf('10.21.0.0') } },
    { type: 'new', object: { destination: bytesOf('10.21.0.0'), nextHops: [{ gateway: bytesOf('10.20.0.3') }] } },
    { type: 'new', object: { destination: bytesOf('fd21::') } },
    { type: 'del', object: { destination: bytesOf('10.21.0.0') } },
  ]);
  t.ok(((routes[1]?.flags ?? 0) & k.NLM_F_REPLACE) !== 0, 'the replacement says so');
  for (const kind of objectKinds)
    t.ok(
      events.some((event) => event.kind === kind),
      `a ${kind}`,
    );
  t.ok(
    events.some((event) => event.kind === 'link' && event.type === 'del'),
    'the bridge went',
  );
});

t.test('the offset of an error becomes the name of the attribute', async (t) => {
  const request = operationRequest({
    kind: 'route',
    action: 'add',
    object: {
      family: k.AF_INET,
      destination: bytesOf('10.1.0.0'),
      destinationLength: 16,
      tos: 0,
      table: 254,
      protocol: 17,
      scope: 0,
      type: 1,
      flags: 0,
      nextHops: [{ gateway: bytesOf('10.0.0.2') }],
      metrics: { mtu: 1300, hoplimit: 999 },
    },
  });
  const named = (offset: number) => request.refusal({ errno: 22, extended: { NLMSGERR_ATTR_OFFS: offset } }).attribute;
  // 16 bytes of nlmsghdr, 12 of rtmsg, then RTA_DST and RTA_GATEWAY of 8 bytes each, RTA_METRICS with two of 8.
  t.equal(named(28), 'RTA_DST');
  t.equal(named(36), 'RTA_GATEWAY');
  t.equal(named(44), 'RTA_METRICS');
  t.equal(named(48), 'RTA_METRICS/RTAX_MTU');
  t.equal(named(56), 'RTA_METRICS/RTAX_HOPLIMIT');
  t.equal(named(20), undefined, 'the fixed header');
  t.equal(named(4000), undefined, 'behind the message');
});
