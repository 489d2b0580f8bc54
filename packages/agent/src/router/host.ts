/** What the kernel says of this host: which interface and which subnets the node's addresses are on. Pure reading of dumps. */
import type { Address, Link } from '@routelet/netlink-wire';
import { addressFromBytes, type Prefix, parsePrefix } from '../annotations/prefix.ts';

export interface HostFacts {
  /** The interface that holds the node's primary address. */
  readonly interface: { readonly index: number; readonly name: string; readonly mtu: number } | undefined;
  /** Prefixes of the kernel's addresses that are the node's addresses, in canonical order. */
  readonly subnets: readonly Prefix[];
}

export function readHost(
  links: readonly Link[],
  addresses: readonly Address[],
  node: { readonly primary: string; readonly addresses: readonly string[] },
): HostFacts {
  const subnets = new Map<string, Prefix>();
  let holder: number | undefined;
  for (const { local, prefixLength, index } of addresses) {
    const address = addressFromBytes(local);
    if (!address || !node.addresses.includes(address.text)) continue;
    const subnet = parsePrefix(`${address.text}/${prefixLength}`);
    if (subnet) subnets.set(subnet.text, subnet);
    if (address.text === node.primary) holder ??= index;
  }
  const link = links.find(({ index }) => index === holder);
  return {
    interface: link && { index: link.index, name: link.name, mtu: link.mtu },
    subnets: [...subnets.values()].sort((a, b) => (a.text < b.text ? -1 : 1)),
  };
}
