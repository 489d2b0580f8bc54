/**
 * The rtnetlink client: reads the kernel's tables of links, addresses, routes, rules and neighbours, changes them in
 * batches and tells of changes. It works in the network namespace of the process; another namespace is entered by
 * running the process in it.
 */
import { AF_INET, AF_INET6, AF_UNSPEC } from '../constants/address.ts';
import { NETLINK_ROUTE } from '../constants/netlink.ts';
import { RTM_GETADDR, RTM_GETLINK, RTM_GETNEIGH, RTM_GETROUTE, RTM_GETRULE } from '../constants/rtnetlink.ts';
import { NetlinkError } from '../errors.ts';
import { type BodyEncoder, request } from '../message/request.ts';
import { addressDump, decodeAddress } from '../rtnetlink/address.ts';
import { families } from '../rtnetlink/families.ts';
import { decodeLink, linkDump } from '../rtnetlink/link.ts';
import type { Address, Link, Neighbour, Route, Rule } from '../rtnetlink/model.ts';
import { decodeNeighbour, neighbourDump } from '../rtnetlink/neighbour.ts';
import { decodeNotification, type SubscriptionEvent } from '../rtnetlink/notification.ts';
import { type ObjectKind, type Operation, operationRequest } from '../rtnetlink/operation.ts';
import { decodeRoute, type RouteFilter, routeDump, routeLookup } from '../rtnetlink/route.ts';
import { decodeRule, ruleDump } from '../rtnetlink/rule.ts';
import type { Connection } from '../socket/connection.ts';
import { type NetlinkOptions, openConnection } from '../socket/open.ts';
import type { Dial } from '../socket/port.ts';
import { MulticastSubscription } from '../socket/subscription.ts';
import type { Reader } from '../wire/reader.ts';

export interface Subscription {
  /** The listener is not called any more. */
  close(): void;
}

export interface SubscribeOptions {
  /** `false` leaves out the changes that this client asked for, by a filter in the kernel where koffi is there. */
  readonly own?: boolean;
}

export class Rtnetlink {
  readonly #dial: Dial;
  readonly #connection: Connection;
  readonly #subscriptions = new Set<MulticastSubscription>();

  private constructor(dial: Dial, connection: Connection) {
    this.#dial = dial;
    this.#connection = connection;
  }

  /** @throws an error with an errno name as `code` when the kernel gives no netlink socket. */
  static async open(options: NetlinkOptions = {}): Promise<Rtnetlink> {
    const { dial, connection } = await openConnection(NETLINK_ROUTE, options);
    return new Rtnetlink(dial, connection);
  }

  /** Whether refusals carry the kernel's own text (koffi is there and the kernel is 4.20 or newer). */
  get extendedAck(): boolean {
    return this.#connection.extendedAck;
  }

  /** Port id of the requests: `portId` of the notifications they cause. A socket that broke is replaced by another. */
  get portId(): number {
    return this.#connection.portId;
  }

  /** @throws NetlinkError, as all that follow. */
  links(): Promise<Link[]> {
    return this.#dump(RTM_GETLINK, linkDump, AF_UNSPEC, decodeLink);
  }

  /** IPv4 and IPv6 addresses. */
  addresses(): Promise<Address[]> {
    return this.#dump(RTM_GETADDR, addressDump, AF_UNSPEC, decodeAddress);
  }

  /** Routes of all tables unless filtered; IPv4 before IPv6. A table that does not exist has no routes. */
  async routes(filter: RouteFilter = {}): Promise<Route[]> {
    const routes: Route[] = [];
    for (const family of familiesOf(filter.family)) {
      const found = await this.#dump(RTM_GETROUTE, routeDump, { ...filter, family }, decodeRoute).catch(
        nothingWhen(filter.family, filter.table),
      );
      for (const route of found) if (route.family === family && matches(route, filter)) routes.push(route);
    }
    return routes;
  }

  /** @param family AF_INET or AF_INET6; both when left out. */
  async rules(family?: number): Promise<Rule[]> {
    const rules: Rule[] = [];
    for (const one of familiesOf(family)) {
      const found = await this.#dump(RTM_GETRULE, ruleDump, one, decodeRule).catch(nothingWhen(family));
      for (const rule of found) if (rule.family === one) rules.push(rule);
    }
    return rules;
  }

  /** @param family AF_INET and AF_INET6 when left out; AF_BRIDGE for the forwarding tables of bridges. */
  neighbours(family: number = AF_UNSPEC): Promise<Neighbour[]> {
    return this.#dump(RTM_GETNEIGH, neighbourDump, family, decodeNeighbour);
  }

  /**
   * Does the operations in order; one that fails does not stop the others. Never rejects.
   *
   * @returns one result for each operation, at its place: undefined when the kernel did it.
   */
  apply(operations: readonly Operation[]): Promise<(NetlinkError | undefined)[]> {
    return this.#connection.batch(operations.map(operationRequest));
  }

  /** The route that the kernel would take to `destination` (4 or 16 bytes). */
  getRoute(destination: Uint8Array): Promise<Route> {
    return this.#connection.get(request(RTM_GETROUTE, 0, 'get', routeLookup, destination), (_header, body) =>
      decodeRoute(body),
    );
  }

  /**
   * Calls `listener` for each change of these kinds from now on, in the kernel's order. After `resync-needed` some
   * changes are missing, and a table read then is newer than all of them.
   */
  async subscribe(
    kinds: readonly ObjectKind[],
    listener: (event: SubscriptionEvent) => void,
    options: SubscribeOptions = {},
  ): Promise<Subscription> {
    const { own = true } = options;
    const groups = kinds.flatMap((kind) => families[kind].groups);
    const subscription = new MulticastSubscription(this.#dial, groups, {
      message: (header, body) => {
        if (!own && this.#connection.ownsPortId(header.portId)) return;
        const event = decodeNotification(header, body, (portId) => this.#connection.ownsPortId(portId));
        if (event !== undefined) listener(event);
      },
      lost: (reason) => listener({ kind: 'resync-needed', reason }),
      ...(!own && { exceptPortId: () => this.#connection.portId }),
    });
    this.#subscriptions.add(subscription);
    return {
      close: () => {
        subscription.close();
        this.#subscriptions.delete(subscription);
      },
    };
  }

  /** Ends the subscriptions; what is under way or asked for later fails with ECLOSED. */
  close(): void {
    for (const subscription of this.#subscriptions) subscription.close();
    this.#subscriptions.clear();
    this.#connection.close();
  }

  #dump<F, T>(type: number, encoder: BodyEncoder<F>, filter: F, decode: (body: Reader) => T): Promise<T[]> {
    return this.#connection.dump(request(type, 0, 'list', encoder, filter), (_header, body) => decode(body));
  }
}

function familiesOf(family: number | undefined): readonly number[] {
  return family === undefined ? [AF_INET, AF_INET6] : [family];
}

function matches(route: Route, { table, protocol }: RouteFilter): boolean {
  return (table === undefined || route.table === table) && (protocol === undefined || route.protocol === protocol);
}

/** A kernel without IPv6 has none of its objects; with strict checking a table without routes is an error (ENOENT). */
function nothingWhen(family: number | undefined, table?: number): (error: unknown) => never[] {
  return (error) => {
    if (error instanceof NetlinkError) {
      if (error.code === 'EAFNOSUPPORT' && family === undefined) return [];
      if (error.code === 'ENOENT' && table !== undefined) return [];
    }
    throw error;
  };
}
