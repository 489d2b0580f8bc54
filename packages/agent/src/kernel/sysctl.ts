/**
 * Kernel settings under /proc/sys: reads, compares, writes only what differs. A setting that this kernel does not have is
 * reported, never an error: what it is for may be built in or not in use.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** `key` is the path below /proc/sys: `net/ipv6/conf/all/disable_ipv6`. */
export interface Sysctl {
  readonly key: string;
  readonly value: string;
}

export interface SysctlPlan {
  readonly writes: readonly Sysctl[];
  /** Keys that the kernel does not have. */
  readonly missing: readonly string[];
}

/** `actual`: the text of each file, undefined where there is none. */
export function planSysctls(wanted: readonly Sysctl[], actual: ReadonlyMap<string, string | undefined>): SysctlPlan {
  const missing = wanted.filter(({ key }) => actual.get(key) === undefined).map(({ key }) => key);
  const writes = wanted.filter(({ key, value }) => {
    const text = actual.get(key);
    return text !== undefined && text.trim() !== value;
  });
  return { writes, missing };
}

/** Resolves with what was written and what is missing. Rejects with the file system's error when a write is refused. */
export async function applySysctls(wanted: readonly Sysctl[], root = '/proc/sys'): Promise<SysctlPlan> {
  const plan = await readSysctls(wanted, root);
  for (const { key, value } of plan.writes) await writeFile(join(root, key), value);
  return plan;
}

/** What `applySysctls` would write. */
export async function readSysctls(wanted: readonly Sysctl[], root = '/proc/sys'): Promise<SysctlPlan> {
  const actual = new Map<string, string | undefined>();
  for (const { key } of wanted) actual.set(key, await readFile(join(root, key), 'utf8').catch(absent));
  return planSysctls(wanted, actual);
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
