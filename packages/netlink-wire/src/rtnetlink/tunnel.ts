/** Tunnels of IP in IP between the model and IFLA_INFO_DATA (include/uapi/linux/if_tunnel.h IFLA_IPTUN_*). */
import type { AttributeValues } from '../attribute/space.ts';
import { TUNNEL_ENCAP_NONE } from '../constants/tunnel.ts';
import { WireError } from '../errors.ts';
import { formatAddress } from '../wire/address-text.ts';
import type { Reader } from '../wire/reader.ts';
import { Writer } from '../wire/writer.ts';
import { ip6TunnelAttributes, type ip6TunnelTable, tunnelAttributes, type tunnelTable } from './attributes/tunnel.ts';
import type { Tunnel } from './model.ts';

/** All attributes that a tunnel of some kind may have. */
type TunnelValues = AttributeValues<typeof tunnelTable> & AttributeValues<typeof ip6TunnelTable>;

const spaces = { ipip: tunnelAttributes, sit: tunnelAttributes, ip6tnl: ip6TunnelAttributes } as const;

export type TunnelKind = keyof typeof spaces;

export function isTunnelKind(kind: string | undefined): kind is TunnelKind {
  return kind !== undefined && Object.hasOwn(spaces, kind);
}

/** @throws WireError */
export function decodeTunnel(kind: TunnelKind, data: Reader): Tunnel {
  const values: TunnelValues = spaces[kind].decode(data);
  const local = specified(values.IFLA_IPTUN_LOCAL);
  const remote = specified(values.IFLA_IPTUN_REMOTE);
  const encap = values.IFLA_IPTUN_ENCAP_TYPE ?? TUNNEL_ENCAP_NONE;
  return {
    ...(local !== undefined && { local }),
    ...(remote !== undefined && { remote }),
    ...(values.IFLA_IPTUN_PROTO !== undefined && { ipProtocol: values.IFLA_IPTUN_PROTO }),
    ...(values.IFLA_IPTUN_TTL !== undefined && { ttl: values.IFLA_IPTUN_TTL }),
    ...(values.IFLA_IPTUN_TOS !== undefined && { tos: values.IFLA_IPTUN_TOS }),
    ...(values.IFLA_IPTUN_PMTUDISC !== undefined && { pathMtuDiscovery: values.IFLA_IPTUN_PMTUDISC !== 0 }),
    ...(values.IFLA_IPTUN_LINK !== undefined && values.IFLA_IPTUN_LINK !== 0 && { link: values.IFLA_IPTUN_LINK }),
    ...(values.IFLA_IPTUN_FWMARK !== undefined && values.IFLA_IPTUN_FWMARK !== 0 && { mark: values.IFLA_IPTUN_FWMARK }),
    ...(values.IFLA_IPTUN_ENCAP_LIMIT !== undefined && { encapLimit: values.IFLA_IPTUN_ENCAP_LIMIT }),
    ...(values.IFLA_IPTUN_FLOWINFO !== undefined && { flowInfo: values.IFLA_IPTUN_FLOWINFO }),
    ...(values.IFLA_IPTUN_FLAGS !== undefined && { flags: values.IFLA_IPTUN_FLAGS }),
    ...(encap !== TUNNEL_ENCAP_NONE && {
      encap: {
        type: encap,
        flags: values.IFLA_IPTUN_ENCAP_FLAGS ?? 0,
        sourcePort: values.IFLA_IPTUN_ENCAP_SPORT ?? 0,
        destinationPort: values.IFLA_IPTUN_ENCAP_DPORT ?? 0,
      },
    }),
    ...(values.IFLA_IPTUN_COLLECT_METADATA === true && { collectMetadata: true }),
  };
}

/** IFLA_INFO_DATA in the order of `ip`. @throws WireError for a kind that is no tunnel, or has none of what is given. */
export function encodeTunnel(kind: string | undefined, tunnel: Tunnel): Uint8Array {
  if (!isTunnelKind(kind)) throw new WireError('value', `a link of kind ${kind} has no tunnel`, 0);
  const { encap, pathMtuDiscovery } = tunnel;
  const values: TunnelValues = {
    IFLA_IPTUN_PROTO: tunnel.ipProtocol,
    IFLA_IPTUN_COLLECT_METADATA: tunnel.collectMetadata,
    IFLA_IPTUN_LOCAL: tunnel.local,
    IFLA_IPTUN_REMOTE: tunnel.remote,
    IFLA_IPTUN_PMTUDISC: pathMtuDiscovery === undefined ? undefined : Number(pathMtuDiscovery),
    IFLA_IPTUN_TOS: tunnel.tos,
    IFLA_IPTUN_TTL: tunnel.ttl,
    IFLA_IPTUN_ENCAP_LIMIT: tunnel.encapLimit,
    IFLA_IPTUN_FLOWINFO: tunnel.flowInfo,
    IFLA_IPTUN_FLAGS: tunnel.flags,
    IFLA_IPTUN_LINK: tunnel.link,
    IFLA_IPTUN_FWMARK: tunnel.mark,
    IFLA_IPTUN_ENCAP_TYPE: encap?.type,
    IFLA_IPTUN_ENCAP_FLAGS: encap?.flags,
    IFLA_IPTUN_ENCAP_SPORT: encap?.sourcePort,
    IFLA_IPTUN_ENCAP_DPORT: encap?.destinationPort,
  };
  const writer = new Writer();
  spaces[kind].encode(writer, values);
  return writer.take();
}

/** In words, for error messages. */
export function describeTunnel({ local, remote, encap }: Tunnel): string[] {
  const parts: string[] = [];
  if (local !== undefined) parts.push(`local ${formatAddress(local)}`);
  if (remote !== undefined) parts.push(`remote ${formatAddress(remote)}`);
  if (encap !== undefined) parts.push(`encap ${encap.type} dport ${encap.destinationPort}`);
  return parts;
}

/** The unspecified address stands for none. */
function specified(address: Uint8Array | undefined): Uint8Array | undefined {
  return address?.some((byte) => byte !== 0) ? address : undefined;
}
