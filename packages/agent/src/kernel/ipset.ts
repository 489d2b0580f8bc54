/**
 * Brings the kernel's sets to their goal over netlink: names and wanted sets are read, all differences of all sets go in
 * few messages. Nothing is sent that changes anything when there is no difference.
 */
import { type ListedSet, type NetlinkError, Ipset as NetlinkIpset } from '@routelet/netlink-wire';
import { describeOperation, planSet, type SetGoal, type SetSteps, swapName } from './ipset-plan.ts';

/** The calls of the netlink client that are used. */
export type SetClient = Pick<NetlinkIpset, 'headers' | 'sets' | 'apply' | 'close'>;

/** What people can do something about, by error code. */
const REASONS: Readonly<Record<string, string>> = {
  IPSET_ERR_BUSY: 'a rule or another set uses it',
  IPSET_ERR_HASH_FULL: 'it is full',
  IPSET_ERR_FIND_TYPE: 'the kernel has no such type of sets',
};

interface Work {
  readonly steps: SetSteps;
  readonly refusals: NetlinkError[];
}

export class Ipset {
  readonly #open: () => Promise<SetClient>;
  /** One writer at a time in this process (the kernel's answer to two swaps at once would be a mix of both). */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(open: () => Promise<SetClient> = () => NetlinkIpset.open()) {
    this.#open = open;
  }

  /**
   * Resolves with the number of changes. Rejects with the first refusals in words, when all that can be done is done.
   */
  apply(goals: readonly SetGoal[]): Promise<number> {
    const result = this.#turn.then(() => this.#apply(goals));
    this.#turn = result.catch(() => undefined);
    return result;
  }

  /** Reads and decides as `apply` does, and changes nothing: one line a change, in the words of the command ipset. */
  async plan(goals: readonly SetGoal[]): Promise<string[]> {
    const plans = await this.#withClient((client) => plan(client, goals));
    return plans.flatMap((steps) => steps.flat().map(describeOperation));
  }

  #apply(goals: readonly SetGoal[]): Promise<number> {
    return this.#withClient(async (client) => {
      const plans = await plan(client, goals);
      return applySteps(
        client,
        plans.map((steps) => ({ steps, refusals: [] })),
      );
    });
  }

  async #withClient<T>(action: (client: SetClient) => Promise<T>): Promise<T> {
    const client = await this.#open();
    try {
      return await action(client);
    } finally {
      client.close();
    }
  }
}

/** The steps to each goal. */
async function plan(client: SetClient, goals: readonly SetGoal[]): Promise<SetSteps[]> {
  const names = new Set((await client.headers()).map(({ name }) => name));
  const plans: SetSteps[] = [];
  for (const goal of goals) {
    const actual = names.has(goal.name) ? await read(client, goal.name) : undefined;
    plans.push(planSet(goal, actual, names.has(swapName(goal.name))));
  }
  return plans;
}

/** Undefined when the set went meanwhile. */
async function read(client: SetClient, name: string): Promise<ListedSet | undefined> {
  try {
    return (await client.sets(name))[0];
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

async function applySteps(client: SetClient, works: readonly Work[]): Promise<number> {
  let changes = 0;
  const deepest = Math.max(0, ...works.map(({ steps }) => steps.length));
  for (let step = 0; step < deepest; step++) {
    const operations = works.flatMap((work) =>
      work.refusals.length > 0 ? [] : (work.steps[step] ?? []).map((operation) => ({ work, operation })),
    );
    const results = await client.apply(operations.map(({ operation }) => operation));
    for (const [index, { work }] of operations.entries()) {
      const error = results[index];
      if (error === undefined) changes++;
      else work.refusals.push(error);
    }
  }
  const refusals = works.flatMap((work) => work.refusals);
  if (refusals.length > 0) throw new Error(describe(refusals), { cause: refusals[0] });
  return changes;
}

/** A set that is full refuses each of thousands: a few say it all. */
const NAMED_REFUSALS = 5;

function describe(refusals: readonly NetlinkError[]): string {
  const named = refusals.slice(0, NAMED_REFUSALS).map(({ message, code }) => {
    const reason = REASONS[code];
    return reason === undefined ? message : `${message}, ${reason}`;
  });
  if (refusals.length > named.length) named.push(`${refusals.length - named.length} more`);
  return named.join('; ');
}
