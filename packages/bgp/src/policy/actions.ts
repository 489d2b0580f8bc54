/** What policy actions make of a route's attributes. `next-hop-self` is a wish that whoever sends the route carries out. */
import type { AsPath } from '../attribute/as-path.ts';
import type { PathAttributes } from '../attribute/registry.ts';
import type { PolicyAction } from './model.ts';

/** The attributes after all actions, in order. */
export function applyActions(attributes: PathAttributes, actions: readonly PolicyAction[]): PathAttributes {
  return actions.reduce(applyAction, attributes);
}

function applyAction(attributes: PathAttributes, action: PolicyAction): PathAttributes {
  switch (action.kind) {
    case 'prepend':
      return { ...attributes, asPath: prependAs(attributes.asPath ?? [], action.asn, action.count) };
    case 'add-communities': {
      const communities = new Set([...(attributes.communities ?? []), ...action.communities]);
      return communities.size === 0 ? attributes : { ...attributes, communities: [...communities] };
    }
    case 'add-large-communities': {
      const largeCommunities = [...(attributes.largeCommunities ?? [])];
      for (const community of action.communities) {
        if (!largeCommunities.some((each) => each.join() === community.join())) largeCommunities.push(community);
      }
      return largeCommunities.length === 0 ? attributes : { ...attributes, largeCommunities };
    }
    case 'set-local-preference':
      return { ...attributes, localPref: action.value };
    case 'set-med':
      return { ...attributes, multiExitDisc: action.value };
    case 'next-hop-self':
      return attributes;
  }
}

/** RFC 4271 §5.1.2: into the leading AS_SEQUENCE, or as a new one in front of anything else. */
export function prependAs(path: AsPath, asn: number, count: number): AsPath {
  const added = new Array<number>(count).fill(asn);
  const [first, ...rest] = path;
  if (count === 0) return path;
  if (first?.kind === 'sequence') return [{ kind: 'sequence', asns: [...added, ...first.asns] }, ...rest];
  return [{ kind: 'sequence', asns: added }, ...path];
}
