/** Hex text and bytes, a message around a body, and the answer to a bad one. */

import { BgpError, type NotificationContent } from '../../../src/errors.ts';

export function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.replace(/[\s:]/g, ''), 'hex'));
}

export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

const u16 = (value: number): string => value.toString(16).padStart(4, '0');

/** A whole message around a body, both as hex. */
export function messageHex(type: number, body: string): string {
  return `${'ff'.repeat(16)}${u16(19 + body.length / 2)}${type.toString(16).padStart(2, '0')}${body}`;
}

/** The body of an UPDATE around its three fields, all hex. */
export function updateBody(fields: { withdrawn?: string; attributes?: string; nlri?: string }): Uint8Array {
  const { withdrawn = '', attributes = '', nlri = '' } = fields;
  return bytesOf(u16(withdrawn.length / 2) + withdrawn + u16(attributes.length / 2) + attributes + nlri);
}

/** One attribute: flags and type as given, the length computed. */
export function attributeHex(flags: number, type: number, value: string): string {
  const size = value.length / 2;
  const extended = size > 255;
  const head = [(extended ? flags | 0x10 : flags).toString(16).padStart(2, '0'), type.toString(16).padStart(2, '0')];
  return `${head.join('')}${extended ? u16(size) : size.toString(16).padStart(2, '0')}${value}`;
}

/** The NOTIFICATION that answers what `decode` refuses; undefined when it refuses nothing. Other errors pass through. */
export function refusal(decode: () => unknown): NotificationContent | undefined {
  try {
    decode();
    return undefined;
  } catch (error) {
    if (error instanceof BgpError) return error.notification;
    throw error;
  }
}
