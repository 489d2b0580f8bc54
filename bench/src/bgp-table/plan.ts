/** Who is who in bgp-table: scenarios, addresses and AS numbers, the same for all of its processes. */

export type FamilyName = 'ipv4' | 'ipv6';

/** One table that goes through a daemon. */
export interface Scenario {
  /** What rows call it. */
  readonly title: string;
  readonly family: FamilyName;
  readonly routes: number;
  /** Where the prefixes come from: made up, or a text file, gzipped, one a line. */
  readonly prefixes: 'made' | { readonly file: string };
  /** Peers that each announce all routes, and peers that are told. */
  readonly feeders: number;
  readonly sinks: number;
  /** All peers are clients of a route reflector, in place of external ones. */
  readonly reflector?: boolean;
  /** Ours starts without `warmUp()`. */
  readonly cold?: true;
  readonly against: readonly RivalName[];
}

export type RivalName = 'bird' | 'frr' | 'gobgp';

export interface PeerAddress {
  readonly address: string;
  readonly asn: number;
}

export interface Feeder extends PeerAddress {
  /** First in the AS paths of its routes. */
  readonly neighborAs: number;
}

export const speaker = { asn: 65_000, routerId: '10.99.0.1', port: 1790 } as const;

const networks = { ipv4: '10.99', ipv6: 'fd99:' } as const;
/** For `ip address`. */
export const prefixLengths = { ipv4: 16, ipv6: 64 } as const;

function address(family: FamilyName, group: number, host: number): string {
  return family === 'ipv4' ? `${networks.ipv4}.${group}.${host}` : `${networks.ipv6}:${group}:${host}`;
}

export function speakerAddress(family: FamilyName): string {
  return address(family, 0, 1);
}

/** Of all routes: an address of the connected network that is nobody's (BIRD refuses its own machine's). */
export function routeNextHop(family: FamilyName): string {
  return address(family, 0, 9);
}

export function feedersOf({ family, feeders, reflector = false }: Scenario): Feeder[] {
  return Array.from({ length: feeders }, (_, index) => ({
    address: address(family, 1, index + 1),
    asn: reflector ? speaker.asn : 65_001 + index,
    neighborAs: 65_001 + index,
  }));
}

export function sinksOf({ family, sinks, reflector = false }: Scenario): PeerAddress[] {
  return Array.from({ length: sinks }, (_, index) => ({
    address: address(family, 2, index + 1),
    asn: reflector ? speaker.asn : 65_201 + index,
  }));
}

/** Only of several feeders: numbers in the AS path of the route that wins, and fewest in that of one that loses. */
export const winningPathLength = 3;
export const losingPathLength = 4;
