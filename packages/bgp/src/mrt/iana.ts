/** Code points of MRT (RFC 6396 §4, RFC 8050 §4): the IANA registry "MRT". */

export const mrtType = { tableDump: 12, tableDumpV2: 13, bgp4mp: 16, bgp4mpEt: 17 } as const;

export const tableDumpV2Subtype = {
  peerIndexTable: 1,
  ribIpv4Unicast: 2,
  ribIpv4Multicast: 3,
  ribIpv6Unicast: 4,
  ribIpv6Multicast: 5,
  ribGeneric: 6,
  ribIpv4UnicastAddPath: 8,
  ribIpv4MulticastAddPath: 9,
  ribIpv6UnicastAddPath: 10,
  ribIpv6MulticastAddPath: 11,
  ribGenericAddPath: 12,
} as const;

export const bgp4mpSubtype = {
  stateChange: 0,
  message: 1,
  /** RFC 6396 appendix B.2.2, deprecated; OpenBGPD still writes it. */
  entry: 2,
  messageAs4: 4,
  stateChangeAs4: 5,
  messageLocal: 6,
  messageAs4Local: 7,
  messageAddPath: 8,
  messageAs4AddPath: 9,
  messageLocalAddPath: 10,
  messageAs4LocalAddPath: 11,
} as const;

/** RFC 6396 §4.4.1: the states of a STATE_CHANGE are those of RFC 4271 §8.2.2, from 1. */
export const bgpState = { idle: 1, connect: 2, active: 3, openSent: 4, openConfirm: 5, established: 6 } as const;
