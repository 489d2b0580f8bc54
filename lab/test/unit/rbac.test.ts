import t from 'tap';
import { kinds } from '../../../packages/agent/src/cluster/kinds.ts';
import { firewall } from '../../../packages/agent/src/policy/firewall.ts';
import { router } from '../../../packages/agent/src/router/router.ts';
import { deployManifest, readManifest } from '../../src/kubernetes/manifest.ts';

interface ClusterRole {
  readonly rules: readonly {
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly verbs: readonly string[];
  }[];
}

t.test('T-11: the shipped ClusterRole is what the modules that run ask for, and no more', async (t) => {
  const role = readManifest(deployManifest).find(({ kind }) => kind === 'ClusterRole') as unknown as ClusterRole;
  const granted = role.rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) => resources.map((resource) => `${group}/${resource}: ${[...verbs].sort().join()}`)),
  );
  // `apiVersion` is `group/version`, and of the core group the version alone.
  const asked = [...new Set([...firewall.kinds, ...router.kinds])].map((kind) => {
    const { apiVersion, path } = kinds[kind];
    const group = apiVersion.includes('/') ? apiVersion.split('/')[0] : '';
    return `${group}/${path.split('/').at(-1)}: list,watch`;
  });
  t.ok(asked.length > 0);
  t.strictSame(granted.sort(), asked.sort());
});
