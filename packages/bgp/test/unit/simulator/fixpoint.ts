/**
 * What the best paths must be at rest, worked out without speakers: routers choose and announce in rounds until nothing
 * changes. It shares no code with the package; its routes are plain values and its comparison is written out.
 */

export interface ModelRouter {
  readonly address: string;
  readonly asn: number;
  readonly routerId: string;
  readonly originates: readonly { readonly prefix: string; readonly med?: number }[];
  readonly clients: readonly string[];
}

export interface ModelRoute {
  readonly path: readonly number[];
  readonly med: number | undefined;
  readonly nextHop: string;
  readonly from: string;
  readonly kind: 'local' | 'ibgp' | 'ebgp';
  readonly originator: string | undefined;
  readonly clusters: readonly string[];
  readonly fromId: string;
}

export type Model = Map<string, Map<string, ModelRoute>>;

const number = (dotted: string): number => dotted.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);

export function solve(routers: readonly ModelRouter[], links: readonly (readonly [string, string])[]): Model {
  const byAddress = new Map(routers.map((router) => [router.address, router]));
  const neighbors = (address: string): ModelRouter[] =>
    links
      .flatMap(([a, b]) => (a === address ? [b] : b === address ? [a] : []))
      .flatMap((other) => byAddress.get(other) ?? []);
  const prefixes = new Set(routers.flatMap(({ originates }) => originates.map(({ prefix }) => prefix)));
  let best: Model = new Map(routers.map(({ address }) => [address, new Map<string, ModelRoute>()]));
  for (let round = 0; round < 200; round++) {
    const next: Model = new Map();
    for (const router of routers) {
      const chosen = new Map<string, ModelRoute>();
      for (const prefix of prefixes) {
        const candidates = neighbors(router.address).flatMap((neighbor) => {
          const route = best.get(neighbor.address)?.get(prefix);
          const told = route === undefined ? undefined : announced(neighbor, route, router);
          return told === undefined ? [] : [told];
        });
        const own = router.originates.find((origin) => origin.prefix === prefix);
        if (own !== undefined) candidates.push(local(router, own.med));
        const winner = choose(candidates);
        if (winner !== undefined) chosen.set(prefix, winner);
      }
      next.set(router.address, chosen);
    }
    if (JSON.stringify(plain(next)) === JSON.stringify(plain(best))) return next;
    best = next;
  }
  throw new Error('the model does not come to rest');
}

const plain = (model: Model): unknown =>
  [...model].map(([address, routes]) => [address, [...routes].sort(([a], [b]) => (a < b ? -1 : 1))]);

function local(router: ModelRouter, med: number | undefined): ModelRoute {
  const { routerId, address } = router;
  return {
    path: [],
    med,
    nextHop: address,
    from: 'local',
    kind: 'local',
    originator: undefined,
    clusters: [],
    fromId: routerId,
  };
}

function announced(sender: ModelRouter, route: ModelRoute, receiver: ModelRouter): ModelRoute | undefined {
  if (route.from === receiver.address) return undefined;
  const common = { from: sender.address, fromId: sender.routerId };
  if (sender.asn !== receiver.asn) {
    const path = [sender.asn, ...route.path];
    if (path.includes(receiver.asn)) return undefined;
    const med = route.kind === 'local' ? route.med : undefined;
    return { ...common, path, med, nextHop: sender.address, kind: 'ebgp', originator: undefined, clusters: [] };
  }
  const kept = { ...common, path: route.path, med: route.med, kind: 'ibgp' as const, nextHop: route.nextHop };
  if (route.kind !== 'ibgp') return { ...kept, originator: undefined, clusters: [] };
  if (!sender.clients.includes(receiver.address) && !sender.clients.includes(route.from)) return undefined;
  const originator = route.originator ?? route.fromId;
  const clusters = [sender.routerId, ...route.clusters];
  if (originator === receiver.routerId || clusters.includes(receiver.routerId)) return undefined;
  return { ...kept, originator, clusters };
}

/** RFC 4271 §9.1.2.2 and RFC 4456 §9 for routes of equal local preference and origin. */
function choose(routes: ModelRoute[]): ModelRoute | undefined {
  const own = routes.find(({ kind }) => kind === 'local');
  if (own !== undefined) return own;
  const shortest = Math.min(...routes.map(({ path }) => path.length));
  let left = routes.filter(({ path }) => path.length === shortest);
  left = left.filter(
    (route) => !left.some((other) => other.path[0] === route.path[0] && (other.med ?? 0) < (route.med ?? 0)),
  );
  if (left.some(({ kind }) => kind === 'ebgp')) left = left.filter(({ kind }) => kind === 'ebgp');
  const rank = (route: ModelRoute): number[] => [
    number(route.originator ?? route.fromId),
    route.clusters.length,
    number(route.from),
  ];
  return left.sort((a, b) => {
    const [ra, rb] = [rank(a), rank(b)];
    for (const [index, value] of ra.entries()) if (value !== rb[index]) return value - (rb[index] ?? 0);
    return 0;
  })[0];
}
