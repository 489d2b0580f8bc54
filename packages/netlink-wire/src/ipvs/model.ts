/**
 * IPVS with the kernel's words (include/uapi/linux/ip_vs.h). Plain values: what a list returns and what a request says.
 * Addresses are 4 or 16 bytes in network order, ports plain numbers, times seconds.
 */

/** What a service is known by: protocol, address and port, or a mark of the firewall alone. */
export interface IpvsServiceKey {
  /** AF_INET or AF_INET6. */
  readonly family: number;
  /** IPPROTO_TCP, IPPROTO_UDP or IPPROTO_SCTP. */
  readonly protocol?: number;
  readonly address?: Uint8Array;
  readonly port?: number;
  /** IPVS_SVC_ATTR_FWMARK */
  readonly mark?: number;
}

/** A virtual service. */
export interface IpvsService extends IpvsServiceKey {
  /** IPVS_SVC_ATTR_SCHED_NAME: `rr`, `wrr`, `mh` …; a module of the kernel each. */
  readonly scheduler: string;
  /** IP_VS_SVC_F_*; all of them are set to this. */
  readonly flags: number;
  /** How long a client stays with its destination, with IP_VS_SVC_F_PERSISTENT. */
  readonly timeout: number;
  /** IPVS_SVC_ATTR_NETMASK as a prefix length: clients of one prefix share their persistence. */
  readonly netmask: number;
  /** IPVS_SVC_ATTR_PE_NAME: `sip`. */
  readonly persistenceEngine?: string;
  /** Only in what the kernel shows. */
  readonly stats?: IpvsStats;
}

/** A real server of a service, known by its address and port. */
export interface IpvsDestination {
  /** Of the address: it may differ from that of the service in a tunnel. */
  readonly family: number;
  readonly address: Uint8Array;
  readonly port: number;
  /** IPVS_DEST_ATTR_FWD_METHOD: IP_VS_CONN_F_MASQ, IP_VS_CONN_F_TUNNEL … */
  readonly forwarding: number;
  /** 0 takes no new connections. */
  readonly weight: number;
  /** Connections from which on it gets no new ones, and below which it does again; 0 for no limit. */
  readonly upperThreshold: number;
  readonly lowerThreshold: number;
  /** How IP_VS_CONN_F_TUNNEL wraps; plain IP in IP when left out. */
  readonly tunnel?: IpvsTunnel;
  /** Only in what the kernel shows. */
  readonly connections?: IpvsConnections;
  readonly stats?: IpvsStats;
}

export interface IpvsTunnel {
  /** IP_VS_CONN_F_TUNNEL_TYPE_* */
  readonly type: number;
  /** UDP port of IP_VS_CONN_F_TUNNEL_TYPE_GUE. */
  readonly port: number;
  /** IP_VS_TUNNEL_ENCAP_FLAG_* */
  readonly flags: number;
}

export interface IpvsConnections {
  readonly active: number;
  readonly inactive: number;
  readonly persistent: number;
}

/** Counters of a service or destination, and rates as the kernel estimates them, per second. */
export interface IpvsStats {
  readonly connections: bigint;
  readonly inPackets: bigint;
  readonly outPackets: bigint;
  readonly inBytes: bigint;
  readonly outBytes: bigint;
  readonly connectionRate: bigint;
  readonly inPacketRate: bigint;
  readonly outPacketRate: bigint;
  readonly inByteRate: bigint;
  readonly outByteRate: bigint;
}

/** How long idle connections are kept, in seconds; 0 in a request leaves one as it is. */
export interface IpvsTimeouts {
  readonly tcp: number;
  readonly tcpFin: number;
  readonly udp: number;
}

/** The daemon that copies connections between directors; there may be one of each state. */
export interface IpvsDaemon {
  /** IP_VS_STATE_MASTER or IP_VS_STATE_BACKUP. */
  readonly state: number;
  readonly multicastInterface: string;
  readonly syncId: number;
  /** UDP payload; the kernel's default when left out, as all that follow. */
  readonly syncMaxLength?: number;
  readonly multicastGroup?: Uint8Array;
  readonly multicastPort?: number;
  readonly multicastTtl?: number;
}

export interface IpvsInfo {
  /** IP_VS_VERSION_CODE: three bytes such as 0x010201 for 1.2.1. */
  readonly version: number;
  /** Buckets of the connection table. */
  readonly connectionTableSize: number;
}
