/** What the slices of one Service say of its endpoints in each family: whether any serves, here and anywhere. */
import { type IpFamily, parseAddress } from '../annotations/prefix.ts';
import type { Endpoint, EndpointSlice } from '../cluster/model.ts';
import { HEADLESS } from './service-facts.ts';

export interface FamilyEndpoints {
  /** Some endpoint is serving or ready. */
  readonly serving: boolean;
  /** Some endpoint of the own node is. */
  readonly servingHere: boolean;
  /** Some endpoint is on the own node, whatever its conditions. */
  readonly here: boolean;
}

export type EndpointSummary = Readonly<Record<IpFamily, FamilyEndpoints>>;

export interface OwnNode {
  readonly name: string;
  /** Canonical texts; an endpoint without a node name is here when it has one of them. */
  readonly addresses: ReadonlySet<string>;
}

export function summarizeEndpoints(slices: Iterable<EndpointSlice>, own: OwnNode): EndpointSummary {
  const summary = { 4: none(), 6: none() };
  for (const { addressType, endpoints, metadata } of slices) {
    if (addressType === 'FQDN' || metadata.labels[HEADLESS] !== undefined) continue;
    const family = summary[addressType === 'IPv4' ? 4 : 6];
    for (const endpoint of endpoints) {
      if (endpoint.addresses.length === 0) continue;
      const serving = endpoint.conditions.serving || endpoint.conditions.ready;
      const here = isHere(endpoint, own);
      family.serving ||= serving;
      family.here ||= here;
      family.servingHere ||= serving && here;
    }
  }
  return summary;
}

function none(): { -readonly [K in keyof FamilyEndpoints]: boolean } {
  return { serving: false, servingHere: false, here: false };
}

function isHere({ nodeName, addresses }: Endpoint, own: OwnNode): boolean {
  if (nodeName !== undefined) return nodeName === own.name;
  return addresses.some((text) => own.addresses.has(parseAddress(text)?.text ?? text));
}
