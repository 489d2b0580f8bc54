/**
 * Decodes BGP messages: each argument is one in hex, or a capture file (pcap or pcapng). Only the codec is loaded, no
 * speaker. The command `bgp decode` of the package does the same with more options.
 *
 *   node examples/decode-update.ts ffffffffffffffffffffffffffffffff00170200000000 session.pcap
 */

import { readFileSync } from 'node:fs';
import { BgpError, decodeMessage, plainMessage } from '@routelet/bgp/codec';
import { messagesOf } from '@routelet/bgp/pcap';

for (const argument of process.argv.slice(2)) {
  const isHex = /^([0-9a-f]{2})+$/i.test(argument);
  const messages = isHex
    ? [Buffer.from(argument, 'hex')]
    : messagesOf(readFileSync(argument)).map(({ bytes }) => bytes);
  for (const bytes of messages) {
    try {
      console.log(JSON.stringify(plainMessage(decodeMessage(bytes)), undefined, 2));
    } catch (error) {
      // The only error a decoder throws; it knows the NOTIFICATION that answers it.
      if (!(error instanceof BgpError)) throw error;
      console.error(`${error.code}: ${error.message}`, error.notification);
      process.exitCode = 1;
    }
  }
}
