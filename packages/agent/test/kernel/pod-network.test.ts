/**
 * The pod network's kernel state in a namespace of its own: real bridge, sysctls, ipset and iptables (both backends).
 * What stands afterwards is read by the system's own programs; what was run is counted at the only door to them.
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Rtnetlink } from '@routelet/netlink-wire';
import t from 'tap';
import { type Command, runCommand } from '../../src/kernel/command.ts';
import { Ruleset } from '../../src/kernel/ruleset.ts';
import type { Log } from '../../src/log.ts';
import { readHost } from '../../src/router/host.ts';
import type { NodeFacts } from '../../src/router/node-facts.ts';
import { type NetworkState, networkParts, PodNetwork } from '../../src/router/pod-network.ts';
import { facts, identity } from '../unit/router/fixture.ts';

/** The overlay changes nothing here. */
const plain = { autoMtuOverlay: false, enableOverlay: true, overlayEncap: 'ipip' } as const;
const sh = (command: string) => execFileSync('sh', ['-c', command], { encoding: 'utf8' });
const quiet: Log = {
  error: () => undefined,
  warn: () => undefined,
  info: () => undefined,
  debug: () => undefined,
  child: () => quiet,
};

sh(`ip link add eth0 type veth peer name eth0-peer
  ip link set eth0 mtu 1450 up
  ip addr add 10.0.0.1/24 dev eth0
  ip addr add fd00::1/64 dev eth0 nodad`);

const netlink = await Rtnetlink.open();
const directory = await mkdtemp(join(tmpdir(), 'routelet-pod-network-'));
t.teardown(async () => {
  netlink.close();
  await rm(directory, { recursive: true });
});

const own = facts('n1', { addresses: ['10.0.0.1', 'fd00::1'], podCidrs: ['10.244.1.0/24', 'fd00:1::/64'] });
const other = facts('n2', { addresses: ['10.0.0.2', 'fd00::2'], podCidrs: ['10.244.2.0/24', 'fd00:2::/64'] });

async function state(nodes: readonly NodeFacts[]): Promise<NetworkState> {
  const me = identity(own);
  return { identity: me, nodes, host: readHost(await netlink.links(), await netlink.addresses(), me) };
}

/** Commands that only read, by their first words. */
const READS = [/^ip6?tables(-\w+)? --version$/, /^ip6?tables(-\w+)?-save( -t \w+)?$/];

/** A door to programs that writes down what goes through. */
function recorder(): { run: Command; changing: () => string[] } {
  const commands: string[] = [];
  return {
    run: (command, args, options) => {
      commands.push([command, ...args].join(' '));
      return runCommand(command, args, options);
    },
    changing: () => commands.splice(0).filter((line) => !READS.some((read) => read.test(line))),
  };
}

const CNI = '{"cniVersion":"0.3.0","name":"mynet","type":"bridge","bridge":"kube-bridge","ipam":{"type":"host-local"}}';

for (const backend of ['nft', 'legacy']) {
  await t.test(`iptables-${backend}`, async (t) => {
    const bin = join(directory, backend);
    sh(`mkdir ${bin}`);
    for (const name of [
      'iptables',
      'ip6tables',
      'iptables-save',
      'ip6tables-save',
      'iptables-restore',
      'ip6tables-restore',
    ]) {
      const [family, action] = name.split('-');
      await symlink(`/usr/sbin/${family}-${backend}${action ? `-${action}` : ''}`, join(bin, name));
    }
    const path = process.env['PATH'];
    process.env['PATH'] = `${bin}:${path}`;
    const cniPath = join(directory, `${backend}.conf`);
    await writeFile(cniPath, CNI, { mode: 0o600 });
    // Rules of somebody else, before and after which ours come.
    sh(`iptables -A FORWARD -s 192.0.2.0/24 -m comment --comment 'not "ours"' -j DROP
      iptables -t nat -A POSTROUTING -s 192.0.2.0/24 -j RETURN
      ipset create foreign hash:ip; ipset add foreign 192.0.2.1
      echo 0 > /proc/sys/net/bridge/bridge-nf-call-iptables`);
    t.teardown(() => {
      sh(`ip link del kube-bridge; for i in iptables ip6tables; do $i -F; $i -t nat -F; done; ipset destroy`);
      process.env['PATH'] = path;
    });

    const { run, changing } = recorder();
    const network = new PodNetwork({
      options: { ...plain, enableCni: true, autoMtu: true, enablePodEgress: true },
      cniPath,
      netlink,
      run,
      ruleset: new Ruleset(run),
      log: quiet,
    });
    const applyAll = async (nodes: readonly NodeFacts[]) => {
      const problems = [];
      for (const part of networkParts) problems.push(...(await network.apply(part, await state(nodes))));
      return problems.map(({ text }) => text);
    };
    /** All that stands, as the system's programs show it; counters and the kernel's random numbers left out. */
    const standing = () =>
      sh(`for i in iptables ip6tables; do $i -S FORWARD; $i -t nat -S POSTROUTING; done
        ipset save | sed 's/ initval .*//' | sort
        ip -o link show kube-bridge | sed 's/^[0-9]*: //; s/link.ether.*//; s/state.*//'
        cat /proc/sys/net/bridge/bridge-nf-call-iptables ${cniPath}`);

    t.strictSame(await applyAll([own, other]), []);
    t.strictSame(
      changing(),
      [`iptables-${backend}-restore --noflush -w 10`, `ip6tables-${backend}-restore --noflush -w 10`],
      'all differences of a kind go in one command',
    );
    const wanted = standing();
    t.equal(
      sh('iptables -S FORWARD; iptables -t nat -S POSTROUTING'),
      `-P FORWARD ACCEPT
-A FORWARD -o eth0 -m comment --comment "allow outbound node port traffic on node interface with which node ip is associated" -j ACCEPT
-A FORWARD -o kube-bridge -m comment --comment "allow inbound traffic to pods" -j ACCEPT
-A FORWARD -i kube-bridge -m comment --comment "allow outbound traffic from pods" -j ACCEPT
-A FORWARD -s 192.0.2.0/24 -m comment --comment "not \\"ours\\"" -j DROP
-P POSTROUTING ACCEPT
-A POSTROUTING -s 192.0.2.0/24 -j RETURN
-A POSTROUTING -m set --match-set kube-router-pod-subnets src -m set ! --match-set kube-router-pod-subnets dst -m set ! --match-set kube-router-node-ips dst -j MASQUERADE --random-fully
`,
    );
    t.match(
      sh('ip6tables -t nat -S POSTROUTING'),
      /--match-set inet6:kube-router-pod-subnets src .* -j MASQUERADE --random-fully/,
    );
    t.strictSame(sh('ipset save | grep ^add | sort').trim().split('\n'), [
      'add foreign 192.0.2.1',
      'add inet6:kube-router-node-ips fd00::1 timeout 0',
      'add inet6:kube-router-node-ips fd00::2 timeout 0',
      'add inet6:kube-router-pod-subnets fd00:1::/64 timeout 0',
      'add inet6:kube-router-pod-subnets fd00:2::/64 timeout 0',
      'add kube-router-node-ips 10.0.0.1 timeout 0',
      'add kube-router-node-ips 10.0.0.2 timeout 0',
      'add kube-router-pod-subnets 10.244.1.0/24 timeout 0',
      'add kube-router-pod-subnets 10.244.2.0/24 timeout 0',
    ]);
    t.match(sh('ip -d link show kube-bridge'), /[<,]UP[,>].* mtu 1450.*bridge/s);
    t.equal(sh('cat /proc/sys/net/bridge/bridge-nf-call-iptables').trim(), '1');
    t.match(JSON.parse(await readFile(cniPath, 'utf8')), {
      mtu: 1450,
      ipam: { ranges: [[{ subnet: '10.244.1.0/24' }], [{ subnet: 'fd00:1::/64' }]] },
    });
    t.equal((await stat(cniPath)).mode & 0o777, 0o644);

    t.strictSame(await applyAll([own, other]), []);
    t.strictSame(changing(), [], 'a second pass runs no changing command');
    t.equal(standing(), wanted);

    await network.apply('sets', await state([own]));
    t.strictSame(changing(), [], 'sets go over netlink');
    t.notMatch(sh('ipset save'), /10\.244\.2\.0|10\.0\.0\.2|fd00::2/, 'a node that is gone');
    await network.apply('sets', await state([own, other]));
    changing();

    // The node's address moved to another interface: its rule comes, and the one of the old interface goes.
    const before = await state([own, other]);
    const moved = { ...before, host: { ...before.host, interface: { index: 99, name: 'bond0', mtu: 1450 } } };
    t.strictSame(await network.apply('chains', moved), []);
    t.match(sh('iptables -S FORWARD'), /-o bond0 .*with which node ip is associated/);
    t.notMatch(sh('iptables -S FORWARD; ip6tables -S FORWARD'), /-o eth0 /);
    t.strictSame(await network.apply('chains', before), []);
    t.equal(standing(), wanted);
    changing();

    const drifts = [
      'iptables -D FORWARD 2',
      'iptables -D FORWARD 1; iptables -A FORWARD -i kube-bridge -m comment --comment "allow outbound traffic from pods" -j ACCEPT',
      'iptables -t nat -D POSTROUTING 2',
      'ip6tables -t nat -F POSTROUTING',
      'ipset flush kube-router-pod-subnets; ipset add kube-router-pod-subnets 10.99.0.0/16',
      'iptables -t nat -D POSTROUTING 2; ipset destroy kube-router-node-ips; ipset create kube-router-node-ips hash:ip; iptables -t nat -A POSTROUTING -m set ! --match-set kube-router-node-ips dst -j MASQUERADE',
      'iptables -t nat -D POSTROUTING 2; ipset destroy kube-router-node-ips; ipset create kube-router-node-ips hash:net',
      'echo 0 > /proc/sys/net/bridge/bridge-nf-call-iptables',
      'ip link set kube-bridge down mtu 1400',
    ];
    t.ok(drifts.length > 0);
    for (const drift of drifts) {
      sh(drift);
      t.not(standing(), wanted, `drifted: ${drift}`);
      t.strictSame(await applyAll([own, other]), []);
      sh(
        'iptables -t nat -D POSTROUTING -m set ! --match-set kube-router-node-ips dst -j MASQUERADE 2>/dev/null || true',
      );
      t.equal(standing(), wanted, `repaired: ${drift}`);
    }
  });
}

await t.test('a set of another type that a rule uses is named, the others go on', async (t) => {
  sh(`ipset create kube-router-node-ips hash:net
    iptables -A FORWARD -m set --match-set kube-router-node-ips src -j ACCEPT`);
  t.teardown(() => sh('iptables -F; ipset destroy'));
  const options = { ...plain, enableCni: false, autoMtu: false, enablePodEgress: true };
  const network = new PodNetwork({
    options,
    cniPath: '',
    netlink,
    run: runCommand,
    ruleset: new Ruleset(runCommand),
    log: quiet,
  });
  t.match(await network.apply('sets', await state([own])), [
    { code: 'kernel', text: 'ipset destroy kube-router-node-ips: IPSET_ERR_BUSY, a rule or another set uses it' },
  ]);
  t.match(sh('ipset save'), /add kube-router-pod-subnets 10\.244\.1\.0\/24/);
  t.match(sh('ipset save'), /add inet6:kube-router-node-ips fd00::1/);
});

t.test('what is missing is one problem each, and the others go on', async (t) => {
  const { run } = recorder();
  const without: Command = (command, args, options) =>
    run(command.replace(/^ip(6?)tables/, 'no-such-ip$1tables'), args, options);
  const network = new PodNetwork({
    options: { ...plain, enableCni: true, autoMtu: true, enablePodEgress: true },
    cniPath: join(directory, 'absent.conf'),
    netlink,
    run: without,
    ruleset: new Ruleset(without),
    log: quiet,
  });
  const now = await state([own]);
  const texts = async (part: (typeof networkParts)[number]) => (await network.apply(part, now)).map(({ text }) => text);
  t.match(await texts('chains'), [
    /^no-such-iptables --version: not found in PATH/,
    /^no-such-ip6tables --version: not found in PATH/,
  ]);
  t.strictSame(await texts('cni'), [
    `CNI configuration ${join(directory, 'absent.conf')}: no such file, expected one with a plugin of type bridge`,
  ]);
  t.strictSame(await texts('sets'), []);
  t.match(sh('ipset list -name'), /kube-router-pod-subnets/);
  const lost = { ...now, host: { interface: undefined, subnets: [] } };
  t.match(await network.apply('chains', lost), [
    { code: 'kernel', text: 'no interface holds 10.0.0.1, the address of node n1' },
  ]);
});
