import { built, known, positive } from './flag.ts';
import { bool, duration, listenAddress, oneOf, string, uint } from './value.ts';

/** Flags of the process: which parts run, where the cluster is read from, logs, health and metrics. */
export const general = {
  kubeconfig: built({
    name: 'kubeconfig',
    kind: string,
    default: '',
    description:
      'Kubeconfig file with address and credentials of the API server; in-cluster when this and --master are empty',
  }),
  master: built({
    name: 'master',
    kind: string,
    default: '',
    description: 'URL of the API server; wins over the one in the kubeconfig',
    check: (value: string) => (value === '' || URL.canParse(value) ? undefined : 'a URL such as https://10.0.0.1:6443'),
  }),
  manifests: built({
    name: 'manifests',
    kind: string,
    default: '',
    description: 'Folder of YAML manifests, watched, that stands for the cluster in place of an API server',
  }),
  hostnameOverride: built({
    name: 'hostname-override',
    kind: string,
    default: '',
    description: 'Name of this node; the environment variable NODE_NAME, then the host name when empty',
  }),
  cacheSyncTimeoutMs: built({
    name: 'cache-sync-timeout',
    kind: duration,
    default: 60_000,
    description: 'How long to wait for the first full list of the cluster',
    check: positive,
  }),
  cleanupConfig: built({
    name: 'cleanup-config',
    kind: bool,
    default: false,
    description: 'Remove what the agent has put on this node, and nothing else, and exit',
  }),
  runRouter: built({
    name: 'run-router',
    kind: bool,
    default: true,
    description: 'Pod network: announce and learn pod routes by BGP',
  }),
  runFirewall: built({ name: 'run-firewall', kind: bool, default: true, description: 'Network policy firewall' }),
  runServiceProxy: built({
    name: 'run-service-proxy',
    kind: bool,
    default: true,
    description: 'Service proxy on IPVS',
  }),
  runLoadBalancer: known('load balancer allocator', {
    name: 'run-loadbalancer',
    kind: bool,
    default: false,
    off: [false],
    description: 'Allocator of load balancer addresses',
  }),
  enableIpv4: built({ name: 'enable-ipv4', kind: bool, default: true, description: 'IPv4 on this node' }),
  enableIpv6: built({ name: 'enable-ipv6', kind: bool, default: false, description: 'IPv6 on this node' }),
  healthAddress: built({
    name: 'health-addr',
    kind: listenAddress,
    default: '',
    description: 'Address of the health listener; all when empty',
  }),
  healthPort: built({
    name: 'health-port',
    kind: uint(0, 65535),
    default: 20244,
    description: 'Port of the health listener; 0 for none',
  }),
  metricsAddress: built({
    name: 'metrics-addr',
    kind: listenAddress,
    default: '',
    description: 'Address of the metrics listener; all when empty',
  }),
  metricsPort: built({
    name: 'metrics-port',
    kind: uint(0, 65534),
    default: 0,
    description: 'Port of the metrics listener; 0 for none',
  }),
  metricsPath: built({
    name: 'metrics-path',
    kind: string,
    default: '/metrics',
    description: 'Path of the metrics',
    check: (value: string) => (value.startsWith('/') ? undefined : 'a path that starts with /'),
  }),
  enablePprof: known('pprof', {
    name: 'enable-pprof',
    kind: bool,
    default: false,
    off: [false],
    description: 'Profiles of a running process',
  }),
  askSocket: built({
    name: 'ask-socket',
    kind: string,
    default: '/run/routelet/agent.sock',
    description: 'Unix socket that answers the command routelet; none when empty',
    check: (path: string) =>
      path === '' || (path.startsWith('/') && Buffer.byteLength(path) < 108)
        ? undefined
        : 'an absolute path of less than 108 bytes, or nothing',
  }),
  verbosity: built({
    name: 'v',
    short: 'v',
    kind: uint(0, 10),
    default: 0,
    description: 'Detail of the logs; debug lines from 1',
  }),
  logFormat: built({
    name: 'log-format',
    kind: oneOf('json', 'human'),
    default: 'json',
    description: 'Form of the logs on standard error',
  }),
  version: built({
    name: 'version',
    short: 'V',
    kind: bool,
    default: false,
    description: 'Print the version and exit',
  }),
  help: built({ name: 'help', short: 'h', kind: bool, default: false, description: 'Print this text and exit' }),
} as const;
