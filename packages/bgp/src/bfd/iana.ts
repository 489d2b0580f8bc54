/** BFD code points, each list in the order of its registry: RFC 5880 §4.1 and §8, ports of RFC 5881 §4 and RFC 5883 §5. */

/** RFC 5880 §4.1, State (Sta); the index is the code. */
export const stateNames = ['AdminDown', 'Down', 'Init', 'Up'] as const;
export type BfdStateName = (typeof stateNames)[number];

/** Diagnostic codes, RFC 5880 §4.1. Codes up to 31 are possible and pass through as numbers. */
export const diagnostic = {
  none: 0,
  controlDetectionTimeExpired: 1,
  echoFunctionFailed: 2,
  neighborSignaledSessionDown: 3,
  forwardingPlaneReset: 4,
  pathDown: 5,
  concatenatedPathDown: 6,
  administrativelyDown: 7,
  reverseConcatenatedPathDown: 8,
} as const;

/** Destination ports of control packets. */
export const udpPort = { singleHop: 3784, multihop: 4784 } as const;

/** RFC 5881 §4: "The source port MUST be in the range 49152 through 65535." Both ends are in it. */
export const sourcePorts = { first: 49_152, last: 65_535 } as const;
