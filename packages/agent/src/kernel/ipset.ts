/**
 * Brings ipsets to their goal with the `ipset` command: names and wanted sets are read, all differences of all sets go in
 * one `ipset restore`. Nothing is run that changes anything when there is no difference.
 */
import { type Command, CommandError } from './command.ts';
import { parseSave, planSet, type SetGoal, sameKind, swapName } from './ipset-plan.ts';

export class Ipset {
  readonly #run: Command;
  /** One writer at a time in this process (the kernel's answer to two swaps at once would be a mix of both). */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(run: Command) {
    this.#run = run;
  }

  /** Resolves with the number of changing lines that were run. Rejects with a CommandError. */
  apply(goals: readonly SetGoal[]): Promise<number> {
    const result = this.#turn.then(() => this.#apply(goals));
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async #apply(goals: readonly SetGoal[]): Promise<number> {
    const names = new Set((await this.#run('ipset', ['list', '-name'])).split('\n'));
    const lines: string[] = [];
    const last: string[] = [];
    for (const goal of goals) {
      const saved = names.has(goal.name) ? parseSave(await this.#run('ipset', ['save', goal.name])) : undefined;
      const actual = saved?.get(goal.name);
      // The first line that fails ends a restore: what may be refused comes behind all that will not be.
      const place = actual && !sameKind(goal, actual) ? last : lines;
      place.push(...planSet(goal, actual, names.has(swapName(goal.name))));
    }
    lines.push(...last);
    if (lines.length > 0) await this.#restore(lines);
    return lines.length;
  }

  async #restore(lines: readonly string[]): Promise<void> {
    const args = ['restore', '-exist'];
    try {
      await this.#run('ipset', args, { input: `${lines.join('\n')}\n` });
    } catch (error) {
      const number = error instanceof CommandError ? /in line (\d+)/.exec(error.stderr)?.[1] : undefined;
      if (!(error instanceof CommandError) || number === undefined) throw error;
      const detail = `${error.stderr.trim()} (${lines[Number(number) - 1]})`;
      throw new CommandError(error.code, 'ipset', args, detail, error.exitCode);
    }
  }
}
