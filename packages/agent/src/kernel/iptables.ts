/**
 * The iptables programs of one family and one backend: read a table, write one commit a table. Which rules, the plan
 * decides. A lock that another program does not give back is an error that names the program.
 */
import { readFile, stat } from 'node:fs/promises';
import type { Backend } from './backend-plan.ts';
import { type Command, CommandError } from './command.ts';
import type { Table } from './rule-plan.ts';
import { SavedTable } from './saved-table.ts';

export type IpFamily = 4 | 6;

/** Seconds that iptables waits for the xtables lock another program holds. */
const LOCK_WAIT_SECONDS = 10;
/** include/xtables.h RESOURCE_PROBLEM: the exit code for a lock that was not had. */
const RESOURCE_PROBLEM = 4;
const LOCK_FILE = '/run/xtables.lock';

/** The xtables lock was not had in time; nothing was changed. */
export class XtablesLockError extends Error {
  override readonly name = 'XtablesLockError';
  readonly code = 'xtables-lock';
  /** Processes that hold it, as far as they can be seen from here. */
  readonly holders: readonly string[];

  constructor(command: string, holders: readonly string[]) {
    const who = holders.length > 0 ? holders.join(', ') : 'a process that cannot be seen from here';
    super(`${command}: ${who} holds ${lockFile()} for more than ${LOCK_WAIT_SECONDS} s; nothing was changed`);
    this.holders = holders;
  }
}

export interface IptablesOptions {
  readonly family: IpFamily;
  /** `system`: whatever the program without a suffix is. */
  readonly backend: Backend | 'system';
  readonly run: Command;
}

export class Iptables {
  readonly #program: string;
  readonly #run: Command;
  #randomFully: Promise<boolean> | undefined;

  constructor({ family, backend, run }: IptablesOptions) {
    this.#program = programName(family, backend);
    this.#run = run;
  }

  /** Whether MASQUERADE takes `--random-fully`; asked once. Rejects with a CommandError when there is no iptables. */
  randomFully(): Promise<boolean> {
    this.#randomFully ??= this.#run(this.#program, ['--version']).then(hasRandomFully);
    this.#randomFully.catch(() => {
      this.#randomFully = undefined;
    });
    return this.#randomFully;
  }

  async save(table: Table): Promise<SavedTable> {
    return new SavedTable(await this.#run(`${this.#program}-save`, ['-t', table]));
  }

  /** One commit a table, all or nothing in each. Rejects with a CommandError or an XtablesLockError. */
  async restore(input: string): Promise<void> {
    const program = `${this.#program}-restore`;
    const args = ['--noflush', '-w', String(LOCK_WAIT_SECONDS)];
    try {
      await this.#run(program, args, { input, timeoutMs: (LOCK_WAIT_SECONDS + 20) * 1000 });
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      if (error.exitCode === RESOURCE_PROBLEM && /xtables lock/.test(error.stderr)) {
        throw new XtablesLockError(program, await lockHolders());
      }
      const number = /line:? (\d+)/.exec(error.stderr)?.[1];
      const line = number === undefined ? undefined : input.split('\n')[Number(number) - 1];
      if (line === undefined) throw error;
      throw new CommandError(error.code, program, args, `${error.stderr.trim()} (${line})`, error.exitCode);
    }
  }
}

/** `iptables`, `ip6tables-nft`, … */
export function programName(family: IpFamily, backend: Backend | 'system'): string {
  return `${family === 4 ? 'iptables' : 'ip6tables'}${backend === 'system' ? '' : `-${backend}`}`;
}

/** MASQUERADE has `--random-fully` since iptables 1.6.2. `text` is the output of `iptables --version`. */
export function hasRandomFully(text: string): boolean {
  const match = /v(\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
  if (!match) return false;
  const [major, minor, patch] = [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)];
  return major > 1 || (major === 1 && (minor > 6 || (minor === 6 && patch >= 2)));
}

function lockFile(): string {
  return process.env['XTABLES_LOCKFILE'] || LOCK_FILE;
}

/** Who holds the lock, from /proc/locks: `1: FLOCK  ADVISORY  WRITE 11593 fe:00:9773057 0 EOF`. */
async function lockHolders(): Promise<string[]> {
  try {
    const { ino } = await stat(lockFile());
    const lines = (await readFile('/proc/locks', 'utf8')).split('\n').map((line) => line.trim().split(/\s+/));
    const pids = lines.flatMap(([, , , , pid, file]) =>
      file?.endsWith(`:${ino}`) && Number(pid) > 0 ? [String(pid)] : [],
    );
    const named = pids.map(async (pid) => {
      const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
      return name === '' ? `process ${pid}` : `${name.trim()} (process ${pid})`;
    });
    return await Promise.all(named);
  } catch {
    return [];
  }
}
