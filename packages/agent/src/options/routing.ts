import { built, known, positive } from './flag.ts';
import { bool, duration, oneOf, uint } from './value.ts';

/** Flags of the pod network on this node: CNI file, bridge, overlay, egress, kernel routes. */
export const routing = {
  enableCni: built({
    name: 'enable-cni',
    kind: bool,
    default: true,
    description: 'Write the pod CIDRs of this node into the CNI configuration',
  }),
  autoMtu: built({
    name: 'auto-mtu',
    kind: bool,
    default: true,
    description: 'Give bridge and pods the MTU of the interface that holds the node address',
  }),
  autoMtuOverlay: built({
    name: 'auto-mtu-overlay',
    kind: bool,
    default: false,
    description: 'With --auto-mtu and --enable-overlay, take off what the tunnels add to each packet',
  }),
  enableOverlay: built({
    name: 'enable-overlay',
    kind: bool,
    default: true,
    description: 'Tunnel to nodes in other subnets',
  }),
  overlayType: built({
    name: 'overlay-type',
    kind: oneOf('subnet', 'full'),
    default: 'subnet',
    description: 'Tunnel to nodes in other subnets only, or to all nodes',
  }),
  overlayEncap: built({
    name: 'overlay-encap',
    kind: oneOf('ipip', 'fou'),
    default: 'ipip',
    description: 'Encapsulation of the tunnels: ipip (IP in IP), or fou (the same in GUE over UDP)',
  }),
  overlayEncapPort: built({
    name: 'overlay-encap-port',
    kind: uint(1024, 65535),
    default: 5555,
    description: 'UDP port of fou tunnels, the same on all nodes',
  }),
  enablePodEgress: built({
    name: 'enable-pod-egress',
    kind: bool,
    default: true,
    description: 'Masquerade traffic from pods to destinations outside of the cluster',
  }),
  routesSyncPeriodMs: built({
    name: 'routes-sync-period',
    kind: duration,
    default: 300_000,
    description: 'Time between full passes over peers, announcements and policies',
    check: positive,
  }),
  injectedRoutesSyncPeriodMs: built({
    name: 'injected-routes-sync-period',
    kind: duration,
    default: 60_000,
    description: 'Time between full comparisons of the kernel routes',
    check: positive,
  }),
  disableSourceDestCheck: known('EC2 source and destination check', {
    name: 'disable-source-dest-check',
    kind: bool,
    default: true,
    off: [false],
    description: 'Turn off the source and destination check of EC2 instances',
  }),
} as const;
