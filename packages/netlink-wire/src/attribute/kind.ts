/**
 * The kinds of value a netlink attribute can carry (include/uapi/linux/netlink.h enum netlink_attribute_type), each as
 * one codec of the payload. A family that has a payload of its own adds a kind of its own beside its table.
 */
import { WireError } from '../errors.ts';
import type { Reader } from '../wire/reader.ts';
import type { Writer } from '../wire/writer.ts';

/** Names of attributes by type; what an error message needs of an attribute space. */
export interface NamedAttributes {
  nameOf(type: number): string;
  kindOf(type: number): { readonly nested?: NamedAttributes } | undefined;
}

/** Codec of an attribute's payload. `decode` gets a window of exactly the payload, which must end empty. */
export interface AttributeKind<T> {
  decode(payload: Reader): T;
  encode(writer: Writer, value: T): void;
  /** Of a kind that carries attributes: their space. */
  readonly nested?: NamedAttributes;
}

export const u8: AttributeKind<number> = {
  decode: (payload) => payload.u8(),
  encode: (writer, value) => writer.u8(value),
};

export const u16: AttributeKind<number> = {
  decode: (payload) => payload.u16(),
  encode: (writer, value) => writer.u16(value),
};

export const u32: AttributeKind<number> = {
  decode: (payload) => payload.u32(),
  encode: (writer, value) => writer.u32(value),
};

export const i32: AttributeKind<number> = {
  decode: (payload) => payload.i32(),
  encode: (writer, value) => writer.i32(value),
};

export const u64: AttributeKind<bigint> = {
  decode: (payload) => payload.u64(),
  encode: (writer, value) => writer.u64(value),
};

/** 16 bits in network byte order (ports). */
export const be16: AttributeKind<number> = {
  decode: (payload) => payload.be16(),
  encode: (writer, value) => writer.be16(value),
};

/** 32 bits in network byte order (nf_tables, ipset). */
export const be32: AttributeKind<number> = {
  decode: (payload) => payload.be32(),
  encode: (writer, value) => writer.be32(value),
};

/** 64 bits in network byte order (counters of netfilter). */
export const be64: AttributeKind<bigint> = {
  decode: (payload) => (BigInt(payload.be32()) << 32n) | BigInt(payload.be32()),
  encode(writer, value) {
    writer.be32(Number((value >> 32n) & 0xffffffffn));
    writer.be32(Number(value & 0xffffffffn));
  },
};

export const bytes: AttributeKind<Uint8Array> = {
  decode: (payload) => payload.bytes(payload.remaining),
  encode: (writer, value) => writer.bytes(value),
};

/** Present or not; an attribute given as false is not written. */
export const flag: AttributeKind<boolean> = {
  decode: () => true,
  encode: () => undefined,
};

const textDecoder = new TextDecoder();
const textEncoder = new TextEncoder();

/** Text that ends with a NUL. The kernel takes and sends some without it. */
export const string: AttributeKind<string> = {
  decode(payload) {
    const raw = payload.bytes(payload.remaining);
    const nul = raw.indexOf(0);
    return textDecoder.decode(nul === -1 ? raw : raw.subarray(0, nul));
  },
  encode(writer, value) {
    if (value.includes('\0')) throw new WireError('value', `${JSON.stringify(value)} has a NUL inside`, writer.length);
    writer.bytes(textEncoder.encode(value));
    writer.u8(0);
  },
};

/** Text without a NUL at its end, as `ip` sends it where the kernel's policy is NLA_STRING. Read as `string`. */
export const text: AttributeKind<string> = {
  decode: string.decode,
  encode: (writer, value) => writer.bytes(textEncoder.encode(value)),
};

/** Elements of one size, one after the other, with no header of their own. */
export function array<T>(element: AttributeKind<T>): AttributeKind<readonly T[]> {
  return {
    decode(payload) {
      const values: T[] = [];
      while (payload.remaining > 0) values.push(element.decode(payload));
      return values;
    },
    encode(writer, values) {
      for (const value of values) element.encode(writer, value);
    },
  };
}
