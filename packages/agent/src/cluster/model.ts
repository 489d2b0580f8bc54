/** The part of the Kubernetes API that routelet reads, with the API's own field names. Nothing behind the store knows its source. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
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

/** Kinds of the store; Service, EndpointSlice, Pod, Namespace and NetworkPolicy are added as lines here. */
export interface KindMap {
  Node: Node;
}
export type Kind = keyof KindMap;

export type ClusterChange = {
  [K in Kind]:
    | { readonly type: 'added'; readonly kind: K; readonly object: KindMap[K] }
    | { readonly type: 'modified'; readonly kind: K; readonly object: KindMap[K]; readonly old: KindMap[K] }
    | { readonly type: 'deleted'; readonly kind: K; readonly object: KindMap[K] };
}[Kind];

/** Read side of the store. Objects are frozen values; a change hands over a new one. */
export interface ClusterView {
  get<K extends Kind>(kind: K, name: string, namespace?: string): KindMap[K] | undefined;
  list<K extends Kind>(kind: K): readonly KindMap[K][];
  /** Called once for each turn in which something changed, with all its changes in order. Returns the way to stop. */
  subscribe(listener: (changes: readonly ClusterChange[]) => void): () => void;
}

/** Fills a store. `start` resolves when the first full list is in (cache sync). */
export interface ClusterSource {
  readonly name: string;
  start(signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
}
