/** What this node originates: its pod CIDRs, reachable through its best address of the family. Policies say who gets it. */
import type { Announcement } from '@routelet/bgp';
import { bestAddress, type Identity } from './identity.ts';

export function planAnnouncements(identity: Identity): Announcement[] {
  return identity.podCidrs.flatMap(({ text, family }) => {
    const nextHop = bestAddress(identity, family);
    return nextHop === undefined ? [] : [{ prefix: text, nextHop }];
  });
}
