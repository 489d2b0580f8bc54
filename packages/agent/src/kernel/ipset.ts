/**
 * Brings the kernel's sets to their goal over netlink: names and wanted sets are read, all differences of all sets go in
 * few messages. Nothing is sent that changes anything when there is no difference.
 */
import { type ListedSet, type NetlinkError, Ipset as NetlinkIpset } from '@routelet/netlink-wire';
import {
  changeElements,
  describeOperation,
  type ElementChange,
  planSet,
  type SetGoal,
  type SetSteps,
  shrinkOnly,
  swapName,
} from './ipset-plan.ts';

/** The calls of the netlink client that are used. */
export type SetClient = Pick<NetlinkIpset, 'headers' | 'sets' | 'apply' | 'close'>;

/** What people can do something about, by error code. */
const REASONS: Readonly<Record<string, string>> = {
  IPSET_ERR_BUSY: 'a rule or another set uses it',
  IPSET_ERR_HASH_FULL: 'it is full',
  IPSET_ERR_FIND_TYPE: 'the kernel has no such type of sets',
};

/** Sets that did not take all that they should. */
export class SetRefusedError extends Error {
  override readonly name = 'SetRefusedError';
  readonly code = 'set-refused';
  readonly sets: readonly string[];

  constructor(message: string, sets: readonly string[], cause: unknown) {
    super(message, { cause });
    this.sets = sets;
  }
}

interface Work {
  readonly name: string;
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
   * Resolves with the number of changes. Rejects with a SetRefusedError, when all that can be done is done.
   */
  apply(goals: readonly SetGoal[]): Promise<number> {
    return this.#inTurn((client) => applyGoals(client, goals, (steps) => steps));
  }

  /** As `apply`, but a set that stands only loses what it should not hold. */
  shrink(goals: readonly SetGoal[]): Promise<number> {
    return this.#inTurn((client) => applyGoals(client, goals, shrinkOnly));
  }

  /** Changes elements without reading. Resolves with the names of the sets that refused one: they need their goal. */
  change(changes: readonly ElementChange[]): Promise<ReadonlySet<string>> {
    return this.#inTurn(async (client) => {
      const operations = changes.flatMap((change) =>
        changeElements(change).map((operation) => ({ name: change.name, operation })),
      );
      const results = await client.apply(operations.map(({ operation }) => operation));
      // An element to delete that is not there (IPSET_ERR_EXIST) is as wanted.
      const refused = operations.filter((_, i) => ![undefined, 'IPSET_ERR_EXIST'].includes(results[i]?.code));
      return new Set(refused.map(({ name }) => name));
    });
  }

  /** Destroys the sets that `mine` claims and that are not wanted; one that a rule still uses stays. Resolves with their number. */
  sweep(mine: (name: string) => boolean, wanted: ReadonlySet<string>): Promise<number> {
    return this.#inTurn(async (client) => {
      const stale = (await client.headers()).filter(({ name }) => mine(name) && !wanted.has(name));
      const results = await client.apply(stale.map(({ name }) => ({ action: 'destroy', name })));
      return results.filter((error) => error === undefined).length;
    });
  }

  /** Reads and decides as `apply` does, and changes nothing: one line a change, in the words of the command ipset. */
  async plan(goals: readonly SetGoal[]): Promise<string[]> {
    const plans = await this.#withClient((client) => plan(client, goals));
    return plans.flatMap((steps) => steps.flat().map(describeOperation));
  }

  #inTurn<T>(action: (client: SetClient) => Promise<T>): Promise<T> {
    const result = this.#turn.then(() => this.#withClient(action));
    this.#turn = result.catch(() => undefined);
    return result;
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

async function applyGoals(
  client: SetClient,
  goals: readonly SetGoal[],
  part: (steps: SetSteps, exists: boolean, goal: SetGoal) => SetSteps,
): Promise<number> {
  const plans = await plan(client, goals, part);
  const works = plans.map((steps, i) => ({ name: goals[i]?.name ?? '', steps, refusals: [] }));
  return applySteps(client, works);
}

/** The steps to each goal, or a part of them. */
async function plan(
  client: SetClient,
  goals: readonly SetGoal[],
  part: (steps: SetSteps, exists: boolean, goal: SetGoal) => SetSteps = (steps) => steps,
): Promise<SetSteps[]> {
  const names = new Set((await client.headers()).map(({ name }) => name));
  const plans: SetSteps[] = [];
  for (const goal of goals) {
    const actual = names.has(goal.name) ? await read(client, goal.name) : undefined;
    plans.push(part(planSet(goal, actual, names.has(swapName(goal.name))), actual !== undefined, goal));
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
  if (refusals.length > 0) {
    const refused = works.filter((work) => work.refusals.length > 0);
    throw new SetRefusedError(
      describe(refusals),
      refused.map(({ name }) => name),
      refusals[0],
    );
  }
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
