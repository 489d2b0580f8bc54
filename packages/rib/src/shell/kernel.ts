/**
 * The way to the kernel: what of an rtnetlink client the rib uses, and the interfaces' state as notifications tell it.
 * Turns what happens to links and addresses into the two questions that matter: which interface names to resolve again,
 * and whether the kernel may have dropped routes without a word.
 */
import { type Address, type Link, RT_SCOPE_UNIVERSE, type Rtnetlink } from '@routelet/netlink-wire';
import type { Resolver } from '../fib/resolve.ts';
import type { KernelView } from '../fib/view.ts';

export type Netlink = Pick<Rtnetlink, 'links' | 'addresses' | 'routes' | 'apply' | 'subscribe' | 'close'>;

export interface InterfaceChange {
  /** Interface names that mean something else than before. */
  readonly names: readonly string[];
  /** Routes may have gone silently. */
  readonly dropped: boolean;
  /** What the kernel refused before it may take now. */
  readonly hopeful: boolean;
}

const NOTHING: InterfaceChange = { names: [], dropped: false, hopeful: false };

export class Interfaces {
  readonly #resolver: Resolver;
  readonly #view: KernelView;
  /** Addresses of global scope by interface: only these make gateways reachable without naming the interface. */
  readonly #addresses = new Map<number, Set<string>>();

  constructor(resolver: Resolver, view: KernelView) {
    this.#resolver = resolver;
    this.#view = view;
  }

  /** Takes full dumps of links and addresses, with which the routes are read too. */
  load(links: readonly Link[], addresses: readonly Address[]): InterfaceChange {
    const names = [...this.#resolver.setLinks(links)];
    this.#addresses.clear();
    for (const address of addresses) this.#setAddress(address);
    return { names, dropped: false, hopeful: true };
  }

  link(type: 'new' | 'del', link: Link): InterfaceChange {
    const wasUp = this.#resolver.isUp(link.index);
    const names = type === 'new' ? this.#resolver.setLink(link) : this.#resolver.removeLink(link);
    if (names.length === 0) return NOTHING;
    const up = this.#resolver.isUp(link.index);
    return { names, dropped: wasUp && !up && this.#mayUse(link.index), hopeful: up && !wasUp };
  }

  /**
   * Removing an interface's last IPv4 address drops all IPv4 routes over it (net/ipv4/fib_frontend.c fib_inetaddr_event),
   * removing any drops the routes that prefer it as source (fib_sync_down_addr).
   */
  address(type: 'new' | 'del', address: Address): InterfaceChange {
    if (address.scope !== RT_SCOPE_UNIVERSE) return NOTHING;
    if (type === 'new') {
      return { names: [], dropped: false, hopeful: this.#setAddress(address) };
    }
    const dropped = this.#mayUse(address.index);
    this.#addresses.get(address.index)?.delete(textOf(address));
    return { names: [], dropped, hopeful: false };
  }

  #mayUse(index: number): boolean {
    return this.#view.mayUse(index, (this.#addresses.get(index)?.size ?? 0) > 0);
  }

  #setAddress(address: Address): boolean {
    if (address.scope !== RT_SCOPE_UNIVERSE) return false;
    const known = this.#addresses.get(address.index) ?? new Set();
    this.#addresses.set(address.index, known);
    const size = known.size;
    return known.add(textOf(address)).size > size;
  }
}

function textOf(address: Address): string {
  return `${address.local}/${address.prefixLength}`;
}
