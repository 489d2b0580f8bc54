/**
 * Keeps the IPVS table of the kernel as wanted. What stands is read once and then known from the answers to what was sent;
 * a service that the kernel refuses is read anew, tried once more and named, and never stops the others.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { Ipvs, IpvsOperation, NetlinkError } from '@routelet/netlink-wire';
import {
  backendKey,
  destinationKey,
  entryPointOf,
  ipvsKey,
  planEntry,
  type StandingService,
  standingAfter,
} from './ipvs-plan.ts';
import { type EntryPoint, entryKey, type VirtualService } from './model.ts';

/** The calls of the netlink client that are used. */
export type IpvsClient = Pick<Ipvs, 'services' | 'service' | 'destinations' | 'apply'>;

export interface IpvsTableSetup {
  readonly client: IpvsClient;
  /** The virtual service that is wanted at a place. */
  readonly wanted: (key: string) => VirtualService | undefined;
  /** Whether a service that nobody wants is ours to remove. */
  readonly owns: (point: EntryPoint) => boolean;
  /** How long the connections of a pod's endpoint (`namespace/name`) may last when it goes; 0: it is removed at once. */
  readonly graceMs: (pod: string | undefined) => number;
  readonly nowMs: () => number;
}

export interface SyncResult {
  /** Operations that the kernel did. */
  readonly operations: number;
  /** What it refused, by key. */
  readonly refused: ReadonlyMap<string, NetlinkError>;
  /** Keys whose endpoints are others than before. */
  readonly rerouted: readonly string[];
}

/** Operations of one batch, and places compared in one go: the longest that the event loop waits for. */
const BATCH = 512;

export class IpvsTable {
  readonly #setup: IpvsTableSetup;
  readonly #standing = new Map<string, StandingService>();
  /** What was wanted when a place was last brought in line. */
  readonly #applied = new Map<string, VirtualService>();
  /** When the endpoints that go are removed at the latest, by key of service and destination. */
  readonly #draining = new Map<string, Map<string, number>>();

  constructor(setup: IpvsTableSetup) {
    this.#setup = setup;
  }

  /** Services of ours that stand. */
  get size(): number {
    return this.#standing.size;
  }

  get draining(): readonly string[] {
    return [...this.#draining.keys()];
  }

  stands(key: string): boolean {
    return this.#standing.has(key);
  }

  standingKeys(): IterableIterator<string> {
    return this.#standing.keys();
  }

  /** Reads what stands. Rejects with the kernel's error. */
  async read(): Promise<void> {
    const { client, wanted, owns } = this.#setup;
    const found = new Map<string, StandingService>();
    for (const { stats, ...object } of await client.services()) {
      const point = entryPointOf(object);
      if (!point) continue;
      const key = entryKey(point);
      if (wanted(key) === undefined && !this.#applied.has(key) && !owns(point)) continue;
      found.set(key, { object, destinations: await this.#destinations(object) });
      if (found.size % BATCH === 0) await turn();
    }
    this.#standing.clear();
    for (const [key, standing] of found) this.#standing.set(key, standing);
  }

  /** Brings these places in line. Never rejects for what the kernel refuses. */
  async sync(keys: Iterable<string>): Promise<SyncResult> {
    const rerouted: string[] = [];
    const first = await this.#pass(keys, rerouted);
    if (first.refused.size === 0) return { operations: first.operations, refused: new Map(), rerouted };
    // Somebody else may have been there: what stands is read again.
    for (const [key, { operation }] of first.refused) await this.#reread(key, operation);
    const second = await this.#pass([...first.refused.keys()], rerouted);
    for (const [key, { operation }] of second.refused) await this.#reread(key, operation);
    return {
      operations: first.operations + second.operations,
      refused: new Map([...second.refused].map(([key, { error }]) => [key, error])),
      rerouted,
    };
  }

  /** Removes the endpoints that have no connections any more, or have had their time. */
  async drain(): Promise<SyncResult> {
    for (const [key, deadlines] of this.#draining) {
      const standing = this.#standing.get(key);
      if (!standing) continue;
      for (const one of await this.#setup.client.destinations(standing.object)) {
        const { active = 0, inactive = 0 } = one.connections ?? {};
        const name = destinationKey(one);
        if (deadlines.has(name) && active + inactive === 0) deadlines.set(name, 0);
      }
    }
    return this.sync([...this.#draining.keys()]);
  }

  async #pass(keys: Iterable<string>, rerouted: string[]) {
    const refused = new Map<string, { readonly error: NetlinkError; readonly operation: IpvsOperation }>();
    let operations = 0;
    let batch: { readonly key: string; readonly operation: IpvsOperation }[] = [];
    const send = async () => {
      const sent = batch;
      batch = [];
      if (sent.length === 0) return;
      const results = await this.#setup.client.apply(sent.map(({ operation }) => operation));
      for (const [index, { key, operation }] of sent.entries()) {
        const error = results[index];
        if (error) {
          if (!refused.has(key)) refused.set(key, { error, operation });
          continue;
        }
        operations++;
        const after = standingAfter(this.#standing.get(key), operation);
        if (after) this.#standing.set(key, after);
        else this.#standing.delete(key);
      }
    };
    let compared = 0;
    for (const key of keys) {
      const planned = this.#plan(key);
      const isReroute = planned.some(
        ({ kind, action }) => action === 'delete' || (kind === 'destination' && action === 'add'),
      );
      if (isReroute) rerouted.push(key);
      for (const operation of planned) batch.push({ key, operation });
      if (batch.length >= BATCH || ++compared % BATCH === 0) {
        await send();
        await turn();
      }
    }
    await send();
    return { operations, refused };
  }

  #plan(key: string): IpvsOperation[] {
    const wanted = this.#setup.wanted(key);
    const standing = this.#standing.get(key);
    const draining = this.#startDraining(key, wanted, standing);
    if (wanted) this.#applied.set(key, wanted);
    else this.#applied.delete(key);
    return planEntry({ wanted, draining }, standing);
  }

  #startDraining(
    key: string,
    wanted: VirtualService | undefined,
    standing: StandingService | undefined,
  ): ReadonlySet<string> {
    const before = this.#draining.get(key);
    const deadlines = new Map<string, number>();
    // A client of UDP never says that it is done: it would stay with an endpoint that is gone.
    if (wanted?.protocol === 'TCP' && standing) {
      const nowMs = this.#setup.nowMs();
      const backends = new Set(wanted.backends.map(backendKey));
      for (const name of standing.destinations.keys()) {
        if (backends.has(name)) continue;
        const pod = this.#applied.get(key)?.backends.find((one) => backendKey(one) === name)?.pod;
        const deadline = before?.get(name) ?? nowMs + this.#setup.graceMs(pod);
        if (deadline > nowMs) deadlines.set(name, deadline);
      }
    }
    if (deadlines.size > 0) this.#draining.set(key, deadlines);
    else this.#draining.delete(key);
    return new Set(deadlines.keys());
  }

  async #reread(key: string, operation: IpvsOperation): Promise<void> {
    const service = operation.kind === 'destination' ? operation.service : operation.object;
    this.#standing.delete(key);
    if (!('family' in service) || ipvsKey(service) !== key) return;
    try {
      const { stats, ...object } = await this.#setup.client.service(service);
      this.#standing.set(key, { object, destinations: await this.#destinations(object) });
    } catch {
      // ESRCH: it does not stand. Anything else is said by the next try.
    }
  }

  async #destinations(service: StandingService['object']): Promise<StandingService['destinations']> {
    const found = await this.#setup.client.destinations(service);
    return new Map(found.map(({ connections, stats, ...destination }) => [destinationKey(destination), destination]));
  }
}
