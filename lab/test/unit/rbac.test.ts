import { readdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import t from 'tap';
import { agentArguments, deployManifest, readManifest } from '../../src/kubernetes/manifest.ts';
import { describeRules, type Rule, rightsFor } from '../../src/kubernetes/rights.ts';

const folder = dirname(deployManifest);

t.test('T-11: the ClusterRole of each file is what the modules that run ask for, and no more', async (t) => {
  const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'));
  t.ok(files.length > 1);
  for (const file of files) {
    const path = resolve(folder, file);
    const role = readManifest(path).find(({ kind }) => kind === 'ClusterRole') as unknown as {
      readonly rules: readonly Rule[];
    };
    const asked = rightsFor(agentArguments(path));
    t.ok(asked.length > 0);
    t.strictSame(describeRules(role.rules), asked, file);
  }
});
