/**
 * The client of the kernel's IP sets (ipset): lists sets, makes and changes them, and changes elements in bulk. It works
 * in the network namespace of the process.
 */
import { IPSET_PROTOCOL } from '../constants/ipset.ts';
import { NETLINK_NETFILTER } from '../constants/netlink.ts';
import { NetlinkError, WireError } from '../errors.ts';
import type { ListedSet, SetElement, SetHeader, SetType } from '../ipset/model.ts';
import {
  type ChangeElement,
  createRequest,
  ElementRefusal,
  elementRequest,
  elementsRequest,
  type SetChange,
  type SetOperation,
  setRequest,
  testRequest,
} from '../ipset/operation.ts';
import { type Placed, planSteps } from '../ipset/pack.ts';
import {
  decodeListPart,
  decodeProtocol,
  decodeType,
  joinParts,
  listRequest,
  type ProtocolVersions,
  protocolRequest,
  typeRequest,
} from '../ipset/query.ts';
import type { Request } from '../message/request.ts';
import type { Connection } from '../socket/connection.ts';
import { type NetlinkOptions, openConnection } from '../socket/open.ts';

type Results = (NetlinkError | undefined)[];

/**
 * The newest revision of each type that the command ipset 7.17 knows: it cannot show a set of a newer one, and none of
 * them is needed for what can be said here.
 */
const NEWEST_REVISIONS: Readonly<Record<string, number>> = {
  'hash:ip': 6,
  'hash:ip,mark': 3,
  'hash:ip,port': 7,
  'hash:ip,port,ip': 6,
  'hash:ip,port,net': 8,
  'hash:net': 7,
  'hash:net,port': 8,
  'hash:net,iface': 8,
  'list:set': 3,
};

export class Ipset {
  readonly #connection: Connection;
  readonly #protocol: number;
  readonly #types = new Map<string, SetType>();

  private constructor(connection: Connection, protocol: number) {
    this.#connection = connection;
    this.#protocol = protocol;
  }

  /**
   * @throws an error with an errno name as `code` when the kernel gives no netlink socket; NetlinkError EINVAL where it
   * has no ipset, EPERM without CAP_NET_ADMIN.
   */
  static async open(options: NetlinkOptions = {}): Promise<Ipset> {
    const { connection } = await openConnection(NETLINK_NETFILTER, options);
    try {
      const { version } = await askProtocol(connection);
      return new Ipset(connection, Math.min(version, IPSET_PROTOCOL));
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /** Versions of the protocol that the kernel speaks. @throws NetlinkError, as all that follow. */
  protocol(): Promise<ProtocolVersions> {
    return askProtocol(this.#connection);
  }

  /** What the kernel knows of a type of sets. @throws NetlinkError IPSET_ERR_FIND_TYPE where it has none such. */
  async type(type: string, family: number): Promise<SetType> {
    const key = `${type} ${family}`;
    const known = this.#types.get(key);
    if (known !== undefined) return known;
    const found = await this.#connection.get(typeRequest(this.#protocol, type, family), (_header, body) =>
      decodeType(body),
    );
    this.#types.set(key, found);
    return found;
  }

  /** Sets without their elements. @param name Of one set (ENOENT where there is none); all when left out. */
  async headers(name?: string): Promise<SetHeader[]> {
    const sets = await this.#list(name, true);
    return sets.map(({ elements, ...header }) => header);
  }

  /** Sets with their elements. @param name Of one set (ENOENT where there is none); all when left out. */
  sets(name?: string): Promise<ListedSet[]> {
    return this.#list(name, false);
  }

  /** Whether a set has an element, or covers it. */
  async test(name: string, element: SetElement): Promise<boolean> {
    const [error] = await this.#connection.batch([testRequest(this.#protocol, name, element)]);
    if (error !== undefined && error.code !== 'IPSET_ERR_EXIST') throw error;
    return error === undefined;
  }

  /**
   * Does the operations in order; one that fails does not stop the others. Changes of elements that stand behind each
   * other go many to a message. Never rejects.
   *
   * @returns one result for each operation, at its place: undefined when the kernel did it.
   */
  async apply(operations: readonly SetOperation[]): Promise<Results> {
    const results: Results = new Array<NetlinkError | undefined>(operations.length).fill(undefined);
    for (const step of planSteps(operations)) {
      if (step.kind === 'sets') await this.#changeSets(step.operations, results);
      else await this.#changeElements(step.groups, results);
    }
    return results;
  }

  /** What is under way or asked for later fails with ECLOSED. */
  close(): void {
    this.#connection.close();
  }

  async #list(name: string | undefined, headersOnly: boolean): Promise<ListedSet[]> {
    const list = listRequest(this.#protocol, name, headersOnly);
    return joinParts(await this.#connection.dump(list, (_header, body) => decodeListPart(body)));
  }

  async #changeSets(changes: readonly Placed<SetChange>[], results: Results): Promise<void> {
    const sent: Placed<Request>[] = [];
    for (const { place, operation } of changes) {
      try {
        sent.push({ place, operation: await this.#setRequest(operation) });
      } catch (error) {
        if (!(error instanceof NetlinkError)) throw error;
        results[place] = error;
      }
    }
    const answers = await this.#connection.batch(sent.map(({ operation }) => operation));
    for (const [index, { place }] of sent.entries()) results[place] = answers[index];
  }

  /** @throws NetlinkError where the kernel has no such type of sets. */
  async #setRequest(change: SetChange): Promise<Request> {
    if (change.action !== 'create') return setRequest(this.#protocol, change);
    const { set } = change;
    try {
      const { revision } = await this.type(set.type, set.family);
      const newest = NEWEST_REVISIONS[set.type] ?? revision;
      return createRequest(this.#protocol, set, Math.min(revision, newest));
    } catch (error) {
      if (!(error instanceof NetlinkError)) throw error;
      const { code, errno, kernelText } = error;
      throw new NetlinkError({ code, errno, kernelText, request: createRequest(this.#protocol, set, 0).describe() });
    }
  }

  /** What stands behind a refused element was not looked at: it goes again, each change in a message of its own. */
  async #changeElements(groups: readonly Placed<ChangeElement>[][], results: Results): Promise<void> {
    const answers = await this.#connection.batch(groups.map((group) => this.#groupRequest(group)));
    const again: Placed<ChangeElement>[] = [];
    for (const [index, group] of groups.entries()) {
      const answer = answers[index];
      if (answer === undefined) continue;
      if (answer instanceof ElementRefusal) {
        const failed = group[answer.index];
        if (failed !== undefined) results[failed.place] = answer;
        again.push(...group.slice(answer.index + 1));
      } else if (answer.cause instanceof WireError) {
        // One of them has no netlink form.
        again.push(...group);
      } else {
        for (const { place } of group) results[place] = answer;
      }
    }
    const later = again.map(({ operation }) => elementRequest(this.#protocol, operation));
    for (const [index, answer] of (await this.#connection.batch(later)).entries()) {
      const place = again[index]?.place;
      if (place !== undefined) results[place] = answer;
    }
  }

  #groupRequest(group: readonly Placed<ChangeElement>[]): Request {
    const changes = group.map(({ operation }) => operation);
    const [only] = changes;
    return only !== undefined && changes.length === 1
      ? elementRequest(this.#protocol, only)
      : elementsRequest(this.#protocol, changes);
  }
}

function askProtocol(connection: Connection): Promise<ProtocolVersions> {
  return connection.get(protocolRequest(IPSET_PROTOCOL), (_header, body) => decodeProtocol(body));
}
