/** Answers which routes there should be, and what became of each: chosen, programmed, refused. */
import type { Speaker } from '@routelet/bgp';
import type { NextHop, NodeRoute, RouteProblem, RouteState } from '@routelet/rib';
import type { RouterInspection } from '../router/inspection.ts';
import type { LearnedRoute } from '../router/routes.ts';
import type { RouteRow, RoutesAnswer } from './model.ts';

/** RT_TABLE_MAIN, include/uapi/linux/rtnetlink.h. */
const MAIN_TABLE = 254;

/** What kept a wanted route from the kernel, in one word. */
const stateOfProblem: Readonly<Record<RouteProblem['kind'], RouteRow['state']>> = {
  foreign: 'foreign',
  kernel: 'failed',
  unresolved: 'unresolved',
  invalid: 'invalid',
};

export function answerRoutes(inspection: RouterInspection): RoutesAnswer {
  const { rib, speaker, refusals } = inspection;
  const names = peerNames(inspection);
  const rows = [...(rib?.states() ?? [])].map((state) => routeRow(state, speaker, names));
  const placed = new Set(rows.map(({ destination }) => destination));
  for (const [prefix, { problem }] of refusals) {
    // The next best path of the prefix may have taken the place of the refused one.
    if (placed.has(prefix)) continue;
    const best = speaker?.bestPath(prefix);
    rows.push({
      destination: prefix,
      nextHops: best === undefined ? [] : [`via ${best.nextHop}`],
      source: 'bgp',
      ...(best !== undefined && { peer: names.get(best.from) ?? best.from }),
      state: 'refused',
      reason: problem.text,
    });
  }
  return { routes: rows.sort((a, b) => a.destination.localeCompare(b.destination, 'en', { numeric: true })) };
}

function routeRow(state: RouteState, speaker: Speaker | undefined, names: ReadonlyMap<string, string>): RouteRow {
  const { destination, table, candidates, programmed, problem } = state;
  const [chosen] = candidates;
  const shown = chosen?.route ?? programmed;
  const gateways = new Set(shown?.nextHops.map(({ gateway }) => gateway));
  const path = speaker
    ?.paths(destination)
    .find(({ nextHop, fromType }) => fromType !== 'local' && gateways.has(nextHop));
  return {
    destination,
    nextHops: shown === undefined ? [] : nextHopTexts(shown),
    ...(table !== MAIN_TABLE && { table }),
    ...(chosen !== undefined && { source: chosen.source }),
    ...(path !== undefined && { peer: names.get(path.from) ?? path.from }),
    state: stateOf(state),
    ...(problem !== undefined && { reason: problem.text }),
  };
}

function stateOf({ programmed, problem, held, candidates }: RouteState): RouteRow['state'] {
  if (held) return 'held';
  if (problem !== undefined) return stateOfProblem[problem.kind];
  return programmed === undefined || candidates.length === 0 ? 'pending' : 'programmed';
}

export function nextHopTexts({ nextHops }: Pick<NodeRoute, 'nextHops'>): string[] {
  return nextHops.map(nextHopText);
}

function nextHopText({ gateway, interface: name, weight }: NextHop): string {
  return [
    ...(gateway === undefined ? [] : [`via ${gateway}`]),
    ...(name === undefined ? [] : [`dev ${name}`]),
    ...(weight === undefined || weight === 1 ? [] : [`weight ${weight}`]),
  ].join(' ');
}

/** The ways of a planned route, before its tunnels have devices. */
export function wayTexts({ ways }: LearnedRoute): string[] {
  return ways.map(({ address, tunnel, weight }) => {
    const way = tunnel ? `through the tunnel to ${address}` : `via ${address}`;
    return weight === undefined || weight === 1 ? way : `${way} weight ${weight}`;
  });
}

/** Names of nodes by the address of their session; external peers have none. */
export function peerNames({ plan }: Pick<RouterInspection, 'plan'>): ReadonlyMap<string, string> {
  const named = (plan?.peers ?? []).flatMap(({ address, description = '' }): [string, string][] =>
    description === '' || description.startsWith('(') ? [] : [[address, description]],
  );
  return new Map(named);
}
