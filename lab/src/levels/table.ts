/**
 * The test levels: what each promises, what it needs and which files it runs. One line here is all that a new level
 * takes. The runner (`main.ts`) checks the needs and never guesses: a level whose needs are not met is SKIPPED by name.
 */

export type Need =
  | { readonly kind: 'root' }
  | { readonly kind: 'data' }
  | { readonly kind: 'command'; readonly commands: readonly string[] }
  | { readonly kind: 'file'; readonly path: string; readonly package: string }
  | { readonly kind: 'kubernetes' }
  | { readonly kind: 'gobgp' }
  | { readonly kind: 'image' }
  | { readonly kind: 'guest' };

export interface Level {
  readonly name: string;
  readonly about: string;
  /** Globs from the project's root. */
  readonly files: readonly string[];
  readonly needs: readonly Need[];
  /** Each file in network, pid and mount namespaces of its own, loopback up: nothing it makes outlives it. */
  readonly isolated: boolean;
  /** Files that run side by side. */
  readonly jobs: number;
  /** Bound on one file, in seconds: a hang is a failure. */
  readonly timeoutSeconds: number;
  /** Files run in the emulated guest, which boots once for all of them, each in namespaces of its own. */
  readonly guest: boolean;
  /** Runs beside the other levels, which run one after the other. */
  readonly beside: boolean;
}

const root: Need = { kind: 'root' };
/** Made by the runner before the level, with the network that the level's namespaces do not have. */
const kubernetes: Need = { kind: 'kubernetes' };
const image: Need = { kind: 'image' };
const guest: Need = { kind: 'guest' };
const gobgp: Need = { kind: 'gobgp' };
const commands = (...names: string[]): Need => ({ kind: 'command', commands: names });
const namespaces = commands('unshare', 'nsenter', 'ip');
const cni: Need = { kind: 'file', path: '/usr/lib/cni/bridge', package: 'containernetworking-plugins' };
const node = [root, namespaces, commands('iptables', 'ipset', 'ping', 'ss', 'setpriv', 'stdbuf', 'bash'), cni];
const watched = commands('nft');

function level(name: string, about: string, files: readonly string[], rest: Partial<Level> = {}): Level {
  return {
    name,
    about,
    files,
    needs: [],
    isolated: false,
    jobs: 1,
    timeoutSeconds: 300,
    guest: false,
    beside: false,
    ...rest,
  };
}

export const levels: readonly Level[] = [
  level('check', 'format, lint, types, import layers', ['lab/test/check/*.test.ts'], { jobs: 1 }),
  level(
    'unit',
    'codecs, planners, FSM, tables, simulator: no root, no network',
    ['packages/*/test/unit/**/*.test.ts', 'lab/test/unit/*.test.ts'],
    { jobs: 2, timeoutSeconds: 120 },
  ),
  level('data', 'messages and captures of other implementations', ['packages/*/test/data/*.test.ts'], {
    needs: [{ kind: 'data' }, commands('bgpdump', 'bzip2')],
    jobs: 2,
    timeoutSeconds: 600,
  }),
  level(
    'fuzz',
    'made and mutated BGP input: only typed errors, bounded work, flat memory',
    ['packages/*/test/fuzz/*.test.ts'],
    {
      jobs: 2,
    },
  ),
  level('scale', 'thousands of speakers and an hour of churn in simulated time', ['packages/*/test/scale/*.test.ts'], {
    jobs: 2,
  }),
  level('examples', 'the programs of examples/, over loopback', ['examples/test/*.test.ts']),
  level('pack', 'npm packages built, packed and used from an empty project', ['lab/test/pack/*.test.ts'], {
    timeoutSeconds: 600,
  }),
  level(
    'kernel',
    'netlink, FIB, iptables, nftables and ipset against the real kernel',
    ['packages/*/test/kernel/*.test.ts'],
    {
      needs: [root, namespaces, commands('iptables', 'ipset', 'conntrack', 'nft')],
      isolated: true,
    },
  ),
  level(
    'interop',
    'BGP sessions with BIRD, FRR, GoBGP, ExaBGP, OpenBGPD and the judgement of tshark',
    ['packages/*/test/interop/*.test.ts'],
    { needs: [root, namespaces, commands('bird', 'vtysh', 'gobgpd', 'exabgp', 'bgpctl', 'tshark')], isolated: true },
  ),
  level('matrix', 'five BGP daemons by twenty features', ['packages/bgp/test/interop/matrix/*.test.ts'], {
    needs: [root, namespaces, commands('bird', 'vtysh', 'gobgpd', 'exabgp', 'bgpctl', 'tshark', 'tcpdump', 'nft')],
    isolated: true,
    timeoutSeconds: 900,
  }),
  level(
    'emulated',
    'IPVS, tunnels and overlays in the full kernel of an emulated guest',
    ['packages/*/test/emulated/*.test.ts', 'lab/test/emulated/*.test.ts'],
    {
      needs: [
        ...[root, namespaces, cni, guest],
        commands(
          'qemu-system-x86_64',
          'busybox',
          'cpio',
          'depmod',
          'setpriv',
          'ipvsadm',
          'iptables',
          'ipset',
          'ping',
          'curl',
        ),
      ],
      guest: true,
      beside: true,
      jobs: 2,
      timeoutSeconds: 840,
    },
  ),
  level('lab', 'the lab itself: nodes, pods by CNI, daemons', ['lab/test/lab/*.test.ts'], {
    needs: [...node, watched, commands('bird', 'vtysh', 'gobgpd', 'strace')],
    isolated: true,
  }),
  level(
    'mesh',
    'agents from manifests: full mesh, reflectors, two subnets, pods, both families',
    ['lab/test/mesh/*.test.ts'],
    { needs: [...node, commands('bird')], isolated: true },
  ),
  level('nodes', 'one agent among a thousand simulated nodes that come, change and go', ['lab/test/nodes/*.test.ts'], {
    needs: node,
    isolated: true,
  }),
  level('tor', 'BIRD, FRR and GoBGP as external top-of-rack routers', ['lab/test/tor/*.test.ts'], {
    needs: [...node, commands('bird', 'vtysh', 'gobgpd')],
    isolated: true,
    timeoutSeconds: 600,
  }),
  level(
    'restart',
    'restart, takeover, graceful restart, drift, faults and their cost',
    ['lab/test/restart/*.test.ts'],
    {
      needs: [...node, watched, commands('strace', 'bird', 'vtysh')],
      isolated: true,
      timeoutSeconds: 600,
    },
  ),
  level(
    'ask',
    'the command routelet on real nodes: answers, plans that come true, reasons',
    ['lab/test/ask/*.test.ts'],
    {
      needs: [...node, watched, commands('bird')],
      isolated: true,
      timeoutSeconds: 600,
    },
  ),
  level('policy', 'network policies in the kernel against an oracle, both backends', ['lab/test/policy/*.test.ts'], {
    needs: [...node, watched],
    isolated: true,
    timeoutSeconds: 900,
  }),
  level('badinput', 'wrong flags, annotations and manifests', ['lab/test/badinput/*.test.ts'], {
    needs: node,
    isolated: true,
  }),
  level('demo', 'the two commands of the README', ['lab/test/demo/*.test.ts'], { needs: node, timeoutSeconds: 600 }),
  level('bench', 'the benchmarks at a small size: they run and print what they promise', ['bench/test/*.test.ts'], {
    needs: [root, namespaces, commands('bird', 'vtysh', 'ipset'), gobgp],
    timeoutSeconds: 600,
  }),
  level(
    'apiserver',
    'agents against a real API server, controller-manager and the shipped ClusterRole',
    ['lab/test/apiserver/*.test.ts'],
    { needs: [...node, watched, kubernetes, commands('etcd')], isolated: true, timeoutSeconds: 900 },
  ),
  level('cluster', 'a cluster of two kubelets, the DaemonSet from our image', ['lab/test/cluster/*.test.ts'], {
    needs: [...node, kubernetes, image, commands('etcd', 'runc', 'busybox', 'gcc')],
    isolated: true,
    timeoutSeconds: 1200,
  }),
];
