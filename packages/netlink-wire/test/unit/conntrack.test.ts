/** The bytes of conntrack requests begin as those of `conntrack`, and the kernel's replies are read (captures-conntrack.json). */
import t from 'tap';
import { conntrackDump, conntrackRequest, decodeConntrack, matchesFilter } from '../../src/conntrack/message.ts';
import type { ConntrackEntry, ConntrackFilter, ConntrackTuple } from '../../src/conntrack/model.ts';
import * as k from '../../src/constants/index.ts';
import { NLMSG_ERROR } from '../../src/constants/netlink.ts';
import { decodeAcknowledgement } from '../../src/message/acknowledgement.ts';
import { bytesOf, Captures, eachMessage, fromHex, requestHex } from '../fixtures/captures.ts';

const captures = new Captures('captures-conntrack.json');

const tuple = (
  source: string,
  destination: string,
  ports: readonly [number, number],
  protocol = k.IPPROTO_UDP,
): ConntrackTuple => ({
  source: bytesOf(source),
  destination: bytesOf(destination),
  protocol,
  sourcePort: ports[0],
  destinationPort: ports[1],
});
const four = tuple('10.0.0.1', '10.96.0.10', [4000, 53]);
const six = tuple('fd00::1', 'fd00:96::a', [4001, 53]);

/** Length, flags, then the body: its first attribute is the tuple. */
const HEADER_DIGITS = 32;

for (const [name, original] of [
  ['delete by tuple', four],
  ['delete v6', six],
] as const) {
  t.test(name, async (t) => {
    const sent = captures.named(name).sent.at(-1) ?? '';
    const ours = requestHex(conntrackRequest({ action: 'delete', original }), fromHex(sent)).slice(HEADER_DIGITS);
    t.ok(ours.length > 100);
    t.equal(sent.slice(HEADER_DIGITS, HEADER_DIGITS + ours.length), ours);
  });
}

t.test('dumps', async (t) => {
  const cases: readonly (readonly [string, ConntrackFilter])[] = [
    ['list', { family: k.AF_INET }],
    ['list v6', { family: k.AF_INET6 }],
    ['list of a mark', { family: k.AF_INET, mark: 7 }],
  ];
  for (const [name, filter] of cases) {
    const bytes = fromHex(captures.named(name).sent.at(-1) ?? '');
    // `conntrack` leaves nfgen_family 0 for IPv4 when it is not told.
    bytes[16] = filter.family;
    const sent = Buffer.from(bytes).toString('hex');
    const ours = fromHex(requestHex(conntrackDump(filter), fromHex(sent)));
    // NLM_F_REQUEST | NLM_F_DUMP, as the connection sends a dump.
    ours.set([1, 3], 6);
    t.equal(Buffer.from(ours).toString('hex'), sent, name);
  }
});

function listed(name: string): ConntrackEntry[] {
  const found: ConntrackEntry[] = [];
  eachMessage(captures.named(name).received, (header, body) => {
    if (header.type !== k.NFNL_SUBSYS_CTNETLINK << 8) return;
    found.push(decodeConntrack(body));
    body.finish();
  });
  return found;
}

t.test('connections as the kernel lists them', async (t) => {
  const entries = listed('list');
  t.equal(entries.length, 4, 'of both families');
  const udp = entries.find(({ original }) => original.source.length === 4 && original.protocol === k.IPPROTO_UDP);
  t.match(udp, { original: four, reply: tuple('10.244.1.5', '10.0.0.1', [53, 4000]), mark: 0, zone: 0 });
  t.ok(((udp?.status ?? 0) & k.IPS_CONFIRMED) !== 0);
  t.ok((udp?.timeout ?? 0) > 0 && (udp?.timeout ?? 0) <= 100);
  t.match(
    entries.find(({ original }) => original.protocol === k.IPPROTO_TCP),
    {
      original: { destinationPort: 443 },
      mark: 7,
    },
  );
  t.match(listed('list v6'), [{ original: six }]);
});

t.test('what the kernel does not filter is filtered here', async (t) => {
  const entries = listed('list');
  const cases: readonly (readonly [ConntrackFilter, number])[] = [
    [{ family: k.AF_INET }, 3],
    [{ family: k.AF_INET6 }, 1],
    [{ family: k.AF_INET, protocol: k.IPPROTO_UDP }, 1],
    [{ family: k.AF_INET, original: { destination: bytesOf('10.96.0.10'), destinationPort: 53 } }, 1],
    [{ family: k.AF_INET, original: { destination: bytesOf('10.96.0.10'), destinationPort: 54 } }, 0],
    [{ family: k.AF_INET, reply: { source: bytesOf('10.244.1.5'), sourcePort: 53 } }, 1],
    [{ family: k.AF_INET, original: { source: bytesOf('10.0.0.1') } }, 3],
    [{ family: k.AF_INET, mark: 7 }, 1],
    [{ family: k.AF_INET, mark: 3, markMask: 3 }, 1],
  ];
  for (const [filter, count] of cases) {
    t.equal(entries.filter((entry) => matchesFilter(entry, filter)).length, count, JSON.stringify(filter));
  }
});

t.test('a refusal names the connection', async (t) => {
  const request = conntrackRequest({ action: 'delete', original: six });
  t.equal(request.describe(), 'conntrack delete protocol 17 from fd00::1 to fd00:96::a sport 4001 dport 53');
  let answers = 0;
  eachMessage(captures.named('delete by tuple').received, (header, body) => {
    if (header.type !== NLMSG_ERROR) return;
    t.equal(decodeAcknowledgement(header, body).errno, 0);
    answers++;
  });
  t.equal(answers, 1);
});
