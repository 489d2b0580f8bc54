import t from 'tap';
import { helpText, readCommandLine } from '../../../src/options/command-line.ts';
import { parseOptions } from '../../../src/options/parse.ts';
import { describeProblem } from '../../../src/options/problem.ts';
import { flags } from '../../../src/options/registry.ts';

const noFile = () => {
  throw new Error('no file is read here');
};

function run(...argv: readonly string[]) {
  const result = parseOptions(argv, noFile);
  if (result.kind !== 'run') throw new Error(`expected options, got ${JSON.stringify(result)}`);
  return result;
}

function problems(...argv: readonly string[]): readonly string[] {
  const result = parseOptions(argv, noFile);
  return result.kind === 'bad' ? result.problems.map(describeProblem) : [];
}

t.test('forms of pflag', (t) => {
  const forms: readonly (readonly [argv: readonly string[], flag: string, texts: readonly string[]])[] = [
    [['--kubeconfig=/x'], 'kubeconfig', ['/x']],
    [['--kubeconfig', '/x'], 'kubeconfig', ['/x']],
    [['--kubeconfig', '--run-router'], 'kubeconfig', ['--run-router']],
    [['--kubeconfig='], 'kubeconfig', ['']],
    [['--kubeconfig=a=b'], 'kubeconfig', ['a=b']],
    [['--run-router'], 'run-router', ['true']],
    [['--run-router=false'], 'run-router', ['false']],
    [['--run-router', '--run-router=false'], 'run-router', ['true', 'false']],
    [['-v', '1'], 'v', ['1']],
    [['-v=1'], 'v', ['1']],
    [['-v1'], 'v', ['1']],
    [['--v=1'], 'v', ['1']],
    [['--v', '1'], 'v', ['1']],
    [['-V'], 'version', ['true']],
    [['-V=false'], 'version', ['false']],
    [['-h'], 'help', ['true']],
    [['-hV'], 'version', ['true']],
    [['-Vv3'], 'v', ['3']],
    [
      ['--peer-router-ips', '10.0.0.1,10.0.0.2', '--peer-router-ips=10.0.0.3'],
      'peer-router-ips',
      ['10.0.0.1,10.0.0.2', '10.0.0.3'],
    ],
  ];
  t.ok(forms.length > 0);
  for (const [argv, flag, texts] of forms) {
    const line = readCommandLine(argv);
    t.same(line.problems, [], argv.join(' '));
    t.same(line.given.get(flag), texts, argv.join(' '));
  }
  t.end();
});

t.test('what a command line may not hold', (t) => {
  t.same(problems('--routes'), ['unknown flag: --routes']);
  t.same(problems('--routes=secret'), ['unknown flag: --routes'], 'the value of an unknown flag is not shown');
  t.same(problems('-x'), ['unknown flag: -x']);
  t.same(problems('--no-run-router'), ['unknown flag: --no-run-router']);
  t.same(problems('run'), ['unrecognized positional argument(s): run']);
  t.same(problems('--run-router', 'false'), ['unrecognized positional argument(s): false'], 'as pflag');
  t.same(problems('--', '--run-router=x'), ['unrecognized positional argument(s): --run-router=x']);
  t.match(problems('--metrics-port'), [/^--metrics-port needs a value: expected a whole number from 0 to 65534$/]);
  t.end();
});

t.test('every fault is told, each once', (t) => {
  t.same(
    problems('--bgp-holdtime=1', '--cluster-asn=7', '--foo', '--gobgp-admin-port=1', 'word'),
    [
      'unknown flag: --foo',
      'unrecognized positional argument(s): word',
      '--bgp-holdtime: bad value "1": expected a duration such as 90s, 1m30s or 500ms',
      '--cluster-asn: bad value "7": expected an AS number in 64512-65535, 4200000000-4294967294',
      '--gobgp-admin-port: GoBGP admin API is not built yet; only --gobgp-admin-port=0 is accepted',
    ].sort((a, b) => order(a) - order(b)),
  );
  t.end();
});

/** Words first, then flags in the order of the table. */
function order(text: string): number {
  return Object.values(flags).findIndex((flag) => text.startsWith(`--${flag.name}:`));
}

t.test('the last occurrence of a single value wins, lists add up', (t) => {
  t.equal(run('--bgp-port=1', '--bgp-port=2').options.bgpPort, 2);
  const peers = run('--peer-router-ips=10.0.0.1', '--peer-router-ips=10.0.0.2', '--peer-router-asns=65001,65002');
  t.same(peers.options.routerPeers, [
    { address: '10.0.0.1', asn: 65001, port: 179 },
    { address: '10.0.0.2', asn: 65002, port: 179 },
  ]);
  t.end();
});

t.test('numbers in the bases of Go', (t) => {
  t.equal(run('--cluster-asn=0xfc00').options.clusterAsn, 64512);
  t.equal(run('--bgp-port=0o263').options.bgpPort, 179);
  t.equal(run('--bgp-port=0263').options.bgpPort, 179);
  t.equal(run('--bgp-port=0b10').options.bgpPort, 2);
  t.end();
});

t.test('parts that are not built yet', (t) => {
  const parts = (...argv: readonly string[]) => run(...argv).unbuilt.map(({ flag }) => flag);
  const on = ['disable-source-dest-check', 'gobgp-admin-port'];
  t.same(parts(), on, 'defaults that are on are warned of');
  t.same(parts('--run-firewall=true', '--run-service-proxy'), on, 'as are the ones of the original manifests');
  t.same(parts('--run-service-proxy=f', '--disable-source-dest-check=0', '--gobgp-admin-port=0'), []);
  const refused = Object.values(flags).filter((flag) => flag.status === 'known' && !('tolerated' in flag));
  t.ok(refused.length > 0);
  for (const flag of refused) {
    const value = flag.kind === flags.enableIbgp.kind ? 'true' : flag.kind.format(flag.default as never);
    if (value === '') continue;
    t.match(problems(`--${flag.name}=${value}`), [new RegExp(`^--${flag.name}: .* is not built yet`)], flag.name);
  }
  t.end();
});

t.test('arguments of the original generic manifest start', (t) => {
  const { options } = run(
    '--run-router=true',
    '--run-firewall=true',
    '--run-service-proxy=true',
    '--bgp-graceful-restart=true',
    '--kubeconfig=/var/lib/kube-router/kubeconfig',
  );
  t.match(options, { runRouter: true, bgpGracefulRestart: true, kubeconfig: '/var/lib/kube-router/kubeconfig' });
  t.end();
});

t.test('flags that contradict each other', (t) => {
  t.match(problems('--enable-ipv4=false'), [/^--enable-ipv4, --enable-ipv6: expected at least one/]);
  t.match(problems('--manifests=/m', '--kubeconfig=/k'), [/^--manifests, --kubeconfig: expected only one/]);
  t.match(problems('--manifests=/m', '--master=https://a'), [/^--manifests, --master: expected only one/]);
  t.equal(run('--run-router=false', '--run-firewall=false').options.runServiceProxy, true, 'the proxy alone');
  t.equal(
    run('--run-router=false', '--run-service-proxy=false').options.runFirewall,
    true,
    'the firewall alone (T-12)',
  );
  t.equal(run('--run-router=false', '--run-firewall=false', '--run-service-proxy=false').options.runRouter, false);
  t.end();
});

t.test('help and version win over what else is given', (t) => {
  t.equal(parseOptions(['--help', '--foo'], noFile).kind, 'help');
  t.equal(parseOptions(['-V', '--bgp-port=x'], noFile).kind, 'version');
  const text = helpText();
  for (const flag of Object.values(flags)) t.match(text, new RegExp(`--${flag.name} <`), flag.name);
  t.match(text, /-v, --v <uint>/);
  t.end();
});

t.test('V-81: ranges of a family that is off are refused, the default one is passed over', (t) => {
  t.same(problems('--service-external-ip-range=198.51.100.0/24,2001:db8::/64', '--loadbalancer-ip-range=fd00::/64'), [
    '--service-external-ip-range: bad value "2001:db8::/64": expected prefixes of a family that is on (--enable-ipv6 is false)',
    '--loadbalancer-ip-range: bad value "fd00::/64": expected prefixes of a family that is on (--enable-ipv6 is false)',
  ]);
  const only6 = ['--enable-ipv4=false', '--enable-ipv6'];
  t.same(problems(...only6, '--service-cluster-ip-range=10.96.0.0/12'), [
    '--service-cluster-ip-range: bad value "10.96.0.0/12": expected prefixes of a family that is on (--enable-ipv4 is false)',
  ]);
  t.same(problems(...only6), []);
  t.same(problems('--enable-ipv6', '--service-cluster-ip-range=10.96.0.0/16,fd00:96::/112'), []);
  t.match(problems('--service-cluster-ip-range='), [/expected one or two prefixes/]);
  t.match(problems('--service-cluster-ip-range=10.0.0.0/16,10.1.0.0/16,10.2.0.0/16'), [/expected one or two prefixes/]);
  t.end();
});
