/**
 * The client of connection tracking: lists connections and forgets some of them, so that their next packet is looked at
 * as a first one. It works in the network namespace of the process.
 */
import { conntrackDump, conntrackRequest, decodeConntrack, matchesFilter } from '../conntrack/message.ts';
import type { ConntrackEntry, ConntrackFilter, ConntrackOperation } from '../conntrack/model.ts';
import { NETLINK_NETFILTER } from '../constants/netlink.ts';
import type { NetlinkError } from '../errors.ts';
import type { Connection } from '../socket/connection.ts';
import { type NetlinkOptions, openConnection } from '../socket/open.ts';

export class Conntrack {
  readonly #connection: Connection;

  private constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** @throws an error with an errno name as `code` when the kernel gives no netlink socket. */
  static async open(options: NetlinkOptions = {}): Promise<Conntrack> {
    const { connection } = await openConnection(NETLINK_NETFILTER, options);
    return new Conntrack(connection);
  }

  /** The connections of a filter. @throws NetlinkError EINVAL in a kernel without connection tracking. */
  async entries(filter: ConntrackFilter): Promise<ConntrackEntry[]> {
    const found = await this.#connection.dump(conntrackDump(filter), (_header, body) => decodeConntrack(body));
    return found.filter((entry) => matchesFilter(entry, filter));
  }

  /**
   * Does the operations in order; one that fails does not stop the others. Never rejects.
   *
   * @returns one result for each operation, at its place: undefined when the kernel did it.
   */
  apply(operations: readonly ConntrackOperation[]): Promise<(NetlinkError | undefined)[]> {
    return this.#connection.batch(operations.map(conntrackRequest));
  }

  /** What is under way or asked for later fails with ECLOSED. */
  close(): void {
    this.#connection.close();
  }
}
