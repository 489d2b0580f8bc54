/** Nodes of a cluster without kubelets: what a kubelet says of its node is said once, by the test. */
import type { LabNode } from '../node.ts';
import { waitFor } from '../wait.ts';
import type { ControlPlane } from './control-plane.ts';

interface NodeObject {
  readonly spec: { readonly podCIDRs?: readonly string[] };
}

/** Registers a lab node with its addresses, and resolves with the pod CIDRs that the controllers gave it. */
export async function registerNode(
  plane: ControlPlane,
  { name, ipv4, ipv6 }: LabNode,
  annotations: Readonly<Record<string, string>> = {},
): Promise<readonly string[]> {
  const addresses = [ipv4, ipv6].flatMap((address) => (address === undefined ? [] : [{ type: 'InternalIP', address }]));
  await plane.apply({ apiVersion: 'v1', kind: 'Node', metadata: { name, annotations } });
  await plane.kubectl(['patch', 'node', name, '--subresource=status', '-p', JSON.stringify({ status: { addresses } })]);
  return waitFor(`pod CIDRs of ${name}`, async () => (await plane.get<NodeObject>('node', name)).spec.podCIDRs);
}
