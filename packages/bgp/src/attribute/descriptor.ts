/**
 * What a path attribute is to the codec: one value of this type an attribute, each in a file of its own. The decoder in
 * it only says what is wrong (`Malformed`); what follows from that is the descriptor's `malformed`.
 */

import type { Reaction } from '../errors.ts';
import type { Plain } from '../wire/plain.ts';
import type { Reader } from '../wire/reader.ts';
import type { Writer } from '../wire/writer.ts';

/** Attribute Flags (RFC 4271 §4.3). */
export const attributeFlag = { optional: 0x80, transitive: 0x40, partial: 0x20, extendedLength: 0x10 } as const;

/** The Optional and Transitive bits of the categories of RFC 4271 §5. */
export const category = { wellKnown: 0x40, optionalTransitive: 0xc0, optionalNonTransitive: 0x80 } as const;

/** How the peer stands to us; `confederation`: another member AS of our confederation (RFC 5065). */
export type PeerType = 'ibgp' | 'ebgp' | 'confederation';

/** What an attribute needs to know of the session that carries it. */
export interface AttributeContext {
  /** Both speakers sent the capability of RFC 6793. */
  readonly fourOctetAs: boolean;
  readonly peerType: PeerType;
}

export interface AttributeDescriptor<Name extends string, Value> {
  readonly type: number;
  /** Name of its field in `PathAttributes`. */
  readonly name: Name;
  /** The attribute's name in its RFC. */
  readonly title: string;
  /** One of `category`. RFC 7606 §3(c): other bits make the attribute malformed. */
  readonly category: number;
  /** RFC 7606 §7, or the attribute's own RFC: what follows when `decode` throws. */
  readonly malformed: Reaction;
  /** NOTIFICATION subcode that names this attribute's bad value; `optionalAttributeError` when left out. */
  readonly valueSubcode?: number;
  /** False where the attribute has no business; it is then discarded unread. */
  expected?(context: AttributeContext): boolean;
  /** Reads the whole window. Throws `Malformed`. */
  decode(reader: Reader, context: AttributeContext): Value;
  /**
   * Whether `decode` would take the value in `bytes` from `start` to `end`, told without making it. Left out: `decode` is
   * asked. Most attribute sets are stored and sent on without anybody looking at their values.
   */
  sound?(bytes: Uint8Array, start: number, end: number, context: AttributeContext): boolean;
  encode(writer: Writer, value: Value, context: AttributeContext): void;
  /** The value as people write it, for JSON and text. */
  plain(value: Value): Plain;
}

/** An attribute as it came: for types without a descriptor. `flags` without the Extended Length bit. */
export interface RawAttribute {
  readonly type: number;
  readonly flags: number;
  readonly value: Uint8Array;
}
