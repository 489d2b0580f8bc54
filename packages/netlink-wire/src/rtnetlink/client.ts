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
import { Connection } from '../socket/connection.ts';
import { netlinkDial } from '../socket/netlink-port.ts';
import { loadSocketCalls } from '../socket/options.ts';
import type { Dial } from '../socket/port.ts';
import { MulticastSubscription } from '../socket/subscription.ts';
import type { Reader } from '../wire/reader.ts';
import { addressDump, decodeAddress } from './address.ts';
import { families } from './families.ts';
import { decodeLink, linkDump } from './link.ts';
import type { Address, Link, Neighbour, Route, Rule } from './model.ts';
import { decodeNeighbour, neighbourDump } from './neighbour.ts';
import { decodeNotification, type SubscriptionEvent } from './notification.ts';
import { type ObjectKind, type Operation, operationRequest } from './operation.ts';
import { decodeRoute, type RouteFilter, routeDump, routeLookup } from './route.ts';
import { decodeRule, ruleDump } from './rule.ts';

export interface RtnetlinkOptions {
  /** `false` leaves the socket options that need koffi unset, as where koffi is not installed. */
  readonly native?: boolean;
  /** Receive buffer to ask for, in bytes; 4 MiB when left out. The kernel caps it without koffi or CAP_NET_ADMIN. */
  readonly receiveBufferBytes?: number;
  /** Time without any sign of the kernel after which what is under way fails with ESTALLED; 5 s when left out. */
  readonly stallMs?: number;
  /** Another way to open ports: the fake kernel's. */
  readonly dial?: Dial;
}

export interface Subscription {
  /** The listener is not called any more. */
  close(): void;
}

export interface SubscribeOptions {
  /** `false` leaves out the changes that this client asked for, by a filter in the kernel where koffi is there. */
  readonly own?: boolean;
}

const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;
const STALL_MS = 5000;

export class Rtnetlink {
  readonly #dial: Dial;
  readonly #connection: Connection;
  readonly #subscriptions = new Set<MulticastSubscription>();

  private constructor(dial: Dial, stallMs: number) {
    this.#dial = dial;
    this.#connection = new Connection({ dial, stallMs });
  }

  /** @throws an error with an errno name as `code` when the kernel gives no netlink socket. */
  static async open(options: RtnetlinkOptions = {}): Promise<Rtnetlink> {
    const { native = true, receiveBufferBytes = RECEIVE_BUFFER_BYTES, stallMs = STALL_MS } = options;
    const dial =
      options.dial ??
      netlinkDial({
        protocol: NETLINK_ROUTE,
        receiveBufferBytes,
        calls: native ? await loadSocketCalls() : undefined,
      });
    return new Rtnetlink(dial, stallMs);
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
