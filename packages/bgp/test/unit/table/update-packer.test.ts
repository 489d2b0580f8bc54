import t from 'tap';
import { decodeUpdate } from '../../../src/message/update.ts';
import { PrefixTable } from '../../../src/table/prefix-table.ts';
import { UpdatePacker } from '../../../src/table/update-packer.ts';

const context = {
  fourOctetAs: true,
  peerType: 'ibgp',
  addPathReceive: [],
  addPathSend: [],
  extendedMessages: true,
} as const;
const IPV4 = 257;
const IPV6 = 513;
const attributes = {
  bytes: Uint8Array.of(0x40, 1, 1, 0),
  size: 4,
  nextHop: new Uint8Array(16).fill(9),
  nextHopSize: 16,
};
const ipv4Attributes = { ...attributes, nextHop: new Uint8Array(4).fill(9), nextHopSize: 4 };

function table(words: 1 | 4, count: number): { prefixes: PrefixTable; ids: Int32Array } {
  const prefixes = new PrefixTable(words);
  const ids = Int32Array.from({ length: count }, (_, index) => prefixes.add(0x0a00_0000 + index * 256, 0, 0, 0, 24));
  return { prefixes, ids };
}

function messagesOf(bytes: Uint8Array): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = ((bytes[at + 16] ?? 0) << 8) | (bytes[at + 17] ?? 0);
    messages.push(bytes.subarray(at, at + length));
    at += length;
  }
  return messages;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const marker = 'ff'.repeat(16);

t.test('the bytes', async (t) => {
  const v4 = table(1, 2);
  const packer = new UpdatePacker(v4.prefixes, IPV4, 4096);
  packer.announce(ipv4Attributes, v4.ids, 0, 2);
  t.equal(hex(packer.finish()), `${marker}002302000000044001010018${'0a0000'}18${'0a0001'}`);
  packer.withdraw(v4.ids, 0, 1);
  t.equal(hex(packer.finish()), `${marker}001b02000418${'0a0000'}0000`);
  packer.endOfRib();
  t.equal(hex(packer.finish()), `${marker}001702${'0000'}${'0000'}`);

  const v6 = table(4, 1);
  const other = new UpdatePacker(v6.prefixes, IPV6, 4096);
  other.announce(attributes, v6.ids, 0, 1);
  t.equal(
    hex(other.finish()),
    `${marker}003802${'0000'}0021900e0019000201${'10'}${'09'.repeat(16)}0018${'0a0000'}40010100`,
  );
  other.withdraw(v6.ids, 0, 1);
  t.equal(hex(other.finish()), `${marker}002202${'0000'}000b900f000700020118${'0a0000'}`);
  other.endOfRib();
  t.equal(hex(other.finish()), `${marker}001d02${'0000'}0006800f03000201`);
});

t.test('RFC 7911 §3: the bytes with path identifiers', async (t) => {
  const v4 = table(1, 2);
  const pathIds = Int32Array.of(1, 0x0102_0304);
  const packer = new UpdatePacker(v4.prefixes, IPV4, 4096);
  packer.announce(ipv4Attributes, v4.ids, 0, 2, pathIds);
  t.equal(hex(packer.finish()), `${marker}002b020000000440010100${'00000001180a0000'}${'01020304180a0001'}`);
  packer.withdraw(v4.ids, 1, 2, pathIds);
  t.equal(hex(packer.finish()), `${marker}001f02${'0008'}01020304${'180a0001'}0000`);
  const v6 = table(4, 1);
  const other = new UpdatePacker(v6.prefixes, IPV6, 4096);
  other.announce(attributes, v6.ids, 0, 1, pathIds);
  t.equal(
    hex(other.finish()),
    `${marker}003c02${'0000'}0025900e001d000201${'10'}${'09'.repeat(16)}0000000001${'180a0000'}40010100`,
  );
});

t.test('RFC 8950 §3: an IPv4 route with an IPv6 next hop', async (t) => {
  const v4 = table(1, 1);
  const packer = new UpdatePacker(v4.prefixes, IPV4, 4096, true);
  packer.announce(attributes, v4.ids, 0, 1);
  t.equal(
    hex(packer.finish()),
    `${marker}003802${'0000'}0021900e0019000101${'10'}${'09'.repeat(16)}0018${'0a0000'}40010100`,
    'goes into MP_REACH_NLRI',
  );
  packer.announce(ipv4Attributes, v4.ids, 0, 1);
  t.equal(hex(packer.finish()), `${marker}001f02000000044001010018${'0a0000'}`, 'one with an IPv4 next hop does not');
  packer.withdraw(v4.ids, 0, 1);
  t.equal(hex(packer.finish()), `${marker}002202${'0000'}000b900f000700010118${'0a0000'}`);
});

for (const [name, family, words] of [
  ['IPv4', IPV4, 1],
  ['IPv6', IPV6, 4],
] as const) {
  for (const maximum of [4096, 65_535]) {
    t.test(`${name}: messages are full and never over ${maximum} bytes`, async (t) => {
      const count = 40_000;
      const { prefixes, ids } = table(words, count);
      const packer = new UpdatePacker(prefixes, family, maximum);
      const seen = new Set<string>();
      t.ok(packer.announce(family === IPV4 ? ipv4Attributes : attributes, ids, 0, count));
      const announced = messagesOf(packer.finish());
      packer.withdraw(ids, 0, count);
      const withdrawn = messagesOf(packer.finish());
      for (const message of [...announced.slice(0, -1), ...withdrawn.slice(0, -1)]) {
        t.ok(message.length <= maximum && message.length > maximum - 10, `${message.length} bytes`);
      }
      for (const message of announced) {
        const { message: update } = decodeUpdate(message.subarray(19), context);
        const nlri = update.mpReach?.nlri ?? update.nlri;
        if (!('raw' in nlri)) for (const prefix of nlri) seen.add(prefix.address.join('.'));
      }
      t.equal(seen.size, count, `every prefix once, in ${announced.length} messages`);
    });
  }
}

t.test('attributes that fill a message are refused', async (t) => {
  const { prefixes, ids } = table(1, 1);
  const packer = new UpdatePacker(prefixes, IPV4, 4096);
  t.equal(packer.announce({ ...ipv4Attributes, bytes: new Uint8Array(4070), size: 4070 }, ids, 0, 1), false);
  t.equal(packer.finish().length, 0);
});

t.test('a batch takes what it needs: a short one after a long one, and one of many messages', async (t) => {
  const { prefixes, ids } = table(1, 20_000);
  const packer = new UpdatePacker(prefixes, IPV4, 65_535);
  packer.announce(ipv4Attributes, ids, 0, 1);
  const short = packer.finish();
  t.ok(short.buffer.byteLength <= 1024, `${short.buffer.byteLength} bytes for ${short.length}`);
  packer.announce(ipv4Attributes, ids, 0, ids.length);
  const long = packer.finish();
  t.equal(messagesOf(long).length, 2);
  packer.withdraw(ids, 0, 1);
  packer.finish();
  packer.withdraw(ids, 0, 1);
  const last = packer.finish();
  t.ok(last.buffer.byteLength <= 1024, `${last.buffer.byteLength} bytes for ${last.length}`);
});
