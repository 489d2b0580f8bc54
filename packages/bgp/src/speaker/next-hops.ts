/**
 * Which next hops can be used (RFC 4271 §9.1.2.1) and at what cost (§9.1.2.2 e). One that is our own address never can
 * (§5.1.3); about others the owner of the speaker is asked, and without an answer all are as good.
 */
import { formatAddress, parseAddress } from '../address.ts';
import { usedNextHopAt } from '../table/next-hop.ts';

export class NextHops {
  readonly #costOf: ((nextHop: string) => number | undefined) | undefined;
  readonly #own: Uint8Array[] = [];

  /** `costOf`: undefined for an address that cannot be reached. */
  constructor(costOf: ((nextHop: string) => number | undefined) | undefined) {
    this.#costOf = costOf;
  }

  /** An address of this speaker. */
  addOwn(text: string): void {
    const address = parseAddress(text);
    if (!this.#own.some((own) => equals(own, address, 0, address.length))) this.#own.push(address);
  }

  /** Negative when the next hop at `at` cannot be used. A set without one (size 0) is our own. */
  cost(bytes: Uint8Array, at: number, size: number): number {
    if (size === 0) return 0;
    const used = usedNextHopAt(bytes, at, size);
    for (const own of this.#own) if (equals(own, bytes, used, size === 32 ? 16 : size)) return -1;
    if (this.#costOf === undefined) return 0;
    return this.#costOf(formatAddress(bytes.slice(used, used + (size === 4 ? 4 : 16)))) ?? -1;
  }
}

function equals(own: Uint8Array, bytes: Uint8Array, at: number, size: number): boolean {
  if (own.length !== size) return false;
  for (let index = 0; index < size; index++) if (own[index] !== bytes[at + index]) return false;
  return true;
}
