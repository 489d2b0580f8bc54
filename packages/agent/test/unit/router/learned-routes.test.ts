import type { BestPathChange, Path, Speaker } from '@routelet/bgp';
import type { NodeRoute, RouteSource } from '@routelet/rib';
import t from 'tap';
import { parsePrefix } from '../../../src/annotations/prefix.ts';
import { LearnedRoutes } from '../../../src/router/learned-routes.ts';
import { routeContext } from '../../../src/router/routes.ts';
import { facts, identity } from './fixture.ts';

const own = facts('n1', { addresses: ['10.0.0.1'], podCidrs: ['10.244.1.0/24'] });
const n2 = facts('n2', { addresses: ['10.0.0.2'], podCidrs: ['10.244.2.0/24'] });
const n3 = facts('n3', { addresses: ['10.0.0.3'], podCidrs: ['10.244.3.0/24'] });
const me = identity(own, { enableIpv6: false });
const context = (subnet = '10.0.0.0/24', nodes = [own, n2, n3]) => {
  const prefix = parsePrefix(subnet);
  return routeContext(me, nodes, prefix ? [prefix] : [], { enableOverlay: false });
};

/** The routes of a source, `destination via gateway`, sorted. */
class Routes implements RouteSource {
  readonly map = new Map<string, NodeRoute>();
  replaceAll(routes: Iterable<NodeRoute>): void {
    this.map.clear();
    for (const route of routes) this.set(route);
  }
  set(route: NodeRoute): void {
    this.map.set(route.destination, route);
  }
  delete(destination: string): void {
    this.map.delete(destination);
  }
  get list(): string[] {
    return [...this.map.values()]
      .map(({ destination, nextHops }) => `${destination} via ${nextHops[0]?.gateway}`)
      .sort();
  }
}

const path = (prefix: string, nextHop: string, fromType: Path['fromType'] = 'ibgp'): Path => ({
  prefix,
  nextHop,
  fromType,
  family: 'ipv4-unicast',
  attributes: {},
  from: fromType === 'local' ? 'local' : nextHop,
  stale: false,
  multipath: true,
});

/** Only what is read of a speaker: its tables, and a stream of the turns that are given. */
function tables(paths: readonly Path[]) {
  const best = new Map(paths.toReversed().map((one) => [one.prefix, one]));
  const turns: BestPathChange[][] = [
    [...best.values()].map((one) => ({ kind: 'best', prefix: one.prefix, path: one })),
  ];
  const speaker: Pick<Speaker, 'routes' | 'paths' | 'bestPathChanges'> = {
    routes: () => best.values(),
    paths: (prefix) => paths.filter((one) => one.prefix === prefix),
    async *bestPathChanges() {
      yield* turns;
    },
  };
  return { speaker: speaker as Speaker, turns };
}

t.test('best paths become routes, own and refused ones do not', async (t) => {
  const source = new Routes();
  let received = 0;
  const learned = new LearnedRoutes(source, context(), (count) => {
    received += count;
  });
  const { speaker, turns } = tables([
    path('10.244.1.0/24', '10.0.0.1', 'local'),
    path('10.244.2.0/24', '10.0.0.2'),
    path('10.244.3.0/24', '10.0.0.3'),
    path('10.244.8.0/24', '10.9.0.8'),
    path('10.244.9.0/24', '10.9.0.8'),
  ]);
  turns.push([{ kind: 'withdrawn', prefix: '10.244.3.0/24' }]);
  await learned.follow(speaker);
  t.strictSame(source.list, ['10.244.2.0/24 via 10.0.0.2']);
  t.equal(received, 5);
  t.equal(learned.refusals.offSubnet, 2);
  t.strictSame(
    learned.refusals.problems.map(({ subject }) => subject),
    ['10.9.0.8'],
    'one problem for the next hop of both',
  );
});

t.test('a refused best path makes room for the next one', async (t) => {
  const source = new Routes();
  const learned = new LearnedRoutes(source, context(), () => undefined);
  const { speaker } = tables([
    path('10.244.2.0/24', '10.0.0.3'),
    path('10.244.2.0/24', '10.0.0.1', 'local'),
    path('10.244.2.0/24', '10.0.0.2'),
  ]);
  await learned.follow(speaker);
  t.strictSame(source.list, ['10.244.2.0/24 via 10.0.0.2']);
  t.match(learned.refusals.problems, [
    { text: /the next hop is node n3, and 10\.244\.2\.0\/24 is the pod CIDR of node n2/ },
  ]);
});

t.test('another context plans all again', async (t) => {
  const source = new Routes();
  const learned = new LearnedRoutes(source, context('10.9.0.0/24'), () => undefined);
  const { speaker } = tables([path('10.244.2.0/24', '10.0.0.2'), path('10.244.8.0/24', '10.9.0.8')]);
  await learned.follow(speaker);
  t.strictSame(source.list, ['10.244.8.0/24 via 10.9.0.8']);
  learned.setContext(context('10.0.0.0/24'));
  t.strictSame(source.list, ['10.244.2.0/24 via 10.0.0.2']);
  t.equal(learned.refusals.offSubnet, 1);
});

t.test('routes of a speaker before this one stand until it has learned its own', async (t) => {
  const source = new Routes();
  const learned = new LearnedRoutes(source, context(), () => undefined);
  await learned.follow(tables([path('10.244.2.0/24', '10.0.0.2'), path('10.244.3.0/24', '10.0.0.3')]).speaker);
  await learned.follow(tables([path('10.244.2.0/24', '10.0.0.2')]).speaker);
  learned.setContext(context());
  t.strictSame(source.list, ['10.244.2.0/24 via 10.0.0.2', '10.244.3.0/24 via 10.0.0.3']);
  learned.settle();
  t.strictSame(source.list, ['10.244.2.0/24 via 10.0.0.2']);
});
