import type { Counter, Gauge, Histogram } from 'prom-client';

/**
 * Every metric, one row each. Names, labels and types of the original are kept so that its dashboards work; rows under
 * "own" are additions. All get the prefix `kube_router_`.
 */
interface Row<Label extends string> {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly Label[];
}
export interface CounterRow<Label extends string = never> extends Row<Label> {
  readonly type: 'counter';
}
export interface GaugeRow<Label extends string = never> extends Row<Label> {
  readonly type: 'gauge';
}
export interface HistogramRow<Label extends string = never> extends Row<Label> {
  readonly type: 'histogram';
  /** Upper bounds in seconds. */
  readonly buckets: readonly number[];
}

const counter = <const L extends string = never>(
  name: string,
  help: string,
  labels: readonly L[] = [],
): CounterRow<L> => ({
  type: 'counter',
  name,
  help,
  labels,
});
const gauge = <const L extends string = never>(name: string, help: string, labels: readonly L[] = []): GaugeRow<L> => ({
  type: 'gauge',
  name,
  help,
  labels,
});

/** prometheus.DefBuckets of the Go client, which the original uses. */
const GO_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

const LATENCY_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

/** M-7: `service_vip` is the address that clients come to, a node's for a node port. */
const serviceLabels = ['svc_namespace', 'service_name', 'service_vip', 'protocol', 'port'] as const;

const histogram = (name: string, help: string, buckets: readonly number[] = GO_BUCKETS): HistogramRow => ({
  type: 'histogram',
  name,
  help,
  labels: [],
  buckets,
});

export const PREFIX = 'kube_router_';

export const rows = {
  buildInfo: gauge('build_info', 'Version of routelet and, as goversion, of its Node runtime', [
    'goversion',
    'version',
  ]),
  bgpPeerInfo: gauge('bgp_peer_info', 'BGP peers of this node, 1 each', ['address', 'type', 'asn', 'state']),
  bgpAdvertisementsReceived: counter(
    'controller_bgp_advertisements_received',
    'Number of BGP advertisements received since start',
  ),
  bgpAdvertisementsSent: counter(
    'controller_bgp_advertisements_sent',
    'Number of BGP advertisements sent since start',
    ['type'],
  ),
  bgpInternalPeersSyncSeconds: histogram(
    'controller_bgp_internal_peers_sync_time',
    'Time it took to bring the sessions with the other nodes in line',
  ),
  routesSyncSeconds: histogram('controller_routes_sync_time', 'Time of a full pass of the router'),
  hostRoutesSyncSeconds: histogram('host_routes_sync_time', 'Time of a full comparison of the kernel routes'),
  hostRoutesSynced: gauge('host_routes_synced', 'Routes of ours in the kernel'),
  hostRoutesAdded: counter('host_routes_added', 'Routes added to the kernel'),
  hostRoutesRemoved: counter('host_routes_removed', 'Routes removed from the kernel'),
  ipvsServices: gauge('controller_ipvs_services', 'IPVS services of ours in the kernel'),
  ipvsServicesSyncSeconds: histogram('controller_ipvs_services_sync_time', 'Time of a full pass of the service proxy'),
  ipvsMetricsExportSeconds: histogram(
    'controller_ipvs_metrics_export_time',
    'Time it took to read the counters of all IPVS services',
  ),
  serviceTotalConnections: counter('service_total_connections', 'Connections to a service', serviceLabels),
  servicePacketsIn: counter('service_packets_in', 'Packets to a service', serviceLabels),
  servicePacketsOut: counter('service_packets_out', 'Packets from a service', serviceLabels),
  serviceBytesIn: counter('service_bytes_in', 'Bytes to a service', serviceLabels),
  serviceBytesOut: counter('service_bytes_out', 'Bytes from a service', serviceLabels),
  serviceCps: gauge('service_cps', 'New connections to a service a second', serviceLabels),
  servicePpsIn: gauge('service_pps_in', 'Packets to a service a second', serviceLabels),
  servicePpsOut: gauge('service_pps_out', 'Packets from a service a second', serviceLabels),
  serviceBpsIn: gauge('service_bps_in', 'Bytes to a service a second', serviceLabels),
  serviceBpsOut: gauge('service_bps_out', 'Bytes from a service a second', serviceLabels),
  iptablesSyncSeconds: histogram('controller_iptables_sync_time', 'Time of a full pass of the firewall'),
  iptablesV4SaveSeconds: histogram('controller_iptables_v4_save_time', 'Time it took to read the IPv4 rules'),
  iptablesV6SaveSeconds: histogram('controller_iptables_v6_save_time', 'Time it took to read the IPv6 rules'),
  iptablesV4RestoreSeconds: histogram('controller_iptables_v4_restore_time', 'Time it took to write IPv4 rules'),
  iptablesV6RestoreSeconds: histogram('controller_iptables_v6_restore_time', 'Time it took to write IPv6 rules'),
  policyChainsSyncSeconds: histogram('controller_policy_chains_sync_time', 'Time of a pass of the firewall'),
  policyIpsetV4RestoreSeconds: histogram(
    'controller_policy_ipset_v4_restore_time',
    'Time it took to change the IPv4 sets of policies',
  ),
  policyIpsetV6RestoreSeconds: histogram(
    'controller_policy_ipset_v6_restore_time',
    'Time it took to change the IPv6 sets of policies',
  ),
  policyChains: gauge('controller_policy_chains', 'Chains of policies that apply to pods of this node'),
  policyIpsets: gauge('controller_policy_ipsets', 'Sets of the policies that apply to pods of this node'),

  // own
  serviceLatencySeconds: histogram(
    'service_latency_seconds',
    'Time from the event that changed a service to the answer of the kernel',
    LATENCY_BUCKETS,
  ),
  policyPodClosedSeconds: histogram(
    'policy_pod_closed_seconds',
    'Time from the event that gave a pod its address to its rules in the kernel; closed until then',
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
  ),
  policyProblems: gauge('policy_problems', 'NetworkPolicies that cannot be meant, whose pods are closed'),
  policyDrift: counter('policy_drift', 'Chains of the firewall that somebody else changed'),
  bgpAdvertisedVips: gauge('bgp_advertised_vips', 'Addresses of services that this node announces'),
  bgpSessionStateChanges: counter('bgp_session_state_changes', 'State changes of BGP sessions', ['address', 'to']),
  bgpPeerPrefixes: gauge('bgp_peer_prefixes', 'Prefixes of a BGP session', ['address', 'direction']),
  routeLatencySeconds: histogram(
    'route_latency_seconds',
    'Time from the event that changed a route to the answer of the kernel',
    LATENCY_BUCKETS,
  ),
  hostRoutesForeign: gauge('host_routes_foreign', 'Wanted routes in whose place stands a route of somebody else'),
  hostRoutesFailed: gauge('host_routes_failed', 'Wanted routes that the kernel refused'),
  hostRoutesOffSubnet: gauge(
    'host_routes_off_subnet',
    'Learned routes that are not installed because their next hop is in no subnet of this node',
  ),
  hostRoutesDrift: counter('host_routes_drift', 'Kernel routes of ours that somebody else changed', ['found']),
  clusterRelists: counter('cluster_relists', 'Full lists read from the API server', ['kind']),
} as const;

/** The handle of each metric; labels are checked. */
export type Metrics = {
  readonly [K in keyof typeof rows]: (typeof rows)[K] extends CounterRow<infer L>
    ? Counter<L>
    : (typeof rows)[K] extends GaugeRow<infer L>
      ? Gauge<L>
      : (typeof rows)[K] extends HistogramRow<infer L>
        ? Histogram<L>
        : never;
};
