/** UTF-8 in messages. TextDecoder and TextEncoder are of the language's platforms, not of Node. */

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();

export function decodeText(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** Two digits a byte, without spaces. */
export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export function encodeText(text: string): Uint8Array {
  return encoder.encode(text);
}
