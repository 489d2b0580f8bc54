/**
 * Real tunnels, in a kernel that has them: this namespace is the node under test, a second one is a node of another subnet
 * whose end of the tunnels is made by the commands of the original (B-71, B-72). What we make must look as what those
 * commands make, and carry pings between pod addresses.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import type { BestPathChange, Path, Speaker } from '@routelet/bgp';
import { Rtnetlink } from '@routelet/netlink-wire';
import { createRib } from '@routelet/rib';
import t, { type Test } from 'tap';
import { type Prefix, parsePrefix } from '../../src/annotations/prefix.ts';
import { runCommand } from '../../src/kernel/command.ts';
import type { Problem } from '../../src/problem.ts';
import type { Identity } from '../../src/router/identity.ts';
import { LearnedRoutes } from '../../src/router/learned-routes.ts';
import type { NodeFacts } from '../../src/router/node-facts.ts';
import { kernelGuePorts } from '../../src/router/overlay/kernel-gue-ports.ts';
import { Overlay } from '../../src/router/overlay/overlay.ts';
import { tunnelNames } from '../../src/router/overlay/tunnel-name.ts';
import { routeContext } from '../../src/router/route-context.ts';
import { capturedLog } from '../unit/captured-log.ts';

const sh = (command: string) => execFileSync('sh', ['-c', command], { encoding: 'utf8' });
const holder = spawn('unshare', ['--net', 'sh', '-c', 'ip link set lo up; echo up; exec sleep infinity'], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
await once(holder.stdout, 'data');
t.teardown(() => holder.kill());
const far = (command: string) => sh(`nsenter --net=/proc/${holder.pid}/ns/net sh -c '${command}'`);
sh(`echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter; echo 0 > /proc/sys/net/ipv4/conf/default/rp_filter
  ip link add v0 type veth peer name v1 netns ${holder.pid}
  ip addr add 10.0.0.1/24 dev v0; ip addr add fd00::1/64 dev v0 nodad; ip link set v0 up
  ip route add 10.9.0.0/24 dev v0; ip -6 route add fd09::/64 dev v0
  ip addr add 10.244.1.1/32 dev lo; ip addr add fd00:1::1/128 dev lo`);
far(`echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter; echo 0 > /proc/sys/net/ipv4/conf/default/rp_filter
  ip addr add 10.9.0.2/24 dev v1; ip addr add fd09::2/64 dev v1 nodad; ip link set v1 up
  ip route add 10.0.0.0/24 dev v1; ip -6 route add fd00::/64 dev v1
  ip addr add 10.244.2.1/32 dev lo; ip addr add fd00:2::1/128 dev lo`);
await writeFile('/tmp/rt_tables', '');

const prefixes = (...texts: readonly string[]) => texts.flatMap((text) => parsePrefix(text) ?? []);
/** Written out, as the planners of Nodes would bring the whole of BGP into this kernel. */
const identity: Identity = {
  name: 'n1',
  primary: '10.0.0.1',
  ipv4: '10.0.0.1',
  ipv6: 'fd00::1',
  addresses: ['10.0.0.1', 'fd00::1'],
  families: ['ipv4-unicast', 'ipv6-unicast'],
  asn: 64512,
  routerId: '10.0.0.1',
  clusterId: undefined,
  listen: [],
  podCidrs: prefixes('10.244.1.0/24', 'fd00:1::/64'),
};
const facts = (name: string, ipv4: string, ipv6: string, podCidrs: readonly Prefix[]): NodeFacts => ({
  ...{ name, primary: ipv4, ipv4, ipv6, addresses: [ipv4, ipv6], podCidrs, problems: [] },
  asn: undefined,
  reflection: undefined,
});
const nodes = [
  facts('n1', '10.0.0.1', 'fd00::1', identity.podCidrs),
  facts('n2', '10.9.0.2', 'fd09::2', prefixes('10.244.2.0/24', 'fd00:2::/64')),
];
const path = (prefix: string, nextHop: string): Path => ({
  ...{ prefix, nextHop, from: nextHop, attributes: {}, stale: false, multipath: true, fromType: 'ibgp' },
  family: prefix.includes(':') ? 'ipv6-unicast' : 'ipv4-unicast',
});
const paths = [path('10.244.2.0/24', '10.9.0.2'), path('fd00:2::/64', 'fd09::2')];

/** A life of the overlay with its routes. It hears of links, as the router does. */
async function life(t: Test, overlayEncap: 'ipip' | 'fou') {
  const netlink = await Rtnetlink.open();
  const rib = createRib({ adopt: () => true, holdStale: true });
  await rib.start();
  const { log, lines } = capturedLog();
  let problems: readonly Problem[] = [];
  const options = { enableOverlay: true, overlayType: 'subnet', overlayEncap, overlayEncapPort: 5555 } as const;
  const learned: LearnedRoutes = new LearnedRoutes(
    rib.source('bgp', { distance: 20 }),
    routeContext(identity, nodes, prefixes('10.0.0.1/24', 'fd00::1/64'), options),
    1,
    { changed: () => undefined, tunnelsWanted: (addresses) => overlay.setRemotes(addresses) },
  );
  const overlay: Overlay = new Overlay({
    options,
    netlink,
    guePorts: kernelGuePorts,
    run: runCommand,
    log,
    devices: (names) => learned.setDevices(names),
    routesSettled: () => rib.settled(),
    report: (found) => {
      problems = found;
    },
    routeTablesFiles: ['/tmp/rt_tables'],
  });
  const subscription = await netlink.subscribe(['link'], (event) => overlay.heard(event));
  overlay.setIdentity(identity);
  const learn = async (known: readonly Path[]) => {
    const changes: BestPathChange[] = ['10.244.2.0/24', 'fd00:2::/64'].map((prefix) => {
      const found = known.find((one) => one.prefix === prefix);
      return found ? { kind: 'best', prefix, path: found } : { kind: 'withdrawn', prefix };
    });
    const speaker: Pick<Speaker, 'routes' | 'paths' | 'bestPath' | 'bestPathChanges'> = {
      routes: () => known,
      paths: (prefix) => known.filter((one) => one.prefix === prefix),
      bestPath: (prefix) => known.find((one) => one.prefix === prefix),
      async *bestPathChanges() {
        yield changes;
      },
    };
    await learned.follow(speaker as Speaker);
    learned.settle();
    await overlay.idle();
    await rib.settled();
  };
  const end = async () => {
    subscription.close();
    await overlay.stop();
    await rib.stop();
    netlink.close();
  };
  t.teardown(end);
  return { overlay, rib, learn, end, lines, problems: () => problems.map(({ text }) => text) };
}

/** What `ip` says of our tunnel devices, without what differs each time, or by whether netlink or ioctl made them. */
const devices = () =>
  sh('ip -d -o link show type ipip; ip -d -o link show type ip6tnl')
    .split('\n')
    .filter((line) => line.includes(': tun-'))
    .map((line) => {
      const text = line.replace(/^\d+: /, '').replaceAll(/permaddr \S+|promiscuity .*? maxmtu \d+|numtxqueues.*/g, '');
      return text.replaceAll(/\s+/g, ' ').trim();
    })
    .sort();
const ping = (words: string) => {
  try {
    return sh(`ping -c 3 -i 0.2 -W 5 ${words}`).includes(' 0% packet loss');
  } catch {
    return false;
  }
};
const pings = () => [ping('-I 10.244.1.1 10.244.2.1'), ping('-I fd00:1::1 fd00:2::1'), ping('10.244.2.1')];
const [name4 = ''] = tunnelNames('10.9.0.2');
const [name6 = ''] = tunnelNames('fd09::2');

const commands = {
  ipip: (name4: string, name6: string, local4: string, remote4: string, local6: string, remote6: string) =>
    `ip tunnel add ${name4} mode ipip local ${local4} remote ${remote4}
     ip -6 tunnel add ${name6} mode ip6ip6 local ${local6} remote ${remote6}`,
  fou: (name4: string, name6: string, local4: string, remote4: string, local6: string, remote6: string) =>
    `modprobe fou; modprobe fou6; ip fou add port 5555 gue; ip -6 fou add port 5555 gue
     ip link add name ${name4} type ipip remote ${remote4} local ${local4} ttl 225 encap gue encap-sport auto encap-dport 5555 mode ipip
     ip -6 link add name ${name6} type ip6tnl remote ${remote6} local ${local6} ttl 225 encap gue encap-sport auto encap-dport 5555 mode ip6ip6`,
};

for (const encap of ['ipip', 'fou'] as const) {
  await t.test(`${encap}: as the original makes it, and it carries`, async (t) => {
    // The original, here; then gone again.
    sh(`${commands[encap](name4, name6, '10.0.0.1', '10.9.0.2', 'fd00::1', 'fd09::2')}
      ip link set ${name4} up; ip link set ${name6} up`);
    const original = devices();
    t.equal(original.length, 2, original.join('\n'));

    const adopting = await life(t, encap);
    await adopting.learn(paths);
    t.strictSame(adopting.problems(), []);
    t.notOk(
      adopting.lines.some((line) => line.includes('tunnel create')),
      'adopted',
    );
    t.strictSame(devices(), original);
    await adopting.end();
    sh(`ip link del ${name4}; ip link del ${name6}`);
    if (encap === 'fou') sh('ip fou del port 5555; ip -6 fou del port 5555');

    const ours = await life(t, encap);
    ours.overlay.release();
    await ours.learn(paths);
    t.strictSame(ours.problems(), []);
    t.strictSame(devices(), original, 'made');
    far(`${commands[encap]('tun-back4', 'tun-back6', '10.9.0.2', '10.0.0.1', 'fd09::2', 'fd00::1')}
      ip link set tun-back4 up; ip link set tun-back6 up
      ip route add 10.244.1.0/24 dev tun-back4 src 10.9.0.2; ip -6 route add fd00:1::/64 dev tun-back6 src fd09::2
      ip route add 10.0.0.1 dev tun-back4 table 77; ip rule add from 10.244.2.0/24 lookup 77`);
    t.strictSame(pings(), [true, true, true]);
    t.match(sh('ip -N rule'), /from 10\.244\.1\.0\/24 lookup 77/);
    t.equal(sh('ip -N route show table 77').trim().replaceAll(/ +/g, ' '), `10.9.0.2 dev ${name4} scope 253`);
    t.match(
      sh('ip route show proto 17'),
      new RegExp(`^10\\.244\\.2\\.0/24 dev ${name4} scope link src 10\\.0\\.0\\.1`),
    );

    sh(`ip link del ${name4}`);
    const startedMs = performance.now();
    const back = () =>
      sh('ip route show proto 17; ip route show table 77 2>/dev/null || true').includes('10.244.2.0/24');
    while (!back() && performance.now() - startedMs < 30_000) await new Promise((resolve) => setTimeout(resolve, 10));
    t.comment(
      `| ${encap}: a removed tunnel and its route are back after ${(performance.now() - startedMs).toFixed(0)} ms`,
    );
    t.strictSame(devices(), original, 'put back');

    if (encap === 'fou') {
      await ours.end();
      const plain = await life(t, 'ipip');
      await plain.learn(paths);
      t.strictSame(plain.problems(), []);
      t.notMatch(devices().join('\n'), /gue/, 'B-73: replaced');
      t.equal(sh('ip fou show'), '', 'the ports are closed');
      await plain.end();
    }
    const last = encap === 'fou' ? await life(t, 'ipip') : ours;
    last.overlay.release();
    await last.learn([]);
    t.strictSame(devices(), [], 'B-65: the last route takes the tunnel along');
    t.equal(sh('ip route show proto 17; ip -6 route show proto 17'), '');
    far(`ip link del tun-back4; ip link del tun-back6; ip rule del from 10.244.2.0/24 lookup 77`);
    await last.end();
  });
}
