/**
 * What the service proxy leaves on a node: IPVS services, its interface with all that is on it, rules and sets (X-1, T-36).
 * Only services on addresses that are its own go: others may use IPVS too.
 */
import { Ipvs, NetlinkError } from '@routelet/netlink-wire';
import { addressFromBytes } from '../annotations/prefix.ts';
import { GUARD_SOURCES, GUARDED, LOCAL_IPS, proxyClaim, SERVICE_IPS, SERVICE_PORTS } from '../proxy/forwarding.ts';
import { DUMMY } from '../proxy/held-addresses.ts';
import { entryPointOf } from '../proxy/ipvs-plan.ts';
import { entryKey } from '../proxy/model.ts';
import { ownership } from '../proxy/ownership.ts';
import type { Cleaned, Cleaner, CleanupContext } from './cleaner.ts';
import { remove } from './remove.ts';
import { rulesOf } from './rules.ts';
import { setsOf } from './sets.ts';

export const proxyCleaners: readonly Cleaner[] = [
  { name: 'IPVS services', clean: cleanServices },
  { name: 'iptables rules of services', clean: rulesOf('proxy', proxyClaim) },
  { name: 'ipsets of services', clean: setsOf([SERVICE_PORTS, SERVICE_IPS, LOCAL_IPS, GUARDED, GUARD_SOURCES]) },
  { name: 'service addresses', clean: cleanDummy },
];

async function cleanServices({ netlink, options }: CleanupContext): Promise<Cleaned> {
  const dummy = (await netlink.links()).find(({ name }) => name === DUMMY)?.index;
  const [held, node] = [new Set<string>(), new Set<string>()];
  for (const { index, local } of await netlink.addresses()) {
    const address = addressFromBytes(local);
    if (address) (index === dummy ? held : node).add(address.text);
  }
  const owns = ownership(options);
  const client = await Ipvs.open();
  try {
    const removed: string[] = [];
    const kept: string[] = [];
    for (const service of await client.services()) {
      const point = entryPointOf(service);
      // Those of marks and of other programs' addresses are none of ours: they are not even named.
      if (!point || !owns(point, { held, node })) continue;
      const [error] = await client.apply([{ kind: 'service', action: 'delete', object: service }]);
      if (error) kept.push(error.message);
      else removed.push(entryKey(point));
    }
    return { removed, kept };
  } catch (error) {
    if (error instanceof NetlinkError && error.code === 'ENOFAMILY') return { removed: [], kept: [] };
    throw error;
  } finally {
    client.close();
  }
}

/** The addresses and their routes go with the interface. */
async function cleanDummy({ netlink }: CleanupContext): Promise<Cleaned> {
  const dummy = (await netlink.links()).find(({ name, kind }) => name === DUMMY && kind === 'dummy');
  if (dummy === undefined) return { removed: [], kept: [] };
  return remove(netlink, [{ kind: 'link', action: 'delete', object: { index: dummy.index } }], () => DUMMY);
}
