/** A cluster that changes from one random world to the next, as the changes that a watch tells. */
import type { ClusterChange, Namespace, NetworkPolicy, Pod } from '../../../src/cluster/model.ts';
import { readNamespace } from '../../../src/cluster/namespace.ts';
import { readNetworkPolicy } from '../../../src/cluster/network-policy.ts';
import { readPod } from '../../../src/cluster/pod.ts';
import type { World } from './oracle.ts';

type Object = Pod | Namespace | NetworkPolicy;

export class PolicyCluster {
  readonly #objects = new Map<string, Object>();

  /** The changes that make it this world. */
  become({ pods, namespaces, policies }: World): ClusterChange[] {
    const read = [...namespaces.map(readNamespace), ...pods.map(readPod), ...policies.map(readNetworkPolicy)];
    const wanted = new Map<string, Object>();
    for (const object of read) {
      if ('problem' in object) throw new Error(object.problem);
      const { name } = object.metadata;
      const namespace = 'namespace' in object.metadata ? object.metadata.namespace : '';
      wanted.set(`${object.kind} ${namespace}/${name}`, object);
    }
    const changes: object[] = [];
    for (const [key, object] of this.#objects) {
      if (!wanted.has(key)) changes.push({ type: 'deleted', kind: object.kind, object });
    }
    for (const [key, object] of wanted) {
      const old = this.#objects.get(key);
      if (old === undefined) changes.push({ type: 'added', kind: object.kind, object });
      else if (JSON.stringify(old) !== JSON.stringify(object))
        changes.push({ type: 'modified', kind: object.kind, object, old });
    }
    this.#objects.clear();
    for (const [key, object] of wanted) this.#objects.set(key, object);
    return changes as ClusterChange[];
  }
}
