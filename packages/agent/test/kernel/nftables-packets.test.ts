/**
 * Packets while the nftables backend writes: of a pair that the policies allow none is lost, of one that they deny none
 * passes, whatever is written; and a pod that has no rules yet is closed. Pods are namespaces behind routed veths.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { parsePrefix } from '../../src/annotations/prefix.ts';
import { runCommand } from '../../src/kernel/command.ts';
import { PolicyCompiler } from '../../src/policy/compile/compiler.ts';
import { NftablesBackend } from '../../src/policy/nftables-backend.ts';
import { added, deleted, namespace, pod, policy } from '../unit/policy/objects.ts';

const sh = (command: string) => execFileSync('sh', ['-ec', command], { encoding: 'utf8' });
const nft = (command: string) => execFileSync('nft', ['-f', '-'], { input: command, encoding: 'utf8' });
const script = fileURLToPath(new URL('./peer/datagrams.ts', import.meta.url));
const prefixes = (...texts: string[]) => texts.flatMap((text) => parsePrefix(text) ?? []);

/** 1 and 2 are pods of the node, 3 is one that comes late, 9 is a pod of another node. */
const hosts = [1, 2, 3, 9];
const addressesOf = (host: number) => (host === 9 ? ['10.0.9.9', 'fd00:9::9'] : [`10.0.0.${host}`, `fd00::${host}`]);
const OPEN = 80;
const CLOSED = 81;

const children: ChildProcess[] = [];
t.teardown(() => {
  for (const child of children) child.kill('SIGKILL');
});

sh('sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1');
const spaces = new Map<number, string>();
for (const host of hosts) {
  const holder = spawn('unshare', ['--net', 'sh', '-c', 'echo ready; exec sleep 600']);
  children.push(holder);
  await once(holder.stdout, 'data');
  const [v4, v6] = addressesOf(host);
  const space = `nsenter --net=/proc/${holder.pid}/ns/net`;
  spaces.set(host, space);
  sh(`
    ip link add v${host} type veth peer name eth0 netns ${holder.pid}
    ip addr add 169.254.${host}.1/32 dev v${host}; ip link set v${host} up
    ip -6 addr add fe80::1/64 dev v${host} nodad
    ${space} ip link set lo up; ${space} ip link set eth0 up
    ${space} ip addr add ${v4}/32 dev eth0; ${space} ip addr add ${v6}/128 dev eth0 nodad
    ${space} ip route add 169.254.${host}.1 dev eth0; ${space} ip route add default via 169.254.${host}.1
    ${space} ip -6 route add default via fe80::1 dev eth0
    ip route add ${v4} dev v${host}; ip -6 route add ${v6} dev v${host}`);
}

/** A process in a pod that counts datagrams on both ports, and sends numbered ones when told to. */
class Datagrams {
  readonly #child: ChildProcess;
  readonly #answers: ((line: string) => void)[] = [];

  constructor(host: number) {
    const [command = '', ...args] = (spaces.get(host) ?? '').split(' ');
    this.#child = spawn(command, [...args, process.execPath, script, `${OPEN},${CLOSED}`], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    children.push(this.#child);
    if (this.#child.stdout === null) throw new Error('no output');
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#answers.shift()?.(line));
  }

  /** The answer is what came of it. */
  ask<T>(question: object): Promise<T> {
    this.#child.stdin?.write(`${JSON.stringify(question)}\n`);
    return new Promise((resolve) => this.#answers.push((line) => resolve(JSON.parse(line) as T)));
  }
}

const processes = new Map(hosts.map((host) => [host, new Datagrams(host)]));
const at = (host: number) => processes.get(host) as Datagrams;
await Promise.all(hosts.map((host) => at(host).ask({ ready: true })));

/** Sends to both ports of both addresses until `work` is done. Numbers of what was sent and of what came, by port. */
async function during(from: number, to: number, work: () => Promise<void>) {
  await at(to).ask({ reset: true });
  await at(from).ask({ start: addressesOf(to), everyMs: 5 });
  await work();
  const { sent } = await at(from).ask<{ sent: number }>({ stop: true });
  const { received } = await at(to).ask<{ received: Record<string, number> }>({ settled: true });
  return { sent, open: received[OPEN] ?? 0, closed: received[CLOSED] ?? 0 };
}

const settings = {
  families: [4, 6] as const,
  ...{ clusterIpRanges: [], externalIpRanges: [], loadBalancerIpRanges: [], nodePortRange: '30000:32767' },
  closedCidrs: prefixes('10.0.0.0/24', 'fd00::/64'),
};
const member = (host: number, node = 'node-1') => pod(`pod-${host}`, addressesOf(host), { labels: { app: 'a' }, node });
const ports = [{ port: OPEN, protocol: 'UDP' }];
const both = policy('both', {
  podSelector: { matchLabels: { app: 'a' } },
  policyTypes: ['Ingress', 'Egress'],
  ingress: [{ from: [{ podSelector: {} }], ports }],
  egress: [{ to: [{ podSelector: {} }], ports }],
});
const compiler = new PolicyCompiler('node-1');
compiler.apply(added(namespace('x'), member(1), member(2), member(9, 'node-2'), both));
const wanted = { compiler, settings };
let backend = new NftablesBackend(runCommand);
await backend.sync(wanted);

const extra = policy('extra', {
  podSelector: {},
  ingress: [{ from: [{ ipBlock: { cidr: '192.0.2.0/24' } }], ports: [{ port: CLOSED, protocol: 'UDP' }] }],
});
const writes: readonly (readonly [what: string, write: () => Promise<unknown>])[] = [
  ['a policy comes', () => backend.update(wanted, compiler.apply(added(extra)))],
  ['a pod comes', () => backend.update(wanted, compiler.apply(added(pod('new', ['10.0.0.77', 'fd00::77']))))],
  ['a full pass', () => backend.sync(wanted)],
  [
    'a restart',
    () => {
      backend = new NftablesBackend(runCommand);
      return backend.sync(wanted);
    },
  ],
  [
    'the table made anew, as a map of others cannot be deleted by name of a set',
    () => {
      for (const table of ['ip kube-router-filter-ipv4', 'ip6 kube-router-filter-ipv6'])
        nft(`add map ${table} foreign { type ${table.startsWith('ip6') ? 'ipv6' : 'ipv4'}_addr : verdict ; }`);
      return backend.sync(wanted);
    },
  ],
  ['the pod goes', () => backend.update(wanted, compiler.apply(deleted(pod('new', ['10.0.0.77', 'fd00::77']))))],
  ['the policy goes', () => backend.update(wanted, compiler.apply(deleted(extra)))],
];

for (const [from, to, name] of [
  [1, 2, 'between pods of the node'],
  [9, 1, 'from another node'],
  [2, 9, 'to another node'],
] as const) {
  await t.test(`nothing opens and nothing is cut ${name}`, async (t) => {
    const { sent, open, closed } = await during(from, to, async () => {
      for (let round = 0; round < 4; round++) for (const [, write] of writes) await write();
    });
    t.ok(sent > 200, `${sent} sent to each port`);
    t.equal(open, sent, 'all that are allowed came');
    t.equal(closed, 0, 'none that is denied came');
    t.comment(`| ${name}: ${sent} datagrams each way while the tables were written ${4 * writes.length} times`);
  });
}

await t.test('a pod is closed until its rules are in', async (t) => {
  const probe = async (from: number, to: number) => {
    const { sent, open } = await during(from, to, async () => {
      await at(from).ask({ wait: 20 });
    });
    return [sent > 0, open];
  };
  t.strictSame(await probe(3, 9), [true, 0], 'from it');
  t.strictSame(await probe(9, 3), [true, 0], 'to it');
  t.strictSame(await probe(2, 3), [true, 0], 'to it from a pod of the node');
  const pings = sh('ping -c 1 -W 5 10.0.0.3; ping -6 -c 1 -W 5 fd00::3');
  t.equal(pings.match(/ 0% packet loss/g)?.length, 2, 'the node reaches its pods whatever their policies say (N-16)');
  await backend.update(wanted, compiler.apply(added(member(3))));
  for (const [from, to] of [
    [3, 9],
    [9, 3],
    [2, 3],
  ] as const) {
    const { sent, open, closed } = await during(from, to, async () => {
      await at(from).ask({ wait: 20 });
    });
    t.strictSame([open, closed], [sent, 0], `${from} to ${to}`);
  }
});
