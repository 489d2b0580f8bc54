/**
 * Generic netlink: a connection that finds families by name. A family that the kernel does not have is an error of its
 * own (ENOFAMILY), as it mostly means that a module is missing.
 */
import { GENL_ID_CTRL } from '../constants/genetlink.ts';
import { NETLINK_GENERIC } from '../constants/netlink.ts';
import { NetlinkError } from '../errors.ts';
import { decodeFamily, familyLookup, type GenericFamily } from '../generic/family.ts';
import { type BodyEncoder, type Request, request } from '../message/request.ts';
import type { Connection } from '../socket/connection.ts';
import { type NetlinkOptions, openConnection } from '../socket/open.ts';
import type { Reader } from '../wire/reader.ts';

/** A command that is answered by objects. */
export interface GenericQuery<F, T> {
  /** Name of the family. */
  readonly family: string;
  /** What is done, for error messages. */
  readonly verb: string;
  readonly body: BodyEncoder<F>;
  decode(body: Reader): T;
}

export class GenericNetlink {
  readonly #connection: Connection;
  readonly #families = new Map<string, GenericFamily>();

  private constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** @throws an error with an errno name as `code` when the kernel gives no netlink socket. */
  static async open(options: NetlinkOptions = {}): Promise<GenericNetlink> {
    const { connection } = await openConnection(NETLINK_GENERIC, options);
    return new GenericNetlink(connection);
  }

  /**
   * The family of a name. It is remembered until a request to it fails with ENOENT, as all do when its module was taken out.
   *
   * @throws NetlinkError ENOFAMILY when the kernel has none of that name and could not load one.
   */
  async family(name: string): Promise<GenericFamily> {
    const known = this.#families.get(name);
    if (known !== undefined) return known;
    const lookup = request(GENL_ID_CTRL, 0, 'generic netlink family', familyLookup, name);
    try {
      const family = await this.#connection.get(lookup, (_header, body) => decodeFamily(body));
      this.#families.set(name, family);
      return family;
    } catch (error) {
      if (error instanceof NetlinkError && error.code === 'ENOENT') {
        const kernelText = 'the kernel has no such family: is its module missing?';
        throw new NetlinkError({ code: 'ENOFAMILY', errno: error.errno, request: lookup.describe(), kernelText });
      }
      throw error;
    }
  }

  /** All objects that a command lists. @throws NetlinkError */
  async dump<F, T>(query: GenericQuery<F, T>, filter: F): Promise<T[]> {
    const { id } = await this.family(query.family);
    const list = request(id, 0, query.verb, query.body, filter);
    return this.#connection.dump(list, (_header, body) => query.decode(body)).catch(this.#forgetting(query.family));
  }

  /** The object that answers a command. @throws NetlinkError */
  async get<F, T>(query: GenericQuery<F, T>, filter: F): Promise<T> {
    const { id } = await this.family(query.family);
    const get = request(id, 0, query.verb, query.body, filter);
    return this.#connection.get(get, (_header, body) => query.decode(body)).catch(this.#forgetting(query.family));
  }

  /**
   * Does operations in order; one that fails does not stop the others. Never rejects.
   *
   * @param requestOf The request of an operation to a family of this id.
   * @returns one result for each operation, at its place: undefined when the kernel did it.
   */
  async batch<O>(
    name: string,
    operations: readonly O[],
    requestOf: (id: number, operation: O) => Request,
  ): Promise<(NetlinkError | undefined)[]> {
    if (operations.length === 0) return [];
    const family = await this.family(name).catch((error: NetlinkError) => error);
    if (family instanceof NetlinkError)
      return operations.map((operation) => failedBecause(requestOf(0, operation).describe(), family));
    const results = await this.#connection.batch(operations.map((operation) => requestOf(family.id, operation)));
    if (results.some((error) => error?.code === 'ENOENT')) this.#families.delete(name);
    return results;
  }

  /** What is under way or asked for later fails with ECLOSED. */
  close(): void {
    this.#connection.close();
  }

  #forgetting(name: string): (error: unknown) => never {
    return (error) => {
      if (error instanceof NetlinkError && error.code === 'ENOENT') this.#families.delete(name);
      throw error;
    };
  }
}

function failedBecause(request: string, { code, errno, kernelText }: NetlinkError): NetlinkError {
  return new NetlinkError({ code, errno, request, kernelText });
}
