/** Reads the shipped deployment, so that tests install what users install, whole or the part they need. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseAllDocuments } from 'yaml';

export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

export const deployManifest = resolve(import.meta.dirname, '../../../deploy/routelet.yaml');

/** The objects of a file of `kubectl apply -f`. */
export function readManifest(path: string): readonly KubernetesObject[] {
  return parseAllDocuments(readFileSync(path, 'utf8')).map((document) => document.toJS());
}

/** The ServiceAccount of the agent and exactly the rights that are shipped with it. */
export function rbacObjects(path: string): readonly KubernetesObject[] {
  const kinds = ['ServiceAccount', 'ClusterRole', 'ClusterRoleBinding'];
  return readManifest(path).filter(({ kind }) => kinds.includes(kind));
}

interface DaemonSet {
  readonly spec: {
    readonly template: { readonly spec: { readonly containers: readonly { readonly args: readonly string[] }[] } };
  };
}

/** The arguments that a file starts the agent with. */
export function agentArguments(path: string): readonly string[] {
  const daemonSet = readManifest(path).find(({ kind }) => kind === 'DaemonSet') as unknown as DaemonSet | undefined;
  return daemonSet?.spec.template.spec.containers[0]?.args ?? [];
}
