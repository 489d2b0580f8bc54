/**
 * What a policy can do to a route, one row an action: how its data is checked, and the edit it compiles to. An edit is
 * a pure function. `next-hop-self` is a wish that whoever sends the route carries out.
 */
import { parseAddress } from '../address.ts';
import { type AsPath, isConfederation } from '../attribute/as-path.ts';
import type { LargeCommunity } from '../attribute/large-communities.ts';
import { origins } from '../attribute/origin.ts';
import type { PathAttributes } from '../attribute/registry.ts';
import { address, type Check, type Fields, integer, oneOf, u32 } from './check.ts';
import { type CommunityKind, extendedCommunity, largeCommunity, standardCommunity } from './community-pattern.ts';
import { communityChecks, communityMatcher } from './conditions.ts';
import type { PolicyAction } from './model.ts';

/** The parts of a route that actions can change. */
export interface EditedRoute {
  readonly attributes: PathAttributes;
  /** `self`: the session's own address, when the route is sent. */
  readonly nextHop: Uint8Array | 'self' | undefined;
  /** The next hop was chosen here, so that it goes to another AS as it is (RFC 4271 §5.1.3). */
  readonly ownNextHop: boolean;
  /** MULTI_EXIT_DISC was chosen here (RFC 4271 §5.1.4). */
  readonly ownMultiExitDisc: boolean;
  /** Bytes of an address of the route's family: 4 or 16. */
  readonly addressBytes: number;
}

export type Edit = (route: EditedRoute) => EditedRoute;

type Kind = PolicyAction['kind'];

interface ActionRow<Action> {
  readonly fields: Fields;
  compile(action: Action): Edit;
}

/** An edit of the attributes alone. */
const attributes =
  (edit: (attributes: PathAttributes) => PathAttributes): Edit =>
  (route) => ({ ...route, attributes: edit(route.attributes) });

const asn = integer(1, 0xffff_ffff);

/** Where the communities of a kind stand in a route. */
interface CommunityList<Value> {
  readonly kind: CommunityKind<Value>;
  readonly checks: { readonly pattern: Check; readonly exact: Check };
  of(attributes: PathAttributes): readonly Value[] | undefined;
  /** An empty list is no attribute. */
  replaced(attributes: PathAttributes, values: readonly Value[]): PathAttributes;
}

const standard: CommunityList<number> = {
  kind: standardCommunity,
  checks: communityChecks.communities,
  of: ({ communities }) => communities,
  replaced: ({ communities: _before, ...rest }, communities) =>
    communities.length === 0 ? rest : { ...rest, communities },
};

const large: CommunityList<LargeCommunity> = {
  kind: largeCommunity,
  checks: communityChecks.largeCommunities,
  of: ({ largeCommunities }) => largeCommunities,
  replaced: ({ largeCommunities: _before, ...rest }, largeCommunities) =>
    largeCommunities.length === 0 ? rest : { ...rest, largeCommunities },
};

const extended: CommunityList<bigint> = {
  kind: extendedCommunity,
  checks: communityChecks.extendedCommunities,
  of: ({ extendedCommunities }) => extendedCommunities,
  replaced: ({ extendedCommunities: _before, ...rest }, extendedCommunities) =>
    extendedCommunities.length === 0 ? rest : { ...rest, extendedCommunities },
};

export const actions: { readonly [K in Kind]: ActionRow<Extract<PolicyAction, { readonly kind: K }>> } = {
  prepend: {
    fields: { asn: { check: asn }, count: { check: integer(0, 255) } },
    compile: (action) =>
      attributes((before) => ({ ...before, asPath: prependAs(before.asPath ?? [], action.asn, action.count) })),
  },
  'set-communities': listRow(standard, 'set'),
  'add-communities': listRow(standard, 'add'),
  'delete-communities': listRow(standard, 'delete'),
  'set-large-communities': listRow(large, 'set'),
  'add-large-communities': listRow(large, 'add'),
  'delete-large-communities': listRow(large, 'delete'),
  'set-extended-communities': listRow(extended, 'set'),
  'add-extended-communities': listRow(extended, 'add'),
  'delete-extended-communities': listRow(extended, 'delete'),
  'set-origin': {
    fields: { origin: { check: oneOf(...origins) } },
    compile: ({ origin }) => attributes((before) => ({ ...before, origin })),
  },
  'set-local-preference': {
    fields: { value: { check: u32 } },
    compile: ({ value }) => attributes((before) => ({ ...before, localPref: value })),
  },
  'set-med': {
    fields: { value: { check: u32 } },
    compile:
      ({ value }) =>
      (route) => ({
        ...route,
        attributes: { ...route.attributes, multiExitDisc: value },
        ownMultiExitDisc: true,
      }),
  },
  'delete-med': {
    fields: {},
    compile: () => attributes(({ multiExitDisc: _deleted, ...rest }) => rest),
  },
  'set-next-hop': {
    fields: { address: { check: address } },
    compile: (action) => {
      const nextHop = parseAddress(action.address);
      return (route) => (nextHop.length === route.addressBytes ? { ...route, nextHop, ownNextHop: true } : route);
    },
  },
  'next-hop-self': {
    fields: {},
    compile: () => (route) => ({ ...route, nextHop: 'self', ownNextHop: false }),
  },
  'next-hop-unchanged': {
    fields: {},
    compile: () => (route) => ({ ...route, ownNextHop: true }),
  },
};

/** The edit of one action. `action` has been checked. */
export function compileAction<K extends Kind>(action: Extract<PolicyAction, { readonly kind: K }>): Edit {
  const row: ActionRow<typeof action> = actions[action.kind as K];
  return row.compile(action);
}

interface ListAction<Value> {
  readonly communities: readonly (Value | string)[];
}

function listRow<Value>(
  { kind, checks, of, replaced }: CommunityList<Value>,
  what: 'set' | 'add' | 'delete',
): ActionRow<ListAction<Value>> {
  return {
    fields: { communities: { check: what === 'delete' ? checks.pattern : checks.exact } },
    compile({ communities }) {
      const edit = what === 'delete' ? deleting(kind, communities) : adding(kind, communities, what === 'set');
      return attributes((before) => replaced(before, edit(of(before) ?? [])));
    },
  };
}

function deleting<Value>(kind: CommunityKind<Value>, patterns: readonly (Value | string)[]) {
  const matches = communityMatcher(kind, patterns);
  return (values: readonly Value[]): readonly Value[] => values.filter((value) => !matches(value));
}

function adding<Value>(kind: CommunityKind<Value>, communities: readonly (Value | string)[], replaces: boolean) {
  const added = communities.map((each) => (typeof each === 'string' ? kind.parse(each) : each));
  return (values: readonly Value[]): readonly Value[] => {
    const result = replaces ? [] : [...values];
    for (const value of added) if (!result.some((each) => kind.equal(each, value))) result.push(value);
    return result;
  };
}

/**
 * RFC 4271 §5.1.2: into the leading AS_SEQUENCE, or as a new one in front of anything else. Segments of a confederation
 * stay in front, where RFC 5065 §4 looks for them.
 */
export function prependAs(path: AsPath, asn: number, count: number): AsPath {
  if (count === 0) return path;
  const inside = path.findIndex((segment) => !isConfederation(segment));
  const at = inside < 0 ? path.length : inside;
  const first = path[at];
  const joins = first?.kind === 'sequence';
  const asns = [...new Array<number>(count).fill(asn), ...(joins ? first.asns : [])];
  return [...path.slice(0, at), { kind: 'sequence', asns }, ...path.slice(joins ? at + 1 : at)];
}
