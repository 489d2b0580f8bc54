/** What goes to the kernel for a key of TCP-AO, byte for byte as include/uapi/linux/tcp.h lays it out. */
import t from 'tap';
import { parseAddress } from '../../../src/address.ts';
import type { TcpAoKey } from '../../../src/ports.ts';
import { encodeTcpAoAdd, encodeTcpAoDelete } from '../../../src/session/tcp-ao.ts';
import { littleEndian } from '../../../src/socket.ts';

const key: TcpAoKey = { sendId: 7, receiveId: 9, key: 'sesame', algorithm: 'hmac-sha-1-96' };
const secret = Buffer.from(key.key);

/** Fields of a structure in order: hex, padded with zeros to the field's size. */
function structure(...fields: readonly (readonly [hex: string, bytes: number])[]): string {
  return fields.map(([hex, bytes]) => hex.padEnd(bytes * 2, '0')).join('');
}

/** `sa_family_t` is in the machine's order. */
const family = (number: string): string => (littleEndian ? `${number}00` : `00${number}`);
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const text = (name: string): string => hexOf(Buffer.from(name));

/** Peer, whether the socket is an IPv6 one, `__kernel_sockaddr_storage` of 128 bytes, length of the prefix. */
const peers: readonly [peer: string, ipv6: boolean, address: string, prefix: string][] = [
  ['192.0.2.1', false, `${family('02')}0000c0000201`, '20'],
  ['2001:db8::1', true, `${family('0a')}00000000000020010db8000000000000000000000001`, '80'],
  ['192.0.2.1', true, `${family('0a')}000000000000${'00'.repeat(10)}ffffc0000201`, '20'],
];

t.test('struct tcp_ao_add', async (t) => {
  t.not(peers.length, 0);
  const algorithms: readonly [TcpAoKey['algorithm'], string][] = [
    ['hmac-sha-1-96', 'hmac(sha1)'],
    ['aes-128-cmac-96', 'cmac(aes128)'],
  ];
  for (const [peer, ipv6, address, prefix] of peers) {
    for (const [algorithm, name] of algorithms) {
      const expected = structure(
        [address, 128],
        [text(name), 64],
        // ifindex; set_current, set_rnext and reserved; reserved2.
        ['', 4],
        ['', 4],
        ['', 2],
        [prefix, 1],
        // sndid, rcvid, maclen (96 bits), keyflags, keylen.
        ['07', 1],
        ['09', 1],
        ['0c', 1],
        ['00', 1],
        ['06', 1],
        [text('sesame'), 80],
      );
      const encoded = encodeTcpAoAdd({ address: parseAddress(peer) }, ipv6, { ...key, algorithm }, secret);
      t.equal(hexOf(encoded), expected, `${peer}, ${algorithm}`);
    }
  }
});

t.test('struct tcp_ao_del', async (t) => {
  for (const [peer, ipv6, address, prefix] of peers) {
    const expected = structure(
      [address, 128],
      // ifindex; set_current, set_rnext, del_async and reserved; reserved2.
      ['', 4],
      ['', 4],
      ['', 2],
      [prefix, 1],
      // sndid, rcvid, current_key, rnext, keyflags, and padding to the alignment of 8.
      ['07', 1],
      ['09', 1],
      ['', 3],
    );
    t.equal(hexOf(encodeTcpAoDelete({ address: parseAddress(peer) }, ipv6, key)), expected, peer);
  }
});

t.test('a prefix', async (t) => {
  const peer = { address: parseAddress('192.0.2.0'), length: 24 };
  t.equal(encodeTcpAoAdd(peer, false, key, secret)[202], 24);
  t.equal(encodeTcpAoDelete(peer, false, key)[138], 24);
});
