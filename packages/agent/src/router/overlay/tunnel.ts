/**
 * A tunnel to another node as a value, and how it reads and is asked for in netlink. Kinds and parameters are the original's
 * (B-71, B-72).
 */
import {
  IFF_UP,
  IPPROTO_IPIP,
  IPPROTO_IPV6,
  type Link,
  type LinkSettings,
  TUNNEL_ENCAP_FLAG_CSUM6,
  TUNNEL_ENCAP_GUE,
  type Tunnel as TunnelParameters,
} from '@routelet/netlink-wire';
import { addressBytes, addressFromBytes, type IpFamily, parseAddress } from '../../annotations/prefix.ts';

export type TunnelKind = 'ipip' | 'ip6tnl';

export interface Tunnel {
  readonly kind: TunnelKind;
  readonly local: string;
  readonly remote: string;
  /** UDP port of GUE; undefined without encapsulation in UDP. */
  readonly guePort: number | undefined;
}

/** Any device of the host. */
export interface Device {
  readonly index: number;
  readonly name: string;
  readonly up: boolean;
  /** What it is when it is a tunnel as ours are. */
  readonly tunnel: Tunnel | undefined;
}

/** B-72. */
const GUE_TTL = 225;
/** RFC 8200 §8.1: UDP over IPv6 has a checksum; `ip` takes the same. */
const GUE_FLAGS: Readonly<Record<TunnelKind, number>> = { ipip: 0, ip6tnl: TUNNEL_ENCAP_FLAG_CSUM6 };
/** What `ip` takes for each kind; 0 is that of the packet inside. */
const DEFAULT_TTL: Readonly<Record<TunnelKind, number>> = { ipip: 0, ip6tnl: 64 };
/** include/uapi/linux/ip6_tunnel.h IPV6_DEFAULT_TNL_ENCAP_LIMIT; RFC 2473 §4.1.1. */
const ENCAP_LIMIT = 4;

export const tunnelKind: Readonly<Record<IpFamily, TunnelKind>> = { 4: 'ipip', 6: 'ip6tnl' };

export function readDevice({ index, name, flags, kind, tunnel }: Link): Device {
  return { index, name, up: (flags & IFF_UP) !== 0, tunnel: tunnel && readTunnel(kind, tunnel) };
}

function readTunnel(kind: string | undefined, { local, remote, encap }: TunnelParameters): Tunnel | undefined {
  const from = local && addressFromBytes(local);
  const to = remote && addressFromBytes(remote);
  if ((kind !== 'ipip' && kind !== 'ip6tnl') || !from || !to) return undefined;
  if (encap && encap.type !== TUNNEL_ENCAP_GUE) return undefined;
  return { kind, local: from.text, remote: to.text, guePort: encap?.destinationPort };
}

/** What makes the device: what `ip tunnel add` and, with GUE, the command of B-72 make. */
export function tunnelSettings(name: string, { kind, local, remote, guePort }: Tunnel): LinkSettings {
  const ttl = guePort === undefined ? DEFAULT_TTL[kind] : GUE_TTL;
  return {
    name,
    kind,
    up: true,
    tunnel: {
      local: bytes(local),
      remote: bytes(remote),
      ipProtocol: kind === 'ipip' ? IPPROTO_IPIP : IPPROTO_IPV6,
      ttl,
      ...(kind === 'ip6tnl' && { encapLimit: ENCAP_LIMIT }),
      ...(guePort !== undefined && {
        encap: { type: TUNNEL_ENCAP_GUE, flags: GUE_FLAGS[kind], sourcePort: 0, destinationPort: guePort },
      }),
    },
  };
}

export function sameTunnel(a: Tunnel, b: Tunnel): boolean {
  return a.kind === b.kind && a.local === b.local && a.remote === b.remote && a.guePort === b.guePort;
}

export function describeTunnel({ kind, local, remote, guePort }: Tunnel): string {
  return `${kind} from ${local} to ${remote}${guePort === undefined ? '' : ` in GUE, UDP port ${guePort}`}`;
}

function bytes(text: string): Uint8Array {
  const address = parseAddress(text);
  if (!address) throw new RangeError(`${text} is no address`);
  return addressBytes(address);
}
