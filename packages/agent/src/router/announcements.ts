/** What this node originates, reachable through its best address of the family. Policies say who gets it. */
import type { Announcement } from '@routelet/bgp';
import { hostPrefix } from '../annotations/prefix.ts';
import { bestAddress, type Identity } from './identity.ts';
import type { Problem } from './problem.ts';
import type { Vip } from './vip-table.ts';

/** The pod CIDRs of this node. */
export function planAnnouncements(identity: Identity): Announcement[] {
  return identity.podCidrs.flatMap(({ text, family }) => {
    const nextHop = bestAddress(identity, family);
    return nextHop === undefined ? [] : [{ prefix: text, nextHop }];
  });
}

export interface VipAnnouncements {
  /** By prefix. What is as it was in `previous` is the same object. */
  readonly announcements: ReadonlyMap<string, Announcement>;
  readonly problems: readonly Problem[];
}

/**
 * Addresses of Services as host routes. One that is a node's own is left out and named: every node would draw that node's
 * traffic, its BGP sessions first.
 */
export function planVipAnnouncements(
  vips: Iterable<Vip>,
  identity: Identity,
  nodeByAddress: ReadonlyMap<string, string>,
  previous: ReadonlyMap<string, Announcement>,
): VipAnnouncements {
  const announcements = new Map<string, Announcement>();
  const problems: Problem[] = [];
  for (const { address, communities } of vips) {
    const nextHop = bestAddress(identity, address.family);
    if (nextHop === undefined) continue;
    const node = nodeByAddress.get(address.text);
    if (node !== undefined) {
      const text = `address ${address.text} of a service is not announced: it is the address of node ${node}`;
      problems.push({ code: 'vip-refused', subject: address.text, text });
      continue;
    }
    const prefix = hostPrefix(address).text;
    const before = previous.get(prefix);
    const same = before?.nextHop === nextHop && (before.attributes?.communities ?? []).join() === communities.join();
    const attributes = communities.length > 0 ? { attributes: { communities } } : {};
    announcements.set(prefix, same && before !== undefined ? before : { prefix, nextHop, ...attributes });
  }
  return { announcements, problems };
}
