/** The overlay against the fake kernel, which keeps links with their tunnel data: what it makes, keeps and removes, and in which order. */
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  formatAddress,
  IFF_UP,
  type Link,
  Rtnetlink,
  TUNNEL_ENCAP_FLAG_CSUM6,
  TUNNEL_ENCAP_GUE,
} from '@routelet/netlink-wire';
import { FakeKernel } from '@routelet/netlink-wire/fake';
import t, { type Test } from 'tap';
import type { AgentOptions } from '../../../../src/options/options.ts';
import type { Problem } from '../../../../src/problem.ts';
import type { GuePort } from '../../../../src/router/overlay/gue-ports.ts';
import { Overlay } from '../../../../src/router/overlay/overlay.ts';
import { capturedLog } from '../../captured-log.ts';
import { facts, identity } from '../fixture.ts';

const own = facts('n1', { addresses: ['10.0.0.1', 'fd00::1'], podCidrs: ['10.244.1.0/24', 'fd00:1::/64'] });
type Options = Pick<AgentOptions, 'enableOverlay' | 'overlayEncap' | 'overlayEncapPort'>;
const defaults: Options = { enableOverlay: true, overlayEncap: 'ipip', overlayEncapPort: 5555 };

async function bed(t: Test, kernel: FakeKernel, options: Partial<Options> = {}, ports: GuePort[] = []) {
  const netlink = await Rtnetlink.open({ dial: kernel.dial, native: false });
  t.teardown(() => netlink.close());
  const folder = await mkdtemp(join(tmpdir(), 'routelet-overlay-'));
  const tables = join(folder, 'rt_tables');
  await writeFile(tables, '254\tmain\n');
  const seen = { devices: new Map<string, string | undefined>(), problems: [] as readonly Problem[], settled: 0 };
  const overlay = new Overlay({
    options: { ...defaults, ...options },
    netlink,
    guePorts: {
      list: async () => ports,
      add: async (port) => void ports.push(port),
      remove: async ({ family, port }) => {
        const at = ports.findIndex((one) => one.family === family && one.port === port);
        ports.splice(at, 1);
      },
    },
    run: async () => '',
    log: capturedLog().log,
    devices: (names) => {
      seen.devices = new Map(names);
    },
    routesSettled: async () => {
      seen.settled++;
    },
    report: (problems) => {
      seen.problems = problems;
    },
    routeTablesFiles: [tables],
  });
  const subscription = await netlink.subscribe(['link'], (event) => overlay.heard(event));
  t.teardown(() => subscription.close());
  const want = async (...remotes: string[]) => {
    overlay.setRemotes(new Set(remotes));
    await overlay.idle();
  };
  const end = async () => {
    subscription.close();
    await overlay.stop();
  };
  overlay.setIdentity(identity(own));
  await overlay.idle();
  return { overlay, seen, want, end, tables };
}

const text = ({ name, kind, flags, tunnel }: Link) => {
  const address = (bytes?: Uint8Array) => (bytes ? formatAddress(bytes) : 'any');
  const encap = tunnel?.encap ? ` gue ${tunnel.encap.destinationPort} ttl ${tunnel.ttl}` : '';
  const up = (flags & IFF_UP) === 0 ? ' down' : '';
  return `${name} ${kind} ${address(tunnel?.local)} ${address(tunnel?.remote)}${encap}${up}`;
};
const links = (kernel: FakeKernel) => kernel.objects('link').map(text);
const routes = (kernel: FakeKernel) =>
  kernel
    .objects('route')
    .map(
      ({ destination, destinationLength, table, nextHops }) =>
        `${formatAddress(destination ?? new Uint8Array(4))}/${destinationLength} dev ${nextHops[0]?.index} table ${table}`,
    );
const rules = (kernel: FakeKernel) =>
  kernel
    .objects('rule')
    .map(
      ({ source, sourceLength, table }) =>
        `from ${formatAddress(source ?? new Uint8Array(4))}/${sourceLength} lookup ${table}`,
    );

/** A life of the agent that ends. */
async function life(
  t: Test,
  kernel: FakeKernel,
  remotes: readonly string[],
  options: Partial<Options> = {},
  ports: GuePort[] = [],
) {
  const { want, end } = await bed(t, kernel, options, ports);
  await want(...remotes);
  await end();
}

t.test('tunnels, rules and table 77; a second life changes nothing', async (t) => {
  const kernel = new FakeKernel();
  const { want, seen, end, tables } = await bed(t, kernel);
  t.strictSame(rules(kernel), ['from 10.244.1.0/24 lookup 77', 'from fd00:1::/64 lookup 77']);
  t.equal(await readFile(tables, 'utf8'), '254\tmain\n77 kube-router\n');
  await want('10.9.0.2', 'fd00::9');
  t.strictSame(links(kernel), ['tun-7668f3ca493 ipip 10.0.0.1 10.9.0.2', 'tun-6edeac4d6b1 ip6tnl fd00::1 fd00::9']);
  t.strictSame(routes(kernel), ['10.9.0.2/32 dev 1 table 77', 'fd00::9/128 dev 2 table 77']);
  t.strictSame(Object.fromEntries(seen.devices), { '10.9.0.2': 'tun-7668f3ca493', 'fd00::9': 'tun-6edeac4d6b1' });
  t.strictSame(seen.problems, []);

  await end();
  const before = kernel.requests.length;
  const second = await bed(t, kernel);
  await second.want('10.9.0.2', 'fd00::9');
  second.overlay.release();
  second.overlay.resync();
  await second.overlay.idle();
  t.equal(kernel.requests.length, before, 'no operation');
  t.strictSame(second.seen.devices, seen.devices);
});

t.test('stale tunnels go behind their routes, and not before it is known that they are', async (t) => {
  const kernel = new FakeKernel();
  await life(t, kernel, ['10.9.0.2']);
  const { overlay, want, seen } = await bed(t, kernel);
  await want('10.9.0.3');
  t.equal(links(kernel).length, 2, 'held');
  t.equal(seen.settled, 0);
  overlay.release();
  await overlay.idle();
  t.strictSame(
    links(kernel).map((link) => link.split(' ').at(-1)),
    ['10.9.0.3'],
  );
  t.equal(seen.settled, 1);
  await want();
  t.strictSame(links(kernel), []);
  t.equal(seen.settled, 2);
});

t.test(
  'fou: the port first, TTL 225 (B-72); back to ipip the tunnel is replaced and the port closed (B-73)',
  async (t) => {
    const kernel = new FakeKernel();
    const ports: GuePort[] = [{ family: 4, port: 6635 }];
    await life(t, kernel, ['10.9.0.2', 'fd00::9'], { overlayEncap: 'fou' }, ports);
    t.strictSame(links(kernel), [
      'tun-7668f3ca493 ipip 10.0.0.1 10.9.0.2 gue 5555 ttl 225',
      'tun-6edeac4d6b1 ip6tnl fd00::1 fd00::9 gue 5555 ttl 225',
    ]);
    t.match(
      kernel.objects('link').map(({ tunnel }) => tunnel),
      [
        { encap: { type: TUNNEL_ENCAP_GUE, flags: 0, sourcePort: 0 }, ipProtocol: 4 },
        { encap: { type: TUNNEL_ENCAP_GUE, flags: TUNNEL_ENCAP_FLAG_CSUM6, sourcePort: 0 }, ipProtocol: 41 },
      ],
    );
    t.strictSame(ports.slice(1), [
      { family: 4, port: 5555 },
      { family: 6, port: 5555 },
    ]);
    await life(t, kernel, ['10.9.0.2', 'fd00::9'], {}, ports);
    t.strictSame(links(kernel).sort(), [
      'tun-6edeac4d6b1 ip6tnl fd00::1 fd00::9',
      'tun-7668f3ca493 ipip 10.0.0.1 10.9.0.2',
    ]);
    t.strictSame(ports, [{ family: 4, port: 6635 }], 'another’s port is left alone');
  },
);

t.test('overlay off: rules and tunnels of ours go, those of others stay', async (t) => {
  const kernel = new FakeKernel();
  await life(t, kernel, ['10.9.0.2']);
  kernel.change('link', 'new', { index: 50, name: 'tun-home', type: 1, flags: IFF_UP, mtu: 1500, kind: 'tun' });
  kernel.change('rule', 'new', {
    ...{ family: 2, destinationLength: 0, sourceLength: 0, tos: 0, table: 77, action: 1, flags: 0 },
    ...{ mark: 1, markMask: 1 },
  });
  const { overlay } = await bed(t, kernel, { enableOverlay: false });
  t.strictSame(rules(kernel), ['from 0.0.0.0/0 lookup 77']);
  overlay.release();
  await overlay.idle();
  t.strictSame(
    links(kernel).map((link) => link.split(' ')[0]),
    ['tun-home'],
  );
});

t.test('a device that somebody removes or sets down is put back at once', async (t) => {
  const kernel = new FakeKernel();
  const { overlay, want } = await bed(t, kernel);
  await want('10.9.0.2');
  for (const link of kernel.objects('link')) kernel.change('link', 'del', link);
  await new Promise(setImmediate);
  await overlay.idle();
  t.strictSame(links(kernel), ['tun-7668f3ca493 ipip 10.0.0.1 10.9.0.2']);
  for (const link of kernel.objects('link')) kernel.change('link', 'new', { ...link, flags: 0 });
  await new Promise(setImmediate);
  await overlay.idle();
  t.strictSame(links(kernel), ['tun-7668f3ca493 ipip 10.0.0.1 10.9.0.2']);
});

t.test('a tunnel that the kernel refuses is named, and the others stand', async (t) => {
  const kernel = new FakeKernel();
  kernel.refuseWhen(({ kind, object }) =>
    kind === 'link' && 'kind' in object && object.kind === 'ip6tnl'
      ? { code: 'EOPNOTSUPP', text: 'Unknown device type' }
      : undefined,
  );
  const { want, seen } = await bed(t, kernel);
  await want('10.9.0.2', 'fd00::9');
  t.equal(links(kernel).length, 1);
  t.match(seen.problems, [
    {
      code: 'kernel',
      subject: 'tunnel fd00::9',
      text: /^tunnel tun-6edeac4d6b1 \(ip6tnl from fd00::1 to fd00::9\): .*EOPNOTSUPP.*Unknown device type/,
    },
  ]);
  t.ok(seen.devices.has('fd00::9'), 'its routes are handed on: the rib names them');
  kernel.refuseWhen(() => undefined);
  await want('10.9.0.2', 'fd00::9');
  t.strictSame([links(kernel).length, seen.problems.length], [2, 0]);
});
