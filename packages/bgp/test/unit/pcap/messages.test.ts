/** Capture files by their format: both orders, both formats, link layers, and files that are cut or wrong. */

import t from 'tap';
import { isCapture, messagesOf, PcapError } from '../../../src/pcap/index.ts';
import { bytesOf, hexOf } from '../codec/hex.ts';

const keepalive = `${'ff'.repeat(16)}001304`;
const hex = (value: number, bytes: number, little = false): string => {
  const text = value.toString(16).padStart(2 * bytes, '0');
  return little ? (text.match(/../g) ?? []).reverse().join('') : text;
};

const tcp = (sequence: number, payload: string, flags = '10'): string =>
  `9c4000b3${hex(sequence, 4)}0000000050${flags}000000000000${payload}`;
const ipv4 = (payload: string): string =>
  `4500${hex(20 + payload.length / 2, 2)}0000000040060000${'0a000001'}${'0a000002'}${payload}`;
const ipv6 = (payload: string): string =>
  `60000000${hex(payload.length / 2, 2)}0640${'fd00'.padEnd(31, '0')}1${'fd00'.padEnd(31, '0')}2${payload}`;
const ethernet = 'aabbccddeeff001122334455';

function pcap(linkType: number, packets: readonly string[], little = false, magic = 0xa1b2c3d4): Uint8Array {
  const head = `${hex(magic, 4, little)}00020004${'00'.repeat(12)}${hex(linkType, 4, little)}`;
  const records = packets.map((packet) => `${'00'.repeat(8)}${hex(packet.length / 2, 4, little).repeat(2)}${packet}`);
  return bytesOf(head + records.join(''));
}

function block(type: number, body: string, little: boolean): string {
  const length = hex(12 + body.length / 2, 4, little);
  return `${hex(type, 4, little)}${length}${body}${length}`;
}

function pcapng(linkType: number, packets: readonly string[], little: boolean): Uint8Array {
  const section = block(0x0a0d0d0a, `${hex(0x1a2b3c4d, 4, little)}${'00'.repeat(12)}`, little);
  const description = block(1, `${hex(linkType, 2, little)}0000${hex(65535, 4, little)}`, little);
  const enhanced = packets.map((packet) => {
    const size = hex(packet.length / 2, 4, little);
    return block(
      6,
      `00000000${'00'.repeat(8)}${size}${size}${packet}${'00'.repeat((4 - ((packet.length / 2) % 4)) % 4)}`,
      little,
    );
  });
  return bytesOf(section + description + enhanced.join(''));
}

const found = (file: Uint8Array): string[] => messagesOf(file).map(({ bytes }) => hexOf(bytes));

t.test('formats', async (t) => {
  const packet = ipv4(tcp(1, keepalive));
  const files: Readonly<Record<string, Uint8Array>> = {
    'pcap, big endian': pcap(101, [packet]),
    'pcap, little endian': pcap(101, [packet], true),
    'pcap, nanoseconds': pcap(101, [packet], true, 0xa1b23c4d),
    'pcapng, big endian': pcapng(101, [packet], false),
    'pcapng, little endian': pcapng(101, [packet], true),
  };
  for (const [name, file] of Object.entries(files)) {
    t.ok(isCapture(file), name);
    t.strictSame(found(file), [keepalive], name);
  }
  const [message] = messagesOf(pcap(101, [packet]));
  t.match(message, { from: { port: 40000 }, to: { port: 179 }, connection: 0 });
  t.strictSame(message && hexOf(message.from.address), '0a000001');
});

t.test('link layers', async (t) => {
  const segment = tcp(1, keepalive);
  const packets: readonly (readonly [linkType: number, packet: string])[] = [
    [0, `02000000${ipv4(segment)}`],
    [1, `${ethernet}0800${ipv4(segment)}`],
    [1, `${ethernet}86dd${ipv6(segment)}`],
    [1, `${ethernet}81000001${'8100'}0002${'0800'}${ipv4(segment)}`],
    [9, `ff030021${ipv4(segment)}`],
    [9, `0021${ipv4(segment)}`],
    [101, ipv6(segment)],
    [113, `${'00'.repeat(14)}0800${ipv4(segment)}`],
    [276, `0800${'00'.repeat(18)}${ipv4(segment)}`],
  ];
  for (const [linkType, packet] of packets) t.strictSame(found(pcap(linkType, [packet])), [keepalive], `${linkType}`);
});

t.test('packets that are passed over', async (t) => {
  const udp = ipv4(tcp(1, keepalive)).replace('4006', '4011');
  const fragment = `${ipv4(tcp(1, keepalive)).slice(0, 12)}2000${ipv4(tcp(1, keepalive)).slice(16)}`;
  const other = ipv4(tcp(1, keepalive).replace('00b3', '0050'));
  for (const packet of [udp, fragment, other, ipv4(tcp(1, keepalive)).slice(0, 60), '', '45', 'ffff']) {
    t.strictSame(found(pcap(101, [packet, ipv4(tcp(1, keepalive))])), [keepalive], packet);
  }
  t.strictSame(found(pcap(250, [ipv4(tcp(1, keepalive))])), [], 'an unknown link type');
});

t.test('streams', async (t) => {
  const half = keepalive.length / 2 + 5;
  const [a, b] = [keepalive + keepalive.slice(0, 10), keepalive.slice(10)];
  const first = ipv4(tcp(0xffff_fff0, a));
  const second = ipv4(tcp((0xffff_fff0 + half - 1 + 1) >>> 0, b));
  t.strictSame(found(pcap(101, [second, first, first])), [keepalive, keepalive], 'out of order, over the wrap, twice');
  const gap = ipv4(tcp(1000, keepalive));
  t.strictSame(found(pcap(101, [ipv4(tcp(1, keepalive)), gap])), [keepalive, keepalive], 'bytes are missing between');
  const again = [ipv4(tcp(1, '', '02')), ipv4(tcp(2, keepalive)), ipv4(tcp(77, '', '02')), ipv4(tcp(78, keepalive))];
  const messages = messagesOf(pcap(101, again));
  t.strictSame(
    messages.map(({ connection }) => connection),
    [0, 1],
    'the same ports again',
  );
});

t.test('files that are cut or wrong', async (t) => {
  const packet = ipv4(tcp(1, keepalive));
  for (const file of [pcap(101, [packet, packet]), pcapng(101, [packet, packet], true)]) {
    for (let end = 24; end < file.length; end++) {
      const messages = messagesOf(file.subarray(0, end));
      if (messages.length > 1) t.fail(`${messages.length} messages in ${end} bytes`);
    }
  }
  t.throws(() => messagesOf(bytesOf('0102030405')), PcapError);
  t.throws(() => messagesOf(new Uint8Array(0)), { code: 'PCAP_FORMAT', offset: 0 });
  const section = block(0x0a0d0d0a, `${hex(0x1a2b3c4d, 4)}${'00'.repeat(12)}`, false);
  t.throws(() => messagesOf(bytesOf(`${section}0000000600000000${'00'.repeat(12)}`)), {
    code: 'PCAP_LENGTH',
    offset: 28,
  });
  const wrong = `${section}${block(6, `${'00'.repeat(12)}0000ffff${'00'.repeat(8)}`, false)}`;
  t.throws(() => messagesOf(bytesOf(wrong)), { code: 'PCAP_LENGTH', offset: 28 });
});
