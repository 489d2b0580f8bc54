/**
 * Brings chains to their goal through the `iptables` commands of one family: one read a chain, one write with all the
 * differences, no write when there are none. The decisions are in chain-plan; this file only talks to the programs.
 */
import { type ChainGoal, formatRestore, planChain } from './chain-plan.ts';
import type { Command } from './command.ts';
import { parseRules } from './rule.ts';

export type IpFamily = 4 | 6;

/** Seconds that iptables waits for the xtables lock another program holds. */
const LOCK_WAIT_SECONDS = '10';

export interface IptablesOptions {
  readonly family: IpFamily;
  readonly run: Command;
}

export class Iptables {
  readonly #command: string;
  readonly #run: Command;
  #randomFully: Promise<boolean> | undefined;

  constructor({ family, run }: IptablesOptions) {
    this.#command = family === 4 ? 'iptables' : 'ip6tables';
    this.#run = run;
  }

  /** Whether MASQUERADE takes `--random-fully`; asked once. Rejects with a CommandError when there is no iptables. */
  randomFully(): Promise<boolean> {
    this.#randomFully ??= this.#run(this.#command, ['--version']).then(hasRandomFully);
    this.#randomFully.catch(() => {
      this.#randomFully = undefined;
    });
    return this.#randomFully;
  }

  /** Resolves with the number of rules deleted, inserted and appended; 0 means that no changing command was run. */
  async apply(goals: readonly ChainGoal[]): Promise<number> {
    const plans = [];
    for (const goal of goals) {
      const output = await this.#run(this.#command, ['-w', LOCK_WAIT_SECONDS, '-t', goal.table, '-S', goal.chain]);
      plans.push({ goal, operations: planChain(goal, parseRules(output, goal.chain)) });
    }
    const input = formatRestore(plans);
    if (input === '') return 0;
    await this.#run(`${this.#command}-restore`, ['--noflush', '-w', LOCK_WAIT_SECONDS], { input });
    return plans.reduce((sum, { operations }) => sum + operations.length, 0);
  }
}

/** MASQUERADE has `--random-fully` since iptables 1.6.2. `text` is the output of `iptables --version`. */
export function hasRandomFully(text: string): boolean {
  const match = /v(\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
  if (!match) return false;
  const [major, minor, patch] = [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)];
  return major > 1 || (major === 1 && (minor > 6 || (minor === 6 && patch >= 2)));
}
