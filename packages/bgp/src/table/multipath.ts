/**
 * The paths of a prefix that are used together (RFC 4271 §9.1.2.2 leaves more than one to the implementation): all that
 * are as good as the best one up to the interior cost, each by another next hop.
 */
import { type AttributeStore, NO_ATTRIBUTES } from './attribute-store.ts';
import { decisionSteps, explainBest } from './decision.ts';
import { NO_PATH, type RouteTable } from './route-table.ts';

/** What makes a path better; the steps behind it only break ties. */
const lastMerit = decisionSteps.findIndex(({ name }) => name === 'interior cost');
const merits = decisionSteps.slice(0, lastMerit + 1);

/** At most `maximum` paths, the best one first; none when there is no best one. */
export function multipathOf(
  routes: RouteTable,
  attributes: AttributeStore,
  prefix: number,
  maximum: number,
): readonly number[] {
  const best = routes.best(prefix);
  if (best === NO_PATH) return [];
  if (maximum <= 1) return [best];
  const candidates: number[] = [];
  for (let path = routes.first(prefix); path !== NO_PATH; path = routes.next(path)) {
    if (routes.usableOf(path) !== NO_ATTRIBUTES) candidates.push(path);
  }
  const lost = new Set(explainBest(routes, candidates, merits)?.others.map(({ path }) => path));
  // Not by order of arrival: which of them are left out has to be the same everywhere.
  const equal = candidates
    .filter((path) => path !== best && !lost.has(path))
    .sort((a, b) => routes.originator(a) - routes.originator(b) || routes.peerRank(a) - routes.peerRank(b));
  const chosen = [best];
  const nextHops = new Set([attributes.nextHopOf(routes.usableOf(best))]);
  for (const path of equal) {
    if (chosen.length === maximum) break;
    const nextHop = attributes.nextHopOf(routes.usableOf(path));
    if (nextHops.has(nextHop)) continue;
    nextHops.add(nextHop);
    chosen.push(path);
  }
  return chosen;
}
