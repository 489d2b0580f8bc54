/**
 * Sets of addresses with the kernel's words (include/uapi/linux/netfilter/ipset/ip_set.h). Plain values. Addresses are 4
 * or 16 bytes in network order.
 */

/** What a set is made with. What is left out is the kernel's default. */
export interface SetDefinition {
  /** At most 31 bytes (IPSET_MAXNAMELEN). */
  readonly name: string;
  /** `hash:ip`, `hash:net`, `hash:ip,port`, `list:set` … */
  readonly type: string;
  /** AF_INET or AF_INET6; AF_UNSPEC for the types without addresses. */
  readonly family: number;
  /** Buckets to begin with; the kernel makes a power of two of it, and more when they fill. */
  readonly hashSize?: number;
  /** Most elements it may hold. */
  readonly maxElements?: number;
  /** Seconds that an element without one of its own stays; 0 for ever. Without it elements have none. */
  readonly timeout?: number;
  /** hash:ip: prefix length to which the addresses are cut. */
  readonly netmask?: number;
  /** hash:ip,mark */
  readonly markMask?: number;
  readonly bucketSize?: number;
  /** list:set: most sets in it. */
  readonly size?: number;
  /** IPSET_FLAG_WITH_*: what elements may carry, and what happens in a full set. */
  readonly flags?: number;
}

/** A set as the kernel shows it. */
export interface SetHeader extends SetDefinition {
  readonly revision: number;
  readonly flags: number;
  readonly elementCount: number;
  /** Rules and lists that use it. */
  readonly references: number;
  readonly memoryBytes: number;
}

/** A set with what is in it. */
export interface ListedSet extends SetHeader {
  readonly elements: readonly SetElement[];
}

/** An element. Which fields it has is said by the type of its set. */
export interface SetElement {
  readonly ip?: Uint8Array;
  /** Last address of a range; the kernel makes single addresses or prefixes of it. */
  readonly ipTo?: Uint8Array;
  /** IPSET_ATTR_CIDR; absent for one address. */
  readonly prefixLength?: number;
  /** IPPROTO_* of the port. */
  readonly protocol?: number;
  readonly port?: number;
  readonly portTo?: number;
  /** The third part of hash:ip,port,ip and hash:ip,port,net. */
  readonly ip2?: Uint8Array;
  readonly prefixLength2?: number;
  /** IPSET_ATTR_IFACE */
  readonly interface?: string;
  readonly mark?: number;
  /** IPSET_ATTR_ETHER */
  readonly linkAddress?: Uint8Array;
  /** list:set: name of the set. */
  readonly set?: string;
  /** list:set: the set behind which it is to stand, or before which with IPSET_FLAG_BEFORE. */
  readonly reference?: string;
  /** Seconds left, or to stay; 0 for ever. */
  readonly timeout?: number;
  /** IPSET_FLAG_* such as IPSET_FLAG_NOMATCH (an exception from a prefix). */
  readonly flags?: number;
  readonly comment?: string;
  readonly packets?: bigint;
  readonly bytes?: bigint;
}

/** A type of set that the kernel has. */
export interface SetType {
  readonly type: string;
  readonly family: number;
  /** Newest and oldest revision. */
  readonly revision: number;
  readonly minimumRevision: number;
}
