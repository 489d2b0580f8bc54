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
        readonly containers: readonly {
          readonly args: readonly string[];
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

t.test('volumes that are mounted are there, rights are those of the base', async (t) => {
  const rights = (file: string) => readManifest(resolve(folder, file)).filter(({ kind }) => kind === 'ClusterRole');
  t.equal(rights('routelet.yaml').length, 1);
  for (const file of files) {
    const objects = readManifest(resolve(folder, file));
    const { containers, volumes } = podOf(objects);
    const names = volumes.map(({ name }) => name);
    for (const { name } of containers.flatMap(({ volumeMounts }) => volumeMounts))
      t.ok(names.includes(name), `${file}: ${name}`);
    t.strictSame(rights(file), rights('routelet.yaml'), `${file}: the ClusterRole`);
    const config = objects.find(({ kind }) => kind === 'ConfigMap') as unknown as {
      readonly data: Record<string, string>;
    };
    const { plugins } = JSON.parse(config.data['cni-conf.json'] ?? '') as { plugins: { type: string }[] };
    t.strictSame(
      plugins.map(({ type }) => type),
      file.includes('hostport') ? ['bridge', 'portmap'] : ['bridge'],
      `${file}: CNI plugins`,
    );
  }
});
