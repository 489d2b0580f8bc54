/**
 * Made-up UPDATEs, IPv4 and IPv6, whose prefixes and attributes differ as those of a real table do. They come in blocks:
 * a block is one template with its number written into every prefix and into an AS number of every path.
 */
import type { PathAttributes } from '../attribute/registry.ts';
import type { Prefix } from '../family/model.ts';
import { ipv4Unicast, ipv6Unicast } from '../family/registry.ts';
import { headerBytes } from '../message/header.ts';
import type { UpdateContext, UpdateMessage } from '../message/model.ts';
import { encodeUpdate } from '../message/update.ts';
import { scanUpdate, type UpdateSpans } from '../message/update-scan.ts';

/** UPDATEs of each family in a block, and the lengths of the prefixes in each. */
const messages = 32;
const ipv4Lengths: readonly number[] = [20, 21, 22, 23, 24, 24];
const ipv6Lengths: readonly number[] = [36, 40, 48, 48, 64, 128];
/** Where the number stands in an address: before the end of the shortest prefix. */
const ipv4NumberAt = 1;
const ipv6NumberAt = 3;
/** First byte of the AS number that ends in the block's; no attribute has it before. */
const marker = 0xfd;

const ipv4NextHop = 0xc000_0202;
const ipv6NextHop = Uint8Array.of(0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2);
const context: UpdateContext = {
  fourOctetAs: true,
  peerType: 'ebgp',
  addPathReceive: [],
  addPathSend: [],
  extendedMessages: false,
};

/** Messages one behind the other, and where the number of the block stands in them. */
interface Template {
  readonly bytes: Uint8Array;
  readonly numberAt: readonly number[];
}

export class SyntheticTable {
  /** Of one block. */
  readonly routes = messages * (ipv4Lengths.length + ipv6Lengths.length);
  readonly #announced: Template;
  readonly #withdrawn: Template;

  /** `asn`: the sender's. */
  constructor(asn: number) {
    const indices = Array.from({ length: messages }, (_, index) => index);
    this.#announced = templateOf(indices.flatMap((index) => announcements(asn, index)));
    this.#withdrawn = templateOf(indices.flatMap((index) => withdrawals(index)));
  }

  /** Numbers that differ in their lowest byte have other routes. */
  announced(block: number): Uint8Array {
    return numbered(this.#announced, block);
  }

  withdrawn(block: number): Uint8Array {
    return numbered(this.#withdrawn, block);
  }
}

/** High bits are set in some: a number above 2 ** 31 is another kind of number to the engine. */
function ipv4Prefixes(index: number): Prefix[] {
  return ipv4Lengths.map((length, place) => {
    return { family: ipv4Unicast.key, address: Uint8Array.of(5 + index * 6, 0, place << 4, 0), length };
  });
}

function ipv6Prefixes(index: number): Prefix[] {
  return ipv6Lengths.map((length, place) => {
    const address = Uint8Array.of(0x2a, index, 0, 0, place * 0x30, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    if (length >= 64) address.fill(0x81 + index, 6, length / 8);
    return { family: ipv6Unicast.key, address, length };
  });
}

function announcements(asn: number, index: number): UpdateMessage[] {
  const path = [
    asn,
    ...Array.from({ length: index % 5 }, (_, hop) => 3_000 + 70_000 * hop),
    (marker << 24) + (index << 8),
  ];
  const attributes: PathAttributes = {
    origin: index % 3 === 0 ? 'incomplete' : 'igp',
    asPath: [{ kind: 'sequence', asns: path }],
    ...(index % 2 === 0 && { multiExitDisc: index * 0x700_0000 }),
    ...(index % 4 === 1 && { communities: [asn * 0x1_0000 + index, 0x0da1_0000 + index] }),
  };
  const nlri = ipv6Prefixes(index);
  const mpReach = { family: ipv6Unicast.key, nextHop: ipv6NextHop, nlri };
  return [
    { kind: 'update', withdrawn: [], attributes: { ...attributes, nextHop: ipv4NextHop }, nlri: ipv4Prefixes(index) },
    { kind: 'update', withdrawn: [], attributes, nlri: [], mpReach },
  ];
}

function withdrawals(index: number): UpdateMessage[] {
  const mpUnreach = { family: ipv6Unicast.key, nlri: ipv6Prefixes(index) };
  return [
    { kind: 'update', withdrawn: ipv4Prefixes(index), attributes: {}, nlri: [] },
    { kind: 'update', withdrawn: [], attributes: {}, nlri: [], mpUnreach },
  ];
}

function templateOf(updates: readonly UpdateMessage[]): Template {
  const encoded = updates.map((update) => encodeUpdate(update, context));
  const bytes = new Uint8Array(encoded.reduce((size, { length }) => size + length, 0));
  const numberAt: number[] = [];
  let at = 0;
  for (const message of encoded) {
    bytes.set(message, at);
    const spans = scanUpdate(message.subarray(headerBytes));
    for (const offset of numberOffsets(spans)) numberAt.push(at + headerBytes + offset);
    at += message.length;
  }
  return { bytes, numberAt };
}

function numberOffsets({ body, attributes, mpReach, mpUnreach, ...spans }: UpdateSpans): number[] {
  const { withdrawnStart, withdrawnEnd, nlriStart, nlriEnd } = spans;
  const offsets = [
    ...inPrefixes(body, withdrawnStart, withdrawnEnd, ipv4NumberAt),
    ...inPrefixes(body, nlriStart, nlriEnd, ipv4NumberAt),
  ];
  for (const span of [mpReach, mpUnreach]) {
    if (span !== undefined) offsets.push(...inPrefixes(body, span.start, span.end, ipv6NumberAt));
  }
  const marked = attributes.indexOf(marker);
  if (marked >= 0) offsets.push(attributes.byteOffset - body.byteOffset + marked + 3);
  return offsets;
}

function inPrefixes(bytes: Uint8Array, start: number, end: number, numberAt: number): number[] {
  const offsets: number[] = [];
  for (let at = start; at < end; at += 1 + (((bytes[at] ?? 0) + 7) >> 3)) offsets.push(at + 1 + numberAt);
  return offsets;
}

function numbered({ bytes, numberAt }: Template, block: number): Uint8Array {
  const copy = bytes.slice();
  for (const at of numberAt) copy[at] = block;
  return copy;
}
