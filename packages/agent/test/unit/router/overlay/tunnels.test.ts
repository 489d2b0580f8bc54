import t from 'tap';
import type { Device, Tunnel } from '../../../../src/router/overlay/tunnel.ts';
import { tunnelNames } from '../../../../src/router/overlay/tunnel-name.ts';
import { planTunnels, type TunnelOperation, type TunnelWishes } from '../../../../src/router/overlay/tunnels.ts';

/** T-5, made with `printf 10902 | sha256sum`: the address without dots and colons. */
const vectors: readonly (readonly [remote: string, name: string])[] = [
  ['10.9.0.2', 'tun-7668f3ca493'],
  ['21.3.0.4', 'tun-8bbcaad3138'],
  ['2.13.0.4', 'tun-8bbcaad3138'],
  ['fd00::9', 'tun-6edeac4d6b1'],
  ['fd00:db8::1', 'tun-a4ee1cdf33f'],
];

t.test('names of the original (B-70), which fit IFNAMSIZ', (t) => {
  t.ok(vectors.length > 0);
  for (const [remote, name] of vectors) t.equal(tunnelNames(remote)[0], name, remote);
  for (const name of tunnelNames('10.9.0.2')) t.equal(name.length, 15);
  t.equal(new Set(tunnelNames('10.9.0.2')).size, 4);
  t.equal(tunnelNames('2.13.0.4')[1], 'tun-cd46232a163', 'the second choice is of the whole text');
  t.end();
});

const wishes = (remotes: readonly string[], changes: Partial<TunnelWishes> = {}): TunnelWishes => ({
  remotes,
  local: { 4: '10.0.0.1', 6: 'fd00::1' },
  guePort: undefined,
  hold: false,
  ...changes,
});

let index = 10;
const device = (name: string, remote: string, changes: Partial<Tunnel> & { readonly up?: boolean } = {}): Device => {
  const { up = true, ...tunnel } = changes;
  const kind = remote.includes(':') ? 'ip6tnl' : 'ipip';
  const local = kind === 'ipip' ? '10.0.0.1' : 'fd00::1';
  return { index: index++, name, up, tunnel: { kind, local, remote, guePort: undefined, ...tunnel } };
};
const plain = (name: string): Device => ({ index: index++, name, up: true, tunnel: undefined });
const text = (operation: TunnelOperation) =>
  operation.action === 'create'
    ? `create ${operation.name} ${operation.tunnel.kind} ${operation.tunnel.local} ${operation.tunnel.remote} ${operation.tunnel.guePort ?? ''}`.trim()
    : `${operation.action} ${operation.device.name}`;
const plan = (wanted: TunnelWishes, devices: readonly Device[] = []) => {
  const { operations, stale, names, problems } = planTunnels(wanted, devices);
  return {
    operations: operations.map(text),
    stale: stale.map(text),
    names: Object.fromEntries(names),
    problems: problems.map((problem) => problem.text),
  };
};

t.test('new tunnels of both families, with and without GUE', (t) => {
  t.strictSame(plan(wishes(['10.9.0.2', 'fd00::9'])).operations, [
    'create tun-7668f3ca493 ipip 10.0.0.1 10.9.0.2',
    'create tun-6edeac4d6b1 ip6tnl fd00::1 fd00::9',
  ]);
  t.strictSame(plan(wishes(['10.9.0.2'], { guePort: 5555 })).operations, [
    'create tun-7668f3ca493 ipip 10.0.0.1 10.9.0.2 5555',
  ]);
  t.strictSame(plan(wishes(['fd00::9'], { local: { 4: '10.0.0.1', 6: undefined } })).operations, []);
  t.end();
});

t.test('the original’s devices are adopted as they are; one that is down is set up', (t) => {
  const standing = [device('tun-7668f3ca493', '10.9.0.2'), device('tun-6edeac4d6b1', 'fd00::9', { up: false })];
  t.strictSame(plan(wishes(['fd00::9', '10.9.0.2']), standing), {
    operations: ['up tun-6edeac4d6b1'],
    stale: [],
    names: { '10.9.0.2': 'tun-7668f3ca493', 'fd00::9': 'tun-6edeac4d6b1' },
    problems: [],
  });
  t.end();
});

const changed: readonly (readonly [why: string, before: Partial<Tunnel>, guePort: number | undefined])[] = [
  ['local address', { local: '10.0.0.77' }, undefined],
  ['from ipip to fou', {}, 5555],
  ['from fou to ipip', { guePort: 5555 }, undefined],
  ['another port', { guePort: 5555 }, 5556],
];

t.test('B-73: what leads there in another way is replaced, in two operations side by side', (t) => {
  t.ok(changed.length > 0);
  for (const [why, before, guePort] of changed) {
    const { operations, stale } = plan(wishes(['10.9.0.2'], { guePort }), [
      device('tun-7668f3ca493', '10.9.0.2', before),
    ]);
    t.match(operations, ['delete tun-7668f3ca493', /^create tun-7668f3ca493 ipip 10.0.0.1 10.9.0.2/], why);
    t.equal(operations.length, 2);
    t.strictSame(stale, []);
  }
  t.end();
});

t.test('T-38: both of a pair of addresses whose first names are the same get a tunnel', (t) => {
  const both = plan(wishes(['21.3.0.4', '2.13.0.4']));
  t.strictSame(both.names, { '2.13.0.4': 'tun-8bbcaad3138', '21.3.0.4': 'tun-0bee67abe9c' });
  t.strictSame(plan(wishes(['2.13.0.4', '21.3.0.4'])).names, both.names, 'in whatever order they are heard of');
  const standing = [device('tun-8bbcaad3138', '2.13.0.4'), device('tun-0bee67abe9c', '21.3.0.4')];
  t.strictSame(plan(wishes(['21.3.0.4', '2.13.0.4']), standing).operations, [], 'a second start changes nothing');
  t.strictSame(
    plan(wishes(['21.3.0.4']), standing),
    { operations: [], stale: ['delete tun-8bbcaad3138'], names: { '21.3.0.4': 'tun-0bee67abe9c' }, problems: [] },
    'one goes, the other keeps its name',
  );
  const original = [device('tun-8bbcaad3138', '21.3.0.4')];
  t.strictSame(
    plan(wishes(['21.3.0.4', '2.13.0.4']), original).operations,
    ['create tun-cd46232a163 ipip 10.0.0.1 2.13.0.4'],
    'a device of the original that stands has the name',
  );
  t.end();
});

t.test('stale tunnels go, but not while they are held, and never those that are not ours', (t) => {
  const foreign = [
    plain('tun-home'),
    plain('tun-7668f3ca493'),
    device('tun-0123456789a', '10.9.0.3'),
    device('vpn0', '10.9.0.2'),
  ];
  const ours = device('tun-6edeac4d6b1', 'fd00::9');
  t.strictSame(plan(wishes([]), [...foreign, ours]).stale, ['delete tun-6edeac4d6b1']);
  t.strictSame(plan(wishes([], { hold: true }), [...foreign, ours]).stale, []);
  const { operations } = plan(wishes(['10.9.0.2']), foreign);
  t.strictSame(operations, [`create ${tunnelNames('10.9.0.2')[1]} ipip 10.0.0.1 10.9.0.2`], 'a name that is taken');
  t.end();
});

t.test('no name left: a problem names the tunnel and the interfaces', (t) => {
  const taken = tunnelNames('10.9.0.2').map(plain);
  const { operations, problems, names } = plan(wishes(['10.9.0.2', '10.9.0.3']), taken);
  t.strictSame(Object.keys(names), ['10.9.0.3'], 'the others go on');
  t.equal(operations.length, 1);
  t.match(problems, [
    /^no tunnel ipip from 10\.0\.0\.1 to 10\.9\.0\.2: the names tun-7668f3ca493, .* are those of other/,
  ]);
  t.end();
});
