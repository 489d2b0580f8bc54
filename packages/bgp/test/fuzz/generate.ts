/**
 * Makes inputs that look like what the decoders read: messages, MRT records and captures with the right structure and, here
 * and there, one thing wrong in it. Attributes come from the registry, so a new one is generated without a change here;
 * values of a known shape get past the length checks.
 */

import { attributeFlag } from '../../src/attribute/descriptor.ts';
import { attributeDescriptors } from '../../src/attribute/registry.ts';
import { capabilityDescriptors } from '../../src/capability/registry.ts';
import { attributeType, messageType } from '../../src/iana.ts';
import type { Numbers } from './numbers.ts';

const u16 = (value: number): number[] => [(value >>> 8) & 255, value & 255];
const u32 = (value: number): number[] => [...u16(value >>> 16), ...u16(value & 0xffff)];

/** What a session agreed on, as far as it shapes UPDATEs. Once in a while the generator does not keep to it. */
export interface Shape {
  readonly addPath: boolean;
  readonly asnBytes: 2 | 4;
  /** The peer is another member AS: its paths begin with an AS_CONFED_SEQUENCE. */
  readonly member: boolean;
}

const anyShape = (n: Numbers): Shape => ({
  addPath: n.oneIn(2),
  asnBytes: n.pick([2, 4]),
  member: n.oneIn(5),
});

/** A length that is wrong once in a while. */
function length(n: Numbers, real: number): number {
  if (!n.oneIn(250)) return real;
  return n.pick([0, real + 1, Math.max(0, real - 1), 255, 65535, n.below(300)]);
}

function prefixes(n: Numbers, bits: 32 | 128, addPath: boolean): number[] {
  const bytes: number[] = [];
  for (let count = n.oneIn(50) ? n.below(400) : n.below(6); count > 0; count--) {
    const size = n.oneIn(400) ? n.below(256) : n.below(bits + 1);
    bytes.push(...(addPath ? u32(n.below(2 ** 32)) : []), size, ...n.bytes(Math.min(bits, size + 7) >> 3));
  }
  return bytes;
}

function asPath(n: Numbers, asnBytes: 2 | 4): number[] {
  const bytes: number[] = [];
  for (let segments = n.below(4); segments > 0; segments--) {
    const count = n.oneIn(40) ? n.below(256) : 1 + n.below(5);
    bytes.push(n.oneIn(150) ? n.below(256) : 1 + n.below(4), length(n, count));
    for (let i = 0; i < count; i++) bytes.push(...n.bytes(asnBytes - 2), 1 + n.below(255), n.below(256));
  }
  return bytes;
}

const list = (n: Numbers, size: number): number[] => n.bytes(size * (1 + n.below(5)));

/** Values that have the right shape. An attribute that is not here gets some bytes. */
const values: Readonly<Record<string, (n: Numbers, shape: Shape) => number[]>> = {
  origin: (n) => [n.below(4)],
  asPath: (n, { asnBytes, member }) => [...(member ? [3, 1, ...n.bytes(asnBytes - 1), 1] : []), ...asPath(n, asnBytes)],
  as4Path: (n) => asPath(n, 4),
  nextHop: (n) => [n.below(240), ...n.bytes(3)],
  atomicAggregate: () => [],
  aggregator: (n, { asnBytes }) => n.bytes(4 + asnBytes),
  communities: (n) => list(n, 4),
  clusterList: (n) => list(n, 4),
  extendedCommunities: (n) => list(n, 8),
  largeCommunities: (n) => list(n, 12),
  ipv6ExtendedCommunities: (n) => list(n, 20),
  aigp: (n) => [1, 0, length(n, 11), ...n.bytes(8)],
};

function mpReach(n: Numbers, { addPath }: Shape): number[] {
  const ipv6 = n.oneIn(2);
  const safi = n.oneIn(10) ? n.below(256) : 1;
  const nextHop = n.oneIn(30) ? n.below(40) : n.pick(ipv6 ? [16, 32] : [4, 4, 16]);
  return [0, ipv6 ? 2 : 1, safi, length(n, nextHop), ...n.bytes(nextHop), 0, ...prefixes(n, ipv6 ? 128 : 32, addPath)];
}

function mpUnreach(n: Numbers, { addPath }: Shape): number[] {
  const ipv6 = n.oneIn(2);
  return [0, ipv6 ? 2 : 1, n.oneIn(10) ? n.below(256) : 1, ...prefixes(n, ipv6 ? 128 : 32, addPath)];
}

function attribute(n: Numbers, type: number, category: number, value: readonly number[]): number[] {
  const wrong = n.oneIn(150) ? n.below(256) : 0;
  const extended = value.length > 255 || n.oneIn(10) ? attributeFlag.extendedLength : 0;
  const size = length(n, value.length);
  const flags = (category | extended | (n.oneIn(20) ? attributeFlag.partial : 0)) ^ wrong;
  return [flags, type, ...(extended === 0 ? [size & 255] : u16(size)), ...value];
}

function attributes(n: Numbers, shape: Shape): number[] {
  const bytes: number[] = [];
  for (const descriptor of attributeDescriptors) {
    const mandatory = descriptor.type <= attributeType.nextHop;
    if (n.oneIn(mandatory ? 20 : 3) === mandatory) continue;
    const value = values[descriptor.name]?.(n, shape) ?? n.bytes(n.pick([4, 4, 4, n.below(12)]));
    for (let times = n.oneIn(50) ? 2 : 1; times > 0; times--) {
      bytes.push(...attribute(n, descriptor.type, descriptor.category, value));
    }
  }
  if (n.oneIn(2)) bytes.push(...attribute(n, attributeType.mpReachNlri, 0x80, mpReach(n, shape)));
  if (n.oneIn(4)) bytes.push(...attribute(n, attributeType.mpUnreachNlri, 0x80, mpUnreach(n, shape)));
  if (n.oneIn(4)) bytes.push(...attribute(n, n.below(256), n.pick([0x80, 0xc0]), n.bytes(n.below(30))));
  return bytes;
}

function capability(n: Numbers): number[] {
  const code = capabilityDescriptors[n.below(capabilityDescriptors.length)]?.code ?? 0;
  const value = n.bytes(n.pick([0, 1, 2, 4, 4, 6, 7, n.below(30)]));
  return [n.oneIn(10) ? n.below(256) : code, length(n, value.length) & 255, ...value];
}

function openBody(n: Numbers): number[] {
  const parameters: number[] = [];
  const extended = n.oneIn(5);
  for (let count = n.below(n.oneIn(20) ? 40 : 4); count > 0; count--) {
    const value = Array.from({ length: n.below(4) }, () => capability(n)).flat();
    const size = length(n, value.length);
    parameters.push(n.oneIn(20) ? n.below(256) : 2, ...(extended ? u16(size) : [size & 255]), ...value);
  }
  const size = length(n, parameters.length);
  const sizes = extended ? [255, 255, ...u16(size)] : [size & 255];
  return [n.oneIn(100) ? n.below(256) : 4, ...n.bytes(8), ...sizes, ...parameters];
}

function updateBody(n: Numbers, shape: Shape): number[] {
  const withdrawn = n.oneIn(3) ? prefixes(n, 32, shape.addPath) : [];
  const block = n.oneIn(10) ? [] : attributes(n, shape);
  const nlri = n.oneIn(2) ? prefixes(n, 32, shape.addPath) : [];
  return [...u16(length(n, withdrawn.length)), ...withdrawn, ...u16(length(n, block.length)), ...block, ...nlri];
}

/** A whole message, header included. */
export function generateMessage(n: Numbers, agreed: Shape): Uint8Array {
  const shape = n.oneIn(20) ? anyShape(n) : agreed;
  const type = n.pick([1, 2, 2, 2, 2, 2, 2, 3, 4, 5]);
  const body =
    type === messageType.open
      ? openBody(n)
      : type === messageType.update
        ? updateBody(n, shape)
        : type === messageType.routeRefresh
          ? [0, n.below(3), n.below(4), n.below(3), ...(n.oneIn(4) ? n.bytes(n.below(9)) : [])]
          : n.bytes(type === messageType.notification ? 2 + n.below(20) : 0);
  return framed(type, body, n);
}

function framed(type: number, body: readonly number[], n: Numbers): Uint8Array {
  return Uint8Array.from([...new Array<number>(16).fill(255), ...u16(length(n, 19 + body.length)), type, ...body]);
}

function mrtRecord(n: Numbers, type: number, subtype: number, body: readonly number[]): number[] {
  return [...n.bytes(4), ...u16(type), ...u16(subtype), ...u32(length(n, body.length)), ...body];
}

/** A PEER_INDEX_TABLE and a few records of all types. */
export function generateMrt(n: Numbers): Uint8Array {
  const peers = Array.from({ length: 3 }, () => {
    const type = n.below(4);
    return [type, ...n.bytes(4), ...n.bytes(type & 1 ? 16 : 4), ...n.bytes(type & 2 ? 4 : 2)];
  });
  const file = mrtRecord(n, 13, 1, [...n.bytes(4), 0, 0, ...u16(length(n, peers.length)), ...peers.flat()]);
  for (let count = n.below(4); count > 0; count--) {
    const type = n.pick([12, 13, 13, 16, 16, 17]);
    const subtype = n.below(13);
    const addPath = subtype >= 8;
    const block = attributes(n, { addPath, asnBytes: type === 12 ? 2 : 4, member: n.oneIn(9) });
    const ipv6 = n.oneIn(2);
    const address = ipv6 ? 16 : 4;
    const parties = [...n.bytes(n.oneIn(2) ? 8 : 4), 0, 1, 0, ipv6 ? 2 : 1, ...n.bytes(2 * address)];
    const entry = [0, n.below(4), ...n.bytes(addPath ? 8 : 4), ...u16(length(n, block.length)), ...block];
    const size = n.below(33);
    const nlri = [size, ...n.bytes((size + 7) >> 3)];
    if (type === 13) file.push(...mrtRecord(n, type, subtype, [...n.bytes(4), ...nlri, 0, 1, ...entry]));
    else if (type === 12)
      file.push(
        ...mrtRecord(n, type, ipv6 ? 2 : 1, [
          ...n.bytes(4 + address),
          n.below(33),
          1,
          ...n.bytes(4 + address + 2),
          ...u16(block.length),
          ...block,
        ]),
      );
    else
      file.push(
        ...mrtRecord(n, type, subtype, [
          ...(type === 17 ? n.bytes(4) : []),
          ...parties,
          ...generateMessage(n, anyShape(n)),
        ]),
      );
  }
  return Uint8Array.from(file);
}

/** A pcap with a few TCP segments of one connection, in no good order. */
export function generateCapture(n: Numbers): Uint8Array {
  const file = [0xd4, 0xc3, 0xb2, 0xa1, ...n.bytes(16), n.pick([1, 101, 101, 113, 0, 9, 178, n.below(256)]), 0, 0, 0];
  for (let count = n.below(5); count > 0; count--) {
    const payload = [...generateMessage(n, anyShape(n))].slice(0, n.oneIn(3) ? n.below(60) : undefined);
    const ip = [
      0x45,
      0,
      ...u16(length(n, 40 + payload.length)),
      0,
      0,
      0,
      0,
      64,
      6,
      0,
      0,
      10,
      0,
      0,
      n.below(2),
      10,
      0,
      0,
      n.below(2),
    ];
    const tcp = [
      ...u16(n.pick([179, 40000])),
      0,
      179,
      0,
      0,
      0,
      n.below(256),
      0,
      0,
      0,
      0,
      n.oneIn(20) ? n.below(256) : 0x50,
      n.below(4),
      0,
      0,
      0,
      0,
      0,
      0,
    ];
    const packet = [...ip, ...tcp, ...payload];
    const size = u32(length(n, packet.length)).reverse();
    file.push(...n.bytes(8), ...size, ...size, ...packet);
  }
  return Uint8Array.from(file);
}
