/**
 * Whether NetworkPolicies let a connection pass, straight from the API's documentation and its raw objects: every pod, every
 * policy and every rule is looked at for each packet. It shares no code with what it judges: neither readers, nor
 * selectors, nor the arithmetic of prefixes.
 */

type Labels = Record<string, string>;

export interface RawSelector {
  matchLabels?: Labels;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}

export interface RawPeer {
  podSelector?: RawSelector;
  namespaceSelector?: RawSelector;
  ipBlock?: { cidr: string; except?: string[] };
}

export interface RawPort {
  protocol?: string;
  port?: number | string;
  endPort?: number;
}

export interface RawRule {
  from?: RawPeer[];
  to?: RawPeer[];
  ports?: RawPort[];
}

export interface RawPolicy {
  metadata: { namespace: string; name: string };
  spec: { podSelector: RawSelector; policyTypes?: string[]; ingress?: RawRule[]; egress?: RawRule[] };
}

export interface RawPod {
  metadata: { namespace: string; name: string; labels: Labels };
  spec: {
    nodeName: string;
    hostNetwork?: boolean;
    containers: { ports: { name?: string; containerPort: number; protocol?: string }[] }[];
  };
  status: { phase: string; podIPs: { ip: string }[] };
}

export interface RawNamespace {
  metadata: { name: string; labels: Labels };
}

export interface World {
  pods: RawPod[];
  namespaces: RawNamespace[];
  policies: RawPolicy[];
}

export interface Connection {
  from: string;
  to: string;
  protocol: string;
  port: number;
}

/** The pod that has an address and that policies can know. */
function podAt(world: World, address: string): RawPod | undefined {
  return world.pods.find(
    ({ spec, status }) =>
      spec.hostNetwork !== true &&
      status.phase !== 'Succeeded' &&
      status.phase !== 'Failed' &&
      status.podIPs.some(({ ip }) => bitsOf(ip) === bitsOf(address)),
  );
}

/** What node `node` decides of a connection: the egress of a pod of its own, and the ingress of one. */
export function mayPass(world: World, node: string, connection: Connection): boolean {
  return mayLeave(world, node, connection) && mayEnter(world, node, connection);
}

export function mayLeave(world: World, node: string, connection: Connection): boolean {
  const pod = podAt(world, connection.from);
  if (pod?.spec.nodeName !== node) return true;
  const isolating = policiesOn(world, pod).filter(
    ({ spec }) => spec.policyTypes?.includes('Egress') ?? (spec.egress ?? []).length > 0,
  );
  if (isolating.length === 0) return true;
  return isolating.some(({ metadata, spec }) =>
    (spec.egress ?? []).some(
      ({ to, ports }) => meets(world, metadata.namespace, to, connection.to) && opens(world, ports, connection),
    ),
  );
}

export function mayEnter(world: World, node: string, connection: Connection): boolean {
  const pod = podAt(world, connection.to);
  if (pod?.spec.nodeName !== node) return true;
  // "If no policyTypes are specified on a NetworkPolicy then by default Ingress will always be set".
  const isolating = policiesOn(world, pod).filter(({ spec }) => spec.policyTypes?.includes('Ingress') ?? true);
  if (isolating.length === 0) return true;
  return isolating.some(({ metadata, spec }) =>
    (spec.ingress ?? []).some(
      ({ from, ports }) => meets(world, metadata.namespace, from, connection.from) && opens(world, ports, connection),
    ),
  );
}

function policiesOn(world: World, pod: RawPod): RawPolicy[] {
  return world.policies.filter(
    ({ metadata, spec }) =>
      metadata.namespace === pod.metadata.namespace && selects(spec.podSelector, pod.metadata.labels),
  );
}

/** "If this field is empty or missing, this rule matches all sources (destinations)". */
function meets(world: World, namespace: string, peers: RawPeer[] | undefined, address: string): boolean {
  if (peers === undefined || peers.length === 0) return true;
  const pod = podAt(world, address);
  return peers.some(({ podSelector, namespaceSelector, ipBlock }) => {
    if (ipBlock !== undefined) {
      return within(ipBlock.cidr, address) && !(ipBlock.except ?? []).some((cidr) => within(cidr, address));
    }
    if (pod === undefined) return false;
    const home = world.namespaces.find(({ metadata }) => metadata.name === pod.metadata.namespace);
    const homeLabels = { ...home?.metadata.labels, 'kubernetes.io/metadata.name': pod.metadata.namespace };
    const inNamespace =
      namespaceSelector === undefined ? pod.metadata.namespace === namespace : selects(namespaceSelector, homeLabels);
    return inNamespace && (podSelector === undefined || selects(podSelector, pod.metadata.labels));
  });
}

/** "If this field is empty or missing, this rule matches all ports". A name is one of the pod that is connected to. */
function opens(world: World, ports: RawPort[] | undefined, { to, protocol, port }: Connection): boolean {
  if (ports === undefined || ports.length === 0) return true;
  return ports.some((wanted) => {
    if ((wanted.protocol ?? 'TCP') !== protocol) return false;
    if (wanted.port === undefined) return true;
    if (typeof wanted.port === 'number') return port >= wanted.port && port <= (wanted.endPort ?? wanted.port);
    const owner = podAt(world, to);
    return (owner?.spec.containers ?? []).some((container) =>
      container.ports.some(
        (one) => one.name === wanted.port && (one.protocol ?? 'TCP') === protocol && one.containerPort === port,
      ),
    );
  });
}

function selects({ matchLabels = {}, matchExpressions = [] }: RawSelector, labels: Labels): boolean {
  for (const key in matchLabels) if (labels[key] !== matchLabels[key]) return false;
  for (const { key, operator, values = [] } of matchExpressions) {
    const value = labels[key];
    const meets: Record<string, boolean> = {
      In: value !== undefined && values.includes(value),
      NotIn: value === undefined || !values.includes(value),
      Exists: value !== undefined,
      DoesNotExist: value === undefined,
    };
    if (meets[operator] !== true) return false;
  }
  return true;
}

function within(cidr: string, address: string): boolean {
  const [base = '', length] = cidr.split('/');
  const [a, b] = [bitsOf(base), bitsOf(address)];
  return a.length === b.length && a.slice(0, Number(length)) === b.slice(0, Number(length));
}

/** All bits of an address as a text of zeros and ones. */
function bitsOf(address: string): string {
  const bits = (value: number, width: number) => value.toString(2).padStart(width, '0');
  if (!address.includes(':'))
    return address
      .split('.')
      .map((part) => bits(Number(part), 8))
      .join('');
  const [left = '', right] = address.split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const [head, tail] = [groups(left), groups(right ?? '')];
  const gap = right === undefined ? [] : Array.from({ length: 8 - head.length - tail.length }, () => '0');
  return [...head, ...gap, ...tail].map((group) => bits(Number.parseInt(group, 16), 16)).join('');
}
