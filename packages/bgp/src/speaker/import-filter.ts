/** What import policy makes of a peer's received attribute sets, worked out once for equal inputs of one UPDATE. */
import type { PeerType } from '../attribute/descriptor.ts';
import type { CompiledPolicy, PolicyOutcome } from '../policy/compile.ts';
import { type AttributeStore, NO_ATTRIBUTES } from '../table/attribute-store.ts';
import { leastPreferred } from '../table/drained-sets.ts';
import type { PrefixTable } from '../table/prefix-table.ts';
import { applyOutcome, type DecodedSet, decodeStored, withNextHop } from '../table/stored-attributes.ts';
import { adjust, allowedFacts, type ImportRules, isDrained, needsAdjusting } from './import-rules.ts';

export interface ImportPeer {
  readonly address: string;
  readonly type: PeerType;
  readonly importRules: ImportRules;
  /** Undefined: everything is taken as it is. */
  readonly importPolicy: CompiledPolicy | undefined;
}

export class ImportFilter {
  readonly #store: AttributeStore;
  /** By outcome; undefined: there is no policy. */
  readonly #made = new Map<PolicyOutcome | undefined, number>();
  #peer: ImportPeer | undefined;
  /** The set that policy sees: the received one, or what BGP's own rules made of it. */
  #base = NO_ATTRIBUTES;
  #adjusted = NO_ATTRIBUTES;
  #decoded: DecodedSet | undefined;
  /** RFC 8326: routes are taken as a last resort. */
  #drained = false;
  /** The answer for all prefixes, when it does not depend on them. */
  #common: number | undefined;

  constructor(store: AttributeStore) {
    this.#store = store;
  }

  /** Starts with a set from a peer; results of `usable` are held up to `end`. */
  begin(peer: ImportPeer, received: number): void {
    const { importPolicy: policy, importRules: rules } = peer;
    this.#peer = peer;
    this.#decoded = undefined;
    this.#common = undefined;
    this.#base = this.#store.isEligible(received, allowedFacts(rules)) ? received : NO_ATTRIBUTES;
    if (this.#base !== NO_ATTRIBUTES && needsAdjusting(this.#store.flagsOf(received), rules)) this.#adjust(rules);
    this.#drained = isDrained(this.#store.flagsOf(received), rules);
    if (this.#base === NO_ATTRIBUTES) this.#common = NO_ATTRIBUTES;
    else if (policy === undefined) this.#common = this.#result(undefined, 0);
    else if (policy.constant !== undefined) this.#common = this.#result(policy.constant, 0);
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
        return decode().attributes;
      },
      get nextHop() {
        return decode().nextHop;
      },
      neighbor: address,
      peerType: type,
      source: type,
    });
    const result = this.#result(outcome, prefixes.words * 4);
    if (!policy.readsPrefix) this.#common = result;
    return result;
  }

  end(): void {
    if (this.#adjusted !== NO_ATTRIBUTES) this.#store.release(this.#adjusted);
    this.#adjusted = NO_ATTRIBUTES;
    if (this.#made.size === 0) return;
    for (const id of this.#made.values()) this.#store.release(id);
    this.#made.clear();
  }

  #adjust(rules: ImportRules): void {
    const { attributes, nextHop } = decodeStored(this.#store.bytesOf(this.#base));
    const adjusted = adjust(attributes, rules);
    if (adjusted === attributes) return;
    const traits = this.#store.traitsOf(this.#base);
    if (adjusted !== undefined) this.#adjusted = this.#store.acquire(withNextHop(adjusted, nextHop), traits);
    this.#base = this.#adjusted;
  }

  #decode(): DecodedSet {
    this.#decoded ??= decodeStored(this.#store.bytesOf(this.#base));
    return this.#decoded;
  }

  #result(outcome: PolicyOutcome | undefined, addressBytes: number): number {
    if (outcome?.accepted === false) return NO_ATTRIBUTES;
    const acts = outcome !== undefined && outcome.actions.length > 0;
    if (!acts && !this.#drained) return this.#base;
    let id = this.#made.get(outcome);
    if (id === undefined) {
      id = this.#base;
      if (acts) id = applyOutcome(this.#store, id, outcome, addressBytes);
      if (this.#drained) {
        // Behind policy, which knows nothing of it.
        const last = leastPreferred(this.#store, id);
        if (acts) this.#store.release(id);
        id = last;
      }
      this.#made.set(outcome, id);
    }
    return id;
  }
}
