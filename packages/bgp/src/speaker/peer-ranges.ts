/**
 * Peers that are not known by address: whoever connects from inside a range, names an allowed AS number and is not one
 * too many becomes a passive peer with the range's options, and is forgotten when its session and its routes are gone.
 */
import { formatPrefix, maskAddress, parseAddress, parsePrefix } from '../address.ts';
import { errorCode, openSubcode } from '../iana.ts';
import type { Clock, Connection } from '../ports.ts';
import { dismiss, type Greeting, greet } from '../session/greeting.ts';
import { canonicalAddress } from '../session/peer-address.ts';
import type { PeerGroups, PeerOptions, PeerRange } from './api.ts';
import { identifyPeer, type SpeakerNumbers } from './peer-identity.ts';
import { withGroup } from './peer-options.ts';

/** How often a peer whose session ended is looked at while its routes are kept (RFC 4724). */
const lingerMs = 10_000;

export interface PeerRangesHost {
  readonly clock: Clock;
  warning(text: string): void;
  /** Makes a peer of it and gives it the connection. Throws when it cannot be one. */
  adopt(peer: PeerOptions, connection: Connection): void;
  /** `kept`: it has no session, and its routes wait for it to come back. */
  presenceOf(address: string): 'up' | 'kept' | 'gone';
  remove(address: string): void;
}

/** Throws for what cannot be a peer's options: told now, not when somebody connects. Policies are not looked at. */
export function checkRange(range: PeerRange, groups: PeerGroups, numbers: SpeakerNumbers): void {
  const { prefix, asns } = range;
  const peer = withGroup(peerOf(range, prefix, asns[0] ?? 0), groups);
  identifyPeer(peer, numbers);
  // A peer that is known when it connects has no path that could be Up before.
  if (peer.bfd !== true && peer.bfd?.strict === true) {
    throw new RangeError(`peer range ${prefix}: its peers cannot have strict BFD`);
  }
}

/** The options of one peer of the range, without what its group says. */
export function peerOf(range: PeerRange, address: string, asn: number): PeerOptions {
  const { prefix: _prefix, asns: _asns, limit: _limit, ...options } = range;
  return { ...options, address, asn, passive: true };
}

interface OpenRange {
  readonly range: PeerRange;
  readonly network: Uint8Array;
  readonly length: number;
  /** Their addresses. */
  readonly peers: Set<string>;
  /** Connections that have not said yet who they are. */
  greetings: number;
}

export class PeerRanges {
  readonly #host: PeerRangesHost;
  readonly #ranges = new Map<string, OpenRange>();
  readonly #byPeer = new Map<string, OpenRange>();

  constructor(host: PeerRangesHost) {
    this.#host = host;
  }

  /** Throws `AddressError` or `RangeError`. */
  add(range: PeerRange): void {
    const { address: network, length } = parsePrefix(range.prefix);
    const key = formatPrefix({ address: network, length });
    if (this.#ranges.has(key)) throw new RangeError(`peer range ${key} is there already`);
    if (range.asns.length === 0) throw new RangeError(`peer range ${key} allows no AS number`);
    if (!(Number.isInteger(range.limit) && range.limit > 0)) {
      throw new RangeError(`peer range ${key}: limit ${range.limit}, expected a whole number from 1 on`);
    }
    this.#ranges.set(key, { range, network, length, peers: new Set(), greetings: 0 });
  }

  /** The peers that go with it. Throws `RangeError` when there is no such range. */
  delete(prefix: string): readonly string[] {
    const key = formatPrefix(parsePrefix(prefix));
    const open = this.#ranges.get(key);
    if (open === undefined) throw new RangeError(`no peer range ${prefix}`);
    this.#ranges.delete(key);
    return [...open.peers];
  }

  /** All ranges with the addresses of their peers. */
  get open(): Iterable<{ readonly range: PeerRange; readonly peers: ReadonlySet<string> }> {
    return this.#ranges.values();
  }

  /** The peer came by a range. */
  has(address: string): boolean {
    return this.#byPeer.has(address);
  }

  /** Takes a connection that no peer expects; false when it is from nowhere known, or one too many. */
  accept(connection: Connection): boolean {
    const address = canonicalAddress(connection.remoteAddress);
    const open = this.#rangeOf(address);
    if (open === undefined) return false;
    if (open.peers.size + open.greetings >= open.range.limit) {
      this.#host.warning(`refused ${address}: the range ${open.range.prefix} has ${open.range.limit} peers already`);
      return false;
    }
    open.greetings += 1;
    greet(connection, this.#host.clock, (greeting) => {
      open.greetings -= 1;
      if (greeting !== undefined) this.#welcome(open, address, greeting);
    });
    return true;
  }

  /** The peer's session has ended. */
  ended(address: string): void {
    this.#host.clock.after(0, () => this.#look(address));
  }

  forget(address: string): void {
    this.#byPeer.get(address)?.peers.delete(address);
    this.#byPeer.delete(address);
  }

  #look(address: string): void {
    if (!this.#byPeer.has(address)) return;
    const presence = this.#host.presenceOf(address);
    if (presence === 'gone') this.#host.remove(address);
    else if (presence === 'kept') this.#host.clock.after(lingerMs, () => this.#look(address));
  }

  #welcome(open: OpenRange, address: string, { asn, connection }: Greeting): void {
    const { prefix, asns } = open.range;
    if (!asns.includes(asn)) {
      this.#host.warning(`refused ${address}: AS ${asn} is not one of the range ${prefix}`);
      const data = new Uint8Array(0);
      dismiss(connection, this.#host.clock, { code: errorCode.openMessage, subcode: openSubcode.badPeerAs, data });
      return;
    }
    open.peers.add(address);
    this.#byPeer.set(address, open);
    try {
      this.#host.adopt(peerOf(open.range, address, asn), connection);
    } catch (error) {
      this.forget(address);
      connection.destroy();
      this.#host.warning(`refused ${address}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** The longest range that the address is in. */
  #rangeOf(text: string): OpenRange | undefined {
    const address = parseAddress(text.split('%', 1)[0] ?? '');
    let longest: OpenRange | undefined;
    for (const open of this.#ranges.values()) {
      const { network, length } = open;
      if (network.length !== address.length || (longest !== undefined && longest.length >= length)) continue;
      if (maskAddress(address, length).every((byte, index) => byte === network[index])) longest = open;
    }
    return longest;
  }
}
