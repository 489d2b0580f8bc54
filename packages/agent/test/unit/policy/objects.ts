/** Objects of the cluster for tests of policies, as the readers make them of the API's. */
import type { ClusterChange, KindMap, Namespace, NetworkPolicy, Pod } from '../../../src/cluster/model.ts';
import { readNamespace } from '../../../src/cluster/namespace.ts';
import { readNetworkPolicy } from '../../../src/cluster/network-policy.ts';
import { readPod } from '../../../src/cluster/pod.ts';

export const NODE = 'node-1';

function sound<T extends object>(read: T | { readonly problem: string }): T {
  if ('problem' in read) throw new Error(read.problem);
  return read as T;
}

export interface PodSketch {
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly node?: string;
  readonly ports?: readonly (readonly [name: string, port: number, protocol?: string])[];
  readonly phase?: string;
  readonly hostNetwork?: boolean;
}

export function pod(name: string, addresses: readonly string[], sketch: PodSketch = {}): Pod {
  const { namespace = 'x', labels = {}, node = NODE, ports = [], phase = 'Running', hostNetwork = false } = sketch;
  return sound(
    readPod({
      metadata: { name, namespace, labels },
      spec: {
        nodeName: node,
        hostNetwork,
        containers: [
          { ports: ports.map(([port, containerPort, protocol]) => ({ name: port, containerPort, protocol })) },
        ],
      },
      status: { phase, podIP: addresses[0], podIPs: addresses.map((ip) => ({ ip })) },
    }),
  );
}

export function namespace(name: string, labels: Readonly<Record<string, string>> = {}): Namespace {
  return sound(readNamespace({ metadata: { name, labels } }));
}

/** `spec` as the API has it. */
export function policy(name: string, spec: unknown, namespaceName = 'x'): NetworkPolicy {
  return sound(readNetworkPolicy({ metadata: { name, namespace: namespaceName }, spec }));
}

export function added(...objects: readonly (Pod | Namespace | NetworkPolicy)[]): ClusterChange[] {
  return objects.map((object) => ({ type: 'added', kind: object.kind, object }) as ClusterChange);
}

export function deleted(...objects: readonly KindMap['Pod' | 'Namespace' | 'NetworkPolicy'][]): ClusterChange[] {
  return objects.map((object) => ({ type: 'deleted', kind: object.kind, object }) as ClusterChange);
}

export function modified(object: Pod | Namespace | NetworkPolicy, old: typeof object): ClusterChange[] {
  return [{ type: 'modified', kind: object.kind, object, old } as ClusterChange];
}

/** One policed pod of this node, one that is not, and a client on another node. */
export const smallCluster = [
  namespace('x'),
  pod('web', ['10.1.0.1', 'fd00::1'], { labels: { app: 'web' }, ports: [['http', 8080]] }),
  pod('free', ['10.1.0.2']),
  pod('client', ['10.1.1.1'], { labels: { app: 'client' }, node: 'node-2' }),
] as const;

/** The rule that lets the client in, by number and by name. */
export const fromClient = {
  from: [{ podSelector: { matchLabels: { app: 'client' } } }],
  ports: [{ port: 80, endPort: 90 }, { port: 'http' }],
} as const;
