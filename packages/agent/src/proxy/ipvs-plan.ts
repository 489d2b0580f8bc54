/**
 * The IPVS table as wanted and as it stands: the kernel's objects for a virtual service, and the operations that lead from
 * one to the other. Pure: who reads the kernel and sends the operations is the shell.
 */
import {
  AF_INET,
  AF_INET6,
  IP_VS_CONN_F_MASQ,
  IP_VS_SVC_F_HASHED,
  IP_VS_SVC_F_PERSISTENT,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  type IpvsDestination,
  type IpvsOperation,
  type IpvsService,
  type IpvsServiceKey,
} from '@routelet/netlink-wire';
import { addressBytes, addressFromBytes } from '../annotations/prefix.ts';
import type { Protocol } from '../cluster/model.ts';
import { type Backend, describeSocket, type EntryPoint, entryKey, type VirtualService } from './model.ts';

export const protocolNumber: Readonly<Record<Protocol, number>> = {
  TCP: IPPROTO_TCP,
  UDP: IPPROTO_UDP,
  SCTP: IPPROTO_SCTP,
};

/** A virtual service that stands in the kernel. */
export interface StandingService {
  readonly object: IpvsService;
  /** By address and port. */
  readonly destinations: ReadonlyMap<string, IpvsDestination>;
}

/** Where a service of the kernel stands; undefined for one of a mark or of a protocol that no Service has. */
export function entryPointOf({ protocol, address: bytes, port, mark }: IpvsServiceKey): EntryPoint | undefined {
  const name = (['TCP', 'UDP', 'SCTP'] as const).find((one) => protocolNumber[one] === protocol);
  const address = bytes && addressFromBytes(bytes);
  if (mark !== undefined || name === undefined || address === undefined || port === undefined) return undefined;
  return { protocol: name, address, port };
}

export function ipvsKey(service: IpvsServiceKey): string | undefined {
  const point = entryPointOf(service);
  return point && entryKey(point);
}

export function destinationKey({ address, port }: IpvsDestination): string {
  const parsed = addressFromBytes(address);
  return parsed ? describeSocket(parsed, port) : '';
}

export function backendKey({ address, port }: Backend): string {
  return describeSocket(address, port);
}

export function serviceObject({
  protocol,
  address,
  port,
  scheduler,
  flags,
  timeoutSeconds,
}: VirtualService): IpvsService {
  const ipv4 = address.family === 4;
  return {
    family: ipv4 ? AF_INET : AF_INET6,
    protocol: protocolNumber[protocol],
    address: addressBytes(address),
    port,
    scheduler,
    flags,
    timeout: timeoutSeconds,
    netmask: ipv4 ? 32 : 128,
  };
}

export function destinationObject({ address, port }: Backend): IpvsDestination {
  return {
    family: address.family === 4 ? AF_INET : AF_INET6,
    address: addressBytes(address),
    port,
    forwarding: IP_VS_CONN_F_MASQ,
    weight: 1,
    upperThreshold: 0,
    lowerThreshold: 0,
  };
}

export interface EntryGoal {
  readonly wanted: VirtualService | undefined;
  /** Destinations that are no longer wanted and keep their connections. */
  readonly draining: ReadonlySet<string>;
}

/** The operations, in order: what is new is there before what is old goes. None when the kernel has it as wanted. */
export function planEntry({ wanted, draining }: EntryGoal, standing: StandingService | undefined): IpvsOperation[] {
  if (!wanted) return standing ? [{ kind: 'service', action: 'delete', object: standing.object }] : [];
  const object = serviceObject(wanted);
  const operations: IpvsOperation[] = [];
  if (!standing) operations.push({ kind: 'service', action: 'add', object });
  else if (!equalServices(object, standing.object)) operations.push({ kind: 'service', action: 'set', object });
  const backends = new Set<string>();
  const destination = (action: 'add' | 'set' | 'delete', one: IpvsDestination) =>
    operations.push({ kind: 'destination', action, service: object, object: one });
  for (const backend of wanted.backends) {
    const key = backendKey(backend);
    backends.add(key);
    const found = standing?.destinations.get(key);
    if (found && isWhole(found)) continue;
    destination(found ? 'set' : 'add', destinationObject(backend));
  }
  for (const [key, found] of standing?.destinations ?? []) {
    if (backends.has(key)) continue;
    if (!draining.has(key)) destination('delete', found);
    else if (found.weight !== 0) destination('set', { ...found, weight: 0 });
  }
  return operations;
}

/** The table after an operation that the kernel did. */
export function standingAfter(
  standing: StandingService | undefined,
  operation: IpvsOperation,
): StandingService | undefined {
  if (operation.kind === 'service') {
    if (operation.action !== 'add' && operation.action !== 'set') {
      return operation.action === 'delete' ? undefined : standing;
    }
    // A changed service keeps its destinations.
    return { object: operation.object, destinations: standing?.destinations ?? new Map() };
  }
  if (operation.kind !== 'destination' || !standing) return standing;
  const destinations = new Map(standing.destinations);
  const key = destinationKey(operation.object);
  if (operation.action === 'delete') destinations.delete(key);
  else destinations.set(key, operation.object);
  return { object: standing.object, destinations };
}

function equalServices(wanted: IpvsService, standing: IpvsService): boolean {
  // ip_vs_ctl.c: HASHED is the kernel's own; the timeout means nothing without persistence.
  const persistent = (wanted.flags & IP_VS_SVC_F_PERSISTENT) !== 0;
  return (
    wanted.scheduler === standing.scheduler &&
    wanted.flags === (standing.flags & ~IP_VS_SVC_F_HASHED) &&
    (!persistent || (wanted.timeout === standing.timeout && wanted.netmask === standing.netmask)) &&
    standing.persistenceEngine === undefined
  );
}

function isWhole({ forwarding, weight, upperThreshold, lowerThreshold }: IpvsDestination): boolean {
  return forwarding === IP_VS_CONN_F_MASQ && weight === 1 && upperThreshold === 0 && lowerThreshold === 0;
}
