import t from 'tap';
import { parsePrefix } from '../../../src/annotations/prefix.ts';
import { routeContext } from '../../../src/router/route-context.ts';
import { ownsRoute, planRoute } from '../../../src/router/routes.ts';
import { facts, identity } from './fixture.ts';

const prefixes = (...texts: string[]) => texts.flatMap((text) => parsePrefix(text) ?? []);

const own = facts('n1', { addresses: ['10.0.0.1', 'fd00::1'], podCidrs: ['10.244.1.0/24', 'fd00:1::/64'] });
const nodes = [
  own,
  facts('n2', { addresses: ['10.0.0.2', 'fd00::2'], podCidrs: ['10.244.2.0/24', 'fd00:2::/64'] }),
  facts('n3', { addresses: ['10.0.0.3'], podCidrs: ['10.244.3.0/24'] }),
  facts('n4', { addresses: ['10.0.0.4'], podCidrs: ['10.244.3.128/25'] }),
  facts('n9', { addresses: ['10.9.0.1'], podCidrs: ['10.244.9.0/24'] }),
];
const subnets = prefixes('10.0.0.1/24', 'fd00::1/64');
const context = routeContext(identity(own), nodes, subnets, { enableOverlay: false, overlayType: 'subnet' });

const cases: readonly (readonly [prefix: string, nextHop: string, result: string])[] = [
  ['10.244.2.0/24', '10.0.0.2', 'route'],
  ['fd00:2::/64', 'fd00::2', 'route'],
  ['FD00:2:0::/64', 'fd00:0::2', 'route'],
  ['10.244.3.0/24', '10.0.0.3', 'route'],
  // A router that is no node: its own prefixes, an aggregate, and a node's pods by way of it.
  ['192.0.2.0/24', '10.0.0.254', 'route'],
  ['10.244.0.0/16', '10.0.0.254', 'route'],
  ['10.244.2.0/24', '10.0.0.254', 'route'],
  ['10.244.1.0/24', '10.0.0.254', 'own-pod-cidr'],
  ['10.244.1.128/25', '10.0.0.2', 'own-pod-cidr'],
  ['10.244.2.0/24', '10.0.0.1', 'own-next-hop'],
  ['fd00:2::/64', 'fd00::1', 'own-next-hop'],
  ['10.244.2.0/24', '10.0.0.3', 'pod-cidr-of-other-node'],
  ['10.244.2.128/25', '10.0.0.3', 'pod-cidr-of-other-node'],
  ['10.244.0.0/16', '10.0.0.2', 'pod-cidr-of-other-node'],
  ['10.244.3.128/25', '10.0.0.4', 'pod-cidr-of-other-node'],
  ['10.244.9.0/24', '10.9.0.1', 'off-subnet'],
  ['10.244.2.0/24', 'fd00::2', 'family'],
  ['fd00:2::/64', '10.0.0.2', 'family'],
];

t.test('B-61 without overlay: what is installed and what is refused', (t) => {
  t.ok(cases.length > 0);
  for (const [prefix, nextHop, result] of cases) {
    const plan = planRoute({ prefix, nextHop, from: '10.0.0.2' }, context);
    t.equal(plan.kind === 'route' ? 'route' : plan.reason, result, `${prefix} via ${nextHop}`);
  }
  t.end();
});

t.test('a direct route, in canonical text', (t) => {
  t.strictSame(planRoute({ prefix: 'FD00:2:0::/64', nextHop: 'fd00:0::2', from: 'fd00::2' }, context), {
    kind: 'route',
    route: { destination: 'fd00:2::/64', ways: [{ address: 'fd00::2', tunnel: false }] },
  });
  t.end();
});

t.test('refusals name the route and the reason; one problem for each unreachable next hop', (t) => {
  const problem = (prefix: string, nextHop: string) => {
    const plan = planRoute({ prefix, nextHop, from: '10.0.0.3' }, context);
    return plan.kind === 'refused' ? plan.problem : undefined;
  };
  t.equal(
    problem('10.244.2.0/24', '10.0.0.3')?.text,
    'route 10.244.2.0/24 via 10.0.0.3 from 10.0.0.3 is not installed: the next hop is node n3, and 10.244.2.0/24 is the pod CIDR of node n2',
  );
  t.equal(
    problem('10.244.9.0/24', '10.9.0.1')?.text,
    'routes via 10.9.0.1 are not installed: the next hop is in no subnet of this node (10.0.0.0/24, fd00::/64), and the overlay is off',
  );
  t.equal(problem('10.244.9.0/24', '10.9.0.1')?.subject, problem('10.245.0.0/24', '10.9.0.1')?.subject);
  t.end();
});

t.test('pod CIDRs that overlap: the own node first, then the first name', (t) => {
  t.strictSame(
    context.owners.problems.map(({ text }) => text),
    ['node n4: pod CIDR 10.244.3.128/25 overlaps 10.244.3.0/24 of node n3 and is refused'],
  );
  const clash = routeContext(
    identity(own),
    [facts('a0', { addresses: ['10.0.0.7'], podCidrs: ['10.244.0.0/16'] }), ...nodes],
    subnets,
    { enableOverlay: false, overlayType: 'subnet' },
  );
  t.strictSame(
    clash.owners.problems.map(({ subject }) => subject),
    ['a0 10.244.0.0/16', 'n4 10.244.3.128/25'],
  );
  const [wide] = prefixes('10.244.0.0/14');
  t.strictSame(wide && clash.owners.overlapping(wide).map(({ node }) => node), ['n1', 'n2', 'n3', 'n9']);
  t.end();
});

const adopted: readonly (readonly [destination: string, gateway: string, owns: boolean])[] = [
  ['10.244.2.0/24', '10.0.0.2', true],
  ['10.244.2.0/24', '10.0.0.77', true],
  ['192.0.2.0/24', '10.0.0.3', true],
  ['192.0.2.0/24', '10.0.0.254', true],
  ['192.0.2.0/24', '10.0.0.77', false],
  ['10.244.2.0/25', '10.0.0.77', false],
];

t.test('adoption: a known pod CIDR, or a gateway that is a node or a configured peer', (t) => {
  t.ok(adopted.length > 0);
  for (const [destination, gateway, owns] of adopted) {
    const route = { destination, nextHops: [{ gateway }] };
    t.equal(ownsRoute(route, context, new Set(['10.0.0.254'])), owns, `${destination} via ${gateway}`);
  }
  t.notOk(ownsRoute({ destination: '192.0.2.0/24', nextHops: [{ interface: 'eth0' }] }, context, new Set()));
  t.end();
});
