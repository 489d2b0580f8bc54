/**
 * The one owner of our iptables rules: each module says what it wants, and all of it comes into one order a chain. Reads
 * what stands, writes only the difference in one `iptables-restore --noflush`, and repairs what others changed.
 */
import { type BackendChoice, chooseBackend } from './backend-plan.ts';
import { type Command, CommandError } from './command.ts';
import { type IpFamily, Iptables, programName } from './iptables.ts';
import {
  type ChainChange,
  changedGoal,
  formatRestore,
  type ModuleRules,
  planChange,
  planTable,
  type RuleClaim,
  type RuleGoal,
  type Table,
} from './rule-plan.ts';

/** The modules in the order in which their rules stand at the head of a chain: what refuses comes before what accepts. */
export const ruleModules = ['firewall', 'proxy', 'router'] as const;
export type RuleModule = (typeof ruleModules)[number];

export interface RuleChanges {
  /** Lines that were run; 0: nothing was. */
  readonly changes: number;
  /** Chains that did not stand as we had left them, as `filter FORWARD`. */
  readonly drifted: readonly string[];
  /** What could not be deleted, in a sentence each. */
  readonly held: readonly string[];
  /** Time that reading and writing took. */
  readonly seconds: { readonly save: number; readonly restore: number };
}

/** What a module holds of the owner. */
export interface ModuleRuleset {
  /**
   * Makes `goal` all that stands of this module in a family. Rejects with a CommandError or an XtablesLockError; then the
   * goal that last was taken still counts for the order of the chains.
   */
  apply(family: IpFamily, goal: RuleGoal): Promise<RuleChanges>;
  /** What `apply` would run, as input of `iptables-restore`; empty when there is nothing to do. */
  plan(family: IpFamily, goal: RuleGoal): Promise<string>;
  /**
   * Writes chains of its own anew or deletes them, without reading what stands: the rest of the goal that was last applied
   * stays. Where nothing was applied yet, or the kernel refuses, this is `apply` of the whole.
   */
  update(family: IpFamily, change: ChainChange): Promise<RuleChanges>;
  /** Whether MASQUERADE and SNAT take `--random-fully`. */
  randomFully(family: IpFamily): Promise<boolean>;
}

interface Member {
  readonly claim: RuleClaim;
  readonly goals: Map<IpFamily, RuleGoal>;
}

export class Ruleset {
  readonly #run: Command;
  readonly #members = new Map<RuleModule, Member>();
  /** One writer at a time: a plan is only good for the state that it was made of. */
  #turn: Promise<unknown> = Promise.resolve();
  #choice: Promise<BackendChoice> | undefined;
  readonly #iptables = new Map<IpFamily, Iptables>();

  constructor(run: Command) {
    this.#run = run;
  }

  /** Once for each module. */
  module(name: RuleModule, claim: RuleClaim): ModuleRuleset {
    const member: Member = { claim, goals: new Map() };
    this.#members.set(name, member);
    return {
      apply: (family, goal) => {
        return this.#inTurn(() => this.#apply(member, family, goal));
      },
      plan: async (family, goal) => {
        const { plans } = await this.#plan(await this.#programs(family), member, family, goal);
        return formatRestore(plans);
      },
      update: (family, change) => this.#inTurn(() => this.#update(member, family, change)),
      randomFully: async (family) => (await this.#programs(family)).randomFully(),
    };
  }

  /** Which backend is used; chosen once. */
  backend(): Promise<BackendChoice> {
    this.#choice ??= this.#choose();
    this.#choice.catch(() => {
      this.#choice = undefined;
    });
    return this.#choice;
  }

  async #programs(family: IpFamily): Promise<Iptables> {
    const { backend } = await this.backend();
    const known = this.#iptables.get(family) ?? new Iptables({ family, backend, run: this.#run });
    this.#iptables.set(family, known);
    return known;
  }

  async #choose(): Promise<BackendChoice> {
    const save = async (backend: 'nft' | 'legacy') => {
      const texts: string[] = [];
      for (const family of [4, 6] as const) {
        try {
          // Without a table: naming one would make it in the legacy kernel.
          texts.push(await this.#run(`${programName(family, backend)}-save`, []));
        } catch (error) {
          if (!(error instanceof CommandError)) throw error;
        }
      }
      return texts.length > 0 ? texts.join('') : undefined;
    };
    return chooseBackend({ nft: await save('nft'), legacy: await save('legacy') });
  }

  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(action);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async #update(member: Member, family: IpFamily, change: ChainChange): Promise<RuleChanges> {
    const standing = member.goals.get(family);
    const goal = changedGoal(standing ?? { shared: [], chains: [] }, change);
    if (standing === undefined) return this.#apply(member, family, goal);
    const iptables = await this.#programs(family);
    const plans = planChange(change, standing);
    try {
      const restore = await this.#restore(iptables, formatRestore(plans));
      member.goals.set(family, goal);
      const changes = plans.reduce((sum, { lines }) => sum + lines.length, 0);
      return { changes, drifted: [], held: [], seconds: { save: 0, restore } };
    } catch (error) {
      if (!(error instanceof CommandError && error.code === 'EEXIT')) throw error;
      return this.#apply(member, family, goal);
    }
  }

  async #restore(iptables: Iptables, input: string): Promise<number> {
    const startedMs = performance.now();
    if (input !== '') await iptables.restore(input);
    return (performance.now() - startedMs) / 1000;
  }

  async #apply(member: Member, family: IpFamily, goal: RuleGoal): Promise<RuleChanges> {
    const iptables = await this.#programs(family);
    try {
      return await this.#pass(iptables, member, family, goal);
    } catch (error) {
      // A rule that was to be deleted went in between: the whole commit is void, so it is planned again.
      if (!(error instanceof CommandError && error.code === 'EEXIT')) throw error;
      return this.#pass(iptables, member, family, goal);
    }
  }

  async #plan(iptables: Iptables, member: Member, family: IpFamily, goal: RuleGoal) {
    const tables = new Set<Table>([
      ...member.claim.tables,
      ...[...goal.shared, ...goal.chains].map(({ table }) => table),
    ]);
    const before = this.#rules(family);
    const after = this.#rules(family, { member, goal });
    const plans = [];
    const drifted: string[] = [];
    let save = 0;
    for (const table of tables) {
      const startedMs = performance.now();
      const actual = await iptables.save(table);
      save += (performance.now() - startedMs) / 1000;
      const plan = planTable(table, after, actual);
      plans.push(plan);
      if (plan.lines.length === 0 || !member.goals.has(family)) continue;
      drifted.push(...planTable(table, before, actual).chains.map((chain) => `${table} ${chain}`));
    }
    return { plans, drifted, save };
  }

  async #pass(iptables: Iptables, member: Member, family: IpFamily, goal: RuleGoal): Promise<RuleChanges> {
    const { plans, drifted, save } = await this.#plan(iptables, member, family, goal);
    const restore = await this.#restore(iptables, formatRestore(plans));
    member.goals.set(family, goal);
    return {
      seconds: { save, restore },
      changes: plans.reduce((sum, { lines }) => sum + lines.length, 0),
      drifted,
      held: plans.flatMap(({ table, held }) =>
        held.map(
          ({ chain, callers }) =>
            `chain ${chain} of table ${table} stays, empty: chain ${callers.join(', ')} has a rule that calls it and that is not ours`,
        ),
      ),
    };
  }

  /** The modules whose goal of the family is known, in order; `next`: with this goal in place of its last one. */
  #rules(family: IpFamily, next?: { readonly member: Member; readonly goal: RuleGoal }): ModuleRules[] {
    return ruleModules.flatMap((name) => {
      const member = this.#members.get(name);
      const goal = member === next?.member ? next?.goal : member?.goals.get(family);
      return member && goal ? [{ claim: member.claim, goal }] : [];
    });
  }
}
