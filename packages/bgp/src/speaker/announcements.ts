/** The routes that this speaker originates: kept as they were given, and put into the tables as paths of peer 0. */
import { AddressError, formatPrefix, parseAddress } from '../address.ts';
import type { PathAttributes } from '../attribute/registry.ts';
import type { FamilyKey } from '../family/model.ts';
import { ipv4Unicast } from '../family/registry.ts';
import { type AttributeStore, trait } from '../table/attribute-store.ts';
import { LOCAL_PEER } from '../table/peer-column.ts';
import type { Rib } from '../table/rib.ts';
import { encodeStored, withNextHop } from '../table/stored-attributes.ts';
import type { Announcement } from './api.ts';
import { prefixWords } from './path-view.ts';

/** A user who names a next hop or MULTI_EXIT_DISC means them to leave the AS. */
export const ownTraits = trait.ownMultiExitDisc | trait.ownNextHop;

export class Announcements {
  readonly #store: AttributeStore;
  readonly #ribOf: (family: FamilyKey) => Rib;
  /** By prefix in canonical form, with the content to see whether an announcement is another one. */
  readonly #routes = new Map<string, string>();

  constructor(store: AttributeStore, ribOf: (family: FamilyKey) => Rib) {
    this.#store = store;
    this.#ribOf = ribOf;
  }

  /** Throws `AddressError` for a prefix or next hop that is none; nothing has changed then. */
  announce(route: Announcement): void {
    const { prefix, words } = prefixWords(route.prefix);
    const bytes = storedFormOf(route, prefix.family);
    const key = formatPrefix(prefix);
    const content = bytes.join();
    if (this.#routes.get(key) === content) return;
    const rib = this.#ribOf(prefix.family);
    const attributes = this.#store.acquire(bytes, ownTraits);
    rib.setPath(rib.prefixes.add(...words), LOCAL_PEER, 0, attributes, attributes);
    this.#store.release(attributes);
    this.#routes.set(key, content);
  }

  withdraw(text: string): void {
    const { prefix, words } = prefixWords(text);
    if (!this.#routes.delete(formatPrefix(prefix))) return;
    const rib = this.#ribOf(prefix.family);
    rib.removePath(rib.prefixes.find(...words), LOCAL_PEER);
  }

  /** Prefixes in canonical form. */
  get prefixes(): Iterable<string> {
    return this.#routes.keys();
  }

  /** Makes the set equal to `routes`. Throws before anything has changed. */
  replaceAll(routes: readonly Announcement[]): void {
    const wanted = new Set<string>();
    for (const route of routes) {
      const { prefix } = prefixWords(route.prefix);
      storedFormOf(route, prefix.family);
      wanted.add(formatPrefix(prefix));
    }
    for (const prefix of [...this.#routes.keys()]) if (!wanted.has(prefix)) this.withdraw(prefix);
    for (const route of routes) this.announce(route);
  }
}

/** A set without a next hop gets the session's own address when it is sent. */
export function storedFormOf({ nextHop, attributes = {} }: Announcement, family: FamilyKey): Uint8Array {
  const { nextHop: _ofAttributes, ...rest } = attributes;
  const complete: PathAttributes = { ...rest, origin: attributes.origin ?? 'igp', asPath: attributes.asPath ?? [] };
  if (nextHop === undefined) return encodeStored(complete);
  const address = parseAddress(nextHop);
  // RFC 8950: an IPv4 route may have an IPv6 next hop, and goes to peers who agreed to that.
  if (family !== ipv4Unicast.key && address.length === 4) throw new AddressError(nextHop, 'an IPv6 address');
  return withNextHop(complete, address);
}
