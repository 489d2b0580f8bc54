/** Loads kernel modules. A kernel that has the feature built in, or a container without modprobe, is no failure here. */
import { access } from 'node:fs/promises';
import { type Command, CommandError } from './command.ts';

/**
 * Makes sure of a kernel module: nothing is run when `/sys/module` shows it or `feature` (a path that exists once the
 * feature is there) exists. Resolves with the reason why it could not be loaded, undefined when it is there.
 */
export async function ensureModule(name: string, feature: string, run: Command): Promise<string | undefined> {
  if ((await exists(`/sys/module/${name}`)) || (await exists(feature))) return undefined;
  try {
    await run('modprobe', [name]);
    return undefined;
  } catch (error) {
    if (error instanceof CommandError) return error.message;
    throw error;
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
