/**
 * What becomes of a best path on its way to a group of peers: export policy, the marks of reflection (RFC 4456 §8), and
 * at last BGP's own rules (`export-encoder.ts`). Within one slice of work equal inputs are worked out once.
 */
import { decodeAttributes } from '../attribute/decode.ts';
import { encodeAttributes } from '../attribute/encode.ts';
import type { CompiledPolicy, PolicyOutcome } from '../policy/compile.ts';
import type { PolicyRoute } from '../policy/route.ts';
import { factFlag } from './attribute-facts.ts';
import { type AttributeStore, NO_ATTRIBUTES } from './attribute-store.ts';
import { longLivedForOthers, shuttingDown } from './drained-sets.ts';
import { ExportEncoder, type ExportView } from './export-encoder.ts';
import { type ExportRules, withheldAlways, withheldReceived } from './export-rules.ts';
import { LOCAL_PEER, type PeerColumn } from './peer-column.ts';
import type { PrefixTable } from './prefix-table.ts';
import { applyOutcome, decodeStored, encodeStored } from './stored-attributes.ts';
import type { AttributeBytes } from './update-packer.ts';

export interface ExportTransformOptions {
  readonly attributes: AttributeStore;
  readonly peers: PeerColumn;
  readonly prefixes: PrefixTable;
  /** Undefined: everything is sent as it is. */
  readonly policy: CompiledPolicy | undefined;
  /** A peer of the group, for the conditions of policy that are equal for all of them. */
  readonly neighbor: string;
  readonly view: ExportView;
  readonly rules: ExportRules;
  /** The group's peers are clients of this reflector. */
  readonly clients: boolean;
  readonly clusterId: number;
  readonly fourOctetAs: boolean;
  /** RFC 8326: routes carry GRACEFUL_SHUTDOWN. */
  readonly shutsDown: boolean;
}

/** No peer's identifier, as a key of the memory. */
const SHUTDOWN = -1;
const LONG_LIVED = -2;

/** Makes attribute sets from others, and remembers them while a slice of work lasts. */
type Memo = Map<PolicyOutcome | number, Map<number, number>>;

export class ExportTransform {
  readonly #options: ExportTransformOptions;
  readonly #encoder = new ExportEncoder();
  readonly #made: number[] = [];
  readonly #memo: Memo = new Map();
  #lastIn = NO_ATTRIBUTES;
  #lastSource = -1;
  #lastOut = NO_ATTRIBUTES;
  readonly #withheldAlways: number;
  readonly #withheldReceived: number;

  constructor(options: ExportTransformOptions) {
    this.#options = options;
    this.#withheldAlways = withheldAlways(options.rules);
    this.#withheldReceived = this.#withheldAlways | withheldReceived(options.rules);
  }

  /**
   * The set that the group is to be told of a path from `source`, before `encode`; NO_ATTRIBUTES: nothing. Valid up to `end`.
   */
  outgoing(prefix: number, attributes: number, source: number): number {
    const { attributes: store, peers, view, clients, shutsDown } = this.#options;
    const withheld = source === LOCAL_PEER ? this.#withheldAlways : this.#withheldReceived;
    if ((store.flagsOf(attributes) & withheld) !== 0) return NO_ATTRIBUTES;
    const reflected = view.peerType === 'ibgp' && peers.isSameAs(source);
    // RFC 4456 §6: from a non-client to clients only, from a client to everybody inside.
    if (reflected && !clients && !peers.isClient(source)) return NO_ATTRIBUTES;
    const told = this.#asLastResort(this.#apply(prefix, attributes, source, reflected));
    if (!shutsDown || told === NO_ATTRIBUTES) return told;
    return this.#once(SHUTDOWN, told, () => shuttingDown(store, told));
  }

  #asLastResort(id: number): number {
    const { attributes: store, rules } = this.#options;
    if (rules.longLived !== 'partial' || (store.flagsOf(id) & factFlag.llgrStale) === 0) return id;
    return this.#once(LONG_LIVED, id, () => longLivedForOthers(store, id));
  }

  /** Starts a slice: results of `outgoing` are valid up to `end`. */
  begin(): void {
    this.#lastIn = NO_ATTRIBUTES;
  }

  end(): void {
    for (const id of this.#made) this.#options.attributes.release(id);
    this.#made.length = 0;
    this.#memo.clear();
  }

  #apply(prefix: number, attributes: number, source: number, reflected: boolean): number {
    const { policy } = this.#options;
    if (policy === undefined) return reflected ? this.#reflect(attributes, source) : attributes;
    if (policy.readsPrefix) return this.#evaluate(prefix, attributes, source, reflected);
    if (attributes !== this.#lastIn || source !== this.#lastSource) {
      this.#lastOut = this.#evaluate(prefix, attributes, source, reflected);
      this.#lastIn = attributes;
      this.#lastSource = source;
    }
    return this.#lastOut;
  }

  /** The bytes for the wire; undefined when no next hop can be given. Valid until the next call. */
  encode(store: AttributeStore, id: number): AttributeBytes | undefined {
    const { view, fourOctetAs } = this.#options;
    const encoder = this.#encoder;
    if (!encoder.encode(store, id, view)) return undefined;
    if (fourOctetAs) return encoder;
    // RFC 6793 §4.2.2: a speaker of two octets gets AS4_PATH beside AS_PATH.
    const { attributes } = decodeAttributes(encoder.bytes.subarray(0, encoder.size), {
      fourOctetAs: true,
      peerType: view.peerType,
    });
    const bytes = encodeAttributes(attributes, { fourOctetAs: false, peerType: view.peerType });
    return { bytes, size: bytes.length, nextHop: encoder.nextHop, nextHopSize: encoder.nextHopSize };
  }

  #evaluate(prefix: number, attributes: number, source: number, reflected: boolean): number {
    const { policy } = this.#options;
    if (policy === undefined) return attributes;
    const outcome = policy.constant ?? policy.evaluate(this.#routeOf(prefix, attributes, source));
    if (!outcome.accepted) return NO_ATTRIBUTES;
    const out = outcome.actions.length === 0 ? attributes : this.#act(attributes, outcome);
    return reflected ? this.#reflect(out, source) : out;
  }

  #routeOf(prefix: number, attributes: number, source: number): PolicyRoute {
    const { prefixes, neighbor, view, attributes: store, peers } = this.#options;
    const decode = lazily(() => decodeStored(store.bytesOf(attributes)));
    return {
      words: prefixes.words,
      length: prefixes.lengthOf(prefix),
      word: (index) => prefixes.wordOf(prefix, index),
      get attributes() {
        return decode().attributes;
      },
      get nextHop() {
        return decode().nextHop;
      },
      neighbor,
      peerType: view.peerType,
      source: peers.typeOf(source),
    };
  }

  #act(id: number, outcome: PolicyOutcome): number {
    return this.#once(outcome, id, () =>
      applyOutcome(this.#options.attributes, id, outcome, this.#options.prefixes.words * 4),
    );
  }

  /** RFC 4456 §8: ORIGINATOR_ID is made by the first reflector, CLUSTER_LIST grows with each. */
  #reflect(id: number, source: number): number {
    if (source === LOCAL_PEER) return id;
    const { attributes: store, peers, clusterId } = this.#options;
    return this.#once(peers.identifier(source), id, () => {
      const { attributes, nextHop } = decodeStored(store.bytesOf(id));
      const reflected = {
        ...attributes,
        originatorId: attributes.originatorId ?? peers.identifier(source),
        clusterList: [clusterId, ...(attributes.clusterList ?? [])],
      };
      return store.acquire(
        encodeStored(reflected, reflected.nextHop === undefined ? nextHop : undefined),
        store.traitsOf(id),
      );
    });
  }

  #once(by: PolicyOutcome | number, id: number, make: () => number): number {
    let results = this.#memo.get(by);
    if (results === undefined) {
      results = new Map();
      this.#memo.set(by, results);
    }
    let result = results.get(id);
    if (result === undefined) {
      result = make();
      results.set(id, result);
      this.#made.push(result);
    }
    return result;
  }
}

/** `make` called once, when its result is first asked for. */
function lazily<T extends object>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
