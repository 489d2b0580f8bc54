/**
 * The Authentication Section of a control packet, RFC 5880 §4.2 to §4.4: one descriptor a type. It is decoded so that
 * people see what a neighbour sends; sessions here use none, and discard packets that have one (`reception.ts`).
 */
import { Malformed } from '../errors.ts';
import type { Reader } from '../wire/reader.ts';

export interface SimplePassword {
  readonly kind: 'simple-password';
  readonly keyId: number;
  /** 1 to 16 bytes. */
  readonly password: Uint8Array;
}

export interface KeyedDigest {
  readonly kind: 'keyed-md5' | 'meticulous-keyed-md5' | 'keyed-sha1' | 'meticulous-keyed-sha1';
  readonly keyId: number;
  readonly sequenceNumber: number;
  /** 16 bytes of MD5, 20 of SHA1. */
  readonly digest: Uint8Array;
}

/** A type without a descriptor, as it came. */
export interface UnknownAuthentication {
  readonly kind: 'unknown';
  readonly type: number;
  readonly data: Uint8Array;
}

export type Authentication = SimplePassword | KeyedDigest | UnknownAuthentication;

interface AuthenticationDescriptor {
  readonly type: number;
  readonly kind: Exclude<Authentication['kind'], 'unknown'>;
  /** Reads the whole window behind Auth Len. Throws `Malformed`. */
  decode(reader: Reader): Authentication;
}

/** RFC 5880 §4.3 and §4.4: they differ in the length of the digest. */
function keyedDigest(type: number, kind: KeyedDigest['kind'], digestBytes: number): AuthenticationDescriptor {
  return {
    type,
    kind,
    decode(reader) {
      const keyId = reader.u8();
      // "This byte MUST be set to zero on transmit, and ignored on receipt."
      reader.u8();
      return { kind, keyId, sequenceNumber: reader.u32(), digest: reader.take(digestBytes) };
    },
  };
}

const simplePassword: AuthenticationDescriptor = {
  type: 1,
  kind: 'simple-password',
  decode(reader) {
    const keyId = reader.u8();
    // RFC 5880 §4.2: "The password is a binary string, and MUST be from 1 to 16 bytes in length."
    if (reader.remaining < 1 || reader.remaining > 16)
      throw new Malformed('length', `password of ${reader.remaining} bytes`);
    return { kind: 'simple-password', keyId, password: reader.rest() };
  },
};

const descriptors: readonly AuthenticationDescriptor[] = [
  simplePassword,
  keyedDigest(2, 'keyed-md5', 16),
  keyedDigest(3, 'meticulous-keyed-md5', 16),
  keyedDigest(4, 'keyed-sha1', 20),
  keyedDigest(5, 'meticulous-keyed-sha1', 20),
];

/** Reads the section, which is all that is left of the packet. Bytes in it are views. Throws `Malformed`. */
export function decodeAuthentication(reader: Reader): Authentication {
  const type = reader.u8();
  const length = reader.u8();
  // Auth Len counts the type and itself.
  if (length < 2) throw new Malformed('length', `Auth Len ${length}`);
  const window = reader.window(length - 2);
  const descriptor = descriptors.find((candidate) => candidate.type === type);
  const authentication = descriptor?.decode(window) ?? ({ kind: 'unknown', type, data: window.rest() } as const);
  window.end();
  reader.end();
  return authentication;
}
