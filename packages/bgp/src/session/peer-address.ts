/** One spelling for the address of a peer, whoever wrote it: a configuration, or the kernel. */
import { formatAddress, parseAddress } from '../address.ts';

/**
 * Throws `AddressError`. RFC 4291 §2.5.5.2: what a dual-stack socket calls ::ffff:192.0.2.1 is 192.0.2.1; a zone (RFC 4007 §11) stays.
 */
export function canonicalAddress(text: string): string {
  const zone = text.split('%', 2)[1];
  return zone === undefined ? plainAddress(text) : `${plainAddress(text)}%${zone}`;
}

/** The same without its zone. Throws `AddressError`. */
export function plainAddress(text: string): string {
  return formatAddress(parseAddress(text.split('%', 2)[0] ?? '')).replace(/^::ffff:(?=\d+\.)/, '');
}
