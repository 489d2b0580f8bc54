import { join } from 'node:path';
import t from 'tap';
import { changesInTrace, createLab, KernelWatch, parseMetrics, straceInto } from '../../src/index.ts';

// Bounded by its conditions and by the runner, not by tap's own 30 s.
t.setTimeout(0);

const lab = await createLab();
const node = await lab.node({ name: 'n', ipv4: '192.0.2.11/24' });

t.test('the kernel watch sees every kind of change, and nothing where there is none', async (t) => {
  const watch = await KernelWatch.start(node);
  t.same(await watch.changes(), []);
  const changes: readonly (readonly [RegExp, readonly string[]])[] = [
    [/^\[ROUTE\]198\.51\.100\.0\/24 via/, ['ip', 'route', 'add', '198.51.100.0/24', 'via', '192.0.2.12']],
    [/^\[ROUTE\]Deleted 198\.51\.100\.0\/24/, ['ip', 'route', 'del', '198.51.100.0/24']],
    [/^\[RULE\]/, ['ip', 'rule', 'add', 'from', '192.0.2.11', 'lookup', '77']],
    [/^\[LINK\].*br9/, ['ip', 'link', 'add', 'br9', 'type', 'bridge']],
    [/^\[ADDR\].*br9/, ['ip', 'address', 'add', '203.0.113.1/24', 'dev', 'br9']],
    [/^add rule ip filter FORWARD/, ['iptables', '-A', 'FORWARD', '-j', 'ACCEPT']],
  ];
  for (const [line, argv] of changes) {
    await node.exec(argv);
    const seen = await watch.changes();
    t.ok(
      seen.some((text) => line.test(text)),
      `${argv.join(' ')} in:\n${seen.join('\n')}`,
    );
  }
  await watch.stop();
});

t.test('the trace tells requests and commands that change from those that read', async (t) => {
  const traced = async (script: string) => {
    const file = join(node.folder, 'trace');
    await node.spawn('traced', [...straceInto(file), 'sh', '-c', script]).untilExit();
    return changesInTrace(file);
  };
  const reading =
    'iptables -S; iptables-save; iptables-legacy-save; ip6tables-nft -S; ipset list; ip route show; ip -6 route; sysctl net.ipv4.ip_forward; nft list ruleset';
  t.same(await traced(`${reading}; true`), []);
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['ip route add 198.51.100.0/24 via 192.0.2.12', ['ip route add 198.51.100.0/24 via 192.0.2.12', 'RTM_NEWROUTE']],
    ['ip route del 198.51.100.0/24', ['ip route del 198.51.100.0/24', 'RTM_DELROUTE']],
    ['iptables -A FORWARD -j ACCEPT', ['iptables -A FORWARD -j ACCEPT']],
    ['ipset create s hash:ip', ['ipset create s hash:ip', 'IPSET_CMD_CREATE']],
    ['echo 1 > /proc/sys/net/ipv4/ip_forward', ['write to /proc/sys/net/ipv4/ip_forward']],
    ['modprobe nothing', ['modprobe nothing']],
  ];
  for (const [script, wanted] of cases) t.same(await traced(`${script}; true`), wanted, script);
});

t.test('metrics text', async (t) => {
  const text = '# HELP a b\n# TYPE a gauge\na 1\nb{x="1",y="a \\"q\\" \\\\ \\n"} 2.5e3 1700000000\nc{} NaN\n';
  t.same(parseMetrics(text), [
    { name: 'a', labels: {}, value: 1 },
    { name: 'b', labels: { x: '1', y: 'a "q" \\ \n' }, value: 2500 },
    { name: 'c', labels: {}, value: Number.NaN },
  ]);
});
