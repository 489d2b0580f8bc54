/** What this node originates, reachable through its best address of the family. Policies say who gets it. */
import type { Announcement } from '@routelet/bgp';
import type { Problem } from '../problem.ts';
import { bestAddress, type Identity } from './identity.ts';
import type { Vip } from './vip-table.ts';

/** The pod CIDRs of this node. */
export function planAnnouncements(identity: Identity): Announcement[] {
  return identity.podCidrs.flatMap(({ text, family }) => {
    const nextHop = bestAddress(identity, family);
    return nextHop === undefined ? [] : [{ prefix: text, nextHop }];
  });
}

/** A route by prefix that is another one now; undefined: it is gone. */
export type VipRouteChanges = ReadonlyMap<string, Announcement | undefined>;

/**
 * Addresses of Services as host routes, kept from plan to plan, so that one address costs what one address costs. A node's
 * own address is left out and named: every node would draw that node's traffic, its BGP sessions first.
 */
export class VipRoutes {
  readonly #routes = new Map<string, Announcement>();
  readonly #problems = new Map<string, Problem>();

  /** By prefix. */
  get routes(): ReadonlyMap<string, Announcement> {
    return this.#routes;
  }

  get problems(): readonly Problem[] {
    return [...this.#problems.values()];
  }

  /** Plans all addresses again: identity or nodes are other ones. */
  planAll(vips: ReadonlyMap<string, Vip>, identity: Identity, nodeByAddress: ReadonlyMap<string, string>): void {
    const before = [...this.#routes.keys()].map((prefix) => prefix.slice(0, prefix.indexOf('/')));
    this.plan(new Set([...before, ...this.#problems.keys(), ...vips.keys()]), vips, identity, nodeByAddress);
  }

  /** Plans these addresses again. */
  plan(
    addresses: Iterable<string>,
    vips: ReadonlyMap<string, Vip>,
    identity: Identity,
    nodeByAddress: ReadonlyMap<string, string>,
  ): VipRouteChanges {
    const changes = new Map<string, Announcement | undefined>();
    for (const text of addresses) {
      const prefix = `${text}/${text.includes(':') ? 128 : 32}`;
      const vip = vips.get(text);
      const node = vip && nodeByAddress.get(text);
      if (node === undefined) this.#problems.delete(text);
      else this.#problems.set(text, nodeAddress(text, node));
      const before = this.#routes.get(prefix);
      const after = vip === undefined || node !== undefined ? undefined : planVipRoute(prefix, vip, identity, before);
      if (after === before) continue;
      if (after === undefined) this.#routes.delete(prefix);
      else this.#routes.set(prefix, after);
      changes.set(prefix, after);
    }
    return changes;
  }
}

function nodeAddress(text: string, node: string): Problem {
  const sentence = `address ${text} of a service is not announced: it is the address of node ${node}`;
  return { code: 'vip-refused', subject: text, text: sentence };
}

/** The route of before when it says the same. */
function planVipRoute(
  prefix: string,
  { address, communities }: Vip,
  identity: Identity,
  before: Announcement | undefined,
): Announcement | undefined {
  const nextHop = bestAddress(identity, address.family);
  if (nextHop === undefined) return undefined;
  const same = before?.nextHop === nextHop && (before.attributes?.communities ?? []).join() === communities.join();
  if (same && before !== undefined) return before;
  return { prefix, nextHop, ...(communities.length > 0 && { attributes: { communities } }) };
}
