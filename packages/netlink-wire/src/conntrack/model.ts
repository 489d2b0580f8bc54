/** Tracked connections with the kernel's words. Plain values; addresses are 4 or 16 bytes in network order. */

/** One direction of a connection. */
export interface ConntrackTuple {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  /** IPPROTO_* */
  readonly protocol: number;
  /** Of protocols that have ports. */
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  /** Of ICMP and ICMPv6. */
  readonly icmpId?: number;
  readonly icmpType?: number;
  readonly icmpCode?: number;
}

export interface ConntrackEntry {
  /** As its first packet came. */
  readonly original: ConntrackTuple;
  /** As answers come: what differs from the original turned round is translated. */
  readonly reply: ConntrackTuple;
  /** IPS_* */
  readonly status: number;
  /** Seconds until it is forgotten. */
  readonly timeout: number;
  readonly mark: number;
  readonly zone: number;
  /** CTA_ID: tells it from a later one of the same tuples. */
  readonly id?: number;
  /** Where the kernel counts (net.netfilter.nf_conntrack_acct). */
  readonly counters?: { readonly original: ConntrackCounters; readonly reply: ConntrackCounters };
}

export interface ConntrackCounters {
  readonly packets: bigint;
  readonly bytes: bigint;
}

/** Which connections are listed: those for which all that is given holds. */
export interface ConntrackFilter {
  /** AF_INET or AF_INET6. */
  readonly family: number;
  readonly protocol?: number;
  readonly original?: ConntrackEnds;
  readonly reply?: ConntrackEnds;
  /** Bits of the mark that are looked at, all when left out. */
  readonly mark?: number;
  readonly markMask?: number;
}

export interface ConntrackEnds {
  readonly source?: Uint8Array;
  readonly destination?: Uint8Array;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
}

/** Forgets the connection of an original tuple; ENOENT where there is none. */
export interface ConntrackOperation {
  readonly action: 'delete';
  readonly original: ConntrackTuple;
  /** Only where it is still the one that was seen. */
  readonly id?: number;
  readonly zone?: number;
}
