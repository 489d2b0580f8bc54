/**
 * An attribute space is one table: the kernel's macro, its number and the kind of its value. The decoded form (an object
 * keyed by macro), the encoder and the names in error messages all come from that table.
 */
import { NLA_HDRLEN, NLA_TYPE_MASK } from '../constants/netlink.ts';
import { WireError } from '../errors.ts';
import type { Reader } from '../wire/reader.ts';
import type { Writer } from '../wire/writer.ts';
import type { AttributeKind } from './kind.ts';

export interface Attribute<T> {
  readonly number: number;
  readonly kind: AttributeKind<T>;
}

/**
 * One row of a table.
 *
 * @param number Of the attribute, with NLA_F_NESTED or NLA_F_NET_BYTEORDER where the kernel insists on it.
 */
export function attribute<T>(number: number, kind: AttributeKind<T>): Attribute<T> {
  return { number, kind };
}

export type AttributeTable = Readonly<Record<string, Attribute<unknown>>>;

/** The values that a table describes, by macro. */
export type AttributeValues<Table> = {
  -readonly [Macro in keyof Table]?: Table[Macro] extends Attribute<infer T> ? T | undefined : never;
};

interface Row {
  readonly macro: string;
  readonly number: number;
  readonly kind: AttributeKind<unknown>;
}

export class AttributeSpace<Table extends AttributeTable = AttributeTable> {
  readonly #prefix: string;
  readonly #byNumber: (Row | undefined)[] = [];
  readonly #byMacro = new Map<string, Row>();

  /** @param prefix What the macros begin with (`RTA_`); names the attributes that the table does not know. */
  constructor(prefix: string, table: Table) {
    this.#prefix = prefix;
    for (const [macro, { number, kind }] of Object.entries(table)) {
      const row: Row = { macro, number, kind };
      this.#byNumber[number & NLA_TYPE_MASK] = row;
      this.#byMacro.set(macro, row);
    }
  }

  /**
   * Reads attributes to the end of the window. Types that the table does not know are skipped: newer kernels send more.
   * Of an attribute that comes twice the last counts, as in the kernel's nla_parse.
   *
   * @throws WireError when a length leaves its window or a payload does not end where its kind says.
   */
  decode(window: Reader): AttributeValues<Table> {
    const values: Record<string, unknown> = {};
    while (window.remaining > 0) {
      const at = window.offset;
      const length = window.u16();
      const type = window.u16() & NLA_TYPE_MASK;
      if (length < NLA_HDRLEN) throw new WireError('length', `attribute of ${length} bytes`, at);
      const row = this.#byNumber[type];
      if (row === undefined) {
        window.skip(length - NLA_HDRLEN);
      } else {
        const payload = window.window(length - NLA_HDRLEN);
        values[row.macro] = row.kind.decode(payload);
        payload.finish(row.macro);
      }
      window.skipPadding(length);
    }
    return values as AttributeValues<Table>;
  }

  /** Writes the attributes in the order of the keys; undefined and false ones are left out. */
  encode(writer: Writer, values: AttributeValues<Table>): void {
    for (const macro in values) {
      const value: unknown = values[macro];
      if (value === undefined || value === false) continue;
      const row = this.#byMacro.get(macro);
      if (row === undefined) throw new WireError('value', `${macro} is not in the table`, writer.length);
      const start = writer.length;
      writer.u16(0);
      writer.u16(row.number);
      row.kind.encode(writer, value);
      // nla_len leaves the padding out.
      writer.patchU16(start, writer.length - start);
      writer.pad();
    }
  }

  /** The macro of an attribute type. */
  nameOf(type: number): string {
    return this.#byNumber[type & NLA_TYPE_MASK]?.macro ?? `${this.#prefix}${type & NLA_TYPE_MASK}`;
  }

  kindOf(type: number): AttributeKind<unknown> | undefined {
    return this.#byNumber[type & NLA_TYPE_MASK]?.kind;
  }
}

/** An attribute whose payload is attributes of another space. */
export function nested<Table extends AttributeTable>(
  space: AttributeSpace<Table>,
): AttributeKind<AttributeValues<Table>> {
  return {
    decode: (payload) => space.decode(payload),
    encode: (writer, value) => space.encode(writer, value),
    nested: space,
  };
}

/** Attributes of one type, one after the other, each with a header of its own. */
export function repeated<T>({ number, kind }: Attribute<T>, macro: string): AttributeKind<readonly T[]> {
  return {
    decode(payload) {
      const values: T[] = [];
      while (payload.remaining > 0) {
        const at = payload.offset;
        const length = payload.u16();
        const type = payload.u16() & NLA_TYPE_MASK;
        if (length < NLA_HDRLEN) throw new WireError('length', `attribute of ${length} bytes`, at);
        const window = payload.window(length - NLA_HDRLEN);
        if (type === (number & NLA_TYPE_MASK)) {
          values.push(kind.decode(window));
          window.finish(macro);
        }
        payload.skipPadding(length);
      }
      return values;
    },
    encode(writer, values) {
      for (const value of values) {
        const start = writer.length;
        writer.u16(0);
        writer.u16(number);
        kind.encode(writer, value);
        writer.patchU16(start, writer.length - start);
        writer.pad();
      }
    },
    nested: { nameOf: () => macro, kindOf: () => kind },
  };
}
