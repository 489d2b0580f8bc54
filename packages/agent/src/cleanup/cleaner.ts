/** One kind of thing that the agent leaves on a node, and how it is taken away again. */
import type { Rtnetlink } from '@routelet/netlink-wire';
import type { Command } from '../kernel/command.ts';
import type { OwnershipOptions } from '../proxy/ownership.ts';

export interface CleanupContext {
  /** Ranges of the addresses of Services. */
  readonly options: OwnershipOptions;
  readonly netlink: Pick<Rtnetlink, 'links' | 'addresses' | 'rules' | 'routes' | 'apply'>;
  readonly run: Command;
  /** Where routes.json is. */
  readonly stateDirectory: string;
  readonly routeTablesFiles: readonly string[];
}

export interface Cleaned {
  /** One line a thing that is gone. */
  readonly removed: readonly string[];
  /** One line a thing that stays, and why. */
  readonly kept: readonly string[];
}

export interface Cleaner {
  readonly name: string;
  /** Rejects when it cannot do its work at all; the other cleaners go on. */
  clean(context: CleanupContext): Promise<Cleaned>;
}
