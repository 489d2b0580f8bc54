/** What the proxy makes of Services, as plain values: virtual services of IPVS with the endpoints behind them. */
import type { IpAddress } from '../annotations/prefix.ts';
import type { Scheduler } from '../annotations/service.ts';
import type { Protocol } from '../cluster/model.ts';
import type { Problem } from '../problem.ts';
import type { VipKind } from '../service/service-facts.ts';

/** Where clients come in: an address of the Service itself, or a node port on an address of the node. */
export type EntryKind = VipKind | 'node-port';

/** An endpoint that gets traffic. */
export interface Backend {
  readonly address: IpAddress;
  readonly port: number;
  /** It runs on this node. */
  readonly local: boolean;
  /** `namespace/name` of its pod, where the slice tells. */
  readonly pod?: string;
}

export interface VirtualService {
  /** `namespace/name`. */
  readonly service: string;
  readonly kind: EntryKind;
  readonly protocol: Protocol;
  readonly address: IpAddress;
  readonly port: number;
  readonly scheduler: Scheduler;
  /** IP_VS_SVC_F_SCHED* and IP_VS_SVC_F_PERSISTENT. */
  readonly flags: number;
  /** How long a client stays with its endpoint, with IP_VS_SVC_F_PERSISTENT; else 0. */
  readonly timeoutSeconds: number;
  /** In the order of their addresses, which is the same on all nodes. */
  readonly backends: readonly Backend[];
  /** A backend that asks for its own Service is to see the virtual address as the client (S-7). */
  readonly hairpin: boolean;
  /** Prefixes of clients that are let in, of spec.loadBalancerSourceRanges; undefined: everybody. */
  readonly sourceRanges?: readonly string[];
}

/** spec.healthCheckNodePort. */
export interface HealthCheck {
  readonly service: string;
  readonly port: number;
  /** Ready endpoints of this node. */
  readonly localEndpoints: number;
}

export interface ServicePlan {
  readonly service: string;
  /** metadata.creationTimestamp, empty without one. */
  readonly created: string;
  readonly virtualServices: readonly VirtualService[];
  readonly healthCheck?: HealthCheck;
  readonly problems: readonly Problem[];
}

export type EntryPoint = Pick<VirtualService, 'protocol' | 'address' | 'port'>;

/** `tcp 10.96.0.1:443`, `udp [fd00:96::a]:53`: what a virtual service is known by. */
export function entryKey({ protocol, address, port }: EntryPoint): string {
  return `${protocol.toLowerCase()} ${describeSocket(address, port)}`;
}

export function describeSocket({ family, text }: IpAddress, port: number): string {
  return family === 6 ? `[${text}]:${port}` : `${text}:${port}`;
}
