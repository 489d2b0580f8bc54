/** Y-3: the manifests in deploy/: generated from one, with flags that the agent takes and the rights that its modules use. */
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import t from 'tap';
import { readBase, variants, variantText } from '../../../deploy/generate.ts';
import { parseOptions } from '../../../packages/agent/src/options/parse.ts';
import { type KubernetesObject, readManifest } from '../../src/kubernetes/manifest.ts';
import { projectRoot } from '../../src/levels/needs.ts';

const folder = resolve(projectRoot, 'deploy');
const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'));

interface DaemonSet {
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly initContainers: readonly { readonly volumeMounts: readonly { readonly name: string }[] }[];
        readonly containers: readonly {
          readonly args: readonly string[];
          readonly env: readonly { readonly name: string; readonly value?: string }[];
          readonly resources: { readonly limits: { readonly memory: string } };
          readonly volumeMounts: readonly { readonly name: string }[];
        }[];
        readonly volumes: readonly { readonly name: string }[];
      };
    };
  };
}

const podOf = (objects: readonly KubernetesObject[]) =>
  (objects.find(({ kind }) => kind === 'DaemonSet') as unknown as DaemonSet).spec.template.spec;

t.test('every variant is what generate.ts makes of the base', async (t) => {
  t.ok(variants.length > 0);
  t.strictSame(files.sort(), ['routelet.yaml', ...variants.map(({ file }) => file)].sort());
  for (const variant of variants) {
    const text = readFileSync(resolve(folder, variant.file), 'utf8');
    t.equal(text, variantText(readBase(), variant), `${variant.file} (node deploy/generate.ts writes it anew)`);
  }
});

t.test('the agent takes the flags of each, and nothing of it stays off in silence', async (t) => {
  for (const file of files) {
    const [container] = podOf(readManifest(resolve(folder, file))).containers;
    const parsed = parseOptions(container?.args ?? [], () => '');
    t.match(parsed, { kind: 'run', unbuilt: [] }, file);
  }
});

t.test('volumes that are mounted are there, and each that is there is mounted; plugins of CNI', async (t) => {
  for (const file of files) {
    const objects = readManifest(resolve(folder, file));
    const { initContainers, containers, volumes } = podOf(objects);
    const mounted = [...initContainers, ...containers].flatMap(({ volumeMounts }) => volumeMounts);
    t.strictSame(
      [...new Set(mounted.map(({ name }) => name))].sort(),
      volumes.map(({ name }) => name).sort(),
      `${file}: volumes`,
    );
    const config = objects.find(({ kind }) => kind === 'ConfigMap') as unknown as
      | { readonly data: Readonly<Record<string, string>> }
      | undefined;
    const { plugins } = JSON.parse(config?.data['cni-conf.json'] ?? '{"plugins": []}') as {
      plugins: { type: string }[];
    };
    t.strictSame(
      plugins.map(({ type }) => type),
      file.includes('firewall-only') ? [] : file.includes('hostport') ? ['bridge', 'portmap'] : ['bridge'],
      `${file}: CNI plugins`,
    );
  }
});

t.test('the heap ends well below the limit of memory', async (t) => {
  for (const file of files) {
    const [container] = podOf(readManifest(resolve(folder, file))).containers;
    const options = container?.env.find(({ name }) => name === 'NODE_OPTIONS')?.value;
    const heap = Number(/--max-old-space-size=(\d+)/.exec(options ?? '')?.[1]);
    const limit = Number(/^(\d+)Mi$/.exec(container?.resources.limits.memory ?? '')?.[1]);
    // Code, stacks, sockets and buffers of an agent at rest are some 60 MiB outside of it.
    t.ok(heap + 128 <= limit, `${file}: ${heap} of ${limit} MiB`);
  }
});
