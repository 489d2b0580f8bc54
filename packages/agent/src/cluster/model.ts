/** The part of the Kubernetes API that routelet reads, with the API's own field names. Nothing behind the store knows its source. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  /** RFC 3339 in UTC with seconds, so that texts sort by time. Only of a Service. */
  readonly creationTimestamp?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface NodeAddress {
  readonly type: string;
  readonly address: string;
}

export interface Node {
  readonly kind: 'Node';
  readonly metadata: ObjectMeta;
  readonly spec: {
    readonly podCIDR?: string;
    readonly podCIDRs: readonly string[];
    readonly providerID?: string;
    readonly unschedulable?: boolean;
  };
  readonly status: { readonly addresses: readonly NodeAddress[] };
}

export type Protocol = 'TCP' | 'UDP' | 'SCTP';
export type TrafficPolicy = 'Cluster' | 'Local';
export type IpFamilyName = 'IPv4' | 'IPv6';

export interface ServicePort {
  /** Empty for the only port of a Service. */
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
  /** A port of the pods by number or name. */
  readonly targetPort: number | string;
  readonly nodePort?: number;
}

export interface LoadBalancerIngress {
  readonly ip?: string;
  readonly hostname?: string;
  /** `Proxy`: the load balancer hands packets to node ports or pods itself; the address is none of ours. */
  readonly ipMode: 'VIP' | 'Proxy';
}

/** Of its annotations those of kube-router.io; labels of service.kubernetes.io. */
export interface Service {
  readonly kind: 'Service';
  readonly metadata: ObjectMeta & { readonly namespace: string };
  readonly spec: {
    readonly type: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName';
    /** Addresses only: empty for a headless Service and for one that has none yet. */
    readonly clusterIPs: readonly string[];
    readonly ipFamilies: readonly IpFamilyName[];
    readonly ipFamilyPolicy?: 'SingleStack' | 'PreferDualStack' | 'RequireDualStack';
    readonly ports: readonly ServicePort[];
    readonly externalIPs: readonly string[];
    readonly externalTrafficPolicy: TrafficPolicy;
    readonly internalTrafficPolicy: TrafficPolicy;
    readonly trafficDistribution?: string;
    readonly sessionAffinity: 'None' | 'ClientIP';
    /** sessionAffinityConfig.clientIP.timeoutSeconds. */
    readonly sessionAffinityTimeoutSeconds?: number;
    readonly healthCheckNodePort?: number;
    readonly loadBalancerClass?: string;
    readonly loadBalancerIP?: string;
    readonly loadBalancerSourceRanges: readonly string[];
    readonly allocateLoadBalancerNodePorts: boolean;
  };
  readonly status: { readonly loadBalancer: { readonly ingress: readonly LoadBalancerIngress[] } };
}

/** With the API's defaults: `ready` unless it says no, `serving` as `ready`, not `terminating`. */
export interface EndpointConditions {
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
}

export interface Endpoint {
  readonly addresses: readonly string[];
  readonly conditions: EndpointConditions;
  readonly nodeName?: string;
  readonly zone?: string;
  readonly hints?: { readonly forZones: readonly string[]; readonly forNodes: readonly string[] };
  readonly targetRef?: { readonly kind: string; readonly namespace?: string; readonly name: string };
}

export interface EndpointPort {
  /** Name of the Service's port; empty for the only one. */
  readonly name: string;
  readonly protocol: Protocol;
  /** Undefined: any port, which is of no use to a Service. */
  readonly port?: number;
}

/** The labels that name its Service and its part in it. A slice of FQDNs has no endpoints here: nothing reads names. */
export interface EndpointSlice {
  readonly kind: 'EndpointSlice';
  readonly metadata: ObjectMeta & { readonly namespace: string };
  readonly addressType: IpFamilyName | 'FQDN';
  readonly endpoints: readonly Endpoint[];
  readonly ports: readonly EndpointPort[];
}

export interface ContainerPort {
  /** Empty without a name. */
  readonly name: string;
  readonly protocol: Protocol;
  readonly containerPort: number;
}

/** Without annotations. */
export interface Pod {
  readonly kind: 'Pod';
  readonly metadata: ObjectMeta & { readonly namespace: string };
  readonly spec: {
    readonly nodeName?: string;
    readonly hostNetwork: boolean;
    readonly terminationGracePeriodSeconds?: number;
    /** Those with ports, init containers not among them. */
    readonly containers: readonly { readonly ports: readonly ContainerPort[] }[];
  };
  readonly status: {
    /** Pending, Running, Succeeded, Failed or Unknown. */
    readonly phase: string;
    readonly hostIP?: string;
    readonly podIPs: readonly string[];
  };
}

/** Without annotations. */
export interface Namespace {
  readonly kind: 'Namespace';
  readonly metadata: ObjectMeta;
}

export interface LabelSelector {
  readonly matchLabels: Readonly<Record<string, string>>;
  readonly matchExpressions: readonly {
    readonly key: string;
    /** In, NotIn, Exists or DoesNotExist; not checked yet, as nothing of a NetworkPolicy is. */
    readonly operator: string;
    readonly values: readonly string[];
  }[];
}

/** An empty selector selects everything, an absent one does not select. */
export interface NetworkPolicyPeer {
  readonly podSelector?: LabelSelector;
  readonly namespaceSelector?: LabelSelector;
  readonly ipBlock?: { readonly cidr: string; readonly except: readonly string[] };
}

export interface NetworkPolicyPort {
  readonly protocol: Protocol;
  /** By number or name; undefined: all of the protocol. */
  readonly port?: number | string;
  readonly endPort?: number;
}

/** Empty `ports`: all ports. Empty `peers` (`from` or `to` of the API): everybody. */
export interface NetworkPolicyRule {
  readonly peers: readonly NetworkPolicyPeer[];
  readonly ports: readonly NetworkPolicyPort[];
}

/** Without annotations and labels. */
export interface NetworkPolicy {
  readonly kind: 'NetworkPolicy';
  readonly metadata: ObjectMeta & { readonly namespace: string };
  readonly spec: {
    readonly podSelector: LabelSelector;
    /** With the API's default: Ingress always, Egress when there are egress rules. */
    readonly policyTypes: readonly ('Ingress' | 'Egress')[];
    readonly ingress: readonly NetworkPolicyRule[];
    readonly egress: readonly NetworkPolicyRule[];
  };
}

/** Kinds of the store. */
export interface KindMap {
  Node: Node;
  Service: Service;
  EndpointSlice: EndpointSlice;
  Pod: Pod;
  Namespace: Namespace;
  NetworkPolicy: NetworkPolicy;
}
export type Kind = keyof KindMap;

export type ChangeOf<K extends Kind> =
  | { readonly type: 'added'; readonly kind: K; readonly object: KindMap[K] }
  | { readonly type: 'modified'; readonly kind: K; readonly object: KindMap[K]; readonly old: KindMap[K] }
  | { readonly type: 'deleted'; readonly kind: K; readonly object: KindMap[K] };

export type ClusterChange = { [K in Kind]: ChangeOf<K> }[Kind];

/** Read side of the store. Objects are frozen values; a change hands over a new one. */
export interface ClusterView {
  get<K extends Kind>(kind: K, name: string, namespace?: string): KindMap[K] | undefined;
  list<K extends Kind>(kind: K): readonly KindMap[K][];
  /** Objects under a key of the kind's index: EndpointSlices of the Service `namespace/name`. Cost is that of the answer. */
  listBy<K extends Kind>(kind: K, key: string): readonly KindMap[K][];
  /** Called once for each turn in which something changed, with all its changes in order. Returns the way to stop. */
  subscribe(listener: (changes: readonly ClusterChange[]) => void): () => void;
}

/** Fills a store. `start` resolves when the first full list is in (cache sync). */
export interface ClusterSource {
  readonly name: string;
  start(signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
}
