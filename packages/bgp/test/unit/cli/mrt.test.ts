/** `bgp mrt` as a process, as people pipe it, and in this one. */

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { bgp } from './run.ts';

const peer = '0000fde90000fdea00020001c0000201c0000202';
const keepalive = `${'ff'.repeat(16)}001304`;
const record = (subtype: number, hex: string): Buffer =>
  Buffer.from(`6553f100${'0010'}000${subtype}${(hex.length / 2).toString(16).padStart(8, '0')}${hex}`, 'hex');
const change = record(5, `${peer}00030006`);
const message = record(4, peer + keepalive);
const line = 'BGP4MP|1700000000|STATE|192.0.2.1|65001|3|6';

t.test('plain and gzip, from a file or standard input', async (t) => {
  const file = t.testdir({});
  const { writeFileSync } = await import('node:fs');
  writeFileSync(`${file}/gz`, gzipSync(change));
  writeFileSync(`${file}/plain`, change);
  for (const args of [
    ['mrt', `${file}/gz`],
    ['mrt', `${file}/plain`],
  ]) {
    t.strictSame(await bgp(args), { code: 0, output: [line], complaints: [] });
  }
  t.strictSame(await bgp(['mrt'], change), { code: 0, output: [line], complaints: [] });
  t.strictSame(await bgp(['mrt', '-'], gzipSync(change)), { code: 0, output: [line], complaints: [] });
});

t.test('JSON', async (t) => {
  const { output } = await bgp(['mrt', '--json'], Buffer.concat([change, message]));
  t.match(
    output.map((text) => JSON.parse(text)),
    [
      {
        kind: 'state-change',
        offset: 0,
        peer: { address: '192.0.2.1', asn: 65001 },
        from: 'active',
        to: 'established',
      },
      { kind: 'message', offset: change.length, sentByLocal: false, message: { kind: 'keepalive' } },
    ],
  );
});

t.test('what is wrong', async (t) => {
  const bad = record(4, `${peer}00`);
  t.match(await bgp(['mrt'], Buffer.concat([bad, change])), {
    code: 1,
    output: [line],
    complaints: ['MRT record at byte 0, type 16/4: 1 bytes are no message'],
  });
  t.match(await bgp(['mrt'], change.subarray(0, -1)), { code: 1, output: [], complaints: [/the stream ends/] });
  t.match(await bgp(['mrt'], 'certainly no MRT at all'), {
    code: 1,
    output: [],
    complaints: [/not MRT, or out of step/],
  });
  t.match(await bgp(['mrt'], 'BZh91AY'), { code: 1, complaints: [/^bgp mrt: -: bzip2 is not read here/] });
  t.match(await bgp(['mrt'], gzipSync(change).subarray(0, -9)), {
    code: 1,
    complaints: [/^bgp mrt: -: unexpected end/],
  });
});

t.test('the process: a reader that goes away ends it quietly', async (t) => {
  const main = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url));
  const input = Buffer.concat(new Array<Buffer>(20_000).fill(change));
  const { stdout, stderr, status } = spawnSync('sh', ['-c', '"$0" "$1" mrt - | head -n 2', process.execPath, main], {
    input,
  });
  t.strictSame([status, stdout.toString(), stderr.toString()], [0, `${line}\n${line}\n`, '']);
  const usage = spawnSync(process.execPath, [main, 'mrt', '--bad']);
  t.strictSame([usage.status, usage.stderr.toString()], [2, "bgp mrt: Unknown option '--bad'\n"]);
});
