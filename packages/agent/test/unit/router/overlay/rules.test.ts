import { AF_INET, AF_INET6, FR_ACT_TO_TBL, type Route, type Rule } from '@routelet/netlink-wire';
import t from 'tap';
import { addressBytes, type Prefix, parseAddress, parsePrefix } from '../../../../src/annotations/prefix.ts';
import { planRules, planTableRoutes } from '../../../../src/router/overlay/rules.ts';

const prefix = (text: string): Prefix => {
  const parsed = parsePrefix(text);
  if (!parsed) throw new Error(text);
  return parsed;
};
const rule = (source: string, changes: Partial<Rule> = {}): Rule => ({
  family: source.includes(':') ? AF_INET6 : AF_INET,
  source: addressBytes(prefix(source)),
  sourceLength: prefix(source).length,
  destinationLength: 0,
  tos: 0,
  table: 77,
  action: FR_ACT_TO_TBL,
  flags: 0,
  priority: 32765,
  ...changes,
});
const cidrs = ['10.244.1.0/24', 'fd00:1::/64'].map(prefix);
const shown = (actual: readonly Rule[], wanted = cidrs) =>
  planRules(wanted, actual).map(
    ({ action, object }) => `${action} ${object.source}/${object.sourceLength} ${object.priority ?? ''}`,
  );

t.test('a rule for each pod CIDR, its priority the kernel’s choice (B-74)', (t) => {
  t.strictSame(planRules(cidrs.slice(0, 1), []), [
    {
      kind: 'rule',
      action: 'add',
      object: {
        family: AF_INET,
        source: new Uint8Array([10, 244, 1, 0]),
        sourceLength: 24,
        destinationLength: 0,
        tos: 0,
        table: 77,
        action: FR_ACT_TO_TBL,
        flags: 0,
      },
    },
  ]);
  t.strictSame(shown([rule('10.244.1.0/24'), rule('fd00:1::/64', { priority: 5 })]), [], 'adopted at any priority');
  t.end();
});

t.test('a former pod CIDR and a second equal rule go; overlay off: all of ours', (t) => {
  const actual = [rule('10.244.1.0/24'), rule('10.244.7.0/24'), rule('10.244.1.0/24', { priority: 32764 })];
  t.strictSame(shown(actual, cidrs.slice(0, 1)), ['delete 10,244,7,0/24 32765', 'delete 10,244,1,0/24 32764']);
  t.equal(shown(actual, []).length, 3);
  t.end();
});

const foreign: readonly Partial<Rule>[] = [
  { table: 78 },
  { mark: 1, markMask: 0xffffffff },
  { inputInterface: 'eth0' },
  { outputInterface: 'eth0' },
  { flags: 2 },
  { tos: 8 },
  { ipProtocol: 6 },
  { suppressPrefixLength: 0 },
  { destination: new Uint8Array([10, 0, 0, 0]), destinationLength: 8 },
  { action: 6 },
];

t.test('rules that say more than a source are not ours', (t) => {
  t.ok(foreign.length > 0);
  for (const changes of foreign) {
    t.strictSame(shown([rule('10.244.1.0/24', changes)], []), [], JSON.stringify(changes));
  }
  const { source: _, ...all } = rule('10.244.1.0/24', { sourceLength: 0 });
  t.strictSame(shown([all], []), []);
  t.end();
});

const entry = (remote: string, index: number) => ({ remote, index });
const route = (destination: string, index: number, changes: Partial<Route> = {}): Route => ({
  family: destination.includes(':') ? AF_INET6 : AF_INET,
  destination: addressBytes(parseAddress(destination) ?? prefix('0.0.0.0/0')),
  destinationLength: destination.includes(':') ? 128 : 32,
  tos: 0,
  table: 77,
  protocol: 3,
  scope: destination.includes(':') ? 0 : 253,
  type: 1,
  flags: 0,
  nextHops: [{ index }],
  ...changes,
});

t.test('table 77 leads to each node by way of its tunnel', (t) => {
  const tunnels = [entry('10.9.0.2', 5), entry('fd00::9', 6)];
  t.strictSame(planTableRoutes(tunnels, []), [
    { kind: 'route', action: 'add', object: route('10.9.0.2', 5) },
    { kind: 'route', action: 'add', object: route('fd00::9', 6) },
  ]);
  const standing = [route('10.9.0.2', 5), route('fd00::9', 6, { priority: 1024 })];
  t.strictSame(planTableRoutes(tunnels, standing), []);
  t.strictSame(
    planTableRoutes(tunnels, [...standing, route('192.0.2.1', 99)]),
    [],
    'routes by way of other devices stay',
  );
  t.strictSame(
    planTableRoutes(tunnels, [route('10.9.0.2', 6), route('10.9.0.3', 5)]).map(
      ({ action, object }) => `${action} ${object.destination}`,
    ),
    ['delete 10,9,0,3', 'replace 10,9,0,2', `add ${addressBytes(parseAddress('fd00::9') ?? prefix('::/0'))}`],
  );
  t.strictSame(
    planTableRoutes([entry('10.9.0.2', 5)], [route('10.9.0.2', 99)]).map(({ action }) => action),
    ['add'],
    'a foreign route to it is not replaced: the kernel refuses, and says so',
  );
  t.end();
});
