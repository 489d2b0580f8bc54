/** The messages in the input of `bgp decode`: a capture file, or text with hexadecimal digits. */

import { formatAddress } from '../address.ts';
import { decodeHeader, headerBytes } from '../message/header.ts';
import { isCapture, messagesOf } from '../pcap/index.ts';
import type { Endpoint } from '../pcap/tcp-segment.ts';
import { InputError } from './input.ts';

export interface SourceMessage {
  readonly bytes: Uint8Array;
  /** "192.0.2.1:179 > 192.0.2.2:40000", or the place in the text. */
  readonly place: string;
  /** Messages of one direction of a connection have the same; of the other direction the two parts are swapped. */
  readonly stream?: { readonly connection: number; readonly sender: string };
}

/** Throws `InputError`; `PcapError` for a broken capture file. */
export function messagesIn(input: Uint8Array, port: number): SourceMessage[] {
  if (isCapture(input)) {
    return messagesOf(input, { port }).map(({ from, to, connection, bytes }) => ({
      bytes,
      place: `${formatEndpoint(from)} > ${formatEndpoint(to)}`,
      stream: { connection, sender: formatEndpoint(from) },
    }));
  }
  return hexMessages(new TextDecoder().decode(input));
}

function formatEndpoint({ address, port }: Endpoint): string {
  return address.length === 4 ? `${formatAddress(address)}:${port}` : `[${formatAddress(address)}]:${port}`;
}

/** Each line holds whole messages, one after the other; spaces and colons between digits do not count, "#" starts a comment. */
function hexMessages(text: string): SourceMessage[] {
  const messages: SourceMessage[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const digits = line.replace(/#.*/, '').replace(/0x/g, '').replace(/[\s:]/g, '');
    const wrong = /[^0-9a-fA-F]/.exec(digits);
    if (wrong !== null) {
      throw new InputError(
        `line ${index + 1}: ${JSON.stringify(wrong[0])} is no hexadecimal digit, and the input is no capture file`,
      );
    }
    if (digits.length % 2 !== 0) throw new InputError(`line ${index + 1}: an odd number of hexadecimal digits`);
    messages.push(...cut(Buffer.from(digits, 'hex'), index + 1));
  }
  return messages;
}

/** By the length fields; what is left when one of them is wrong comes as a message, so that its error is told. */
function cut(bytes: Uint8Array, line: number): SourceMessage[] {
  const messages: SourceMessage[] = [];
  let at = 0;
  while (at < bytes.length) {
    const length = lengthAt(bytes, at);
    messages.push({ bytes: bytes.subarray(at, at + length), place: `line ${line}${at === 0 ? '' : `, byte ${at}`}` });
    at += length;
  }
  return messages;
}

function lengthAt(bytes: Uint8Array, at: number): number {
  const left = bytes.length - at;
  if (left < headerBytes) return left;
  try {
    return Math.min(left, decodeHeader(bytes, at, true).length);
  } catch {
    return left;
  }
}
