/**
 * Y-1 to Y-4: every file of deploy/ applied to a real API server as users do, by server-side apply with strict validation;
 * the controllers make its pods, and the ServiceAccount has the rights that its modules use and no others.
 */
import { readdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import t from 'tap';
import { createLab, waitFor } from '../../src/index.ts';
import { ControlPlane } from '../../src/kubernetes/control-plane.ts';
import { agentArguments, deployManifest, readManifest } from '../../src/kubernetes/manifest.ts';
import { registerNode } from '../../src/kubernetes/node-object.ts';
import { describeRules, type Rule, rightsFor } from '../../src/kubernetes/rights.ts';

const folder = dirname(deployManifest);
const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'));

const lab = await createLab();
const control = await lab.node({ name: 'control', ipv4: '10.10.0.2/24' });
const plane = await ControlPlane.start(control, { podCidrs: ['10.244.0.0/16'], serviceCidrs: ['10.96.0.0/16'] });
await registerNode(plane, await lab.node({ name: 'a', ipv4: '10.10.0.11/24' }));

/** What the API server itself says that a ServiceAccount may do, apart from paths that are no resources. */
async function rightsOf(account: string): Promise<readonly string[]> {
  const review = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectRulesReview',
    spec: { namespace: 'kube-system' },
  };
  const words = [
    'create',
    '--validate=false',
    '-f',
    '-',
    '-o',
    'json',
    `--as=system:serviceaccount:kube-system:${account}`,
  ];
  const groups = ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated'];
  const text = await plane.kubectl([...words, ...groups.map((group) => `--as-group=${group}`)], JSON.stringify(review));
  const { status } = JSON.parse(text) as { status: { incomplete: boolean; resourceRules: readonly Rule[] } };
  if (status.incomplete) throw new Error(`the rights of ${account} are not all known`);
  return describeRules(status.resourceRules);
}

interface DaemonSetList {
  readonly items: readonly { readonly status: { readonly desiredNumberScheduled?: number } }[];
}
interface PodList {
  readonly items: readonly { readonly spec: { readonly priority?: number; readonly hostNetwork?: boolean } }[];
}

t.setTimeout(0);
t.ok(files.length > 1);

for (const file of files) {
  t.test(file, async (t) => {
    const path = resolve(folder, file);
    const apply = ['apply', '--server-side', '--validate=strict', '-f', path];
    await plane.kubectl([...apply, '--dry-run=server']);
    t.strictSame(
      (await plane.get<DaemonSetList>('daemonsets', '--namespace=kube-system')).items,
      [],
      'a dry run changes nothing',
    );
    const said = await plane.kubectl(apply);
    const objects = readManifest(path);
    t.equal(said.trim().split('\n').length, objects.length, said);
    const pods = await waitFor('the pod of the DaemonSet', async (seen) => {
      const sets = await plane.get<DaemonSetList>('daemonsets', '--namespace=kube-system');
      const { items } = await plane.get<PodList>('pods', '--namespace=kube-system', '--selector=k8s-app=routelet');
      seen(`${JSON.stringify(sets.items)}\n${await plane.kubectl(['get', 'events', '--namespace=kube-system'])}`);
      return sets.items[0]?.status.desiredNumberScheduled === 1 && items.length === 1 && items;
    });
    t.match(pods, [{ spec: { hostNetwork: true, priority: 2_000_001_000 } }], 'admitted as system-node-critical');
    const everybody = await rightsOf('nobody');
    t.strictSame(
      (await rightsOf('routelet')).filter((right) => !everybody.includes(right)),
      rightsFor(agentArguments(path)),
      'what it may do beside what every ServiceAccount may',
    );
    const again = await plane.kubectl(apply);
    t.equal(again, said, 'a second time it changes nothing');
    await plane.kubectl(['delete', '--wait=true', '--grace-period=0', '--force', '-f', path]);
    await waitFor('the pod to be gone', async () => {
      const { items } = await plane.get<PodList>('pods', '--namespace=kube-system', '--selector=k8s-app=routelet');
      return items.length === 0;
    });
  });
}
