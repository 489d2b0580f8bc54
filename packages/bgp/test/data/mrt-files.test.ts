/** MRT of RouteViews, RIPE RIS, BIRD, OpenBGPD and Quagga: line by line what bgpdump reads in it. */

import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { ipv4Unicast, ipv6Unicast } from '../../src/family/registry.ts';
import { dataPath } from './data.ts';
import { bgpdump, canonical, decompressed, readAll, splitLines } from './mrt-files.ts';

/** Lines where we and bgpdump differ: how many in each file, and why ours is right. */
const differing: Readonly<Record<string, readonly [count: number, why: string]>> = {
  'bview.20020722.2337.gz': [8, 'AGGREGATOR with AS 0 is malformed and discarded: RFC 7607 §2'],
  'bview.ipv4_unicast_add_path.gz': [2, 'routes without attributes: bgpdump fills in an origin and 255.255.255.255'],
  'bview.ipv6_unicast_add_path.gz': [62, 'BIRD wrote no next hop: bgpdump prints 255.255.255.255'],
  'bird-mrtdump_rib': [6, 'as above'],
  'bird6-mrtdump_rib': [10, 'as above'],
  openbgpd_rib_table: [
    1,
    'an AGGREGATOR of 8 bytes among AS numbers of two octets: bgpdump reads the wrong bytes of it',
  ],
};

/** Files that are compared in another way below. */
const elsewhere: readonly string[] = [
  'updates.nlri_mask_trailing_bits.gz',
  'bird_bgp',
  'bird6_bgp',
  'openbgpd_rib_table-mp',
];

function compare(t: Test, file: string, ours: readonly string[], theirs: readonly string[]): void {
  t.equal(ours.length, theirs.length, `${file}: ${theirs.length} lines`);
  const wrong = theirs.flatMap((line, index) =>
    canonical(line) === ours[index] ? [] : [`theirs ${line}\nours   ${ours[index]}`],
  );
  const [count, why] = differing[file] ?? [0, ''];
  t.equal(wrong.length, count, `${file}: differing lines ${why}`, { lines: wrong.slice(0, 5) });
}

t.test('the expected text of bgpdump’s own tests', async (t) => {
  const files = readdirSync(dataPath('mrt/bgpdump/test_data')).filter((file) => !elsewhere.includes(file));
  t.equal(files.length, 9);
  for (const file of files) {
    const { lines, errors, ended } = await readAll(decompressed(`mrt/bgpdump/test_data/${file}`));
    const text = gunzipSync(readFileSync(dataPath(`mrt/bgpdump/test_expect/${file}.bgp.gz`))).toString();
    compare(t, file, lines, splitLines(text));
    t.strictSame([errors.length, ended], [0, undefined], `${file}: no errors`);
  }
});

t.test('a prefix that ends outside its message', async (t) => {
  const { lines, errors } = await readAll(decompressed('mrt/bgpdump/test_data/updates.nlri_mask_trailing_bits.gz'));
  t.strictSame(lines, []);
  t.match(errors, [{ code: 'MRT_MESSAGE', offset: 0, cause: { code: 'BGP_UPDATE_NLRI' } }]);
});

t.test('what other daemons and collectors wrote, beside bgpdump on the same bytes', async (t) => {
  const samples = readdirSync(dataPath('mrt/mrtparse-samples'))
    .filter((file) => !file.endsWith('.conf') && !elsewhere.includes(file))
    .map((file) => `mrt/mrtparse-samples/${file}`);
  const tables = readdirSync(dataPath('mrt/pyasn')).map((file) => `mrt/pyasn/${file}`);
  t.equal(samples.length, 10);
  t.equal(tables.length, 4);
  for (const path of [...samples, ...tables]) {
    const file = path.split('/').at(-1) ?? path;
    const bytes = decompressed(path);
    const { lines, errors, ended } = await readAll(bytes);
    compare(t, file, lines, bgpdump(bytes));
    if (file.includes('3samples')) {
      // Three records out of the middle of a table: the peers they name are not there, and bgpdump prints nothing.
      t.strictSame(
        errors.map(({ code }) => code),
        ['MRT_PEER_INDEX', 'MRT_PEER_INDEX', 'MRT_PEER_INDEX'],
        file,
      );
    } else {
      t.equal(errors.length, 0, `${file}: no errors`);
    }
    if (file.includes('firstMB')) t.match(ended, { code: 'MRT_TRUNCATED' }, `${file}: is cut`);
    else t.equal(ended, undefined, `${file}: whole`);
  }
});

t.test('add-path in record types of before RFC 8050', async (t) => {
  const addPath = [ipv4Unicast.key, ipv6Unicast.key];
  for (const name of ['bird', 'bird6']) {
    const bytes = decompressed(`mrt/mrtparse-samples/${name}_bgp`);
    const { errors } = await readAll(bytes);
    t.equal(errors.length, 6, `${name}: read as the subtype says, six messages are malformed`);
    // The same routers in the same lab dumped by another BIRD, with the subtypes of RFC 8050.
    const told = await readAll(bytes, { addPath });
    const sibling = await readAll(decompressed(`mrt/mrtparse-samples/${name}-mrtdump_bgp`));
    // It announced nothing of its own, so only routes with an AS path are in both.
    const routes = (lines: readonly string[]): string[] =>
      lines.filter((line) => /\|A\|.*\|42\d{8} /.test(line)).map((line) => line.split('|').toSpliced(1, 1).join('|'));
    t.equal(told.errors.length, 0);
    t.ok(routes(told.lines).length > 5);
    t.strictSame(routes(told.lines).sort(), routes(sibling.lines).sort(), name);
  }
});

t.test('BGP4MP_ENTRY, which bgpdump does not read: the same table as in TABLE_DUMP of the same router', async (t) => {
  const routes = async (file: string): Promise<string[]> => {
    const { lines, errors } = await readAll(decompressed(`mrt/mrtparse-samples/${file}`));
    t.equal(errors.length, 0);
    return lines.map((line) => line.split('|').slice(5).join('|')).sort();
  };
  const entries = await routes('openbgpd_rib_table-mp');
  t.equal(entries.length, 31);
  t.strictSame(entries, await routes('openbgpd_rib_table'));
});

t.test('in chunks of every small size', async (t) => {
  const bytes = decompressed('mrt/mrtparse-samples/openbgpd_rib_table-v2');
  const whole = await readAll(bytes);
  t.equal(whole.lines.length, 31);
  for (let chunkBytes = 1; chunkBytes < 40; chunkBytes++) {
    const { lines } = await readAll(bytes, { chunkBytes });
    t.strictSame(lines, whole.lines, `${chunkBytes} bytes`);
  }
});
