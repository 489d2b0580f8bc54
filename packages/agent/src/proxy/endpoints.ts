/**
 * Which endpoints of a Service get traffic that comes in at this node: by readiness, by the hints of the topology and by
 * traffic policy, as Kubernetes documents it (KEP-1669, KEP-2433, KEP-2086). Both answers are worked out once a port.
 */
import { type IpAddress, type IpFamily, parseAddress } from '../annotations/prefix.ts';
import type { Endpoint, EndpointSlice, Protocol } from '../cluster/model.ts';
import { HEADLESS } from '../service/service-facts.ts';
import type { Backend } from './model.ts';

/** What of this node decides about endpoints. */
export interface EndpointNode {
  readonly name: string;
  /** Label topology.kubernetes.io/zone. */
  readonly zone: string | undefined;
  /** Canonical texts; an endpoint without a node name is here when it has one of them. */
  readonly addresses: ReadonlySet<string>;
}

/** An endpoint of one port. */
export interface Candidate extends Backend {
  readonly ready: boolean;
  /** It ends, and still answers. */
  readonly lastResort: boolean;
  readonly zones: readonly string[];
  readonly nodes: readonly string[];
}

export interface PortName {
  readonly name: string;
  readonly protocol: Protocol;
}

export interface EndpointChoice {
  /** For the traffic policy Cluster. */
  readonly cluster: readonly Backend[];
  /** For the traffic policy Local. */
  readonly local: readonly Backend[];
}

/** Addresses of slices that no packet can be sent to, as sentences. */
export type Unusable = Set<string>;

/** The endpoints of a port in each family, each address and port once, in the order of their addresses. */
export function collectEndpoints(
  slices: readonly EndpointSlice[],
  port: PortName,
  node: EndpointNode,
  unusable: Unusable,
): Readonly<Record<IpFamily, readonly Candidate[]>> {
  const found = { 4: new Map<string, Candidate>(), 6: new Map<string, Candidate>() };
  for (const slice of slices) {
    if (slice.addressType === 'FQDN' || slice.metadata.labels[HEADLESS] !== undefined) continue;
    const family = slice.addressType === 'IPv4' ? 4 : 6;
    for (const { name, protocol, port: number } of slice.ports) {
      if (name !== port.name || protocol !== port.protocol) continue;
      // discovery/v1 EndpointPort: no port means "all ports", which says nothing to a Service.
      if (number === undefined) {
        unusable.add(`endpoint slice ${slice.metadata.namespace}/${slice.metadata.name}: port "${name}" has no number`);
        continue;
      }
      for (const endpoint of slice.endpoints) {
        const candidate = readCandidate(endpoint, number, family, node, (text) =>
          unusable.add(`endpoint slice ${slice.metadata.namespace}/${slice.metadata.name}: address ${text}`),
        );
        if (candidate === undefined) continue;
        // While an endpoint moves between slices it is in both: what says ready is newer.
        const key = `${candidate.address.text} ${number}`;
        if (found[family].get(key)?.ready !== true) found[family].set(key, candidate);
      }
    }
  }
  return { 4: sorted(found[4]), 6: sorted(found[6]) };
}

export function chooseEndpoints(candidates: readonly Candidate[], node: EndpointNode): EndpointChoice {
  const ready = candidates.filter((one) => one.ready);
  // KEP-1669: endpoints that end are used when there are no others.
  const lastResort = candidates.filter((one) => one.lastResort);
  const near = nearest(ready, node);
  const readyHere = ready.filter(({ local }) => local);
  return {
    cluster: (near.length > 0 ? near : lastResort).map(backendOf),
    local: (readyHere.length > 0 ? readyHere : lastResort.filter(({ local }) => local)).map(backendOf),
  };
}

/** Hints count only when each endpoint has them and some are for this place; those for nodes before those for zones. */
function nearest(ready: readonly Candidate[], { name, zone }: EndpointNode): readonly Candidate[] {
  if (ready.every(({ nodes }) => nodes.length > 0)) {
    const here = ready.filter(({ nodes }) => nodes.includes(name));
    if (here.length > 0) return here;
  }
  if (zone !== undefined && ready.every(({ zones }) => zones.length > 0)) {
    const here = ready.filter(({ zones }) => zones.includes(zone));
    if (here.length > 0) return here;
  }
  return ready;
}

function readCandidate(
  { addresses, conditions, nodeName, hints, targetRef }: Endpoint,
  port: number,
  family: IpFamily,
  node: EndpointNode,
  refuse: (text: string) => void,
): Candidate | undefined {
  // discovery/v1 Endpoint: the addresses of one endpoint are interchangeable, and only the first one is to be used.
  const [text] = addresses;
  const lastResort = conditions.serving && conditions.terminating;
  if (text === undefined || (!conditions.ready && !lastResort)) return undefined;
  const address = parseAddress(text);
  const fault = address === undefined ? 'is no address' : faultOf(address, family);
  if (address === undefined || fault !== undefined) {
    refuse(`${text} ${fault}`);
    return undefined;
  }
  const local = nodeName === undefined ? node.addresses.has(address.text) : nodeName === node.name;
  const pod = targetRef?.kind === 'Pod' && targetRef.namespace !== undefined;
  return {
    address,
    port,
    local,
    ready: conditions.ready,
    lastResort,
    zones: hints?.forZones ?? [],
    nodes: hints?.forNodes ?? [],
    ...(pod && { pod: `${targetRef.namespace}/${targetRef.name}` }),
  };
}

const unusableV4: readonly (readonly [first: bigint, bits: bigint, what: string])[] = [
  [0n, 24n, 'is no host'],
  [127n, 24n, 'is a loopback address'],
  [0xa9fen, 16n, 'is link-local'],
  [0xen, 28n, 'is a multicast address'],
];

/** Completes the sentence; undefined: the address can be an endpoint (the API server refuses these too). */
function faultOf({ family, value }: IpAddress, expected: IpFamily): string | undefined {
  if (family !== expected) return `is not of the slice's type, IPv${expected}`;
  if (family === 4) return unusableV4.find(([first, bits]) => value >> bits === first)?.[2];
  if (value === 0n) return 'is no host';
  if (value === 1n) return 'is a loopback address';
  if (value >> 118n === 0x3fan) return 'is link-local';
  return value >> 120n === 0xffn ? 'is a multicast address' : undefined;
}

function backendOf({ address, port, local, pod }: Candidate): Backend {
  return { address, port, local, ...(pod !== undefined && { pod }) };
}

function sorted(found: ReadonlyMap<string, Candidate>): Candidate[] {
  return [...found.values()].sort((a, b) =>
    a.address.value === b.address.value ? a.port - b.port : a.address.value < b.address.value ? -1 : 1,
  );
}
