/** Paths and prefixes of the tables as values for people and programs, and back. */
import { formatAddress, formatPrefix, parsePrefix } from '../address.ts';
import { linkBandwidthOf } from '../attribute/link-bandwidth.ts';
import type { Prefix } from '../family/model.ts';
import { type FamilyName, familyOf, ipv4Unicast } from '../family/registry.ts';
import type { AttributeStore } from '../table/attribute-store.ts';
import { multipathOf } from '../table/multipath.ts';
import { usedNextHopAt } from '../table/next-hop.ts';
import type { PeerColumn } from '../table/peer-column.ts';
import type { PrefixTable } from '../table/prefix-table.ts';
import type { Rib } from '../table/rib.ts';
import { decodeStored } from '../table/stored-attributes.ts';
import type { Path } from './api.ts';

/** What a view needs to know of the peers. */
export interface PathOwners {
  addressOf(peer: number): string;
  /** The path stayed from an earlier session with the peer (RFC 4724 §4.2). */
  isStale(rib: Rib, path: number): boolean;
}

export class PathView {
  readonly #attributes: AttributeStore;
  readonly #peers: PeerColumn;
  readonly #owners: PathOwners;
  readonly #maximumPaths: number;

  constructor(attributes: AttributeStore, peers: PeerColumn, owners: PathOwners, maximumPaths: number) {
    this.#attributes = attributes;
    this.#peers = peers;
    this.#owners = owners;
    this.#maximumPaths = maximumPaths;
  }

  /** Whether a view depends on more than the best path. */
  get seesAllPaths(): boolean {
    return this.#maximumPaths > 1;
  }

  /** A path that policy accepted shows what policy made of it, a rejected one what was received. */
  path(rib: Rib, prefix: number, path: number): Path {
    const { routes } = rib;
    const { attributes, nextHop } = decodeStored(
      this.#attributes.bytesOf(routes.usableOf(path) || routes.receivedOf(path)),
    );
    const peer = routes.peerOf(path);
    const pathId = routes.pathIdOf(path);
    const bandwidth = linkBandwidthOf(attributes.extendedCommunities ?? [])?.bytesPerSecond;
    return {
      prefix: prefixText(rib.prefixes, prefix),
      family: familyName(rib),
      nextHop: nextHopText(nextHop, rib.prefixes.words),
      attributes,
      from: this.#owners.addressOf(peer),
      fromType: this.#peers.typeOf(peer),
      stale: this.#owners.isStale(rib, path),
      ...(pathId !== 0 && { pathId }),
      ...(nextHop?.length === 32 && { linkLocalNextHop: formatAddress(nextHop.subarray(16)) }),
      multipath: multipathOf(routes, this.#attributes, prefix, this.#maximumPaths).includes(path),
      ...(bandwidth !== undefined && { bandwidth }),
    };
  }
}

export function familyName(rib: Rib): FamilyName {
  return familyOf(rib.family)?.name ?? ipv4Unicast.name;
}

export function prefixText(prefixes: PrefixTable, prefix: number): string {
  const address = new Uint8Array(prefixes.words * 4);
  const view = new DataView(address.buffer);
  for (let index = 0; index < prefixes.words; index++) view.setUint32(index * 4, prefixes.wordOf(prefix, index));
  return formatPrefix({ address, length: prefixes.lengthOf(prefix) });
}

/** The words `PrefixTable.find` and `add` take. Throws `AddressError` for a text that is no prefix. */
export function prefixWords(text: string): { prefix: Prefix; words: [number, number, number, number, number] } {
  const prefix = parsePrefix(text);
  const view = new DataView(prefix.address.buffer, prefix.address.byteOffset, prefix.address.length);
  const word = (index: number) => (index * 4 < prefix.address.length ? view.getUint32(index * 4) : 0);
  return { prefix, words: [word(0), word(1), word(2), word(3), prefix.length] };
}

/** RFC 2545 §3: of a global and a link-local address the global one. Unspecified: the session's own address. */
function nextHopText(nextHop: Uint8Array | undefined, words: 1 | 4): string {
  if (nextHop === undefined) return words === 1 ? '0.0.0.0' : '::';
  const at = usedNextHopAt(nextHop, 0, nextHop.length);
  return formatAddress(nextHop.length === 32 ? nextHop.subarray(at, at + 16) : nextHop);
}
