/**
 * The client of IPVS, the kernel's load balancer, over generic netlink: reads services and destinations with their
 * counters, and changes them in batches. It works in the network namespace of the process.
 */
import { IPVS_GENL_NAME } from '../constants/ipvs.ts';
import type { NetlinkError } from '../errors.ts';
import type {
  IpvsDaemon,
  IpvsDestination,
  IpvsInfo,
  IpvsService,
  IpvsServiceKey,
  IpvsTimeouts,
} from '../ipvs/model.ts';
import { type IpvsOperation, ipvsRequest, ipvsWholeRequest } from '../ipvs/operation.ts';
import {
  daemonsQuery,
  decodeDaemonReply,
  decodeDestinationReply,
  decodeInfo,
  decodeServiceReply,
  decodeTimeouts,
  destinationsQuery,
  infoQuery,
  serviceQuery,
  servicesQuery,
  timeoutsQuery,
} from '../ipvs/query.ts';
import type { NetlinkOptions } from '../socket/open.ts';
import { GenericNetlink } from './generic.ts';

const family = IPVS_GENL_NAME;

export class Ipvs {
  readonly #netlink: GenericNetlink;

  private constructor(netlink: GenericNetlink) {
    this.#netlink = netlink;
  }

  /** @throws an error with an errno name as `code` when the kernel gives no netlink socket. */
  static async open(options: NetlinkOptions = {}): Promise<Ipvs> {
    return new Ipvs(await GenericNetlink.open(options));
  }

  /** @throws NetlinkError ENOFAMILY in a kernel without ip_vs, as all that follow. */
  info(): Promise<IpvsInfo> {
    return this.#netlink.get({ family, verb: 'ipvs info', body: infoQuery, decode: decodeInfo }, undefined);
  }

  timeouts(): Promise<IpvsTimeouts> {
    return this.#netlink.get({ family, verb: 'ipvs get', body: timeoutsQuery, decode: decodeTimeouts }, undefined);
  }

  /** All services, without their destinations. */
  services(): Promise<IpvsService[]> {
    return this.#netlink.dump(
      { family, verb: 'ipvs list', body: servicesQuery, decode: decodeServiceReply },
      undefined,
    );
  }

  /** One service. @throws NetlinkError ESRCH where it does not stand. */
  service(key: IpvsServiceKey): Promise<IpvsService> {
    return this.#netlink.get({ family, verb: 'ipvs get service', body: serviceQuery, decode: decodeServiceReply }, key);
  }

  /** The destinations of a service; none where it does not stand. */
  destinations(service: IpvsServiceKey): Promise<IpvsDestination[]> {
    const decode = (reply: Parameters<typeof decodeDestinationReply>[0]) =>
      decodeDestinationReply(reply, service.family);
    return this.#netlink.dump({ family, verb: 'ipvs list destinations of', body: destinationsQuery, decode }, service);
  }

  daemons(): Promise<IpvsDaemon[]> {
    return this.#netlink.dump({ family, verb: 'ipvs list', body: daemonsQuery, decode: decodeDaemonReply }, undefined);
  }

  /**
   * Does the operations in order; one that fails does not stop the others. Never rejects.
   *
   * @returns one result for each operation, at its place: undefined when the kernel did it.
   */
  apply(operations: readonly IpvsOperation[]): Promise<(NetlinkError | undefined)[]> {
    return this.#netlink.batch(family, operations, ipvsRequest);
  }

  /** Sets all counters to 0. */
  zero(): Promise<void> {
    return this.#whole('zero');
  }

  /** Removes all services, whoever made them. */
  flush(): Promise<void> {
    return this.#whole('flush');
  }

  /** What is under way or asked for later fails with ECLOSED. */
  close(): void {
    this.#netlink.close();
  }

  async #whole(action: 'zero' | 'flush'): Promise<void> {
    const [error] = await this.#netlink.batch(family, [action], ipvsWholeRequest);
    if (error !== undefined) throw error;
  }
}
