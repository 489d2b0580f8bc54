/**
 * The MTU of bridge and pods. As the original that of the node's interface (C-3); with --auto-mtu-overlay less what the
 * tunnels add, so that packets of pods fit into them without fragments.
 */
import type { AgentOptions } from '../options/options.ts';
import type { HostFacts } from './host.ts';
import type { Identity } from './identity.ts';

export type MtuOptions = Pick<AgentOptions, 'autoMtu' | 'autoMtuOverlay' | 'enableOverlay' | 'overlayEncap'>;

const IPV4_HEADER = 20;
/** With the Tunnel Encapsulation Limit option (RFC 2473 §5.1), which Linux sends unless told otherwise. */
const IPV6_HEADERS = 48;
/** UDP, and GUE without options. */
const GUE_HEADERS = 8 + 4;

/** Undefined: left as it is. */
export function podMtu(
  options: MtuOptions,
  host: Pick<HostFacts, 'interface'>,
  { ipv4, ipv6 }: Pick<Identity, 'ipv4' | 'ipv6'>,
): number | undefined {
  if (!options.autoMtu || !host.interface) return undefined;
  const { mtu } = host.interface;
  if (!options.autoMtuOverlay || !options.enableOverlay) return mtu;
  const headers = ipv6 !== undefined ? IPV6_HEADERS : ipv4 !== undefined ? IPV4_HEADER : 0;
  return mtu - headers - (options.overlayEncap === 'fou' ? GUE_HEADERS : 0);
}
