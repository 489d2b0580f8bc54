/**
 * Routes of several neighbours to the same prefixes, the same for the same seed, made so that every step of the decision
 * process decides some: each prefix varies a few attributes and keeps the others equal among the neighbours.
 */

import { parseIpv4 } from '../../src/address.ts';
import type { PathAttributes } from '../../src/attribute/registry.ts';
import { SeededRandom } from '../../src/simulator/index.ts';
import type { LeanPeer } from './lean-session.ts';

export const localAsn = 65_001;

/** Two of one AS, so that MEDs compare; two with one BGP Identifier in different ASes (RFC 6286). */
export const neighbours: readonly LeanPeer[] = [
  { address: '10.255.1.1', asn: 65_101, identifier: '1.1.1.2' },
  { address: '10.255.1.2', asn: 65_101, identifier: '1.1.1.1' },
  { address: '10.255.1.3', asn: 65_102, identifier: '1.1.1.2' },
  { address: '10.255.1.4', asn: 65_103, identifier: '9.1.1.1' },
  { address: '10.255.2.1', asn: localAsn, identifier: '2.2.2.4' },
  { address: '10.255.2.2', asn: localAsn, identifier: '2.2.2.3' },
  { address: '10.255.2.3', asn: localAsn, identifier: '2.2.2.2' },
  { address: '10.255.2.4', asn: localAsn, identifier: '2.2.2.1' },
];

/** Cost of reaching each next hop; undefined: it cannot be reached. */
export const nextHops: ReadonlyMap<string, number | undefined> = new Map([
  ['10.250.0.1', 10],
  ['10.250.0.2', 10],
  ['10.250.0.3', 20],
  ['10.250.0.4', 30],
  ['10.250.0.9', undefined],
]);

/** Of the routes of one neighbour to one prefix; undefined: it has none. */
export type RouteSet = readonly (PathAttributes | undefined)[];

const varied = ['preference', 'length', 'origin', 'med', 'nextHop', 'originator', 'clusters'] as const;
type Varied = (typeof varied)[number];

export class RouteGenerator {
  readonly #random: SeededRandom;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
  }

  below(limit: number): number {
    return Math.floor(this.#random.next() * limit);
  }

  /** Routes of at least two neighbours to one prefix. */
  routeSet(): RouteSet {
    const vary = new Set(varied.filter(() => this.#random.next() < 0.35));
    const only = this.#random.next() < 0.6 ? this.#kind() : undefined;
    const routes = neighbours.map((neighbour) => {
      if (only !== undefined && (neighbour.asn === localAsn) !== only) return undefined;
      return this.#random.next() < 0.7 ? this.#route(neighbour, vary) : undefined;
    });
    return routes.filter((route) => route !== undefined).length < 2 ? this.routeSet() : routes;
  }

  /** Another route of one neighbour. */
  route(neighbour: LeanPeer): PathAttributes {
    return this.#route(neighbour, new Set(varied.filter(() => this.#random.next() < 0.35)));
  }

  /** Routes of one kind only, so that the later steps are reached: whether internal ones. */
  #kind(): boolean {
    return this.#random.next() < 0.6;
  }

  #route({ asn }: LeanPeer, vary: ReadonlySet<Varied>): PathAttributes {
    const pick = <T>(of: Varied, values: readonly [T, ...T[]]): T =>
      vary.has(of) ? (values[this.below(values.length)] ?? values[0]) : values[0];
    const internal = asn === localAsn;
    const length = pick('length', [2, 1, 2, 3]);
    const first = internal ? pick('med', [65_101, 65_102, 65_103]) : asn;
    const asns = [first, 64_900, 64_901].slice(0, length);
    const med = pick('med', [undefined, 0, 1, 2]);
    const base = {
      origin: pick('origin', ['igp', 'igp', 'egp', 'incomplete'] as const),
      asPath: [{ kind: 'sequence', asns }],
      nextHop: parseIpv4(pick('nextHop', ['10.250.0.1', '10.250.0.2', '10.250.0.3', '10.250.0.4', '10.250.0.9'])),
      ...(med !== undefined && { multiExitDisc: med }),
    } as const;
    if (!internal) return base;
    const originator = pick('originator', [undefined, '3.3.3.3', '1.1.1.2', '2.2.2.2', '1.1.1.1']);
    const clusters = ['7.7.7.1', '7.7.7.2', '7.7.7.3'].slice(0, pick('clusters', [1, 0, 2, 3]));
    return {
      ...base,
      localPref: pick('preference', [100, 100, 90, 110]),
      ...(originator !== undefined && { originatorId: parseIpv4(originator) }),
      ...(clusters.length > 0 && { clusterList: clusters.map(parseIpv4) }),
    };
  }
}
