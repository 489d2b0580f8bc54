/** The CNI configuration file on disk: read whole, replaced whole (a reader sees the old text or the new one), mode 0644. */
import { chmod, readFile, rename, unlink, writeFile } from 'node:fs/promises';

export const DEFAULT_CNI_FILE = '/etc/cni/net.d/10-kuberouter.conf';

/** The text of the file, undefined when there is none. */
export function readCniFile(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

export async function writeCniFile(path: string, text: string): Promise<void> {
  // A dot and another ending: container runtimes load *.conf, *.conflist and *.json of this folder.
  const temporary = path.replace(/([^/]*)$/, '.$1.routelet');
  try {
    await writeFile(temporary, text);
    await chmod(temporary, 0o644);
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
}
