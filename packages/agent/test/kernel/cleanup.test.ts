/**
 * T-36: `--cleanup-config` on a node with things of ours, as the original's commands make them, and things of
 * others that look much like them. Runs as its own process, without a cluster and without an agent.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';

const sh = (command: string) => execFileSync('sh', ['-ec', command], { encoding: 'utf8' });
const folder = mkdtempSync(join(tmpdir(), 'routelet-cleanup-'));
t.teardown(() => rmSync(folder, { recursive: true }));

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;
const state = join(folder, 'state');
mkdirSync(state);

// The machine's own file must not be touched: this mount namespace sees another one in its place.
const tables = join(folder, 'rt_tables');
writeFileSync(tables, '255\tlocal\n77 kube-router\n100 mine\n79 somebody\n78 kube-router-dsr\n');
const place = ['/etc/iproute2/rt_tables', '/usr/lib/iproute2/rt_tables', '/usr/share/iproute2/rt_tables'].find((file) =>
  existsSync(file),
);
if (place === undefined) throw new Error('iproute2 has no rt_tables');
sh(`mount --bind ${tables} ${place}`);

sh(`
ip link add eth0 type veth peer name eth0-peer
ip link set eth0 up; ip link set eth0-peer up
ip addr add 10.0.0.1/24 dev eth0
# ours: C-4, K-1, K-2, K-3, K-4, B-61, B-74
ip link add kube-bridge type bridge
ip link set kube-bridge up
ipset create kube-router-pod-subnets hash:net timeout 0
ipset add kube-router-pod-subnets 10.244.1.0/24
ipset create kube-router-node-ips hash:ip timeout 0
ipset create inet6:kube-router-node-ips hash:ip family inet6 timeout 0
iptables -I FORWARD -o eth0 -m comment --comment 'allow outbound node port traffic on node interface with which node ip is associated' -j ACCEPT
iptables -I FORWARD -o kube-bridge -m comment --comment 'allow inbound traffic to pods' -j ACCEPT
iptables -I FORWARD -i kube-bridge -m comment --comment 'allow outbound traffic from pods' -j ACCEPT
iptables -t nat -A POSTROUTING -m set --match-set kube-router-pod-subnets src -m set ! --match-set kube-router-pod-subnets dst -m set ! --match-set kube-router-node-ips dst -j MASQUERADE --random-fully
ip route add 10.244.2.0/24 via 10.0.0.2 proto 17
ip rule add from 10.244.1.0/24 lookup 77
# ours: V-40, V-41; IPVS services and kube-dummy-if are for the emulated kernel
ipset create kube-router-svip hash:ip timeout 0
ipset create kube-router-svip-prt hash:ip,port timeout 0
ipset create inet6:kube-router-local-ips hash:ip family inet6 timeout 0
iptables -N KUBE-ROUTER-SERVICES
iptables -A KUBE-ROUTER-SERVICES -m set --match-set kube-router-svip-prt dst,dst -j ACCEPT
iptables -I INPUT -m comment --comment 'handle traffic to IPVS service IPs in custom chain' -m set --match-set kube-router-svip dst -j KUBE-ROUTER-SERVICES
# of others
iptables -A INPUT -s 192.0.2.66 -j DROP
ip link add br0 type bridge
ipset create kube-router-mine hash:net
iptables -A FORWARD -i kube-bridge -j ACCEPT
iptables -A FORWARD -i br0 -m comment --comment 'allow inbound traffic to pods of mine' -j ACCEPT
iptables -t nat -A POSTROUTING -m set --match-set kube-router-mine src -j MASQUERADE
ip route add 10.244.3.0/24 via 10.0.0.3 proto 17
ip route add 10.244.4.0/24 via 10.0.0.4 proto static
ip rule add from 10.9.0.0/24 lookup 100
ip rule add fwmark 0x7 lookup 77
`);
writeFileSync(join(state, 'routes.json'), JSON.stringify({ version: 1, protocol: 17, routes: ['10.244.2.0/24'] }));

const sets = () => sh('ipset list -name').trim().split('\n').sort();
const forward = () => sh('iptables -S FORWARD; iptables -t nat -S POSTROUTING');

function clean(): { readonly status: number | null; readonly lines: readonly string[]; readonly stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, '--cleanup-config'], {
    encoding: 'utf8',
    env: { ...process.env, ROUTELET_STATE_DIRECTORY: state, ROUTELET_SOCKET: join(folder, 'none.sock') },
  });
  return { status, lines: stdout.trimEnd().split('\n'), stderr };
}

t.test('what is ours goes, and is named', async (t) => {
  const { status, lines, stderr } = clean();
  t.equal(status, 0, stderr);
  t.equal(stderr, '');
  for (const pattern of [
    /^removed {2}iptables rules: IPv4 filter FORWARD -i kube-bridge .*allow outbound traffic from pods/,
    /^removed {2}iptables rules: IPv4 nat POSTROUTING .*MASQUERADE/,
    /^removed {2}routes: 10\.244\.2\.0\/24 via 10\.0\.0\.2$/,
    /^removed {2}policy rules: rule from 10\.244\.1\.0\/24 lookup 77$/,
    /^removed {2}rt_tables: .*: 77 kube-router$/,
    /^removed {2}ipsets: kube-router-pod-subnets$/,
    /^removed {2}ipsets: inet6:kube-router-node-ips$/,
    /^removed {2}bridge: kube-bridge$/,
    /^removed {2}iptables rules of services: IPv4 filter INPUT .* -j KUBE-ROUTER-SERVICES$/,
    /^removed {2}iptables rules of services: IPv4 filter -X KUBE-ROUTER-SERVICES$/,
    /^removed {2}ipsets of services: kube-router-svip-prt$/,
    /^removed {2}ipsets of services: inet6:kube-router-local-ips$/,
    /^stays {4}routes: 10\.244\.3\.0\/24 via 10\.0\.0\.3 proto 17: no state file says that it is ours$/,
  ]) {
    t.ok(
      lines.some((line) => pattern.test(line)),
      `${pattern}`,
    );
  }
  t.match(lines.at(-1), /^\d+ removed, 0 failed$/);
});

t.test('what is of others stays', async (t) => {
  t.strictSame(sets(), ['kube-router-mine']);
  t.strictSame(forward().trim().split('\n'), [
    '-P FORWARD ACCEPT',
    '-A FORWARD -i kube-bridge -j ACCEPT',
    '-A FORWARD -i br0 -m comment --comment "allow inbound traffic to pods of mine" -j ACCEPT',
    '-P POSTROUTING ACCEPT',
    '-A POSTROUTING -m set --match-set kube-router-mine src -j MASQUERADE',
  ]);
  t.match(sh('ip -o link show br0'), /br0/);
  t.equal(sh('iptables -S INPUT'), '-P INPUT ACCEPT\n-A INPUT -s 192.0.2.66/32 -j DROP\n');
  t.throws(() => sh('ip link show kube-bridge 2>&1'), 'the bridge is gone');
  const routes = sh('ip route show');
  t.notMatch(routes, /10\.244\.2\.0/);
  t.match(routes, /10\.244\.3\.0\/24 via 10\.0\.0\.3 dev eth0 proto (17|mrouted)/);
  t.match(routes, /10\.244\.4\.0\/24 via 10\.0\.0\.4 dev eth0 proto static/);
  const rules = sh('ip rule show');
  t.match(rules, /from 10\.9\.0\.0\/24 lookup (mine|100)/);
  t.match(rules, /fwmark 0x7 lookup 77/);
  t.notMatch(rules, /10\.244\.1\.0/);
  t.equal(readFileSync(place, 'utf8'), '255\tlocal\n100 mine\n79 somebody\n');
  t.notOk(existsSync(join(state, 'routes.json')));
});

t.test('a second run removes nothing', async (t) => {
  const { status, lines } = clean();
  t.equal(status, 0);
  t.equal(lines.at(-1), '0 removed, 0 failed');
  t.strictSame(
    lines.filter((line) => line.startsWith('removed')),
    [],
  );
});

t.test('a bridge with pods, and a set in use by others, stay and are named', async (t) => {
  sh(`ip link add kube-bridge type bridge
    ip link set eth0-peer master kube-bridge
    ipset create kube-router-node-ips hash:ip timeout 0
    iptables -A FORWARD -m set --match-set kube-router-node-ips src -j DROP`);
  const { status, lines } = clean();
  t.equal(status, 0);
  t.ok(lines.includes('stays    bridge: kube-bridge: eth0-peer still hang on it'), lines.join('\n'));
  t.ok(lines.includes('stays    ipsets: kube-router-node-ips: a rule or a set that is not ours uses it'));
  t.match(sh('iptables -S FORWARD'), /--match-set kube-router-node-ips src -j DROP/);
});
