/** What import policy makes of a peer's received attribute sets, worked out once for equal inputs of one UPDATE. */
import type { PathAttributes } from '../attribute/registry.ts';
import type { CompiledPolicy, PolicyOutcome } from '../policy/compile.ts';
import { type AttributeStore, NO_ATTRIBUTES } from '../table/attribute-store.ts';
import type { PrefixTable } from '../table/prefix-table.ts';
import { applyOutcome, decodeStored } from '../table/stored-attributes.ts';

export interface ImportPeer {
  readonly address: string;
  readonly type: 'ibgp' | 'ebgp';
  /** Undefined: everything is taken as it is. */
  readonly importPolicy: CompiledPolicy | undefined;
}

export class ImportFilter {
  readonly #store: AttributeStore;
  readonly #made = new Map<PolicyOutcome, number>();
  #received = NO_ATTRIBUTES;
  #peer: ImportPeer | undefined;
  #decoded: PathAttributes | undefined;
  /** The answer for all prefixes, when it does not depend on them. */
  #common: number | undefined;

  constructor(store: AttributeStore) {
    this.#store = store;
  }

  /** Starts with a set from a peer; results of `usable` are held up to `end`. */
  begin(peer: ImportPeer, received: number): void {
    const { importPolicy: policy } = peer;
    this.#peer = peer;
    this.#received = received;
    this.#decoded = undefined;
    this.#common = undefined;
    if (!this.#store.isEligible(received)) this.#common = NO_ATTRIBUTES;
    else if (policy === undefined) this.#common = received;
    else if (policy.constant !== undefined) this.#common = this.#result(policy.constant);
  }

  /** The set after policy; NO_ATTRIBUTES when the path is no candidate. */
  usable(prefixes: PrefixTable, prefix: number): number {
    if (this.#common !== undefined) return this.#common;
    const { importPolicy: policy, address, type } = this.#peer ?? {};
    if (policy === undefined || address === undefined || type === undefined) return NO_ATTRIBUTES;
    const decode = () => this.#decode();
    const outcome = policy.evaluate({
      words: prefixes.words,
      length: prefixes.lengthOf(prefix),
      word: (index) => prefixes.wordOf(prefix, index),
      get attributes() {
        return decode();
      },
      neighbor: address,
      peerType: type,
      source: type,
    });
    const result = this.#result(outcome);
    if (!policy.readsPrefix) this.#common = result;
    return result;
  }

  end(): void {
    if (this.#made.size === 0) return;
    for (const id of this.#made.values()) this.#store.release(id);
    this.#made.clear();
  }

  #decode(): PathAttributes {
    this.#decoded ??= decodeStored(this.#store.bytesOf(this.#received)).attributes;
    return this.#decoded;
  }

  #result(outcome: PolicyOutcome): number {
    if (!outcome.accepted) return NO_ATTRIBUTES;
    if (outcome.actions.length === 0) return this.#received;
    let id = this.#made.get(outcome);
    if (id === undefined) {
      id = applyOutcome(this.#store, this.#received, outcome.actions);
      this.#made.set(outcome, id);
    }
    return id;
  }
}
