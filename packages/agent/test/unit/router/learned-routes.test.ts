import type { BestPathChange, Path, Speaker } from '@routelet/bgp';
import type { NodeRoute, RouteSource } from '@routelet/rib';
import t from 'tap';
import { parsePrefix } from '../../../src/annotations/prefix.ts';
import { LearnedRoutes } from '../../../src/router/learned-routes.ts';
import { type RouteContext, routeContext } from '../../../src/router/route-context.ts';
import { facts, identity } from './fixture.ts';

const own = facts('n1', { addresses: ['10.0.0.1'], podCidrs: ['10.244.1.0/24'] });
const n2 = facts('n2', { addresses: ['10.0.0.2'], podCidrs: ['10.244.2.0/24'] });
const n3 = facts('n3', { addresses: ['10.0.0.3'], podCidrs: ['10.244.3.0/24'] });
const me = identity(own, { enableIpv6: false });
const context = (subnet = '10.0.0.0/24', nodes = [own, n2, n3]) => {
  const prefix = parsePrefix(subnet);
  return routeContext(me, nodes, prefix ? [prefix] : [], { enableOverlay: false, overlayType: 'subnet' });
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
      .map(({ destination, nextHops }) => {
        const hops = nextHops.map(({ gateway, interface: device }) => (device ? `dev ${device}` : `via ${gateway}`));
        return `${destination} ${hops.join(' ')}`;
      })
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
  const looked: string[] = [];
  const speaker: Pick<Speaker, 'routes' | 'paths' | 'bestPath' | 'bestPathChanges'> = {
    routes: () => best.values(),
    bestPath: (prefix) => {
      looked.push(prefix);
      return best.get(prefix);
    },
    paths: (prefix) => paths.filter((one) => one.prefix === prefix),
    async *bestPathChanges() {
      yield* turns;
    },
  };
  return { speaker: speaker as Speaker, turns, best, looked };
}

function follower(source: RouteSource, start: RouteContext, changed: (received: number) => void = () => undefined) {
  return new LearnedRoutes(source, start, 1, { changed, tunnelsWanted: () => undefined });
}

t.test('best paths become routes, own and refused ones do not', async (t) => {
  const source = new Routes();
  let received = 0;
  const learned = follower(source, context(), (count) => {
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
  const learned = follower(source, context());
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
  const learned = follower(source, context('10.9.0.0/24'));
  const { speaker } = tables([path('10.244.2.0/24', '10.0.0.2'), path('10.244.8.0/24', '10.9.0.8')]);
  await learned.follow(speaker);
  t.strictSame(source.list, ['10.244.8.0/24 via 10.9.0.8']);
  learned.setContext(context('10.0.0.0/24'));
  t.strictSame(source.list, ['10.244.2.0/24 via 10.0.0.2']);
  t.equal(learned.refusals.offSubnet, 1);
});

t.test('routes of a speaker before this one stand until it has learned its own', async (t) => {
  const source = new Routes();
  const learned = follower(source, context());
  await learned.follow(tables([path('10.244.2.0/24', '10.0.0.2'), path('10.244.3.0/24', '10.0.0.3')]).speaker);
  await learned.follow(tables([path('10.244.2.0/24', '10.0.0.2')]).speaker);
  learned.setContext(context());
  t.strictSame(source.list, ['10.244.2.0/24 via 10.0.0.2', '10.244.3.0/24 via 10.0.0.3']);
  learned.settle();
  t.strictSame(source.list, ['10.244.2.0/24 via 10.0.0.2']);
});

t.test('a change of a node looks at what goes by way of it alone', async (t) => {
  const source = new Routes();
  const learned = follower(source, context('10.0.0.0/24', [own, n2, n3]));
  const { speaker, looked } = tables([
    path('10.244.2.0/24', '10.0.0.2'),
    path('10.244.3.0/24', '10.0.0.3'),
    path('10.244.4.0/24', '10.0.0.4'),
    path('192.0.2.0/24', '10.0.0.254'),
  ]);
  await learned.follow(speaker);
  t.equal(source.list.length, 4);
  learned.setContext(context('10.0.0.0/24', [own, n2, n3]));
  t.strictSame(looked, [], 'nothing changed');
  const n4 = facts('n4', { addresses: ['10.0.0.4'], podCidrs: ['10.244.40.0/24'] });
  learned.setContext(context('10.0.0.0/24', [own, n2, n3, n4]));
  t.strictSame(looked.splice(0), ['10.244.4.0/24'], 'the router there is a node now');
  const n5 = facts('n5', { addresses: ['10.0.0.5'], podCidrs: ['10.244.4.0/24'] });
  learned.setContext(context('10.0.0.0/24', [own, n2, n3, n4, n5]));
  t.strictSame(looked.splice(0), ['10.244.4.0/24'], 'the pod CIDR is of another node');
  t.notOk(source.map.has('10.244.4.0/24'));
  learned.setContext(context('10.0.0.0/24', [own, n2, n3, n4]));
  t.ok(source.map.has('10.244.4.0/24'));
  looked.splice(0);
  learned.setContext(context('10.0.0.0/24', [own, n3, n4]));
  t.strictSame(looked, ['10.244.2.0/24'], 'a node that is gone');
  t.ok(source.map.has('10.244.2.0/24'), 'its path is the speaker’s to withdraw');
});

t.test('1,000 nodes: one that comes costs no look at the others', async (t) => {
  const many = Array.from({ length: 1000 }, (_, i) =>
    facts(`m${i}`, {
      addresses: [`10.0.${4 + (i >> 8)}.${i & 255}`],
      podCidrs: [`10.${128 + (i >> 8)}.${i & 255}.0/24`],
    }),
  );
  const source = new Routes();
  const all = [own, ...many.slice(1)];
  const learned = follower(source, context('10.0.0.0/16', all));
  const { speaker, looked } = tables(many.map(({ podCidrs, ipv4 }) => path(podCidrs[0]?.text ?? '', ipv4 ?? '')));
  await learned.follow(speaker);
  t.equal(source.map.size, 1000);
  learned.setContext(context('10.0.0.0/16', [own, ...many]));
  t.strictSame(looked, ['10.128.0.0/24']);
});

const far = facts('far', { addresses: ['10.9.0.9'], podCidrs: ['10.244.9.0/24'] });
const overlaid = (overlayType: 'subnet' | 'full') => {
  const subnet = parsePrefix('10.0.0.0/24');
  return routeContext(me, [own, n2, far], subnet ? [subnet] : [], { enableOverlay: true, overlayType });
};

t.test('a route through a tunnel waits for the device; what stood stands until then (T-29)', async (t) => {
  const source = new Routes();
  const wanted: string[] = [];
  const learned = new LearnedRoutes(source, overlaid('subnet'), 1, {
    changed: () => undefined,
    tunnelsWanted: (addresses) => wanted.push([...addresses].sort().join(' ')),
  });
  const { speaker, best } = tables([path('10.244.2.0/24', '10.0.0.2'), path('10.244.9.0/24', '10.9.0.9')]);
  await learned.follow(speaker);
  t.strictSame(source.list, ['10.244.2.0/24 via 10.0.0.2']);
  t.strictSame(wanted, ['10.9.0.9']);
  learned.setDevices(new Map([['10.9.0.9', 'tun-9']]));
  t.strictSame(source.list, ['10.244.2.0/24 via 10.0.0.2', '10.244.9.0/24 dev tun-9']);

  learned.setContext(overlaid('full'));
  t.strictSame(source.list, ['10.244.2.0/24 via 10.0.0.2', '10.244.9.0/24 dev tun-9'], 'the direct route stands');
  t.equal(wanted.at(-1), '10.0.0.2 10.9.0.9');
  learned.setContext(overlaid('subnet'));
  best.delete('10.244.9.0/24');
  learned.setContext(overlaid('full'));
  learned.setDevices(new Map([['10.0.0.2', 'tun-2']]));
  t.strictSame(source.list, ['10.244.2.0/24 dev tun-2'], 'what no path makes is swept when none waits any more');
  t.equal(wanted.at(-1), '10.0.0.2');
  learned.setDevices(new Map([['10.0.0.2', 'tun-2b']]));
  t.strictSame(source.list, ['10.244.2.0/24 dev tun-2b'], 'a device under another name');
  learned.setDevices(new Map([['10.0.0.2', undefined]]));
  t.strictSame(source.list, [], 'no device can be');
  learned.setDevices(new Map([['10.0.0.2', 'tun-2']]));
  t.strictSame(source.list, ['10.244.2.0/24 dev tun-2'], 'and can again');
});

t.test('B-65: the last route of a tunnel takes it along, behind the route', async (t) => {
  const source = new Routes();
  const log: string[] = [];
  const learned = new LearnedRoutes(source, overlaid('subnet'), 1, {
    changed: () => undefined,
    tunnelsWanted: (addresses) => log.push(`${[...addresses]} with ${source.list.length} routes`),
  });
  const { speaker, turns } = tables([path('10.244.9.0/25', '10.9.0.9'), path('10.244.9.128/25', '10.9.0.9')]);
  turns.push([{ kind: 'withdrawn', prefix: '10.244.9.0/25' }], [{ kind: 'withdrawn', prefix: '10.244.9.128/25' }]);
  learned.setDevices(new Map([['10.9.0.9', 'tun-9']]));
  await learned.follow(speaker);
  t.strictSame(log, ['10.9.0.9 with 2 routes', ' with 0 routes']);
});

t.test('tunnels of a speaker before this one stand with its routes', async (t) => {
  const source = new Routes();
  let wanted: string[] = [];
  const learned = new LearnedRoutes(source, overlaid('subnet'), 1, {
    changed: () => undefined,
    tunnelsWanted: (addresses) => {
      wanted = [...addresses];
    },
  });
  learned.setDevices(new Map([['10.9.0.9', 'tun-9']]));
  await learned.follow(tables([path('10.244.9.0/24', '10.9.0.9')]).speaker);
  await learned.follow(tables([]).speaker);
  learned.setContext(overlaid('full'));
  t.strictSame([source.list, wanted], [['10.244.9.0/24 dev tun-9'], ['10.9.0.9']]);
  learned.settle();
  t.strictSame([source.list, wanted], [[], []]);
});

t.test('multipath: the ways that are left when a node goes', async (t) => {
  const source = new Routes();
  const learned = new LearnedRoutes(source, context(), 4, {
    changed: () => undefined,
    tunnelsWanted: () => undefined,
  });
  const paths = [
    { ...path('192.0.2.0/24', '10.0.0.2', 'ebgp'), bandwidth: 1e9 },
    { ...path('192.0.2.0/24', '10.0.0.3', 'ebgp'), bandwidth: 2e9 },
    { ...path('192.0.2.0/24', '10.0.0.9', 'ebgp'), multipath: false },
  ];
  const { speaker, turns } = tables(paths);
  turns.push([]);
  await learned.follow(speaker);
  t.strictSame(source.map.get('192.0.2.0/24')?.nextHops, [
    { gateway: '10.0.0.2', weight: 1 },
    { gateway: '10.0.0.3', weight: 2 },
  ]);
  paths.splice(0, 1);
  const [left] = paths;
  if (left)
    await learned.follow({
      ...speaker,
      bestPathChanges: async function* () {
        yield [{ kind: 'best', prefix: left.prefix, path: left }] as const;
      },
    } as unknown as Speaker);
  t.strictSame(source.map.get('192.0.2.0/24')?.nextHops, [{ gateway: '10.0.0.3' }]);
});
