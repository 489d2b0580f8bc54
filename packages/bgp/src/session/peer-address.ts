/** One spelling for the address of a peer, whoever wrote it: a configuration, or the kernel. */
import { formatAddress, parseAddress } from '../address.ts';

/**
 * Throws `AddressError`. RFC 4291 §2.5.5.2: what a dual-stack socket calls ::ffff:192.0.2.1 is 192.0.2.1; a zone (RFC 4007 §11) stays.
 */
export function canonicalAddress(text: string): string {
  const [address = '', zone] = text.split('%', 2);
  const canonical = formatAddress(parseAddress(address)).replace(/^::ffff:(?=\d+\.)/, '');
  return zone === undefined ? canonical : `${canonical}%${zone}`;
}
