/**
 * What the decision process asks about a peer, by its dense number. Number 0 is this speaker itself, as the source of
 * the routes it originates.
 */
import { withRoom } from './column.ts';

export const LOCAL_PEER = 0;

export class PeerColumn {
  #internal: Uint8Array<ArrayBufferLike> = new Uint8Array(8);
  #identifier: Uint32Array<ArrayBufferLike> = new Uint32Array(8);
  #rank: Uint32Array<ArrayBufferLike> = new Uint32Array(8);
  #client: Uint8Array<ArrayBufferLike> = new Uint8Array(8);
  readonly #addresses = new Map<number, string>();
  readonly #freed: number[] = [];
  #limit = 1;

  /** A number for a new peer. `sortKey` orders peers as their addresses do (RFC 4271 §9.1.2.2 g). */
  add(sortKey: string, internal: boolean, client: boolean): number {
    const peer = this.#freed.pop() ?? this.#limit++;
    this.#internal = withRoom(this.#internal, peer);
    this.#identifier = withRoom(this.#identifier, peer);
    this.#rank = withRoom(this.#rank, peer);
    this.#client = withRoom(this.#client, peer);
    this.#internal[peer] = internal ? 1 : 0;
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

  internal(peer: number): number {
    return this.#internal[peer] ?? 0;
  }

  typeOf(peer: number): 'local' | 'ibgp' | 'ebgp' {
    if (peer === LOCAL_PEER) return 'local';
    return this.#internal[peer] === 1 ? 'ibgp' : 'ebgp';
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
