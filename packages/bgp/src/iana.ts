/**
 * Code points of the IANA BGP registries that this package uses or prints, one table a registry: the key is the RFC's
 * word in camel case, names for people come from `nameOf`.
 */

export const messageType = { open: 1, update: 2, notification: 3, keepalive: 4, routeRefresh: 5 } as const;

/** RFC 4271 §4.5, RFC 7313 §5. */
export const errorCode = {
  messageHeader: 1,
  openMessage: 2,
  updateMessage: 3,
  holdTimerExpired: 4,
  finiteStateMachine: 5,
  cease: 6,
  routeRefreshMessage: 7,
  /** RFC 9687. */
  sendHoldTimerExpired: 8,
} as const;

export const messageHeaderSubcode = { connectionNotSynchronized: 1, badMessageLength: 2, badMessageType: 3 } as const;

export const openSubcode = {
  unspecific: 0,
  unsupportedVersionNumber: 1,
  badPeerAs: 2,
  badBgpIdentifier: 3,
  unsupportedOptionalParameter: 4,
  unacceptableHoldTime: 6,
  /** RFC 5492 §3. */
  unsupportedCapability: 7,
  /** RFC 9234 §4.2. */
  roleMismatch: 11,
} as const;

export const updateSubcode = {
  malformedAttributeList: 1,
  unrecognizedWellKnownAttribute: 2,
  missingWellKnownAttribute: 3,
  attributeFlagsError: 4,
  attributeLengthError: 5,
  invalidOriginAttribute: 6,
  invalidNextHopAttribute: 8,
  optionalAttributeError: 9,
  invalidNetworkField: 10,
  malformedAsPath: 11,
} as const;

/** RFC 6608 §3. */
export const finiteStateMachineSubcode = {
  unspecified: 0,
  unexpectedMessageInOpenSent: 1,
  unexpectedMessageInOpenConfirm: 2,
  unexpectedMessageInEstablished: 3,
} as const;

/** RFC 4486 §3, RFC 8538 §3.1, RFC 9384 §3. */
export const ceaseSubcode = {
  maximumPrefixesReached: 1,
  administrativeShutdown: 2,
  peerDeconfigured: 3,
  administrativeReset: 4,
  connectionRejected: 5,
  otherConfigurationChange: 6,
  connectionCollisionResolution: 7,
  outOfResources: 8,
  hardReset: 9,
  bfdDown: 10,
} as const;

/** RFC 7313 §5. */
export const routeRefreshSubcode = { invalidMessageLength: 1 } as const;

/** RFC 7313 §3.2. */
export const routeRefreshSubtype = { request: 0, beginning: 1, end: 2 } as const;

export const attributeType = {
  origin: 1,
  asPath: 2,
  nextHop: 3,
  multiExitDisc: 4,
  localPref: 5,
  atomicAggregate: 6,
  aggregator: 7,
  communities: 8,
  originatorId: 9,
  clusterList: 10,
  mpReachNlri: 14,
  mpUnreachNlri: 15,
  extendedCommunities: 16,
  as4Path: 17,
  as4Aggregator: 18,
  ipv6ExtendedCommunities: 25,
  aigp: 26,
  largeCommunities: 32,
  onlyToCustomer: 35,
} as const;

export const capabilityCode = {
  multiprotocol: 1,
  routeRefresh: 2,
  extendedNextHop: 5,
  extendedMessage: 6,
  /** RFC 9234 §4.1. */
  role: 9,
  gracefulRestart: 64,
  fourOctetAs: 65,
  addPath: 69,
  enhancedRouteRefresh: 70,
  /** RFC 9494 §3.1. */
  longLivedGracefulRestart: 71,
  fqdn: 73,
  softwareVersion: 75,
} as const;

export const optionalParameter = { capabilities: 2, /** RFC 9072 §2. */ extendedLength: 255 } as const;

export const afi = { ipv4: 1, ipv6: 2 } as const;

export const safi = { unicast: 1, multicast: 2 } as const;

export const asPathSegmentType = { set: 1, sequence: 2, confederationSequence: 3, confederationSet: 4 } as const;

/** RFC 1997, RFC 7999, RFC 8326, RFC 9494 and the registry of well-known communities. */
export const wellKnownCommunity = {
  gracefulShutdown: 0xffff_0000,
  acceptOwn: 0xffff_0001,
  llgrStale: 0xffff_0006,
  noLlgr: 0xffff_0007,
  blackhole: 0xffff_029a,
  noExport: 0xffff_ff01,
  noAdvertise: 0xffff_ff02,
  noExportSubconfed: 0xffff_ff03,
  noPeer: 0xffff_ff04,
} as const;

/** RFC 6793 §9: stands in two octets for a number that needs four. */
export const asTrans = 23456;

/** The table's key for a code point as words (`badPeerAs` is "bad peer as"), or the number. */
export function nameOf(table: Readonly<Record<string, number>>, code: number): string {
  const name = Object.keys(table).find((key) => table[key] === code);
  return name?.replace(/[A-Z]+|\d+/g, (part) => (/\d/.test(part) ? part : ` ${part.toLowerCase()}`)) ?? String(code);
}

const subcodeTables: Readonly<Record<number, Readonly<Record<string, number>>>> = {
  [errorCode.messageHeader]: messageHeaderSubcode,
  [errorCode.openMessage]: openSubcode,
  [errorCode.updateMessage]: updateSubcode,
  [errorCode.finiteStateMachine]: finiteStateMachineSubcode,
  [errorCode.cease]: ceaseSubcode,
  [errorCode.routeRefreshMessage]: routeRefreshSubcode,
};

/** "cease (6) / administrative shutdown (2)": a NOTIFICATION's code and subcode for people. */
export function describeNotification(code: number, subcode: number): string {
  const table = subcodeTables[code];
  const minor = table === undefined ? String(subcode) : nameOf(table, subcode);
  return `${nameOf(errorCode, code)} (${code}) / ${minor} (${subcode})`;
}
