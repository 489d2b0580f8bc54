/**
 * rtnetlink objects with the kernel's names (include/uapi/linux/{rtnetlink,if_link,if_addr,fib_rules,neighbour}.h).
 * Plain values: what a dump returns, what a notification carries and what a request asks for. Addresses are 4 or 16
 * bytes in network order.
 */

/** An interface. */
export interface Link {
  readonly index: number;
  readonly name: string;
  /** ARPHRD_* */
  readonly type: number;
  /** IFF_* */
  readonly flags: number;
  readonly mtu: number;
  readonly address?: Uint8Array;
  /** IFLA_MASTER: index of the bridge or bond above. */
  readonly master?: number;
  /** IFLA_LINK: index of the lower device or veth peer. */
  readonly link?: number;
  /** IFLA_OPERSTATE. */
  readonly operState?: number;
  /** IFLA_INFO_KIND: bridge, veth, ipip, dummy … */
  readonly kind?: string;
  /** IFLA_INFO_DATA of the kinds ipip, sit and ip6tnl. */
  readonly tunnel?: Tunnel;
}

/** What a packet is wrapped in inside of the outer IP header: UDP with fou or gue (IFLA_IPTUN_ENCAP_*). */
export interface TunnelEncap {
  /** TUNNEL_ENCAP_FOU or TUNNEL_ENCAP_GUE. */
  readonly type: number;
  /** TUNNEL_ENCAP_FLAG_* */
  readonly flags: number;
  /** UDP ports; a source port of 0 is chosen for each flow. */
  readonly sourcePort: number;
  readonly destinationPort: number;
}

/**
 * A tunnel of IP in IP (include/uapi/linux/if_tunnel.h IFLA_IPTUN_*). What a request leaves out is 0 in the kernel, also
 * when an existing tunnel is changed: then all of it has to be said again.
 */
export interface Tunnel {
  /** Outer addresses; absent for any. */
  readonly local?: Uint8Array;
  readonly remote?: Uint8Array;
  /** IFLA_IPTUN_PROTO, what may be inside: IPPROTO_IPIP, IPPROTO_IPV6, or 0 for both. */
  readonly ipProtocol?: number;
  /** Of the outer header; 0 takes that of the inner one. ip6tnl calls it hop limit. */
  readonly ttl?: number;
  /** ipip and sit; 1 takes that of the inner header. */
  readonly tos?: number;
  /** IFLA_IPTUN_PMTUDISC of ipip and sit: the outer header forbids fragments. On when left out. */
  readonly pathMtuDiscovery?: boolean;
  /** IFLA_IPTUN_LINK: index of the interface that the outer packets must leave by. */
  readonly link?: number;
  /** IFLA_IPTUN_FWMARK: mark of the outer packets. */
  readonly mark?: number;
  /** ip6tnl: IFLA_IPTUN_ENCAP_LIMIT (RFC 2473 §4.1.1). */
  readonly encapLimit?: number;
  /** ip6tnl: traffic class and flow label of the outer header. */
  readonly flowInfo?: number;
  /** ip6tnl: IP6_TNL_F_*; the kernel adds IP6_TNL_F_CAP_* of its own (above 0xffff) to what it shows. */
  readonly flags?: number;
  readonly encap?: TunnelEncap;
  /** IFLA_IPTUN_COLLECT_METADATA: the ends come with each packet (from a route or tc) instead. */
  readonly collectMetadata?: boolean;
}

/** The other end of a veth that is to be made. */
export interface VethPeer {
  /** The kernel chooses one when left out. */
  readonly name?: string;
  readonly mtu?: number;
  readonly address?: Uint8Array;
}

/** What a request may say about an interface. It is found by `index` where given, else by `name`. */
export interface LinkSettings {
  readonly index?: number;
  readonly name?: string;
  /** IFLA_INFO_KIND; needed to create. */
  readonly kind?: string;
  /** Sets or clears IFF_UP; the state stays as it is when left out. */
  readonly up?: boolean;
  readonly mtu?: number;
  readonly address?: Uint8Array;
  /** IFLA_MASTER; 0 takes the interface out of its bridge. */
  readonly master?: number;
  /** IFLA_INFO_DATA of the kinds ipip, sit and ip6tnl; needs `kind`, also to change a tunnel that stands. */
  readonly tunnel?: Tunnel;
  /** VETH_INFO_PEER, to create a veth. */
  readonly peer?: VethPeer;
}

/** An address of an interface. */
export interface Address {
  readonly family: number;
  readonly index: number;
  readonly prefixLength: number;
  readonly scope: number;
  /** IFA_F_* */
  readonly flags: number;
  /** IFA_LOCAL where there is one, else IFA_ADDRESS. */
  readonly local: Uint8Array;
  /** IFA_ADDRESS where it differs from `local`: the peer of a point-to-point link. */
  readonly address?: Uint8Array;
  readonly label?: string;
  readonly broadcast?: Uint8Array;
}

/** One way out of a route. */
export interface RouteNextHop {
  /** RTA_GATEWAY; RTA_VIA when its length is that of the other family (RFC 8950 style IPv4 over IPv6). */
  readonly gateway?: Uint8Array;
  /** RTA_OIF / rtnh_ifindex. */
  readonly index?: number;
  /** rtnh_hops + 1; only with more than one next hop. */
  readonly weight?: number;
  /** RTNH_F_* */
  readonly flags?: number;
}

/** RTA_METRICS, by RTAX_* name. */
export interface RouteMetrics {
  /** RTAX_LOCK: bit n locks RTAX n against path discovery. */
  readonly lock?: number;
  readonly mtu?: number;
  readonly window?: number;
  readonly advmss?: number;
  readonly hoplimit?: number;
  readonly initcwnd?: number;
  readonly initrwnd?: number;
}

/** A route. */
export interface Route {
  readonly family: number;
  /** Absent for the default route. */
  readonly destination?: Uint8Array;
  readonly destinationLength: number;
  /** RTA_SRC (IPv6 source-specific routing). */
  readonly source?: Uint8Array;
  readonly sourceLength?: number;
  readonly tos: number;
  /** RTA_TABLE, any of 32 bits. */
  readonly table: number;
  /** RTPROT_* */
  readonly protocol: number;
  /** RT_SCOPE_* */
  readonly scope: number;
  /** RTN_* */
  readonly type: number;
  /** RTM_F_* and, of a route with one next hop, its RTNH_F_*. */
  readonly flags: number;
  /** RTA_PRIORITY */
  readonly priority?: number;
  /** RTA_PREFSRC */
  readonly preferredSource?: Uint8Array;
  /** One for a plain route (RTA_GATEWAY, RTA_OIF), more for RTA_MULTIPATH, none for a blackhole. */
  readonly nextHops: readonly RouteNextHop[];
  /** RTA_NH_ID: the route uses a next hop object of this number. */
  readonly nexthopId?: number;
  readonly metrics?: RouteMetrics;
}

/** Two ends of a range, both inside. */
export interface PortRange {
  readonly start: number;
  readonly end: number;
}

/** A rule of the routing policy database. */
export interface Rule {
  readonly family: number;
  readonly destination?: Uint8Array;
  readonly destinationLength: number;
  readonly source?: Uint8Array;
  readonly sourceLength: number;
  readonly tos: number;
  /** FRA_TABLE; 0 where the action looks up none. */
  readonly table: number;
  /** FR_ACT_* */
  readonly action: number;
  /** FIB_RULE_* */
  readonly flags: number;
  /** FRA_PRIORITY; absent means 0. */
  readonly priority?: number;
  /** FRA_FWMARK and FRA_FWMASK. */
  readonly mark?: number;
  readonly markMask?: number;
  /** FRA_IIFNAME and FRA_OIFNAME. */
  readonly inputInterface?: string;
  readonly outputInterface?: string;
  /** FRA_GOTO: priority to jump to. */
  readonly goto?: number;
  /** FRA_SUPPRESS_PREFIXLEN: a result with a prefix this short or shorter is not taken. */
  readonly suppressPrefixLength?: number;
  /** FRA_PROTOCOL: RTPROT_* of who made the rule. */
  readonly protocol?: number;
  /** FRA_IP_PROTO, FRA_SPORT_RANGE, FRA_DPORT_RANGE. */
  readonly ipProtocol?: number;
  readonly sourcePorts?: PortRange;
  readonly destinationPorts?: PortRange;
}

/** An entry of the neighbour cache or of a bridge's forwarding table. */
export interface Neighbour {
  readonly family: number;
  readonly index: number;
  /** NUD_* */
  readonly state: number;
  /** NTF_* */
  readonly flags: number;
  /** RTN_* */
  readonly type: number;
  /** NDA_DST */
  readonly destination?: Uint8Array;
  /** NDA_LLADDR */
  readonly linkAddress?: Uint8Array;
  /** NDA_MASTER */
  readonly master?: number;
  /** NDA_VLAN */
  readonly vlan?: number;
}
