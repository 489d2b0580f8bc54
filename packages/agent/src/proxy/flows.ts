/**
 * Forgets tracked flows of UDP that lead to an endpoint that is no longer behind its Service, or to none at all because they
 * began before there was one (V-61): their next packet finds its way anew. Flows to endpoints that stay are not touched.
 */
import {
  AF_INET,
  AF_INET6,
  type Conntrack,
  type ConntrackEntry,
  type ConntrackOperation,
  IPPROTO_UDP,
} from '@routelet/netlink-wire';
import { addressFromBytes } from '../annotations/prefix.ts';
import { backendKey } from './ipvs-plan.ts';
import { describeSocket, type VirtualService } from './model.ts';

/** The calls of the netlink client that are used. */
export type FlowClient = Pick<Conntrack, 'entries' | 'apply'>;

/** Key of a UDP place, as of `entryKey`, and what stands there; undefined: nothing any more. */
export type ChangedPlaces = ReadonlyMap<string, VirtualService | undefined>;

/** Resolves with the number of flows that were forgotten. Rejects with the kernel's error. */
export async function forgetFlows(client: FlowClient, places: ChangedPlaces): Promise<number> {
  let forgotten = 0;
  for (const family of [AF_INET, AF_INET6]) {
    const isV6 = family === AF_INET6;
    if (![...places.keys()].some((key) => key.includes('[') === isV6)) continue;
    const entries = await client.entries({ family, protocol: IPPROTO_UDP });
    const results = await client.apply(planForgetting(entries, places));
    // ENOENT: it went by itself.
    forgotten += results.filter((error) => error === undefined).length;
    const error = results.find((one) => one !== undefined && one.code !== 'ENOENT');
    if (error) throw error;
  }
  return forgotten;
}

export function planForgetting(entries: readonly ConntrackEntry[], places: ChangedPlaces): ConntrackOperation[] {
  const backends = new Map<string, ReadonlySet<string>>();
  return entries.flatMap(({ original, reply, id, zone }): ConntrackOperation[] => {
    const key = `udp ${socketText(original.destination, original.destinationPort)}`;
    if (!places.has(key)) return [];
    const wanted = backends.get(key) ?? new Set(places.get(key)?.backends.map(backendKey));
    backends.set(key, wanted);
    if (wanted.has(socketText(reply.source, reply.sourcePort))) return [];
    return [{ action: 'delete', original, ...(id !== undefined && { id }), ...(zone !== 0 && { zone }) }];
  });
}

function socketText(bytes: Uint8Array, port = 0): string {
  const address = addressFromBytes(bytes);
  return address ? describeSocket(address, port) : '';
}
