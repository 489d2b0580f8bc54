/** How a bundled test file is started in the guest. */
import { projectRoot } from '../levels/needs.ts';

/** The shell script of a job that runs it, in the project's root and with loopback up, as levels of this machine do. */
export function fileScript(path: string): string {
  return `ip link set lo up && cd ${quoted(projectRoot)} && TAP_TIMEOUT=0 exec node --enable-source-maps ${quoted(path)}`;
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
