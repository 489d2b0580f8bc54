/**
 * The router module on the real kernel and real sessions: this namespace is node n1, a second one holds the speakers of
 * node n2 and of an external router. What the kernel holds is read with `ip`.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { PeerOptions } from '@routelet/bgp';
import t, { type Test } from 'tap';
import { ClusterStore } from '../../src/cluster/store.ts';
import { HealthMonitor } from '../../src/health/monitor.ts';
import { runCommand } from '../../src/kernel/command.ts';
import { Ruleset } from '../../src/kernel/ruleset.ts';
import type { Log } from '../../src/log.ts';
import { createMetrics } from '../../src/metrics/create.ts';
import { parseOptions } from '../../src/options/parse.ts';
import { router as routerModule } from '../../src/router/router.ts';
import { ServedAddresses } from '../../src/service/served-addresses.ts';
import { node } from '../unit/router/fixture.ts';

const sh = (command: string) => execFileSync('sh', ['-c', command], { encoding: 'utf8' });

/** Waits until `read` gives a value that `holds`; throws with the last value after 10 s. */
async function until<T>(what: string, read: () => T | Promise<T>, holds: (value: T) => boolean): Promise<T> {
  const end = performance.now() + 10_000;
  for (;;) {
    const value = await read();
    if (holds(value)) return value;
    if (performance.now() > end) throw new Error(`${what} did not come; last: ${JSON.stringify(value).slice(0, 500)}`);
    await delay(20);
  }
}

/** A log that remembers. */
function record(): { log: Log; lines: string[] } {
  const lines: string[] = [];
  const level = (name: string) => (text: string, fields?: object) => {
    lines.push(
      `${name} ${text} ${JSON.stringify(fields ?? {}, (_, value) => (value instanceof Error ? value.message : value))}`,
    );
  };
  const log: Log = {
    error: level('error'),
    warn: level('warn'),
    info: level('info'),
    debug: level('debug'),
    child: () => log,
  };
  return { log, lines };
}

const directory = await mkdtemp(join(tmpdir(), 'routelet-router-'));
const cniPath = join(directory, '10-kuberouter.conf');
process.env['KUBE_ROUTER_CNI_CONF_FILE'] = cniPath;
process.env['ROUTELET_STATE_DIRECTORY'] = join(directory, 'state');
// The router writes the name of its table there.
sh(`cp /etc/iproute2/rt_tables ${directory}; mount --bind ${directory}/rt_tables /etc/iproute2/rt_tables`);
await writeFile(cniPath, '{"type":"bridge","bridge":"kube-bridge","ipam":{"type":"host-local"}}');

// The other namespace lives as long as this process.
const holder = spawn('unshare', ['--net', 'sh', '-c', 'ip link set lo up; echo up; exec sleep infinity'], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
await once(holder.stdout, 'data');
sh(`for i in all default; do echo 0 > /proc/sys/net/ipv6/conf/$i/accept_dad; done
  ip link add eth0 type veth peer name eth1 netns ${holder.pid}
  ip addr add 10.0.0.1/24 dev eth0; ip addr add fd00::1/64 dev eth0 nodad; ip link set eth0 up
  nsenter --net=/proc/${holder.pid}/ns/net sh -c 'ip link set eth1 up
    for i in 2 254; do ip addr add 10.0.0.$i/24 dev eth1; ip addr add fd00::$i/64 dev eth1 nodad; done'`);

interface Peer {
  readonly process: ChildProcess;
  readonly lines: Record<string, unknown>[];
  order(order: object): void;
}

async function startPeer(asn: number, address: string, peer: Partial<PeerOptions> = {}): Promise<Peer> {
  const setup = { asn, address, peer: { address: '10.0.0.1', asn: 64512, localAddress: address, ...peer } };
  const script = join(import.meta.dirname, 'peer', 'speaker.ts');
  const child = spawn(
    'nsenter',
    [`--net=/proc/${holder.pid}/ns/net`, process.execPath, script, JSON.stringify(setup)],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  const lines: Record<string, unknown>[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(JSON.parse(line)));
  await until(
    `speaker ${address}`,
    () => lines.length,
    (count) => count > 0,
  );
  return { process: child, lines, order: (order) => void child.stdin.write(`${JSON.stringify(order)}\n`) };
}

const saw = (peer: Peer, line: Record<string, unknown>) =>
  until(
    `${JSON.stringify(line)} at the peer`,
    () => peer.lines,
    (lines) => lines.some((one) => Object.entries(line).every(([key, value]) => one[key] === value)),
  );

const routes = () =>
  sh('ip route show proto 17; ip -6 route show proto 17')
    .replaceAll(/ dev eth0.*/g, '')
    .trim();
const routesAre = (wanted: string) => until(`routes ${wanted}`, routes, (found) => found === wanted);

const PEERS = 'kube-router.io/peers';
const n1 = (annotations: Record<string, string> = {}) =>
  node('n1', { addresses: ['10.0.0.1', 'fd00::1'], podCidrs: ['10.244.1.0/24', 'fd00:1::/64'], annotations });
const n2 = node('n2', { addresses: ['10.0.0.2', 'fd00::2'], podCidrs: ['10.244.2.0/24', 'fd00:2::/64'] });
const n3 = node('n3', { addresses: ['10.0.0.3'], podCidrs: ['10.244.3.0/24'] });

function start(t: Test, cluster: ClusterStore, args: readonly string[] = []) {
  const parsed = parseOptions(['--enable-ipv6', ...args], () => '');
  if (parsed.kind !== 'run') throw new Error(`options: ${JSON.stringify(parsed)}`);
  const { log, lines } = record();
  const { metrics, registry } = createMetrics('test');
  const health = new HealthMonitor(() => performance.now());
  const router = routerModule.create({
    options: parsed.options,
    nodeName: 'n1',
    cluster,
    log,
    metrics,
    health,
    ruleset: new Ruleset(runCommand),
    served: new ServedAddresses(),
  });
  t.teardown(async () => {
    await router.stop();
    if (!t.passing()) t.comment(lines.join('\n'));
  });
  return { router, lines, registry };
}

/** Everything that changes routes or links while `work` runs, as `ip monitor` sees it. */
async function monitored(work: () => Promise<void>): Promise<string[]> {
  const monitor = spawn('ip', ['-o', 'monitor', 'route', 'link', 'address'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: string[] = [];
  createInterface({ input: monitor.stdout }).on('line', (line) => lines.push(line));
  // A change of our own tells when the monitor listens, and another one when it has told all.
  const mark = async (address: string) => {
    await until(
      'the monitor',
      () => sh(`ip addr add ${address}/32 dev lo; ip addr del ${address}/32 dev lo`) + lines.join('\n'),
      (text) => text.includes(address),
    );
  };
  await mark('198.51.100.1');
  await work();
  await mark('198.51.100.2');
  monitor.kill();
  await once(monitor, 'exit');
  return lines.filter((line) => !line.includes('198.51.100.'));
}

const cluster = new ClusterStore();
const peers: Peer[] = [];
t.teardown(async () => {
  for (const { process: child } of peers) child.kill();
  holder.kill();
  await rm(directory, { recursive: true });
});

await t.test('the way of a pod route', async (t) => {
  const { router, lines, registry } = start(t, cluster);
  await router.start();
  t.equal(
    lines.filter((line) => line.includes('there is no such Node in the cluster')).length,
    1,
    'waits for its Node',
  );
  t.notMatch(sh('ss -Htln'), /:179/, 'and does not speak yet');

  const second = await startPeer(64512, '10.0.0.2');
  peers.push(second);
  second.order({ announce: '10.244.2.0/24', nextHop: '10.0.0.2' });
  second.order({ announce: 'fd00:2::/64', nextHop: 'fd00::2' });
  second.order({ announce: '0.0.0.0/0', nextHop: '10.0.0.2' });
  second.order({ announce: '10.244.1.0/25', nextHop: '10.0.0.2' });
  second.order({ announce: '10.244.9.0/24', nextHop: '10.9.9.9' });
  cluster.set(node('n1', { addresses: ['10.0.0.1', 'fd00::1'] }));
  cluster.set(n2);
  await saw(second, { state: 'Established' });
  await routesAre('10.244.1.0/25 via 10.0.0.2\n10.244.2.0/24 via 10.0.0.2\nfd00:2::/64 via fd00::2');
  t.equal(
    lines.filter((line) => line.includes('node n1: no pod CIDR, expected')).length,
    1,
    'goes on without pod CIDR',
  );
  t.notOk(second.lines.some((line) => 'best' in line));
  cluster.set(n1());
  await saw(second, { best: '10.244.1.0/24', nextHop: '10.0.0.1' });
  await saw(second, { best: 'fd00:1::/64', nextHop: 'fd00::1' });
  await routesAre('10.244.2.0/24 via 10.0.0.2\nfd00:2::/64 via fd00::2');
  t.match(
    lines.join('\n'),
    /route 10\.244\.1\.0\/25 via 10\.0\.0\.2 .* is not installed: it lies in 10\.244\.1\.0\/24/,
  );
  t.equal(lines.filter((line) => line.includes('routes via 10.9.9.9 are not installed')).length, 1);
  t.match(await registry.metrics(), /kube_router_host_routes_off_subnet 1\n/);
  t.match(
    await registry.metrics(),
    /kube_router_bgp_peer_info\{address="10.0.0.2",type="internal",asn="64512",state="Established"\} 1/,
  );
  await until(
    'rules and sets',
    () => sh('iptables -S FORWARD; ip6tables -t nat -S POSTROUTING; ipset save'),
    (text) => /-o kube-bridge.*MASQUERADE.*add kube-router-pod-subnets 10\.244\.2\.0\/24/s.test(text),
  );
  await until(
    'the CNI file',
    () => readFile(cniPath, 'utf8'),
    (text) => text.includes('[{"subnet":"10.244.1.0/24"}],[{"subnet":"fd00:1::/64"}]') && text.includes('"mtu":1500'),
  );

  second.order({ withdraw: '10.244.2.0/24' });
  await routesAre('fd00:2::/64 via fd00::2');
  second.order({ announce: '10.244.2.0/24', nextHop: '10.0.0.2' });
  await routesAre('10.244.2.0/24 via 10.0.0.2\nfd00:2::/64 via fd00::2');

  sh('ip route del 10.244.2.0/24');
  await routesAre('10.244.2.0/24 via 10.0.0.2\nfd00:2::/64 via fd00::2');
  await router.stop();
  t.equal(routes(), '10.244.2.0/24 via 10.0.0.2\nfd00:2::/64 via fd00::2', 'P-6: what is in the kernel stays');
});

await t.test('a restart with an unchanged cluster changes nothing', async (t) => {
  const [second] = peers;
  if (!second) throw new Error('no peer');
  const before = sh('iptables-save -c | grep -v ^#; ipset save');
  second.lines.length = 0;
  const { router, lines, registry } = start(t, cluster);
  const changes = await monitored(async () => {
    await router.start();
    await saw(second, { state: 'Established' });
    await saw(second, { best: '10.244.1.0/24' });
    // Longer than the time after which what nobody brought back is dropped.
    await delay(1500);
  });
  t.strictSame(changes, []);
  t.equal(sh('iptables-save -c | grep -v ^#; ipset save'), before);
  t.equal(lines.filter((line) => /changed|written|sysctl set|interface/.test(line)).length, 0, lines.join('\n'));
  t.strictSame(
    (await monitored(async () => void sh('ip route del 10.244.2.0/24'))).length > 0,
    true,
    'the monitor would see one',
  );
  await routesAre('10.244.2.0/24 via 10.0.0.2\nfd00:2::/64 via fd00::2');

  await t.test('external peers by annotation, without touching other sessions', async (t) => {
    second.lines.length = 0;
    const external = await startPeer(65001, '10.0.0.254');
    peers.push(external);
    external.order({ announce: '192.0.2.0/24', nextHop: '10.0.0.254' });
    cluster.set(n1({ [PEERS]: '[{remoteip: 10.0.0.254, remoteasn: 65001}]' }));
    await saw(external, { best: '10.244.1.0/24' });
    await routesAre('10.244.2.0/24 via 10.0.0.2\n192.0.2.0/24 via 10.0.0.254\nfd00:2::/64 via fd00::2');

    cluster.set(n1({ [PEERS]: '[{remoteip: 10.0.0.999, remoteasn: 65001}]' }));
    await until(
      'the error',
      () => lines,
      (all) => all.some((line) => line.includes('got "10.0.0.999"')),
    );
    t.match(lines.join('\n'), /the peers of its last good value stay/);
    t.match(routes(), /192\.0\.2\.0/);

    cluster.set(n1());
    await routesAre('10.244.2.0/24 via 10.0.0.2\nfd00:2::/64 via fd00::2');
    t.notOk(
      second.lines.some((line) => 'state' in line),
      'the session with the node did not move',
    );
  });

  await t.test('nodes come and go', async (t) => {
    cluster.set(n3);
    await until(
      'n3 in the set',
      () => sh('ipset save'),
      (text) => text.includes('10.244.3.0/24'),
    );
    cluster.delete('Node', 'n3');
    await until(
      'n3 gone',
      () => sh('ipset save'),
      (text) => !text.includes('10.244.3.0/24'),
    );
    cluster.delete('Node', 'n2');
    await routesAre('');
    t.notMatch(await registry.metrics(), /bgp_peer_info\{address="10.0.0.2"/);
    t.match(lines.join('\n'), /peer removed \{"peer":"10.0.0.2","name":"n2"\}/);
    await until(
      'n2 gone from the sets',
      () => sh('ipset save'),
      (text) => !text.includes('10.244.2.0'),
    );
  });
  await router.stop();
});

await t.test('P-14: another node address is taken up without a restart, and no route is lost by it', async (t) => {
  const [second] = peers;
  if (!second) throw new Error('no peer');
  cluster.replaceAll('Node', [n1(), n2]);
  second.lines.length = 0;
  const { router, lines } = start(t, cluster);
  await router.start();
  await routesAre('10.244.2.0/24 via 10.0.0.2\nfd00:2::/64 via fd00::2');
  sh('ip addr add 10.0.0.9/24 dev eth0');
  cluster.set(node('n1', { addresses: ['10.0.0.9', 'fd00::1'], podCidrs: ['10.244.1.0/24', 'fd00:1::/64'] }));
  await until(
    'the listener',
    () => sh('ss -Htln'),
    (text) => text.includes('10.0.0.9:179') && !text.includes('10.0.0.1:179'),
  );
  t.match(lines.join('\n'), /the identity of this node changed/);
  t.equal(routes(), '10.244.2.0/24 via 10.0.0.2\nfd00:2::/64 via fd00::2');
  await router.stop();
  sh('ip addr del 10.0.0.9/24 dev eth0');
});

await t.test('a port in use is one error, and the next pass tries again', async (t) => {
  cluster.replaceAll('Node', [n1(), n2]);
  const squatter = spawn(
    process.execPath,
    ['-e', "require('net').createServer().listen(179, '10.0.0.1', () => console.log('up'))"],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  await once(squatter.stdout, 'data');
  const { router, lines } = start(t, cluster, ['--routes-sync-period=200ms']);
  await router.start();
  const errors = lines.filter((line) => line.startsWith('error'));
  t.equal(errors.length, 1, errors.join('\n'));
  t.match(errors, [/BGP does not run: cannot listen on 10\.0\.0\.1 port 179, fd00::1 port 179: .*EADDRINUSE/]);
  squatter.kill();
  await once(squatter, 'exit');
  await until(
    'the listener',
    () => sh('ss -Htln'),
    (text) => text.includes('10.0.0.1:179'),
  );
  await router.stop();
});

await t.test(
  '--bgp-maximum-paths: two external routers carry a prefix together, and one alone when the other goes',
  async (t) => {
    sh(`nsenter --net=/proc/${holder.pid}/ns/net sh -c 'for i in 252 253; do ip addr add 10.0.0.$i/24 dev eth1; done'`);
    const routers = [await startPeer(65001, '10.0.0.252'), await startPeer(65001, '10.0.0.253')];
    t.teardown(() => {
      for (const { process: child } of routers) child.kill();
    });
    const peers = '[{remoteip: 10.0.0.252, remoteasn: 65001}, {remoteip: 10.0.0.253, remoteasn: 65001}]';
    cluster.replaceAll('Node', [n1({ [PEERS]: peers })]);
    const { router } = start(t, cluster, ['--bgp-maximum-paths=2']);
    await router.start();
    const [first, second] = routers;
    first?.order({ announce: '192.0.2.0/24', nextHop: '10.0.0.252' });
    second?.order({ announce: '192.0.2.0/24', nextHop: '10.0.0.253' });
    const ways = () =>
      [...sh('ip -o route show 192.0.2.0/24 proto 17').matchAll(/via (\S+) dev eth0( weight 1)?/g)]
        .map(([, gateway, weight]) => `${gateway}${weight ?? ''}`)
        .sort()
        .join();
    const waysAre = (wanted: string) => until(`ways ${wanted}`, ways, (found) => found === wanted);
    await waysAre('10.0.0.252 weight 1,10.0.0.253 weight 1');
    const changes = await monitored(async () => {
      first?.order({ withdraw: '192.0.2.0/24' });
      await waysAre('10.0.0.253');
    });
    t.notOk(
      changes.some((line) => line.startsWith('Deleted 192.0.2.0/24')),
      'the other carries on without a gap',
    );
    second?.order({ stop: true });
    await waysAre('');
    await router.stop();
  },
);

await t.test('C-5: a CNI file that is no JSON stops the start', async (t) => {
  await writeFile(cniPath, '{"type": "bridge"');
  await t.rejects(start(t, cluster).router.start(), { name: 'CniError', code: 'not-json', path: cniPath });
});
