/**
 * What the decision process asks about a peer, by its dense number. Number 0 is this speaker itself, as the source of
 * the routes it originates.
 */
import type { PeerType } from '../attribute/descriptor.ts';
import { withRoom } from './column.ts';

export const LOCAL_PEER = 0;

const types: readonly PeerType[] = ['ebgp', 'ibgp', 'confederation'];
const EXTERNAL = types.indexOf('ebgp');
const SAME_AS = types.indexOf('ibgp');

export class PeerColumn {
  #type: Uint8Array<ArrayBufferLike> = new Uint8Array(8);
  #identifier: Uint32Array<ArrayBufferLike> = new Uint32Array(8);
  #rank: Uint32Array<ArrayBufferLike> = new Uint32Array(8);
  #client: Uint8Array<ArrayBufferLike> = new Uint8Array(8);
  readonly #addresses = new Map<number, string>();
  readonly #freed: number[] = [];
  #limit = 1;

  /** A number for a new peer. `sortKey` orders peers as their addresses do (RFC 4271 §9.1.2.2 g). */
  add(sortKey: string, type: PeerType, client: boolean): number {
    const peer = this.#freed.pop() ?? this.#limit++;
    this.#type = withRoom(this.#type, peer);
    this.#identifier = withRoom(this.#identifier, peer);
    this.#rank = withRoom(this.#rank, peer);
    this.#client = withRoom(this.#client, peer);
    this.#type[peer] = types.indexOf(type);
    this.setClient(peer, client);
    this.#identifier[peer] = 0;
    this.#addresses.set(peer, sortKey);
    this.#orderAgain();
    return peer;
  }

  remove(peer: number): void {
    this.#addresses.delete(peer);
    this.#freed.push(peer);
  }

  setIdentifier(peer: number, identifier: number): void {
    this.#identifier[peer] = identifier;
  }

  /** RFC 4456: this speaker reflects between the peer and everybody inside. */
  setClient(peer: number, client: boolean): void {
    this.#client[peer] = client ? 1 : 0;
  }

  isClient(peer: number): boolean {
    return this.#client[peer] === 1;
  }

  /** 1 for a peer inside. RFC 5065 §5.3: other members of the confederation count as inside when routes are selected. */
  internal(peer: number): number {
    return (this.#type[peer] ?? EXTERNAL) === EXTERNAL ? 0 : 1;
  }

  /** The peer is in our own AS, or member AS: what it tells is reflected, or not passed on inside (RFC 4456 §6). */
  isSameAs(peer: number): boolean {
    return this.#type[peer] === SAME_AS;
  }

  typeOf(peer: number): 'local' | PeerType {
    return peer === LOCAL_PEER ? 'local' : (types[this.#type[peer] ?? EXTERNAL] ?? 'ebgp');
  }

  identifier(peer: number): number {
    return this.#identifier[peer] ?? 0;
  }

  rank(peer: number): number {
    return this.#rank[peer] ?? 0;
  }

  /** Ranks may change as numbers and never as an order, so that no choice made before is touched. */
  #orderAgain(): void {
    const sorted = [...this.#addresses].sort(([, a], [, b]) => (a < b ? -1 : a > b ? 1 : 0));
    for (const [index, [peer]] of sorted.entries()) this.#rank[peer] = index + 1;
  }
}
