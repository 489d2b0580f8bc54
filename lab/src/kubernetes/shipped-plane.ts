/** A real control plane of both families with what deploy/routelet.yaml grants the agent, and nothing else. */
import type { Lab } from '../lab.ts';
import type { LabNode } from '../node.ts';
import { ControlPlane } from './control-plane.ts';
import { deployManifest, rbacObjects } from './manifest.ts';

export interface ShippedPlane {
  /** Where it runs. */
  readonly control: LabNode;
  readonly plane: ControlPlane;
  /** Of the agent's ServiceAccount. */
  readonly kubeconfig: string;
}

export async function startShippedPlane(lab: Lab): Promise<ShippedPlane> {
  const control = await lab.node({ name: 'control', ipv4: '10.10.0.2/24', ipv6: 'fd00:10::2/64' });
  const plane = await ControlPlane.start(control, {
    podCidrs: ['10.244.0.0/16', 'fd00:10:244::/56'],
    serviceCidrs: ['10.96.0.0/16', 'fd00:10:96::/112'],
  });
  await plane.apply(...rbacObjects(deployManifest));
  return { control, plane, kubeconfig: await plane.serviceAccountKubeconfig('kube-system', 'routelet') };
}
