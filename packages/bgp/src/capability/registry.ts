/**
 * The one list of capabilities. `Capability` is derived from it: a new capability is its own file and one line here.
 */

import { addPath } from './add-path.ts';
import type { CapabilityDescriptor } from './descriptor.ts';
import { enhancedRouteRefresh } from './enhanced-route-refresh.ts';
import { extendedMessage } from './extended-message.ts';
import { extendedNextHop } from './extended-next-hop.ts';
import { fourOctetAs } from './four-octet-as.ts';
import { fqdn } from './fqdn.ts';
import { gracefulRestart } from './graceful-restart.ts';
import { longLivedGracefulRestart } from './long-lived-graceful-restart.ts';
import { multiprotocol } from './multiprotocol.ts';
import { role } from './role.ts';
import { routeRefresh } from './route-refresh.ts';
import { softwareVersion } from './software-version.ts';

export const capabilityDescriptors = [
  multiprotocol,
  routeRefresh,
  extendedNextHop,
  extendedMessage,
  role,
  gracefulRestart,
  fourOctetAs,
  addPath,
  enhancedRouteRefresh,
  longLivedGracefulRestart,
  fqdn,
  softwareVersion,
] as const;

type ValueOf<D> = D extends CapabilityDescriptor<infer C> ? C : never;

/** A capability without a descriptor, as it came. */
export interface UnknownCapability {
  readonly kind: 'unknown';
  readonly code: number;
  readonly value: Uint8Array;
}

export type Capability = ValueOf<(typeof capabilityDescriptors)[number]> | UnknownCapability;

type AnyDescriptor = CapabilityDescriptor<Exclude<Capability, UnknownCapability>>;

const byCode = new Map<number, AnyDescriptor>();
const byKind = new Map<string, AnyDescriptor>();
for (const descriptor of capabilityDescriptors as readonly AnyDescriptor[]) {
  byCode.set(descriptor.code, descriptor);
  byKind.set(descriptor.kind, descriptor);
}

export function capabilityByCode(code: number): AnyDescriptor | undefined {
  return byCode.get(code);
}

export function capabilityByKind(kind: string): AnyDescriptor | undefined {
  return byKind.get(kind);
}

/** The last capability of a kind in a list: RFC 4724 §3 wants the last one, the others do not care. */
export function findCapability<K extends Capability['kind']>(
  capabilities: readonly Capability[],
  kind: K,
): Extract<Capability, { kind: K }> | undefined {
  return capabilities.findLast(
    (capability): capability is Extract<Capability, { kind: K }> => capability.kind === kind,
  );
}
