/** The client of the FOU family: the UDP ports on which the kernel takes FOU and GUE tunnels apart. */
import { FOU_GENL_NAME } from '../constants/genetlink.ts';
import type { NetlinkError } from '../errors.ts';
import { decodeFouPort, type FouOperation, type FouPort, fouDump, fouRequest } from '../generic/fou.ts';
import type { NetlinkOptions } from '../socket/open.ts';
import { GenericNetlink } from './generic.ts';

export class Fou {
  readonly #netlink: GenericNetlink;

  private constructor(netlink: GenericNetlink) {
    this.#netlink = netlink;
  }

  /** @throws an error with an errno name as `code` when the kernel gives no netlink socket. */
  static async open(options: NetlinkOptions = {}): Promise<Fou> {
    return new Fou(await GenericNetlink.open(options));
  }

  /** All ports. @throws NetlinkError ENOFAMILY in a kernel without fou. */
  ports(): Promise<FouPort[]> {
    return this.#netlink.dump(
      { family: FOU_GENL_NAME, verb: 'fou list', body: fouDump, decode: decodeFouPort },
      undefined,
    );
  }

  /**
   * Does the operations in order; one that fails does not stop the others. Never rejects.
   *
   * @returns one result for each operation, at its place: undefined when the kernel did it.
   */
  apply(operations: readonly FouOperation[]): Promise<(NetlinkError | undefined)[]> {
    return this.#netlink.batch(FOU_GENL_NAME, operations, fouRequest);
  }

  /** What is under way or asked for later fails with ECLOSED. */
  close(): void {
    this.#netlink.close();
  }
}
