/** What a Pod says that policies need. Equal facts mean that nothing has to be looked at again (N-2). */
import { parseAddress } from '../../annotations/prefix.ts';
import type { ContainerPort, Pod } from '../../cluster/model.ts';
import type { PodKey } from './model.ts';

export interface PodFacts {
  readonly key: PodKey;
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Canonical texts. */
  readonly addresses: readonly string[];
  /** Runs on this node. */
  readonly local: boolean;
  /** Ports with a name, of containers; those of init containers do not count (N-6). */
  readonly namedPorts: readonly ContainerPort[];
}

/**
 * Undefined for a pod that policies do not know: it has ended, has no address, or lives in the host's network, where its
 * traffic is that of the node (N-1, N-18).
 */
export function readPodFacts({ metadata, spec, status }: Pod, nodeName: string): PodFacts | undefined {
  const { namespace, name, labels } = metadata;
  const addresses = status.podIPs.flatMap((text) => parseAddress(text)?.text ?? []);
  if (spec.hostNetwork || addresses.length === 0 || ['Failed', 'Succeeded', 'Completed'].includes(status.phase)) {
    return undefined;
  }
  return {
    key: `${namespace}/${name}`,
    namespace,
    name,
    labels,
    addresses,
    local: spec.nodeName === nodeName,
    namedPorts: spec.containers.flatMap(({ ports }) => ports.filter((port) => port.name !== '')),
  };
}

export function samePodFacts(a: PodFacts, b: PodFacts): boolean {
  return JSON.stringify({ ...a, labels: sorted(a.labels) }) === JSON.stringify({ ...b, labels: sorted(b.labels) });
}

function sorted(labels: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
}
