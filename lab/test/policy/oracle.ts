/** The kernel held against the oracle: random policies step by step, and in each step every pair on every port. */
import t from 'tap';
import { seeded, Worlds } from '../../../packages/agent/test/unit/policy/worlds.ts';
import { type BackendName, backends, PolicyLab } from './policy-lab.ts';

t.setTimeout(0);

const PODS = 6;
const STEPS = Number(process.env['ROUTELET_POLICY_STEPS'] ?? 8);

export async function holdAgainstOracle(backend: BackendName, seed: number): Promise<void> {
  const lab = await PolicyLab.start(PODS, backends[backend]);
  const worlds = new Worlds(seeded(seed));
  let probes = 0;
  let open = 0;
  const startedMs = performance.now();
  for (let step = 0; step < STEPS; step++) {
    const world = lab.fit(worlds.world());
    await lab.apply(world, backend);
    const result = await lab.compare(world);
    probes += result.probes;
    open += result.open;
    const told = result.differences.length > 0 ? { world: JSON.stringify(world), log: lab.agent.process.tail() } : {};
    t.strictSame(result.differences.slice(0, 8), [], `step ${step} of seed ${seed}`, told);
    if (result.differences.length > 0) break;
  }
  const seconds = (performance.now() - startedMs) / 1000;
  t.ok(open > probes / 20 && open < (probes * 19) / 20, 'some pass and some do not');
  t.strictSame(lab.agent.logged(['ERROR', 'WARN'], /firewall|kernel/), [], 'nothing was refused');
  t.comment(`| ${backend}: ${STEPS} steps, ${probes} probes, ${open} open, ${Math.round(probes / seconds)} a second`);
  lab.stop();
}
