/** B-61 with the overlay on: what goes directly, what through a tunnel, and what not at all. */
import t from 'tap';
import { parsePrefix } from '../../../src/annotations/prefix.ts';
import { tunnelNames } from '../../../src/router/overlay/tunnel-name.ts';
import { type OverlayType, routeContext } from '../../../src/router/route-context.ts';
import { joinRoutes, type LearnedRoute, nodeRoute, ownsRoute, planRoute } from '../../../src/router/routes.ts';
import { facts, identity } from './fixture.ts';

const prefixes = (...texts: string[]) => texts.flatMap((text) => parsePrefix(text) ?? []);

const own = facts('n1', { addresses: ['10.0.0.1', 'fd00::1'], podCidrs: ['10.244.1.0/24', 'fd00:1::/64'] });
const nodes = [
  own,
  facts('near', { addresses: ['10.0.0.2', 'fd00::2'], podCidrs: ['10.244.2.0/24', 'fd00:2::/64'] }),
  facts('far', { addresses: ['10.9.0.3', 'fd09::3'], podCidrs: ['10.244.3.0/24', 'fd00:3::/64'] }),
];
const subnets = prefixes('10.0.0.1/24', 'fd00::1/64');
const context = (overlay: OverlayType | 'off', self = identity(own)) =>
  routeContext(self, nodes, subnets, {
    enableOverlay: overlay !== 'off',
    overlayType: overlay === 'off' ? 'subnet' : overlay,
  });
const shown = (prefix: string, nextHop: string, overlay: OverlayType | 'off', self = identity(own)) => {
  const plan = planRoute({ prefix, nextHop, from: nextHop }, context(overlay, self));
  if (plan.kind === 'refused') return plan.reason;
  const { ways, source } = plan.route;
  return ways.map(({ tunnel }) => (tunnel ? `tunnel src ${source}` : `direct${source ?? ''}`)).join();
};

const far4 = 'tunnel src 10.0.0.1';
const far6 = 'tunnel src fd00::1';
/** Next hops: a node in the subnet, a node elsewhere, a router in the subnet, a router elsewhere. */
const cases: readonly (readonly [prefix: string, nextHop: string, off: string, subnet: string, full: string])[] = [
  ['10.244.2.0/24', '10.0.0.2', 'direct', 'direct', far4],
  ['fd00:2::/64', 'fd00::2', 'direct', 'direct', far6],
  ['10.244.3.0/24', '10.9.0.3', 'off-subnet', far4, far4],
  ['fd00:3::/64', 'fd09::3', 'off-subnet', far6, far6],
  ['192.0.2.0/24', '10.0.0.254', 'direct', 'direct', 'direct'],
  ['192.0.2.0/24', '10.8.0.254', 'off-subnet', 'off-subnet', 'off-subnet'],
  ['10.244.3.0/24', '10.0.0.1', 'own-next-hop', 'own-next-hop', 'own-next-hop'],
  ['10.244.2.0/24', '10.9.0.3', 'pod-cidr-of-other-node', 'pod-cidr-of-other-node', 'pod-cidr-of-other-node'],
];

t.test('B-61 and T-28: tunnels lead to nodes only', (t) => {
  t.ok(cases.length > 0);
  for (const [prefix, nextHop, off, subnet, full] of cases) {
    const name = `${prefix} via ${nextHop}`;
    t.equal(shown(prefix, nextHop, 'off'), off, `${name}, off`);
    t.equal(shown(prefix, nextHop, 'subnet'), subnet, `${name}, subnet`);
    t.equal(shown(prefix, nextHop, 'full'), full, `${name}, full`);
  }
  t.end();
});

t.test('what is refused off the subnet says why', (t) => {
  const why = (nextHop: string, overlay: OverlayType | 'off') => {
    const plan = planRoute({ prefix: '192.0.2.0/24', nextHop, from: nextHop }, context(overlay));
    return plan.kind === 'refused' ? plan.problem.text : '';
  };
  const start = (nextHop: string) =>
    `routes via ${nextHop} are not installed: the next hop is in no subnet of this node (10.0.0.0/24, fd00::/64), and `;
  t.equal(why('10.8.0.254', 'off'), `${start('10.8.0.254')}the overlay is off`);
  t.equal(why('10.8.0.254', 'full'), `${start('10.8.0.254')}no node has that address, so there is no tunnel to it`);
  const only4 = identity(own, { enableIpv6: false });
  t.equal(shown('fd00:3::/64', 'fd09::3', 'subnet', only4), 'off-subnet', 'no address of this node to start from');
  t.end();
});

const way = (address: string, tunnel = false): LearnedRoute => ({
  destination: address.includes(':') ? '2001:db8::/64' : '192.0.2.0/24',
  ways: [{ address, tunnel }],
  ...(tunnel && { source: address.includes(':') ? 'fd00::1' : '10.0.0.1' }),
});
const device = (address: string) => `tun to ${address}`;
const joined = (...parts: readonly (readonly [route: LearnedRoute, bandwidth?: number])[]) => {
  const route = joinRoutes(parts.map(([one, bandwidth]) => ({ route: one, bandwidth })));
  return route && nodeRoute(route, device);
};

t.test('several paths become one route, weighted by link bandwidth', (t) => {
  t.equal(joined(), undefined);
  t.strictSame(joined([way('10.0.0.2')]), { destination: '192.0.2.0/24', nextHops: [{ gateway: '10.0.0.2' }] });
  t.strictSame(joined([way('10.0.0.2'), 1e9], [way('10.9.0.3', true), 4e9]), {
    destination: '192.0.2.0/24',
    nextHops: [
      { gateway: '10.0.0.2', weight: 1 },
      { interface: 'tun to 10.9.0.3', weight: 4 },
    ],
    source: '10.0.0.1',
  });
  t.match(joined([way('10.0.0.2'), 1e9], [way('10.0.0.3')])?.nextHops, [{ weight: 1 }, { weight: 1 }]);
  t.end();
});

t.test('IPv6: a way without a gateway cannot be one of several', (t) => {
  t.strictSame(joined([way('fd09::3', true)], [way('fd00::2')])?.nextHops, [{ interface: 'tun to fd09::3' }]);
  t.strictSame(joined([way('fd00::2')], [way('fd09::3', true)], [way('fd00::4')])?.nextHops, [
    { gateway: 'fd00::2', weight: 1 },
    { gateway: 'fd00::4', weight: 1 },
  ]);
  t.end();
});

t.test('a way whose tunnel can have no device is left out', (t) => {
  const route = joinRoutes(
    [way('10.0.0.2'), way('10.9.0.3', true)].map((one) => ({ route: one, bandwidth: undefined })),
  );
  t.strictSame(route && nodeRoute(route, () => undefined)?.nextHops, [{ gateway: '10.0.0.2', weight: 1 }]);
  t.equal(
    nodeRoute(way('10.9.0.3', true), () => undefined),
    undefined,
  );
  t.end();
});

t.test('tunnel routes of an earlier life are adopted by the name of the device', (t) => {
  const owns = (name: string) =>
    ownsRoute({ destination: '192.0.2.0/24', nextHops: [{ interface: name }] }, context('subnet'), new Set());
  for (const name of tunnelNames('10.9.0.3')) t.ok(owns(name), name);
  t.notOk(owns('tun-0123456789a'));
  t.notOk(owns('eth0'));
  t.end();
});
