/** A node's best path in a short form for comparisons. */
import { plainAsPath } from '../../../src/attribute/as-path.ts';
import type { Node } from './pair.ts';

/** By prefix, then by node; undefined where there is no route. */
export const shownAt = (prefix: string) => (node: Node) => {
  const path = node.speaker.bestPath(prefix);
  if (path === undefined) return undefined;
  const { nextHop, attributes, fromType } = path;
  return {
    path: plainAsPath(attributes.asPath ?? []).join(' '),
    from: fromType,
    nextHop,
    med: attributes.multiExitDisc,
    localPref: attributes.localPref,
  };
};
