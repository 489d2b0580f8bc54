/** Records written by hand from the tables of RFC 6396, and every way for a stream to go wrong. */

import t from 'tap';
import {
  bgp4mpSubtype,
  MrtError,
  MrtReader,
  type MrtRecord,
  mrtType,
  plainRecord,
  readMrt,
  recordLines,
  tableDumpV2Subtype,
} from '../../../src/mrt/index.ts';
import { bytesOf } from '../codec/hex.ts';

const number = (value: number, bytes: number): string => value.toString(16).padStart(2 * bytes, '0');

/** A record at 1,700,000,000 seconds. */
function record(type: number, subtype: number, hex: string): string {
  return number(1_700_000_000, 4) + number(type, 2) + number(subtype, 2) + number(hex.length / 2, 4) + hex;
}

function read(...records: readonly string[]): MrtRecord[] {
  const reader = new MrtReader();
  const found = [...reader.push(bytesOf(records.join('')))];
  reader.end();
  return found;
}

function only(records: readonly MrtRecord[]): MrtRecord {
  const [first, second] = records;
  if (first === undefined || second !== undefined) throw new Error(`${records.length} records`);
  return first;
}

/** ORIGIN IGP, AS_PATH of two octets 65001, NEXT_HOP 192.0.2.1. */
const attributes2 = '40010100' + '400204' + '0201fde9' + '400304c0000201';
/** The same with four octets. */
const attributes4 = '40010100' + '400206' + '02010000fde9' + '400304c0000201';
const peers = record(
  mrtType.tableDumpV2,
  tableDumpV2Subtype.peerIndexTable,
  'c0000209' +
    '0004' +
    '74657374' +
    '0002' +
    ('00' + 'c0000201' + 'c0000201' + 'fde9') +
    ('03' + 'c0000202' + '20010db8000000000000000000000002' + '0001fde9'),
);
const rib = (subtype: number, prefix: string, entries: readonly string[]): string =>
  record(mrtType.tableDumpV2, subtype, `00000007${prefix}${number(entries.length, 2)}${entries.join('')}`);
const entry = (peer: number, attributes: string, pathId = ''): string =>
  `${number(peer, 2)}6553f100${pathId}${number(attributes.length / 2, 2)}${attributes}`;

t.test('TABLE_DUMP', async (t) => {
  const found = only(
    read(
      record(
        mrtType.tableDump,
        1,
        '0000' +
          '0003' +
          '0a010000' +
          '10' +
          '01' +
          '6553f0ff' +
          'c0000201' +
          'fde9' +
          number(attributes2.length / 2, 2) +
          attributes2,
      ),
    ),
  );
  t.match(found, { kind: 'table-dump', sequence: 3, path: { originatedSeconds: 0x6553f0ff, peer: { asn: 65001 } } });
  t.strictSame(recordLines(found), [
    'TABLE_DUMP|1700000000|B|192.0.2.1|65001|10.1.0.0/16|65001|IGP|192.0.2.1|0|0||NAG||',
  ]);
});

t.test('PEER_INDEX_TABLE and RIB', async (t) => {
  // RFC 6396 §4.3.4: MP_REACH_NLRI holds the next hop alone; Zebra and its heirs once wrote the whole attribute.
  const short = '800e11' + '10' + '20010db8000000000000000000000001';
  const whole = '800e1e' + '000201' + '10' + '20010db8000000000000000000000001' + '00' + '4020010db800010000';
  const [table, v4, addPath, v6] = read(
    peers,
    rib(tableDumpV2Subtype.ribIpv4Unicast, '18c63364', [entry(0, attributes4), entry(1, attributes4)]),
    rib(tableDumpV2Subtype.ribIpv4UnicastAddPath, '18c63364', [entry(1, attributes4, '00000009')]),
    rib(tableDumpV2Subtype.ribIpv6Unicast, '4020010db800010000', [
      entry(1, `40010100${short}`),
      entry(1, `40010100${whole}`),
    ]),
  );
  t.match(table, { kind: 'peer-index-table', collectorIdentifier: 0xc0000209, viewName: 'test' });
  t.match(table && plainRecord(table), {
    peers: [
      { address: '192.0.2.1', asn: 65001, identifier: '192.0.2.1' },
      { address: '2001:db8::2', asn: 130537, identifier: '192.0.2.2' },
    ],
  });
  t.match(v4, { kind: 'rib', sequence: 7, paths: [{ peer: { asn: 65001 } }, { peer: { asn: 130537 } }] });
  t.match(addPath, { kind: 'rib', paths: [{ pathId: 9 }] });
  t.equal(v6?.kind === 'rib' && v6.paths.length, 2);
  for (const path of v6?.kind === 'rib' ? v6.paths : []) {
    t.strictSame(path.nextHop, bytesOf('20010db8000000000000000000000001'));
    t.strictSame(path.problems, []);
  }
});

t.test('a next hop that is none: the path tells, the record is read', async (t) => {
  const bad = (value: string): string => `40010100800e${number(value.length / 2, 1)}${value}`;
  for (const value of [`08${'01'.repeat(8)}`, '1020010db8', '', '00', '000201']) {
    const [, found] = read(peers, rib(tableDumpV2Subtype.ribIpv6Unicast, '4020010db800010000', [entry(1, bad(value))]));
    t.match(found, {
      kind: 'rib',
      paths: [
        {
          attributes: { origin: 'igp' },
          nextHop: undefined,
          problems: [{ subject: 'MP_REACH_NLRI', defect: 'length', bytes: bytesOf(bad(value).slice(8)) }],
        },
      ],
    });
    t.match(found && recordLines(found), [/\|IGP\|\|0\|/]);
    t.ok(found && plainRecord(found));
  }
});

t.test('RIB_GENERIC and what has no reader', async (t) => {
  const generic = rib(tableDumpV2Subtype.ribGeneric, '000180' + '70000064', []);
  const geo = record(mrtType.tableDumpV2, 7, 'c0000209');
  const ospf = record(11, 0, '0102');
  const [a, b, c] = read(generic, geo, ospf);
  t.match(a, { kind: 'rib-generic', family: 0x0180, bytes: bytesOf('700000640000') });
  t.match(b, { kind: 'unknown', bytes: bytesOf('c0000209') });
  t.match(c, { kind: 'unknown', header: { type: 11 }, bytes: bytesOf('0102') });
  t.strictSame(
    [a, b, c].flatMap((found) => (found === undefined ? [] : recordLines(found))),
    [],
  );
});

const parties4 = '0000fde9' + '0000fdea' + '0002' + '0001' + 'c0000201' + 'c0000202';
const keepalive = `${'ff'.repeat(16)}001304`;

t.test('BGP4MP', async (t) => {
  const update =
    'ff'.repeat(16) +
    number(23 + attributes4.length / 2 + 4, 2) +
    '02' +
    '0000' +
    number(attributes4.length / 2, 2) +
    attributes4 +
    '18c63364';
  const withId =
    'ff'.repeat(16) +
    number(23 + attributes4.length / 2 + 8, 2) +
    '02' +
    '0000' +
    number(attributes4.length / 2, 2) +
    attributes4 +
    '00000005' +
    '18c63364';
  const tail = '|A|192.0.2.1|65001|198.51.100.0/24|';
  const rest = '65001|IGP|192.0.2.1|0|0||NAG||';
  const [received, timed, sent, addPath, change] = read(
    record(mrtType.bgp4mp, bgp4mpSubtype.messageAs4, parties4 + update),
    record(mrtType.bgp4mpEt, bgp4mpSubtype.messageAs4, `0000007b${parties4}${update}`),
    record(mrtType.bgp4mp, bgp4mpSubtype.messageAs4Local, parties4 + keepalive),
    record(mrtType.bgp4mp, bgp4mpSubtype.messageAs4AddPath, parties4 + withId),
    record(mrtType.bgp4mp, bgp4mpSubtype.stateChangeAs4, `${parties4}00030006`),
  );
  const line = (found: MrtRecord | undefined): string | undefined => (found && recordLines(found))?.[0];
  t.equal(line(received), `BGP4MP|1700000000${tail}${rest}`);
  t.equal(line(timed), `BGP4MP_ET|1700000000.000123${tail}${rest}`);
  t.match(sent, { kind: 'message', sentByLocal: true, message: { kind: 'keepalive' } });
  t.equal(line(addPath), `BGP4MP_AP|1700000000${tail}5|${rest}`);
  t.equal(line(change), 'BGP4MP|1700000000|STATE|192.0.2.1|65001|3|6');
  t.match(change && plainRecord(change), { from: 'active', to: 'established' });
});

t.test('multicast prefixes stand among the others in the lines', async (t) => {
  const message = (nlri: string): string => {
    const reach = `0001${'02'}04${'c0000201'}00${nlri}`;
    const block = `${attributes4}800e${number(reach.length / 2, 1)}${reach}`;
    return `${'ff'.repeat(16)}${number(23 + block.length / 2, 2)}020000${number(block.length / 2, 2)}${block}`;
  };
  const lines = (nlri: string): string[] =>
    read(record(mrtType.bgp4mp, bgp4mpSubtype.messageAs4, parties4 + message(nlri))).flatMap(recordLines);
  t.strictSame(lines('18c63364'), [
    'BGP4MP|1700000000|A|192.0.2.1|65001|198.51.100.0/24|65001|IGP|192.0.2.1|0|0||NAG||',
  ]);
  t.strictSame(lines('21c633640000'), [], 'bytes that are no prefixes');
});

t.test('a bad record is reported and the next one is read', async (t) => {
  const good = record(mrtType.bgp4mp, bgp4mpSubtype.messageAs4, parties4 + keepalive);
  const cases: readonly [string, string, string][] = [
    ['MRT_RECORD', 'cut inside', record(mrtType.bgp4mp, bgp4mpSubtype.messageAs4, parties4.slice(0, -2))],
    ['MRT_RECORD', 'bytes behind', record(mrtType.bgp4mp, bgp4mpSubtype.stateChangeAs4, `${parties4}0003000600`)],
    [
      'MRT_RECORD',
      'unknown AFI',
      record(mrtType.bgp4mp, bgp4mpSubtype.messageAs4, parties4.replace('00020001', '00020009') + keepalive),
    ],
    ['MRT_RECORD', 'prefix length', rib(tableDumpV2Subtype.ribIpv4Unicast, '21c633640000', [])],
    ['MRT_RECORD', 'less than a message', record(mrtType.bgp4mp, bgp4mpSubtype.messageAs4, `${parties4}ff`)],
    ['MRT_RECORD', 'empty extended timestamp', record(mrtType.bgp4mpEt, bgp4mpSubtype.messageAs4, '')],
    ['MRT_PEER_INDEX', 'no such peer', rib(tableDumpV2Subtype.ribIpv4Unicast, '18c63364', [entry(2, attributes4)])],
    [
      'MRT_MESSAGE',
      'bad marker',
      record(mrtType.bgp4mp, bgp4mpSubtype.messageAs4, `${parties4}00${keepalive.slice(2)}`),
    ],
    [
      'MRT_MESSAGE',
      'message longer than it says',
      record(mrtType.bgp4mp, bgp4mpSubtype.messageAs4, `${parties4}${keepalive}00`),
    ],
  ];
  for (const [code, name, bad] of cases) {
    const [, first, second] = read(peers, bad, good);
    const offset = peers.length / 2;
    t.match(first, { kind: 'malformed', error: { code, offset }, bytes: bytesOf(bad.slice(24)) }, name);
    t.ok(first?.kind === 'malformed' && first.error instanceof MrtError);
    t.match(second, { kind: 'message', header: { offset: offset + bad.length / 2 } }, `behind ${name}`);
  }
});

t.test('a stream that cannot go on', async (t) => {
  const good = record(mrtType.bgp4mp, bgp4mpSubtype.messageAs4, parties4 + keepalive);
  const all = async (hex: string): Promise<number> => {
    let count = 0;
    for await (const _ of readMrt([bytesOf(hex)])) count += 1;
    return count;
  };
  t.equal(await all(good + good), 2);
  t.equal(await all(''), 0);
  await t.rejects(all(good + good.slice(0, -2)), { code: 'MRT_TRUNCATED', offset: good.length / 2 });
  await t.rejects(all(`${good}00`), { code: 'MRT_TRUNCATED' });
  await t.rejects(all(good + Buffer.from('this is a text file, no MRT').toString('hex')), {
    code: 'MRT_LENGTH',
    offset: good.length / 2,
  });
});

t.test('a record in many chunks is joined once', async (t) => {
  // 1 MB a byte at a time: joining anew for each chunk would copy 500 GB.
  const bytes = bytesOf(record(mrtType.bgp4mp, 99, 'ab'.repeat(1 << 20)));
  const reader = new MrtReader();
  const found: MrtRecord[] = [];
  for (let at = 0; at < bytes.length; at++) found.push(...reader.push(bytes.subarray(at, at + 1)));
  reader.end();
  t.match(found, [{ kind: 'unknown' }]);
});
