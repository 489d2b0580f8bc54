import t from 'tap';
import type { Flag } from '../../../src/options/flag.ts';
import { parseOptions } from '../../../src/options/parse.ts';
import { type FlagKey, flags } from '../../../src/options/registry.ts';

type Case = readonly [flag: string, type: string, defaultText: string, good: string, bad: readonly string[]];

/** Flags of kube-router v2.11 with type, default, one good value and bad ones. F-1 to F-70 of the reference, in its order. */
const original: readonly Case[] = [
  ['kubeconfig', 'string', '', '/etc/kubeconfig', []],
  ['master', 'string', '', 'https://10.0.0.1:6443', ['10.0.0.1']],
  ['hostname-override', 'string', '', 'node-1', []],
  ['cache-sync-timeout', 'duration', '1m0s', '30s', ['0', '-1s', '30', 'soon']],
  ['cleanup-config', 'bool', 'false', 'false', ['yes']],
  ['run-router', 'bool', 'true', 'true', ['on', '']],
  ['run-firewall', 'bool', 'true', 'false', ['2']],
  ['run-service-proxy', 'bool', 'true', 'false', ['nope']],
  ['run-loadbalancer', 'bool', 'false', 'false', ['tRUE']],
  ['enable-ipv4', 'bool', 'true', 'T', ['y']],
  ['enable-ipv6', 'bool', 'false', '1', ['10']],
  ['health-addr', 'ip', '', '127.0.0.1', ['localhost', '10.0.0.0/8', '1.2.3']],
  ['health-port', 'uint', '20244', '0', ['-1', '65536', 'x', '1.5']],
  ['metrics-addr', 'ip', '', '::1', ['::1%lo', ':::']],
  ['metrics-port', 'uint', '0', '8080', ['65535']],
  ['metrics-path', 'string', '/metrics', '/m', ['m']],
  ['enable-pprof', 'bool', 'false', 'false', ['maybe']],
  ['v', 'uint', '0', '3', ['-1', 'debug', '11']],
  ['version', 'bool', 'false', 'false', ['1.2']],
  ['help', 'bool', 'false', 'false', ['me']],
  ['enable-cni', 'bool', 'true', 'false', ['no']],
  ['auto-mtu', 'bool', 'true', 'F', ['1500']],
  ['enable-overlay', 'bool', 'true', 'False', ['full']],
  ['overlay-type', 'subnet|full', 'subnet', 'full', ['', 'Full', 'none']],
  ['overlay-encap', 'ipip|fou', 'ipip', 'fou', ['vxlan']],
  ['overlay-encap-port', 'uint', '5555', '1024', ['1023', '65536']],
  ['enable-pod-egress', 'bool', 'true', 'FALSE', ['']],
  ['routes-sync-period', 'duration', '5m0s', '1m', ['0s', '5', '-5m']],
  ['injected-routes-sync-period', 'duration', '1m0s', '500ms', ['0', 'x']],
  ['disable-source-dest-check', 'bool', 'true', 'false', ['aws']],
  ['cluster-asn', 'uint', '0', '4200000000', ['64511', '65536', '4294967295', '4294967296', '1', 'AS64512']],
  ['enable-ibgp', 'bool', 'true', '0', ['ibgp']],
  ['nodes-full-mesh', 'bool', 'true', 'f', ['half']],
  ['bgp-port', 'uint', '179', '1790', ['0', '65536']],
  ['bgp-holdtime', 'duration', '1m30s', '3s', ['2s', '65537s', '0', '90']],
  ['bgp-graceful-restart', 'bool', 'false', 'true', ['90s']],
  ['bgp-graceful-restart-time', 'duration', '1m30s', '4095s', ['0s', '4096s', '-1s']],
  ['bgp-graceful-restart-deferral-time', 'duration', '6m0s', '18h', ['0s', '18h1s']],
  ['router-id', 'string', '', 'generate', ['router', '::1', '0.0.0.0', '10.0.0.1/24']],
  ['peer-router-ips', 'ip,...', '', '', ['10.0.0', 'tor.example', '10.0.0.1,', '10.0.0.0/24']],
  ['peer-router-asns', 'uint,...', '', '', ['0', '23456', '64000', '65535', '70000', '4294967295', 'x']],
  ['peer-router-passwords', 'base64,...', '', '', []],
  ['peer-router-ports', 'uint,...', '', '', ['0', '65536', '179;180']],
  ['peer-router-passwords-file', 'string', '', '', []],
  ['peer-router-multihop-ttl', 'uint', '0', '255', ['256', '-1']],
  ['override-nexthop', 'bool', 'false', 't', ['self']],
  ['advertise-cluster-ip', 'bool', 'false', 'false', ['x']],
  ['advertise-external-ip', 'bool', 'false', 'false', ['x']],
  ['advertise-loadbalancer-ip', 'bool', 'false', 'false', ['x']],
  ['advertise-pod-cidr', 'bool', 'true', 'false', ['x']],
  ['enable-bfd', 'bool', 'false', 'false', ['x']],
  ['bfd-port', 'uint', '3784', '3784', ['0', '65536']],
  ['bfd-detection-multiplier', 'uint', '3', '3', ['0', '256']],
  ['bfd-desired-min-tx-interval', 'uint', '1000', '1000', ['0', '4294968']],
  ['bfd-required-min-rx-interval', 'uint', '1000', '1000', ['0', '1s']],
  ['gobgp-admin-address', 'ip', '127.0.0.1', '127.0.0.1', ['here']],
  ['gobgp-admin-port', 'uint', '50051', '0', ['65536']],
  ['ipvs-sync-period', 'duration', '5m0s', '5m', ['0s']],
  ['ipvs-permit-all', 'bool', 'true', 'true', ['x']],
  ['ipvs-graceful-period', 'duration', '30s', '30s', ['x']],
  ['ipvs-graceful-termination', 'bool', 'false', 'false', ['x']],
  ['masquerade-all', 'bool', 'false', 'false', ['x']],
  ['hairpin-mode', 'bool', 'false', 'false', ['x']],
  ['nodeport-bindon-all-ip', 'bool', 'false', 'false', ['x']],
  ['excluded-cidrs', 'cidr,...', '', '10.0.0.0/8', ['10.0.0.1', '10.0.0.0/33']],
  [
    'service-cluster-ip-range',
    'cidr,...',
    '10.96.0.0/12',
    '10.96.0.0/12,fd00::/108',
    ['', 'x', '10.0.0.0/8,10.1.0.0/16,10.2.0.0/16'],
  ],
  ['service-external-ip-range', 'cidr,...', '', '10.0.0.0/8', ['x']],
  ['loadbalancer-ip-range', 'cidr,...', '', '10.0.0.0/8', ['x']],
  ['service-node-port-range', 'port-port', '30000-32767', '30000:32767', ['30000', '32767-30000', '1-65536', '5-5']],
  ['strict-external-ip-validation', 'bool', 'true', 'true', ['x']],
  ['service-tcp-timeout', 'duration', '0s', '0s', ['x']],
  ['service-tcpfin-timeout', 'duration', '0s', '0s', ['x']],
  ['service-udp-timeout', 'duration', '0s', '0s', ['x']],
  ['runtime-endpoint', 'string', '', '/run/containerd.sock', []],
  ['iptables-sync-period', 'duration', '5m0s', '5m', ['0s']],
  ['use-nftables-for-netpol', 'bool', 'false', 'false', ['x']],
  // Off in the original, where a new pod is open until its rules are in (N-84).
  ['netpol-default-deny', 'bool', 'true', 'false', ['x']],
  ['loadbalancer-default-class', 'bool', 'true', 'true', ['x']],
  ['loadbalancer-sync-period', 'duration', '1m0s', '1m', ['0s']],
];

/** What routelet adds. */
const own: readonly Case[] = [
  ['ask-socket', 'string', '/run/routelet/agent.sock', '/run/agent.sock', ['agent.sock', `/${'x'.repeat(107)}`]],
  ['manifests', 'string', '', '/etc/manifests', []],
  ['advertise-vips-without-endpoints', 'bool', 'false', 'true', ['x']],
  ['log-format', 'json|human', 'json', 'human', ['text']],
  ['mesh-holdtime', 'duration', '1m30s', '3s', ['2s', '65536s']],
  ['mesh-password-file', 'string', '', '/etc/mesh/password', []],
  ['mesh-enable-bfd', 'bool', 'false', 'true', ['x']],
  ['bgp-long-lived-stale-time', 'duration', '0s', '24h', ['-1s', '16777216s']],
  ['auto-mtu-overlay', 'bool', 'false', 'true', ['20']],
  ['bgp-maximum-paths', 'uint', '1', '64', ['0', '65', 'all']],
];

const cases = [...original, ...own];
const rows = new Map<string, Flag<unknown>>(Object.values(flags).map((flag) => [flag.name, flag]));
const keys = new Map(Object.entries(flags).map(([key, flag]) => [flag.name as string, key as FlagKey]));
const noFile = () => {
  throw new Error('no file is read here');
};

t.test('the table has exactly the flags of the original and our own', (t) => {
  t.ok(original.length > 70);
  t.same([...rows.keys()].sort(), cases.map(([name]) => name).sort());
  t.equal(rows.size, Object.keys(flags).length, 'no name twice');
  t.end();
});

for (const [name, type, defaultText, good, bad] of cases) {
  t.test(`--${name}`, (t) => {
    const flag = rows.get(name);
    if (flag === undefined) throw new Error('not in the table');
    t.equal(flag.kind.name, type);
    t.equal(flag.kind.format(flag.default), defaultText);
    const value = flag.kind.parse(good);
    t.not(value, undefined, `"${good}" is read`);
    t.equal(flag.check?.(value), undefined, `"${good}" is taken`);
    for (const text of bad) {
      const result = parseOptions([`--${name}=${text}`], noFile);
      t.equal(result.kind, 'bad', `"${text}" is refused`);
      if (result.kind !== 'bad') continue;
      t.match(result.problems[0], { code: 'bad-value', flag: name, value: text });
      t.equal(result.problems.length, 1, `"${text}" is one problem`);
    }
    t.end();
  });
}

t.test('defaults as they are handed over', (t) => {
  const result = parseOptions([], noFile);
  if (result.kind !== 'run') throw new Error('expected options');
  const { options } = result;
  for (const [name, row] of rows) {
    const key = keys.get(name);
    if (key === undefined || key === 'clusterAsn' || name.startsWith('peer-router-')) continue;
    t.same((options as unknown as Record<string, unknown>)[key], row.default, name);
  }
  t.equal(options.clusterAsn, 64512, '0 stands for 64512');
  t.same(options.routerPeers, []);
  t.end();
});
