/** What nft 1.0.6 says of a table (`nft --json --numeric list table`), with what others may have put there. */
import t from 'tap';
import { readListing } from '../../../src/policy/nftables-listing.ts';

const at = { family: 'ip', table: 'kube-router-filter-ipv4' };
const listing = JSON.stringify({
  nftables: [
    { metainfo: { version: '1.0.6', release_name: 'Lester Gooch #5', json_schema_version: 1 } },
    { table: { family: 'ip', name: 'kube-router-filter-ipv4', handle: 1 } },
    { chain: { ...at, name: 'KUBE-POD-FW-A', handle: 1 } },
    { chain: { ...at, name: 'in', handle: 2, type: 'filter', hook: 'input', prio: 0, policy: 'accept' } },
    { set: { ...at, name: 'pods', type: 'ipv4_addr', handle: 3, elem: ['10.0.0.2', '10.0.0.1'] } },
    { set: { ...at, name: 'empty', type: 'ipv4_addr', handle: 4 } },
    {
      set: {
        ...{ ...at, name: 'blocks', type: 'ipv4_addr', handle: 5, flags: ['interval'] },
        elem: [{ prefix: { addr: '10.0.0.0', len: 8 } }, '192.0.2.1', { range: ['192.0.2.5', '192.0.2.7'] }],
      },
    },
    {
      map: {
        ...at,
        name: 'm',
        type: 'ipv4_addr',
        handle: 6,
        map: 'verdict',
        elem: [['10.0.0.1', { jump: { target: 'A' } }]],
      },
    },
    {
      map: { ...at, name: 'drops', type: 'ipv4_addr', handle: 7, map: 'verdict', elem: [['10.0.0.1', { drop: null }]] },
    },
    { set: { ...at, name: 'timed', type: 'ipv4_addr', handle: 8, flags: ['timeout'], timeout: 60 } },
    { set: { ...at, name: 'merged', type: 'ipv4_addr', handle: 9, flags: ['interval'], 'auto-merge': true } },
    { set: { ...at, name: 'ports', type: 'inet_service', handle: 10, elem: [80] } },
    { rule: { ...at, chain: 'KUBE-POD-FW-A', handle: 11, comment: 'one - AAAA', expr: [{ accept: null }] } },
    { rule: { ...at, chain: 'KUBE-POD-FW-A', handle: 12, expr: [{ counter: { packets: 1, bytes: 60 } }] } },
  ],
});

t.test('chains with the comments of their rules, sets with their elements', (t) => {
  const { chains, sets, elements } = readListing(listing);
  t.strictSame(
    [...chains],
    [
      ['KUBE-POD-FW-A', { comments: ['one - AAAA', ''] }],
      ['in', { comments: [], hook: 'filter input 0 accept' }],
    ],
  );
  t.strictSame(
    [...sets].map(([name, { kind, digest }]) => [name, kind, digest.size]),
    [
      ['pods', 'addresses', 2],
      ['empty', 'addresses', 0],
      ['blocks', 'prefixes', 3],
      ['m', 'verdicts', 1],
      ['drops', 'verdicts', 1],
      ['timed', undefined, 0],
      ['merged', undefined, 0],
      ['ports', undefined, 1],
    ],
  );
  t.strictSame([...(elements.get('blocks') ?? [])], ['10.0.0.0/8', '192.0.2.1', '192.0.2.5-192.0.2.7']);
  t.strictSame([...(elements.get('m') ?? [])], ['10.0.0.1 : jump A']);
  t.strictSame([...(elements.get('drops') ?? [])], ['10.0.0.1 : {"drop":null}']);
  t.end();
});

t.test('IPv6 in canonical text', (t) => {
  const set = { family: 'ip6', table: 't', name: 's', type: 'ipv6_addr', handle: 1 };
  const elem = ['::ffff:10.0.0.1', 'fd00::1', { prefix: { addr: 'fd00::', len: 16 } }];
  const { elements } = readListing(JSON.stringify({ nftables: [{ set: { ...set, flags: ['interval'], elem } }] }));
  t.strictSame([...(elements.get('s') ?? [])], ['::ffff:a00:1', 'fd00::1', 'fd00::/16']);
  t.end();
});
