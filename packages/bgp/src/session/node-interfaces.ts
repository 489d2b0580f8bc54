/** The interfaces of this machine, for sessions that need another address of ours than their own. */
import { networkInterfaces } from 'node:os';
import type { LocalInterface } from '../ports.ts';
import { plainAddress } from './peer-address.ts';

/** The interface that has the address; `text` may have a zone (RFC 4007 §11), or be an IPv4-mapped one. */
export function interfaceWith(text: string): LocalInterface | undefined {
  const wanted = plainAddress(text);
  const zone = text.split('%')[1];
  for (const [name, addresses = []] of Object.entries(networkInterfaces())) {
    if (zone !== undefined && zone !== name) continue;
    if (!addresses.some(({ address }) => address === wanted)) continue;
    return {
      name,
      addresses: addresses.map(({ address, cidr }) => ({ address, length: Number(cidr?.split('/')[1] ?? 0) })),
    };
  }
  return undefined;
}
