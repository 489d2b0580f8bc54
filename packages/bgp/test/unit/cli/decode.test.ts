/** `bgp decode` over what five daemons sent, and over a capture made of it. */

import { readFileSync } from 'node:fs';
import t from 'tap';
import { bgp } from './run.ts';

const gobgp: Record<string, string[]> = JSON.parse(
  readFileSync(new URL('../../fixtures/gobgp.json', import.meta.url), 'utf8'),
);
const messages = gobgp['ebgp'] ?? [];
const twoOctet = gobgp['ebgp-two-octet'] ?? [];

t.test('hex as text', async (t) => {
  t.ok(messages.length > 5);
  const { code, output, complaints } = await bgp(['decode'], messages.join('\n'));
  t.strictSame([code, complaints], [0, []]);
  const text = output.join('\n');
  t.match(text, /^line 1: OPEN, 69 bytes\n {2}version 4\n {2}my as 23456\n/);
  t.match(text, '    fqdn, hostname vm, domain ""\n');
  t.match(
    text,
    '    graceful-restart, restarting false, notification false, restart time seconds 120, families none\n',
  );
  t.match(text, '    as path 4200000001 65020 4200000099\n');
  t.match(text, '    communities 65010:100 no-export\n');
  t.match(text, '  nlri 10.2.3.0/24 192.0.2.129/32\n');
  t.match(text, /: UPDATE, 23 bytes\n {2}end of rib ipv4-unicast\n/);
  t.match(text, /: UPDATE, 29 bytes\n {2}end of rib ipv6-unicast\n/);
  t.match(text, '  meaning cease (6) / peer deconfigured (3)');
});

t.test('the same messages however the digits are written', async (t) => {
  const [first = '', second = ''] = messages;
  const spaced = first.replace(/../g, '$& ');
  const colons = second.replace(/..(?=.)/g, '$&:');
  const { output } = await bgp(
    ['decode', '--json', '-'],
    `# two messages\n${spaced} # the OPEN\n\n0x${colons}\n${first}${second}`,
  );
  const kinds = output.map((line) => [JSON.parse(line).place, JSON.parse(line).kind]);
  t.strictSame(kinds, [
    ['line 2', 'open'],
    ['line 4', 'keepalive'],
    ['line 5', 'open'],
    ['line 5, byte 69', 'keepalive'],
  ]);
});

t.test('JSON', async (t) => {
  const { output } = await bgp(['decode', '--json'], messages.join('\n'));
  const updates = output.map((line) => JSON.parse(line)).filter(({ kind }) => kind === 'update');
  t.match(updates[0], {
    attributes: {
      origin: 'incomplete',
      asPath: [4200000001, 65020, 4200000099],
      nextHop: '10.9.0.2',
      aggregator: { asn: 4200000001, address: '10.9.0.2' },
      extendedCommunities: ['0002fdf200000007'],
      largeCommunities: ['4200000001:1:2'],
    },
    nlri: ['10.1.0.0/16'],
  });
});

t.test('two octets', async (t) => {
  const route = twoOctet.find((hex) => hex.endsWith('100a01')) ?? '';
  t.match(await bgp(['decode', '--two-octet-as'], route), { code: 0, output: [/UPDATE/] });
  const { output } = await bgp(['decode', '--two-octet-as'], route);
  t.match(output.join('\n'), 'as path 4200000001 65020 4200000099');
});

t.test('what is wrong is told and the rest goes on', async (t) => {
  const [open = ''] = messages;
  const bad = `00${open.slice(2)}`;
  const { code, output } = await bgp(['decode'], `${bad}\n${open}`);
  t.equal(code, 1);
  t.match(output[0], /^line 1: marker is not all ones \(BGP_MARKER, NOTIFICATION 1\/1\)$/);
  t.match(output, [/^line 1/, /^ {2}00ff/, /^line 2: OPEN/]);
  t.match((await bgp(['decode', '--json'], bad)).output, [/"code":"BGP_MARKER"/]);
  // RFC 7606: a duplicate attribute is discarded, the message is used.
  const update = `${'ff'.repeat(16)}0033020000001840010100400101014002060201${'0000fde9'}4003040a000001180a0101`;
  const told = await bgp(['decode'], update);
  t.equal(told.code, 0);
  t.match(told.output.at(-1), /^ {2}problem ORIGIN: duplicate: appears again \(40010101\): attribute-discard$/);
});

t.test('what is no input', async (t) => {
  for (const [input, complaint] of [
    ['', 'no BGP message in the input'],
    ['# nothing', 'no BGP message in the input'],
    ['hello', 'bgp decode: line 1: "h" is no hexadecimal digit, and the input is no capture file'],
    ['ff\nfff', 'bgp decode: line 2: an odd number of hexadecimal digits'],
  ] as const) {
    t.match(await bgp(['decode'], input), { code: 1, complaints: [complaint] }, input);
  }
});

/** A pcap of raw IPv4 with one TCP segment a message, from the daemon and from us. */
function capture(segments: readonly (readonly [fromDaemon: boolean, hex: string])[]): Buffer {
  const file = Buffer.alloc(24);
  file.writeUInt32LE(0xa1b2c3d4, 0);
  file.writeUInt32LE(101, 20);
  const sequence = { daemon: 0xffff_fff0, us: 7 };
  const packets = segments.map(([fromDaemon, hex]) => {
    const payload = Buffer.from(hex, 'hex');
    const who = fromDaemon ? 'daemon' : 'us';
    const ip = Buffer.alloc(40);
    ip.writeUInt8(0x45, 0);
    ip.writeUInt16BE(40 + payload.length, 2);
    ip.writeUInt8(6, 9);
    ip.set(fromDaemon ? [10, 9, 0, 2, 10, 9, 0, 1] : [10, 9, 0, 1, 10, 9, 0, 2], 12);
    ip.writeUInt16BE(fromDaemon ? 40000 : 179, 20);
    ip.writeUInt16BE(fromDaemon ? 179 : 40000, 22);
    ip.writeUInt32BE(sequence[who] >>> 0, 24);
    ip.writeUInt8(0x50, 32);
    sequence[who] += payload.length;
    const header = Buffer.alloc(16);
    header.writeUInt32LE(40 + payload.length, 8);
    header.writeUInt32LE(40 + payload.length, 12);
    return Buffer.concat([header, ip, payload]);
  });
  return Buffer.concat([file, ...packets]);
}

t.test('a capture: the OPENs tell how its UPDATEs are to be read', async (t) => {
  // Our side offered no four-octet AS numbers in that session.
  const ours = `${'ff'.repeat(16)}001d0104fdf2005a0a09000100`;
  const theirs = twoOctet.map((hex) => [true, hex] as const);
  const { code, output, complaints } = await bgp(['decode'], capture([[false, ours], ...theirs]));
  t.strictSame([code, complaints], [0, []]);
  const text = output.join('\n');
  t.match(text, /^10\.9\.0\.1:179 > 10\.9\.0\.2:40000: OPEN, 29 bytes\n/);
  t.match(text, '\n10.9.0.2:40000 > 10.9.0.1:179: OPEN, ');
  t.match(text, '    as path 4200000001 65020 4200000099\n');
  t.notMatch(text, 'problem');
  // Without the OPENs the same bytes are read with four octets, and are wrong.
  const updates = theirs.filter(([, hex]) => hex.slice(36, 38) === '02');
  t.match((await bgp(['decode'], capture(updates))).output.join('\n'), 'AS_PATH');
  const told = await bgp(['decode', '--two-octet-as'], capture(updates));
  t.match(told.output.join('\n'), '    as path 4200000001 65020 4200000099\n');
  t.match(await bgp(['decode', '--port', '1790'], capture(theirs)), {
    code: 1,
    complaints: ['no BGP message in the input'],
  });
});

t.test('a segment that came twice, and one that is missing', async (t) => {
  const [open = '', keepalive = ''] = messages;
  const whole = capture([
    [true, open],
    [true, keepalive],
    [true, keepalive],
  ]);
  const packet = 16 + 40 + open.length / 2;
  const first = whole.subarray(24, 24 + packet);
  const last = whole.subarray(-(16 + 40 + 19));
  const kinds = async (file: Uint8Array): Promise<string[]> =>
    (await bgp(['decode', '--json'], file)).output.map((line) => JSON.parse(line).kind);
  t.strictSame(await kinds(Buffer.concat([whole, first])), ['open', 'keepalive', 'keepalive']);
  t.strictSame(await kinds(Buffer.concat([whole.subarray(0, 24), last, first])), ['open', 'keepalive']);
  t.strictSame(await kinds(whole.subarray(0, -1)), ['open', 'keepalive'], 'cut file');
});
