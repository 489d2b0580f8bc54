/**
 * A lab lives inside fresh network, process and mount namespaces. Everything it makes (links, namespaces, files under
 * /run, processes) belongs to them, so it is gone when the first process ends, however it ends: by itself, by Ctrl-C,
 * by a crash or by `kill -9`. This module gets a script into such namespaces and tells whether it is in some.
 */
import { spawn } from 'node:child_process';
import { constants, networkInterfaces } from 'node:os';
import { LabError } from './errors.ts';

/** True for the first process of a process namespace whose network namespace has no link in use but the loopback. */
export function insideLab(): boolean {
  const links = Object.keys(networkInterfaces()).filter((name) => name !== 'lo');
  return process.pid === 1 && links.length === 0;
}

/** The words before a command that make it the first process of fresh namespaces. */
const freshNamespaces: readonly string[] = [
  ...['setpriv', '--pdeathsig', 'KILL'],
  ...['unshare', '--net', '--pid', '--fork', '--kill-child', '--mount-proc'],
  ...['sh', '-c', 'ip link set lo up; exec "$@"', 'lab'],
];

/**
 * Returns at once inside fresh namespaces. Outside it runs this same script with its arguments in some, waits, and
 * exits with its status; it never returns then. A signal sent to the outer process ends the lab as a whole.
 */
export async function enterLab(): Promise<void> {
  if (insideLab()) return;
  if (process.getuid?.() !== 0) {
    throw new LabError(
      'not-in-lab',
      'the lab makes network namespaces, which needs root: run it as root (or with sudo)',
    );
  }
  const [command = '', ...words] = [
    ...freshNamespaces,
    process.execPath,
    ...process.execArgv,
    ...process.argv.slice(1),
  ];
  const child = spawn(command, words, { stdio: 'inherit' });
  // Ctrl-C reaches the inner process from the terminal too: it says good-bye, this one only waits for it.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGKILL'));
  process.on('SIGHUP', () => child.kill('SIGKILL'));
  await new Promise<never>((_, reject) => {
    child.on('error', (cause) => {
      reject(
        new LabError('command-failed', `cannot start ${command}: ${cause.message} (Debian: util-linux)`, { cause }),
      );
    });
    child.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 128 + constants.signals[signal]));
  });
}
