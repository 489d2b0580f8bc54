import { built, known, positive } from './flag.ts';
import { bool, cidrList, duration, portRange, string } from './value.ts';

const DSR = 'direct server return';
const BALANCER = 'load balancer allocator';

/** Flags of service addresses, of the service proxy, of the network policy firewall and of the load balancer allocator. */
export const service = {
  ipvsSyncPeriodMs: built({
    name: 'ipvs-sync-period',
    kind: duration,
    default: 300_000,
    description: 'Time between full passes over the services',
    check: positive,
  }),
  ipvsPermitAll: built({
    name: 'ipvs-permit-all',
    kind: bool,
    default: true,
    description: 'Accept traffic to service addresses before the firewall of the host',
  }),
  ipvsGracefulPeriodMs: built({
    name: 'ipvs-graceful-period',
    kind: duration,
    default: 30_000,
    description: 'How long a removed endpoint keeps its connections',
    check: positive,
  }),
  ipvsGracefulTermination: built({
    name: 'ipvs-graceful-termination',
    kind: bool,
    default: false,
    description: 'Let connections of removed endpoints end',
  }),
  masqueradeAll: built({
    name: 'masquerade-all',
    kind: bool,
    default: false,
    description: 'Masquerade all traffic to services',
  }),
  hairpinMode: built({
    name: 'hairpin-mode',
    kind: bool,
    default: false,
    description: 'Let pods reach themselves through their service',
  }),
  nodeportBindonAllIp: built({
    name: 'nodeport-bindon-all-ip',
    kind: bool,
    default: false,
    description: 'Node ports on all addresses of the node',
  }),
  excludedCidrs: built({
    name: 'excluded-cidrs',
    kind: cidrList,
    default: [],
    description: 'IPVS services in these prefixes are left alone',
  }),
  serviceClusterIpRange: built({
    name: 'service-cluster-ip-range',
    kind: cidrList,
    default: ['10.96.0.0/12'],
    description: 'Prefixes of cluster IPs, at most one a family',
    check: (value: readonly string[]) => (value.length === 1 || value.length === 2 ? undefined : 'one or two prefixes'),
  }),
  serviceExternalIpRange: built({
    name: 'service-external-ip-range',
    kind: cidrList,
    default: [],
    description: 'Prefixes that external IPs of services may be in; none when empty',
  }),
  serviceNodePortRange: built({
    name: 'service-node-port-range',
    kind: portRange,
    default: '30000:32767',
    description: 'Node ports',
  }),
  strictExternalIpValidation: built({
    name: 'strict-external-ip-validation',
    kind: bool,
    default: true,
    description: 'Announce and serve external and load balancer addresses only inside of their ranges',
  }),
  serviceTcpTimeoutMs: built({
    name: 'service-tcp-timeout',
    kind: duration,
    default: 0,
    description: 'IPVS timeout of TCP; 0s keeps the value of the system',
  }),
  serviceTcpFinTimeoutMs: built({
    name: 'service-tcpfin-timeout',
    kind: duration,
    default: 0,
    description: 'IPVS timeout of TCP after FIN; 0s keeps the value of the system',
  }),
  serviceUdpTimeoutMs: built({
    name: 'service-udp-timeout',
    kind: duration,
    default: 0,
    description: 'IPVS timeout of UDP; 0s keeps the value of the system',
  }),
  runtimeEndpoint: known(DSR, {
    name: 'runtime-endpoint',
    kind: string,
    default: '',
    off: [''],
    tolerated: true,
    description: 'Socket of the container runtime, for direct server return',
  }),
  iptablesSyncPeriodMs: built({
    name: 'iptables-sync-period',
    kind: duration,
    default: 300_000,
    description: 'Time between full passes over the policies',
    check: positive,
  }),
  useNftablesForNetpol: built({
    name: 'use-nftables-for-netpol',
    kind: bool,
    default: false,
    description: 'Policies by nftables in place of iptables',
  }),
  netpolDefaultDeny: built({
    name: 'netpol-default-deny',
    kind: bool,
    default: true,
    description: 'Keep a pod closed until its rules are in the kernel',
  }),
  loadBalancerIpRange: built({
    name: 'loadbalancer-ip-range',
    kind: cidrList,
    default: [],
    description: 'Prefixes that load balancer addresses may be in; none when empty',
  }),
  loadBalancerDefaultClass: known(BALANCER, {
    name: 'loadbalancer-default-class',
    kind: bool,
    default: true,
    description: 'Serve services without a load balancer class',
  }),
  loadBalancerSyncPeriodMs: known(BALANCER, {
    name: 'loadbalancer-sync-period',
    kind: duration,
    default: 60_000,
    description: 'Time between full passes over the load balancer services',
    check: positive,
  }),
} as const;
