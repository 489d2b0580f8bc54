/** Does operations of rtnetlink that take something away, and says of each what became of it. */
import type { NetlinkError, Operation } from '@routelet/netlink-wire';
import type { Cleaned, CleanupContext } from './cleaner.ts';

export async function remove(
  netlink: CleanupContext['netlink'],
  operations: readonly Operation[],
  describe: (index: number) => string,
): Promise<Cleaned> {
  const results = operations.length === 0 ? [] : await netlink.apply(operations);
  const removed: string[] = [];
  const kept: string[] = [];
  for (const index of operations.keys()) {
    const error: NetlinkError | undefined = results[index];
    if (error === undefined) removed.push(describe(index));
    else kept.push(`${describe(index)}: ${error.message}`);
  }
  return { removed, kept };
}
