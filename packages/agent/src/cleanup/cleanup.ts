/**
 * `--cleanup-config`: takes from the node what the agent has put there, and nothing else. Works without a cluster and
 * while no agent runs; a second run finds nothing to do. A module adds its cleaners to the table.
 */
import { Rtnetlink } from '@routelet/netlink-wire';
import { runCommand } from '../kernel/command.ts';
import { routeTablesFiles } from '../kernel/route-tables.ts';
import type { OwnershipOptions } from '../proxy/ownership.ts';
import type { Cleaner, CleanupContext } from './cleaner.ts';
import { firewallCleaners } from './firewall.ts';
import { proxyCleaners } from './proxy.ts';
import { routerCleaners } from './router.ts';

const STATE_DIRECTORY = '/var/lib/routelet';

export const cleaners: readonly Cleaner[] = [...firewallCleaners, ...proxyCleaners, ...routerCleaners];

export interface CleanupOutcome {
  readonly removed: number;
  /** Cleaners that could not do their work. */
  readonly failed: number;
}

/** `say` gets one line a thing that was removed, stays, or could not be looked at. */
export async function cleanUp(
  options: OwnershipOptions,
  env: Readonly<Record<string, string | undefined>>,
  say: (line: string) => void,
): Promise<CleanupOutcome> {
  const netlink = await Rtnetlink.open();
  const context: CleanupContext = {
    options,
    netlink,
    run: runCommand,
    stateDirectory: env['ROUTELET_STATE_DIRECTORY'] || STATE_DIRECTORY,
    routeTablesFiles,
  };
  let [removed, failed] = [0, 0];
  try {
    for (const { name, clean } of cleaners) {
      try {
        const cleaned = await clean(context);
        for (const line of cleaned.removed) say(`removed  ${name}: ${line}`);
        for (const line of cleaned.kept) say(`stays    ${name}: ${line}`);
        removed += cleaned.removed.length;
      } catch (error) {
        failed++;
        say(`failed   ${name}: ${error instanceof Error ? error.message : error}`);
      }
    }
  } finally {
    netlink.close();
  }
  say('stays    the CNI file, and sysctls (bridge-nf-call-iptables and the like): others may need them');
  return { removed, failed };
}
