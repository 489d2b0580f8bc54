/** What a policy can ask of a route, one row a condition: how its data is checked, compiled, and shown in a trace. */
import { formatAddress, parseAddress } from '../address.ts';
import { asPathLength, plainAsPath } from '../attribute/as-path.ts';
import { formatCommunity } from '../attribute/communities.ts';
import type { LargeCommunity } from '../attribute/large-communities.ts';
import { origins } from '../attribute/origin.ts';
import { families, familyNamed } from '../family/registry.ts';
import { AsPathPattern } from './as-path-pattern.ts';
import { type Check, either, integer, list, object, oneOf, readable, text, that, u32 } from './check.ts';
import { type CommunityKind, extendedCommunity, largeCommunity, standardCommunity } from './community-pattern.ts';
import type { NumberRange, PolicyMatch, PrefixRange } from './model.ts';
import { PrefixSet, type PrefixWords } from './prefix-set.ts';
import type { PolicyPeer, PolicyRoute } from './route.ts';

type Holds<Subject> = (subject: Subject) => boolean;

/** `sets`: the chain's named prefix sets. */
interface Condition<Value> {
  readonly check: Check;
  make(value: Value, sets: ReadonlyMap<string, PrefixSet>): Holds<PolicyRoute>;
  /** The same where it is about the peer alone. */
  readonly ofPeer?: (value: Value) => Holds<PolicyPeer>;
  /** It can hold for one prefix and not for another with the same attributes. */
  readonly readsPrefix?: true;
  /** What the route has there, for people. */
  shown(route: PolicyRoute): string;
}

const prefixRange = readable<PrefixRange>('object', (range) => new PrefixSet([range]), 'a prefix with ge and le');
export const prefixRanges = list(prefixRange);

const numberRange = object({ min: { check: u32, optional: true }, max: { check: u32, optional: true } });
const peerTypes = ['ibgp', 'ebgp', 'confederation'] as const;

/** Numbers or texts of communities, as patterns or exact. */
export const communityChecks = {
  communities: kindCheck('number', u32, standardCommunity),
  largeCommunities: kindCheck('array', large(), largeCommunity),
  extendedCommunities: kindCheck(
    'bigint',
    that('an unsigned 64-bit bigint', (value) => typeof value === 'bigint' && value >= 0n && value < 1n << 64n),
    extendedCommunity,
  ),
};

function large(): Check {
  return (value, path, problems) => {
    that('three numbers', (parts) => Array.isArray(parts) && parts.length === 3)(value, path, problems);
    if (Array.isArray(value)) list(integer(0, 0xffff_ffff))(value, path, problems);
  };
}

function kindCheck<Value>(name: string, value: Check, kind: CommunityKind<Value>): { pattern: Check; exact: Check } {
  const expected = `a community as ${name} or text`;
  const read = (parse: (text: string) => unknown) => readable<string>('string', parse, 'a community');
  return {
    pattern: list(either(expected, value, read(kind.pattern))),
    exact: list(either(expected, value, read(kind.parse))),
  };
}

/** Whether one of a route's communities matches one of the patterns. */
export function communityMatcher<Value>(
  kind: CommunityKind<Value>,
  patterns: readonly (Value | string)[],
): (value: Value) => boolean {
  const matchers = patterns.map((pattern) =>
    typeof pattern === 'string' ? kind.pattern(pattern) : (value: Value) => kind.equal(value, pattern),
  );
  return (value) => matchers.some((matches) => matches(value));
}

function within({ min = 0, max = Number.POSITIVE_INFINITY }: NumberRange): (value: number | undefined) => boolean {
  return (value) => value !== undefined && value >= min && value <= max;
}

function hostPrefix(address: Uint8Array): PrefixWords {
  const words = address.length === 4 ? 1 : 4;
  const view = new DataView(address.buffer, address.byteOffset, words * 4);
  return { words, length: words * 32, word: (index) => view.getUint32(index * 4) };
}

/** In canonical form, without a zone. */
const addressOf = (neighbor: string): Uint8Array => parseAddress(neighbor.split('%', 1)[0] ?? '');

function neighborMatcher(neighbors: readonly string[]): Holds<PolicyPeer> {
  const bits = (text: string) => (text.includes(':') ? 128 : 32);
  const set = new PrefixSet(
    neighbors.map((each) =>
      each.includes('/')
        ? { prefix: each, le: bits(each) }
        : { prefix: `${formatAddress(addressOf(each))}/${bits(each)}` },
    ),
  );
  return ({ neighbor }) => set.has(hostPrefix(addressOf(neighbor)));
}

export const conditions: { readonly [K in keyof Required<PolicyMatch>]: Condition<NonNullable<PolicyMatch[K]>> } = {
  prefixes: {
    check: prefixRanges,
    readsPrefix: true,
    make: (ranges) => {
      const set = new PrefixSet(ranges);
      return (route) => set.has(route);
    },
    shown: prefixShown,
  },
  prefixSet: {
    check: text,
    readsPrefix: true,
    make: (name, sets) => {
      const set = sets.get(name);
      return (route) => set?.has(route) === true;
    },
    shown: prefixShown,
  },
  families: {
    check: list(oneOf(...families.map(({ name }) => name))),
    make: (names) => {
      const words = new Set(names.map((name) => familyNamed(name).bits / 32));
      return (route) => words.has(route.words);
    },
    shown: (route) => (route.words === 1 ? 'ipv4-unicast' : 'ipv6-unicast'),
  },
  neighbors: {
    check: list(
      readable<string>('string', (neighbor) => neighborMatcher([neighbor]), 'an address, or a prefix of addresses'),
    ),
    make: neighborMatcher,
    ofPeer: neighborMatcher,
    shown: (route) => route.neighbor,
  },
  peerType: {
    check: oneOf(...peerTypes),
    make: (type) => (route) => route.peerType === type,
    ofPeer: (type) => (peer) => peer.peerType === type,
    shown: (route) => route.peerType,
  },
  source: {
    check: oneOf('local', ...peerTypes),
    make: (source) => (route) => route.source === source,
    shown: (route) => route.source,
  },
  asPath: {
    check: list(readable<string>('string', (pattern) => new AsPathPattern(pattern), 'an AS path pattern')),
    make: (texts) => {
      const patterns = texts.map((pattern) => new AsPathPattern(pattern));
      return ({ attributes }) => patterns.some((pattern) => pattern.matches(attributes.asPath ?? []));
    },
    shown: ({ attributes }) => plainAsPath(attributes.asPath ?? []).join(' '),
  },
  pathLength: {
    check: numberRange,
    make: (range) => {
      const holds = within(range);
      return ({ attributes }) => holds(asPathLength(attributes.asPath ?? []));
    },
    shown: ({ attributes }) => String(asPathLength(attributes.asPath ?? [])),
  },
  origins: {
    check: list(oneOf(...origins)),
    make: (wanted) => {
      const set = new Set(wanted);
      return ({ attributes }) => attributes.origin !== undefined && set.has(attributes.origin);
    },
    shown: ({ attributes }) => attributes.origin ?? 'none',
  },
  nextHops: {
    check: prefixRanges,
    make: (ranges) => {
      const set = new PrefixSet(ranges.map((range) => ({ le: range.prefix.includes(':') ? 128 : 32, ...range })));
      return ({ nextHop }) => nextHop !== undefined && set.has(hostPrefix(nextHop));
    },
    shown: ({ nextHop }) =>
      nextHop === undefined ? 'not set' : formatAddress(nextHop.length === 32 ? nextHop.subarray(0, 16) : nextHop),
  },
  med: {
    check: numberRange,
    make: (range) => {
      const holds = within(range);
      return ({ attributes }) => holds(attributes.multiExitDisc);
    },
    shown: ({ attributes }) => String(attributes.multiExitDisc ?? 'none'),
  },
  localPreference: {
    check: numberRange,
    make: (range) => {
      const holds = within(range);
      return ({ attributes }) => holds(attributes.localPref);
    },
    shown: ({ attributes }) => String(attributes.localPref ?? 'none'),
  },
  communities: {
    check: communityChecks.communities.pattern,
    make: (patterns) => {
      const matches = communityMatcher(standardCommunity, patterns);
      return ({ attributes }) => attributes.communities?.some(matches) === true;
    },
    shown: ({ attributes }) => attributes.communities?.map(formatCommunity).join(' ') ?? 'none',
  },
  largeCommunities: {
    check: communityChecks.largeCommunities.pattern,
    make: (patterns) => {
      const matches = communityMatcher<LargeCommunity>(largeCommunity, patterns);
      return ({ attributes }) => attributes.largeCommunities?.some(matches) === true;
    },
    shown: ({ attributes }) => attributes.largeCommunities?.map((value) => value.join(':')).join(' ') ?? 'none',
  },
  extendedCommunities: {
    check: communityChecks.extendedCommunities.pattern,
    make: (patterns) => {
      const matches = communityMatcher(extendedCommunity, patterns);
      return ({ attributes }) => attributes.extendedCommunities?.some(matches) === true;
    },
    shown: ({ attributes }) =>
      attributes.extendedCommunities?.map((value) => `0x${value.toString(16).padStart(16, '0')}`).join(' ') ?? 'none',
  },
};

function prefixShown(route: PrefixWords): string {
  const bytes = new Uint8Array(route.words * 4);
  const view = new DataView(bytes.buffer);
  for (let index = 0; index < route.words; index++) view.setUint32(index * 4, route.word(index));
  return `${formatAddress(bytes)}/${route.length}`;
}
