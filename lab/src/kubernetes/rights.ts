/** Rights of a ServiceAccount in one form, `group/resource: verbs`, so that what is granted and what is used can be compared. */
import { kinds } from '../../../packages/agent/src/cluster/kinds.ts';
import type { Kind } from '../../../packages/agent/src/cluster/model.ts';
import { parseOptions } from '../../../packages/agent/src/options/parse.ts';
import { firewall } from '../../../packages/agent/src/policy/firewall.ts';
import { serviceProxy } from '../../../packages/agent/src/proxy/service-proxy.ts';
import { router } from '../../../packages/agent/src/router/router.ts';

/** A rule of a ClusterRole, and of what the API server says of a ServiceAccount. */
export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

export function describeRules(rules: readonly Rule[]): readonly string[] {
  return rules
    .flatMap(({ apiGroups, resources, verbs }) =>
      apiGroups.flatMap((group) => resources.map((resource) => `${group}/${resource}: ${[...verbs].sort().join()}`)),
    )
    .sort();
}

/** What an agent with these arguments needs. Throws when they are not those of an agent that runs. */
export function rightsFor(args: readonly string[]): readonly string[] {
  const parsed = parseOptions(args, () => '');
  if (parsed.kind !== 'run') throw new TypeError(`not the arguments of an agent: ${args.join(' ')}`);
  const { options } = parsed;
  const modules = [
    ...(options.runRouter ? [router] : []),
    ...(options.runFirewall ? [firewall] : []),
    ...(options.runServiceProxy ? [serviceProxy(options)] : []),
  ];
  return [...new Set<Kind>(modules.flatMap((module) => module.kinds))]
    .map((kind) => {
      const { apiVersion, path } = kinds[kind];
      // `apiVersion` is `group/version`, and of the core group the version alone.
      const group = apiVersion.includes('/') ? apiVersion.split('/')[0] : '';
      return `${group}/${path.split('/').at(-1)}: list,watch`;
    })
    .sort();
}
