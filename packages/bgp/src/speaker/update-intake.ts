/**
 * Takes the body of an UPDATE into the tables: withdrawn prefixes first, then announced ones behind import policy. What
 * RFC 7606 wants done about a malformed one is carried out here; only a session reset is thrown.
 */
import { decodeAttributes } from '../attribute/decode.ts';
import { describeProblem } from '../attribute/problem.ts';
import { isSound } from '../attribute/sound.ts';
import type { FamilyKey } from '../family/model.ts';
import { PrefixCursor } from '../family/prefix.ts';
import { ipv4Unicast } from '../family/registry.ts';
import type { UpdateContext } from '../message/model.ts';
import { endOfRibFamily, judgeUpdate, scanUpdate, type UpdateSpans, updateError } from '../message/update-scan.ts';
import { type AttributeStore, hashOf, NO_ATTRIBUTES, trait } from '../table/attribute-store.ts';
import type { Rib } from '../table/rib.ts';
import { appendNextHop, encodeStored } from '../table/stored-attributes.ts';
import { ImportFilter, type ImportPeer } from './import-filter.ts';

/** The sender, as far as its routes are concerned. */
export interface UpdateSource extends ImportPeer {
  readonly peer: number;
  /** The tables of the families that were negotiated. */
  ribOf(family: FamilyKey): Rib | undefined;
  /** Marks the paths of this session; see `RouteTable.sweep`. */
  generationOf(family: FamilyKey): number;
  endOfRib(family: FamilyKey): void;
  /** Why routes with these attributes are withdrawn; undefined when they are taken. */
  refusal(attributes: number): string | undefined;
  /** One line a defect. */
  warning(text: string): void;
}

/** What is valid from one type of peer need not be from another one. */
const receivedTraits = { ibgp: 0, ebgp: trait.external, confederation: trait.confederation } as const;

export class UpdateIntake {
  readonly #store: AttributeStore;
  readonly #filter: ImportFilter;
  readonly #cursor = new PrefixCursor();

  constructor(store: AttributeStore) {
    this.#store = store;
    this.#filter = new ImportFilter(store);
  }

  /** Throws `BgpError` where the answer is a session reset. */
  take(body: Uint8Array, source: UpdateSource, context: UpdateContext): void {
    const spans = scanUpdate(body, context.extendedNextHop);
    const { withdrawnStart, withdrawnEnd, nlriStart, nlriEnd, mpReach, mpUnreach } = spans;
    const ended = endOfRibFamily(spans);
    if (ended !== undefined) {
      source.endOfRib(ended);
      return;
    }
    if (withdrawnEnd > withdrawnStart) {
      this.#withdraw(source, context, ipv4Unicast.key, body, withdrawnStart, withdrawnEnd);
    }
    if (mpUnreach !== undefined)
      this.#withdraw(source, context, mpUnreach.family, body, mpUnreach.start, mpUnreach.end);
    if (nlriEnd > nlriStart) this.#reach(source, context, spans, ipv4Unicast.key, undefined, nlriStart, nlriEnd);
    if (mpReach !== undefined) {
      this.#reach(source, context, spans, mpReach.family, mpReach.nextHop, mpReach.start, mpReach.end);
    } else if (nlriEnd === nlriStart && spans.attributes.length > 0) {
      this.#judge(source, context, spans);
    }
  }

  #reach(
    source: UpdateSource,
    context: UpdateContext,
    spans: UpdateSpans,
    family: FamilyKey,
    mpNextHop: Uint8Array | undefined,
    start: number,
    end: number,
  ): void {
    const received = this.#acquire(source, context, spans, mpNextHop);
    if (received === NO_ATTRIBUTES) {
      this.#withdraw(source, context, family, spans.body, start, end);
      return;
    }
    const refusal = source.refusal(received);
    if (refusal !== undefined) {
      source.warning(`${refusal}: treat-as-withdraw`);
      this.#withdraw(source, context, family, spans.body, start, end);
      this.#store.release(received);
      return;
    }
    const rib = source.ribOf(family);
    // RFC 4760 §7 lets routes of a family that was not negotiated be ignored.
    if (rib !== undefined) {
      this.#start(rib, context, spans.body, start, end);
      this.#announce(source, rib, received);
    }
    this.#store.release(received);
  }

  #start({ prefixes, family }: Rib, context: UpdateContext, body: Uint8Array, start: number, end: number): void {
    this.#cursor.reset(body, start, end, prefixes.words * 32, context.addPathReceive.includes(family));
  }

  /** Takes the prefixes that the cursor stands before. */
  #announce(source: UpdateSource, rib: Rib, received: number): void {
    const { prefixes } = rib;
    const generation = source.generationOf(rib.family);
    const cursor = this.#cursor;
    const filter = this.#filter;
    filter.begin(source, received);
    try {
      while (cursor.next()) {
        const prefix = prefixes.add(cursor.word0, cursor.word1, cursor.word2, cursor.word3, cursor.length);
        rib.setPath(prefix, source.peer, generation, received, filter.usable(prefixes, prefix), cursor.pathId);
      }
    } finally {
      filter.end();
    }
  }

  #withdraw(
    source: UpdateSource,
    context: UpdateContext,
    family: FamilyKey,
    body: Uint8Array,
    start: number,
    end: number,
  ): void {
    const rib = source.ribOf(family);
    if (rib === undefined) return;
    const { prefixes } = rib;
    this.#start(rib, context, body, start, end);
    const cursor = this.#cursor;
    while (cursor.next()) {
      const prefix = prefixes.find(cursor.word0, cursor.word1, cursor.word2, cursor.word3, cursor.length);
      if (prefix >= 0) rib.removePath(prefix, source.peer, cursor.pathId);
    }
  }

  /** The stored set of an UPDATE's attributes, held for the caller; NO_ATTRIBUTES for treat-as-withdraw. */
  #acquire(
    source: UpdateSource,
    context: UpdateContext,
    spans: UpdateSpans,
    mpNextHop: Uint8Array | undefined,
  ): number {
    const traits = receivedTraits[source.type];
    // What was stored under these very bytes was judged then. AS numbers of two octets never are in the stored form.
    const block = mpNextHop === undefined ? spans.attributes : appendNextHop(spans.attributes, mpNextHop);
    if (context.fourOctetAs && spans.problems.length === 0) {
      const hash = hashOf(block, traits);
      const known = this.#store.acquireKnown(block, traits, hash);
      if (known !== NO_ATTRIBUTES) return known;
      if (isSound(spans.attributes, context, mpNextHop === undefined)) return this.#store.acquire(block, traits, hash);
    }
    const attributes = this.#judge(source, context, spans);
    if (attributes === undefined) return NO_ATTRIBUTES;
    const asItCame =
      attributes.clean && context.fourOctetAs && (mpNextHop === undefined || attributes.value.nextHop === undefined);
    return this.#store.acquire(asItCame ? block : encodeStored(attributes.value, mpNextHop), traits);
  }

  /** Decodes and judges; undefined for treat-as-withdraw. `clean`: nothing was wrong. */
  #judge(source: UpdateSource, context: UpdateContext, spans: UpdateSpans) {
    const decoded = decodeAttributes(spans.attributes, context);
    const { problems, reaction } = judgeUpdate(spans, decoded);
    if (reaction === 'session-reset') throw updateError(problems);
    for (const problem of problems) source.warning(describeProblem(problem));
    if (reaction === 'treat-as-withdraw') return undefined;
    return { value: decoded.attributes, clean: problems.length === 0 };
  }
}
