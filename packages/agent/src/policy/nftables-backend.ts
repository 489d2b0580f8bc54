/**
 * Keeps the tables of nftables as the plan says, each change in one transaction a family: no packet sees a part of it. The
 * full pass prints the wanted table beside the one that stands and writes only when they differ.
 */
import type { IpFamily } from '../annotations/prefix.ts';
import { type Command, CommandError } from '../kernel/command.ts';
import type { Problem } from '../problem.ts';
import {
  activePolicies,
  type BackendResult,
  type PolicyBackend,
  sortedPods,
  type Timing,
  type Wanted,
} from './backend.ts';
import {
  type CompiledPolicy,
  type LocalPod,
  type MeaningChange,
  type PodKey,
  type PolicyKey,
  setKey,
} from './compile/model.ts';
import { policySets, setElements } from './iptables-plan.ts';
import { LOCAL_PODS, Names } from './names.ts';
import { differences, readListing } from './nftables-listing.ts';
import {
  addElements,
  createSet,
  createTable,
  deleteElements,
  fillChain,
  type NftChain,
  type NftCommand,
  type NftTable,
  PODS,
  planNftables,
  planNftPod,
  planNftPodElements,
  planNftPolicy,
  planNftSets,
  podOwner,
  policyOwner,
  tableName,
} from './nftables-plan.ts';

/** What stands for a family, as far as an update has to know. */
interface Standing {
  /** Chains of each policy and pod, by owner. */
  readonly chains: Map<string, readonly string[]>;
  /** Names of the sets of each policy. */
  readonly sets: Map<PolicyKey, ReadonlySet<string>>;
  /** Elements of the map of pods. */
  readonly pods: Map<PodKey, readonly string[]>;
  readonly refused: Map<string, string>;
}

interface State {
  readonly wanted: Wanted;
  readonly pods: readonly LocalPod[];
  readonly policies: ReadonlyMap<PolicyKey, CompiledPolicy>;
  readonly family: IpFamily;
}

/** Printed in JSON or text alike, a table of a thousand pods takes nft a second or two on a busy node. */
const TIMEOUT_MS = 60_000;

export class NftablesBackend implements PolicyBackend {
  readonly #run: Command;
  readonly #standing = new Map<IpFamily, Standing>();
  #names = new Names();
  #timings: Timing[] = [];

  constructor(run: Command) {
    this.#run = run;
  }

  async sync(wanted: Wanted): Promise<BackendResult> {
    this.#timings = [];
    this.#names = new Names();
    const pods = sortedPods(wanted.compiler);
    const policies = activePolicies(wanted.compiler, pods);
    let changes = 0;
    const drifted: string[] = [];
    for (const family of wanted.settings.families) {
      const result = await this.#syncFamily({ wanted, pods, policies, family });
      changes += result.changes;
      drifted.push(...result.drifted);
    }
    return this.#result(changes, drifted);
  }

  async update(wanted: Wanted, change: MeaningChange): Promise<BackendResult> {
    this.#timings = [];
    const pods = sortedPods(wanted.compiler);
    const policies = activePolicies(wanted.compiler, pods);
    let changes = 0;
    for (const family of wanted.settings.families) {
      changes += await this.#updateFamily({ wanted, pods, policies, family }, change);
    }
    return this.#result(changes, []);
  }

  async remove(families: readonly IpFamily[]): Promise<boolean> {
    let some = false;
    for (const family of families) {
      // Without the program nothing of it is there.
      const listed = await this.#list(tableName(family)).catch(passOverMissing);
      if (listed === undefined) continue;
      await this.#write([{ text: `delete table ${tableName(family)}` }]);
      some = true;
    }
    this.#standing.clear();
    return some;
  }

  async #syncFamily(state: State): Promise<{ changes: number; drifted: readonly string[] }> {
    const { family } = state;
    const known = this.#standing.has(family);
    const standing: Standing = { chains: new Map(), sets: new Map(), pods: new Map(), refused: new Map() };
    const [table, copy] = [tableName(family), `${tableName(family)}-wanted`];
    const commands = (hooked: boolean) =>
      createTable(hooked ? table : copy, this.#plan(state, standing), family, hooked);

    const fresh = (name: string): NftCommand[] => [{ text: `add table ${name}` }, { text: `delete table ${name}` }];
    const actual = await this.#timed('save', family, () => this.#list(table));
    let found: string[] = [];
    if (actual !== undefined) {
      await this.#writeClosing(standing, () => [...fresh(copy), ...commands(false)]);
      const wanted = readListing((await this.#list(copy)) ?? '');
      await this.#write([{ text: `delete table ${copy}` }]);
      const { blocks, hooks } = readListing(actual);
      const unhooked = [...wanted.blocks.keys()].filter(
        (name) => name.startsWith('chain KUBE-ROUTER-') && !hooks.has(name),
      );
      found = [...differences(wanted.blocks, blocks), ...unhooked];
      if (found.length === 0) {
        this.#remember(state, standing);
        return { changes: 0, drifted: [] };
      }
    }
    const count = await this.#timed('restore', family, () =>
      this.#writeClosing(standing, () => [...fresh(table), ...commands(true)]),
    );
    this.#remember(state, standing);
    const lost = actual === undefined ? [table] : found.map((name) => `${table} ${name}`);
    return { changes: count, drifted: known ? lost : [] };
  }

  async #updateFamily(state: State, change: MeaningChange): Promise<number> {
    const { family, policies, pods, wanted } = state;
    const standing = this.#standing.get(family);
    if (standing === undefined) throw new Error('an update before the first full pass');
    const table = tableName(family);
    const [names, refused] = [this.#names, standing.refused];
    // What changed is tried again.
    for (const key of change.policies) refused.delete(policyOwner(key));
    for (const key of change.pods) refused.delete(podOwner(key));
    const commands = (): NftCommand[] => {
      const made: NftChain[] = [];
      const sets: NftCommand[] = [];
      const elements: NftCommand[] = [];
      const staleSets: string[] = [];
      const staleChains: string[] = [];
      const input = { elements: (id: Parameters<typeof setKey>[0]) => wanted.compiler.elements(id), names, family };
      const known = { refused: new Set(refused.keys()) };
      for (const [key, policy] of policies) {
        const before = standing.sets.get(key) ?? new Set<string>();
        const touched = change.policies.has(key) || !standing.sets.has(key) || refused.has(policyOwner(key));
        const planned = planNftSets(policy, { ...input, ...known });
        if (touched) {
          made.push(...planNftPolicy(policy, names, family, known.refused));
          const now = new Set(planned.map(({ name }) => name));
          staleSets.push(...before.difference(now));
          for (const set of planned) if (!before.has(set.name)) sets.push(...createSet(table, set, family));
        }
        const changed = policySets(policy, names, family).flatMap(({ id, name }) => {
          const delta = change.sets.get(setKey(id));
          return delta !== undefined && before.has(name) && !known.refused.has(policyOwner(key))
            ? [{ name, delta }]
            : [];
        });
        for (const { name, delta } of changed) {
          elements.push(
            ...deleteElements(table, name, setElements(delta.removed, family)),
            ...addElements(table, name, setElements(delta.added, family), policyOwner(key)),
          );
        }
      }
      for (const [key, names] of standing.sets) {
        if (policies.has(key)) continue;
        staleSets.push(...names);
        staleChains.push(...(standing.chains.get(policyOwner(key)) ?? []));
      }
      const byKey = new Map(pods.map((pod) => [pod.key, pod]));
      const [left, came]: [string[], string[]] = [[], []];
      for (const key of change.pods) {
        const pod = byKey.get(key);
        const chains = pod === undefined ? [] : planNftPod(pod, names, family, known.refused);
        const now = pod === undefined ? [] : planNftPodElements(pod, names, family);
        const before = standing.pods.get(key) ?? [];
        made.push(...chains);
        left.push(...before.filter((one) => !now.includes(one)));
        came.push(...now.filter((one) => !before.includes(one)));
        if (chains.length === 0) staleChains.push(...(standing.chains.get(podOwner(key)) ?? []));
      }
      for (const { name, owner } of made) {
        const before = standing.chains.get(owner ?? '') ?? [];
        const now = made.filter((chain) => chain.owner === owner).map((chain) => chain.name);
        staleChains.push(...before.filter((one) => one !== name && !now.includes(one)));
      }
      const address = (element: string) => element.split(' ')[0] ?? '';
      return [
        ...made.map(({ name }) => ({ text: `add chain ${table} ${name}` })),
        ...made.map(({ name }) => ({ text: `flush chain ${table} ${name}` })),
        ...sets,
        ...elements,
        ...made.flatMap((chain) => fillChain(table, chain)),
        ...deleteElements(table, PODS, left),
        ...deleteElements(table, LOCAL_PODS, left.map(address)),
        ...addElements(table, PODS, came),
        ...addElements(table, LOCAL_PODS, came.map(address)),
        ...[...new Set(staleChains)].flatMap((name) => [
          { text: `flush chain ${table} ${name}` },
          { text: `delete chain ${table} ${name}` },
        ]),
        ...staleSets.map((name) => ({ text: `delete set ${table} ${name}` })),
      ];
    };
    try {
      const count = await this.#timed('restore', family, () => this.#writeClosing(standing, commands));
      this.#remember(state, standing);
      return count;
    } catch (error) {
      if (!(error instanceof CommandError) || error.code !== 'EEXIT') throw error;
      // Somebody changed the table, or a set does not take the change: it is made anew, in one transaction too.
      return (await this.#syncFamily(state)).changes;
    }
  }

  #plan({ wanted, pods, policies, family }: State, { refused }: Standing): NftTable {
    const { compiler, settings } = wanted;
    const elements = (id: Parameters<typeof setKey>[0]) => compiler.elements(id);
    const names = this.#names;
    return planNftables({
      settings,
      pods,
      policies: policies.values(),
      elements,
      names,
      family,
      refused: new Set(refused.keys()),
    });
  }

  #remember({ pods, policies, family }: State, standing: Standing): void {
    const known = new Set(standing.refused.keys());
    standing.chains.clear();
    standing.sets.clear();
    standing.pods.clear();
    for (const [key, policy] of policies) {
      const chains = planNftPolicy(policy, this.#names, family, known).map(({ name }) => name);
      standing.chains.set(policyOwner(key), chains);
      const sets = known.has(policyOwner(key)) ? [] : policySets(policy, this.#names, family);
      standing.sets.set(key, new Set(sets.map(({ name }) => name)));
    }
    for (const pod of pods) {
      const elements = planNftPodElements(pod, this.#names, family);
      if (elements.length === 0) continue;
      standing.pods.set(pod.key, elements);
      standing.chains.set(podOwner(pod.key), [this.#names.podChain(pod.key)]);
    }
    this.#standing.set(family, standing);
  }

  /** Writes the commands; a policy or pod whose command the kernel refuses is closed in place of all being void (N-64). */
  async #writeClosing(standing: Standing, plan: () => readonly NftCommand[]): Promise<number> {
    for (;;) {
      const commands = plan();
      try {
        return await this.#write(commands);
      } catch (error) {
        const owner = refusedOwner(error, commands);
        if (owner === undefined || standing.refused.has(owner) || !(error instanceof Error)) throw error;
        standing.refused.set(owner, error.message.split('\n').slice(0, 2).join(' '));
      }
    }
  }

  /** One transaction. */
  async #write(commands: readonly NftCommand[]): Promise<number> {
    if (commands.length === 0) return 0;
    const input = commands.map(({ text }) => `${text}\n`).join('');
    await this.#run('nft', ['-f', '-'], { input, timeoutMs: TIMEOUT_MS });
    return commands.length;
  }

  /** Undefined when there is no such table. */
  async #list(table: string): Promise<string | undefined> {
    try {
      return await this.#run('nft', ['-s', '-n', 'list', 'table', ...table.split(' ')], { timeoutMs: TIMEOUT_MS });
    } catch (error) {
      if (error instanceof CommandError && /No such file or directory/.test(error.stderr)) return undefined;
      throw error;
    }
  }

  async #timed<T>(what: Timing['what'], family: IpFamily, action: () => Promise<T>): Promise<T> {
    const startedMs = performance.now();
    const result = await action();
    this.#timings.push({ what, family, seconds: (performance.now() - startedMs) / 1000 });
    return result;
  }

  #result(changes: number, drifted: readonly string[]): BackendResult {
    const standing = [...this.#standing.values()];
    const problems: Problem[] = [];
    const closed = new Set<PodKey>();
    for (const [owner, words] of standing.flatMap(({ refused }) => [...refused])) {
      problems.push({
        code: 'policy',
        subject: owner,
        text: `${owner}: the kernel refuses its rules, it is closed: ${words}`,
      });
      if (owner.startsWith('pod ')) closed.add(owner.slice('pod '.length));
    }
    const chains = standing.flatMap((one) => [...one.chains].filter(([owner]) => owner.startsWith('NetworkPolicy ')));
    const sets = standing.flatMap((one) => [...one.sets.values()].flatMap((names) => [...names]));
    return {
      ...{ changes, drifted, problems, closed, timings: this.#timings },
      counts: { chains: chains.flatMap(([, names]) => names).length, sets: sets.length },
    };
  }
}

function passOverMissing(error: unknown): undefined {
  if (!(error instanceof CommandError && error.code === 'ENOENT')) throw error;
}

/** Whose command nft names: `/dev/stdin:12:1-40: Error: …`. */
function refusedOwner(error: unknown, commands: readonly NftCommand[]): string | undefined {
  if (!(error instanceof CommandError) || error.code !== 'EEXIT') return undefined;
  const lines = [...error.stderr.matchAll(/^[^\s:]+:(\d+):\d+(?:-\d+)?: Error/gm)].map(([, line]) => Number(line));
  return lines.map((line) => commands[line - 1]?.owner).find((owner) => owner !== undefined);
}
