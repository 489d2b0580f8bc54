/**
 * Takes the body of an UPDATE into the tables: withdrawn prefixes first, then announced ones behind import policy. What
 * RFC 7606 wants done about a malformed one is carried out here; only a session reset is thrown.
 */
import { decodeAttributes } from '../attribute/decode.ts';
import { describeProblem } from '../attribute/problem.ts';
import type { FamilyKey } from '../family/model.ts';
import { PrefixCursor } from '../family/prefix.ts';
import { ipv4Unicast } from '../family/registry.ts';
import type { UpdateContext } from '../message/model.ts';
import { endOfRibFamily, judgeUpdate, scanUpdate, type UpdateSpans, updateError } from '../message/update-scan.ts';
import { type AttributeStore, NO_ATTRIBUTES, trait } from '../table/attribute-store.ts';
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
  /** One line a defect. */
  warning(text: string): void;
}

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
    const spans = scanUpdate(body);
    const { withdrawnStart, withdrawnEnd, nlriStart, nlriEnd, mpReach, mpUnreach } = spans;
    const ended = endOfRibFamily(spans);
    if (ended !== undefined) {
      source.endOfRib(ended);
      return;
    }
    if (withdrawnEnd > withdrawnStart) this.#withdraw(source, ipv4Unicast.key, body, withdrawnStart, withdrawnEnd);
    if (mpUnreach !== undefined) this.#withdraw(source, mpUnreach.family, body, mpUnreach.start, mpUnreach.end);
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
      this.#withdraw(source, family, spans.body, start, end);
      return;
    }
    const rib = source.ribOf(family);
    // RFC 4760 §7 lets routes of a family that was not negotiated be ignored.
    if (rib !== undefined) this.#announce(source, rib, received, spans.body, start, end);
    this.#store.release(received);
  }

  #announce(source: UpdateSource, rib: Rib, received: number, body: Uint8Array, start: number, end: number): void {
    const { prefixes } = rib;
    const generation = source.generationOf(rib.family);
    const cursor = this.#cursor.reset(body, start, end, prefixes.words * 32);
    const filter = this.#filter;
    filter.begin(source, received);
    try {
      while (cursor.next()) {
        const prefix = prefixes.add(cursor.word0, cursor.word1, cursor.word2, cursor.word3, cursor.length);
        rib.setPath(prefix, source.peer, generation, received, filter.usable(prefixes, prefix));
      }
    } finally {
      filter.end();
    }
  }

  #withdraw(source: UpdateSource, family: FamilyKey, body: Uint8Array, start: number, end: number): void {
    const rib = source.ribOf(family);
    if (rib === undefined) return;
    const { prefixes } = rib;
    const cursor = this.#cursor.reset(body, start, end, prefixes.words * 32);
    while (cursor.next()) {
      const prefix = prefixes.find(cursor.word0, cursor.word1, cursor.word2, cursor.word3, cursor.length);
      if (prefix >= 0) rib.removePath(prefix, source.peer);
    }
  }

  /** The stored set of an UPDATE's attributes, held for the caller; NO_ATTRIBUTES for treat-as-withdraw. */
  #acquire(
    source: UpdateSource,
    context: UpdateContext,
    spans: UpdateSpans,
    mpNextHop: Uint8Array | undefined,
  ): number {
    const traits = source.type === 'ebgp' ? trait.external : 0;
    // What was stored under these very bytes was judged then. AS numbers of two octets never are in the stored form.
    const block = mpNextHop === undefined ? spans.attributes : appendNextHop(spans.attributes, mpNextHop);
    if (context.fourOctetAs && spans.problems.length === 0) {
      const known = this.#store.acquireKnown(block, traits);
      if (known !== NO_ATTRIBUTES) return known;
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
