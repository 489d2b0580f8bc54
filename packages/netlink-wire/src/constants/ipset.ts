/** include/uapi/linux/netfilter/ipset/ip_set.h: commands, flags and limits of ipset. */

/** The newest version of the protocol here, and the oldest that a kernel of today takes. */
export const IPSET_PROTOCOL = 7;
export const IPSET_PROTOCOL_MIN = 6;

/** Longest name of a set, with its ending NUL. */
export const IPSET_MAXNAMELEN = 32;

export const IPSET_CMD_PROTOCOL = 1;
export const IPSET_CMD_CREATE = 2;
export const IPSET_CMD_DESTROY = 3;
export const IPSET_CMD_FLUSH = 4;
export const IPSET_CMD_RENAME = 5;
export const IPSET_CMD_SWAP = 6;
export const IPSET_CMD_LIST = 7;
export const IPSET_CMD_ADD = 9;
export const IPSET_CMD_DEL = 10;
export const IPSET_CMD_TEST = 11;
export const IPSET_CMD_TYPE = 13;

/** A dump leaves the elements out. */
export const IPSET_FLAG_LIST_HEADER = 0x4;

/** IPSET_ATTR_CADT_FLAGS of an element and of a set. */
export const IPSET_FLAG_BEFORE = 0x1;
export const IPSET_FLAG_NOMATCH = 0x4;
export const IPSET_FLAG_WITH_COUNTERS = 0x8;
export const IPSET_FLAG_WITH_COMMENT = 0x10;
export const IPSET_FLAG_WITH_FORCEADD = 0x20;
export const IPSET_FLAG_WITH_SKBINFO = 0x40;

const PRIVATE_ERRORS = [
  'IPSET_ERR_PRIVATE',
  'IPSET_ERR_PROTOCOL',
  'IPSET_ERR_FIND_TYPE',
  'IPSET_ERR_MAX_SETS',
  'IPSET_ERR_BUSY',
  'IPSET_ERR_EXIST_SETNAME2',
  'IPSET_ERR_TYPE_MISMATCH',
  'IPSET_ERR_EXIST',
  'IPSET_ERR_INVALID_CIDR',
  'IPSET_ERR_INVALID_NETMASK',
  'IPSET_ERR_INVALID_FAMILY',
  'IPSET_ERR_TIMEOUT',
  'IPSET_ERR_REFERENCED',
  'IPSET_ERR_IPADDR_IPV4',
  'IPSET_ERR_IPADDR_IPV6',
  'IPSET_ERR_COUNTER',
  'IPSET_ERR_COMMENT',
  'IPSET_ERR_INVALID_MARKMASK',
  'IPSET_ERR_SKBINFO',
] as const;

/** ip_set_hash.h */
const HASH_ERRORS = [
  'IPSET_ERR_HASH_FULL',
  'IPSET_ERR_HASH_ELEM',
  'IPSET_ERR_INVALID_PROTO',
  'IPSET_ERR_MISSING_PROTO',
  'IPSET_ERR_HASH_RANGE_UNSUPPORTED',
  'IPSET_ERR_HASH_RANGE',
] as const;

/** ip_set_list.h */
const LIST_ERRORS = [
  'IPSET_ERR_NAME',
  'IPSET_ERR_LOOP',
  'IPSET_ERR_BEFORE',
  'IPSET_ERR_NAMEREF',
  'IPSET_ERR_LIST_FULL',
  'IPSET_ERR_REF_EXIST',
] as const;

/** IPSET_ERR_PRIVATE and IPSET_ERR_TYPE_SPECIFIC: the first code of each group. */
const FIRST_PRIVATE = 4096;
const FIRST_TYPE_SPECIFIC = 4352;

/**
 * Name of a code that is ipset's own; undefined for an errno and for a code that this table does not know.
 *
 * @param list The set is a list:set: the codes of a type's own mean something else in each.
 */
export function ipsetErrorName(code: number, list = false): string | undefined {
  const own = list ? LIST_ERRORS : HASH_ERRORS;
  return code < FIRST_TYPE_SPECIFIC ? PRIVATE_ERRORS[code - FIRST_PRIVATE] : own[code - FIRST_TYPE_SPECIFIC];
}
