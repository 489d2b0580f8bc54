/**
 * rest: the compiled agent when nothing happens but KEEPALIVEs and its own periods, in a full mesh of so many nodes: what it
 * has in memory, and what it takes of a processor. Three nodes are three agents; of a larger mesh all but one are simulated.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  createLab,
  type Lab,
  type LabAgent,
  ManifestCluster,
  nodeManifests,
  podRoutes,
  SimulatedMesh,
  startAgent,
  waitFor,
} from '@routelet/lab';
import { ownRow, row } from '../figures.ts';
import { publishAgent } from '../published-agent.ts';
import type { BenchRow } from '../row.ts';

const NAME = 'rest';
/** What an agent of a cluster of three may take. */
const goals = { nodes: 3, megabytes: 100, percent: 1 } as const;
/** Before the measurement, so that the garbage of the start is collected; and its length. Another size is there to be tried out. */
const timesOf = (nodes: number) =>
  nodes === 3 || nodes >= 1000 ? { settleSeconds: 45, restSeconds: 60 } : { settleSeconds: 1, restSeconds: 2 };

/** Runs inside fresh namespaces, as root. */
export async function* benchRest(say: (text: string) => void, sizes: readonly number[]): AsyncGenerator<BenchRow> {
  const folder = mkdtempSync(join(tmpdir(), 'routelet-bench-'));
  try {
    const program = publishAgent(folder);
    const lab = await createLab();
    // The whole run is a trial when one of its sizes is.
    const { settleSeconds, restSeconds } = timesOf(Math.max(...sizes));
    for (const nodes of sizes) {
      const { agent, stop } = await (nodes === goals.nodes ? realMesh : simulatedMesh)(lab, nodes, program);
      const start = agent.process.usage();
      say(
        `${nodes} nodes: ${JSON.stringify(start)} when every route is there; waiting ${settleSeconds + restSeconds} s`,
      );
      await delay(settleSeconds * 1000);
      const before = agent.process.usage();
      await delay(restSeconds * 1000);
      const after = agent.process.usage();
      const percent = ((after.cpuSeconds - before.cpuSeconds) / restSeconds) * 100;
      const figure = (work: string, unit: BenchRow['unit'], ours: number, goal: number): BenchRow =>
        nodes === goals.nodes
          ? row({ bench: NAME, peer: 'goal', work: `${nodes} nodes ${work}`, unit }, ours, goal)
          : ownRow({ bench: NAME, work: `${nodes} nodes ${work}`, unit }, ours);
      yield figure('at rest', 'MB', after.residentMb, goals.megabytes);
      yield figure('at rest', '% of a core', percent, goals.percent);
      yield ownRow({ bench: NAME, work: `${nodes} nodes peak`, unit: 'MB' }, after.peakMb);
      yield ownRow({ bench: NAME, work: `${nodes} nodes until every route is there`, unit: 'cpu-s' }, start.cpuSeconds);
      await stop();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Resting {
  readonly agent: LabAgent;
  readonly stop: () => Promise<unknown>;
}

async function realMesh(lab: Lab, nodes: number, program: string): Promise<Resting> {
  const cluster = await ManifestCluster.create(lab, nodeManifests(nodes, ['ipv4']), { program });
  await cluster.routed(120_000);
  const { agent } = cluster.member('node-1');
  return { agent, stop: () => Promise.all(cluster.members.map((member) => member.agent.stop())) };
}

async function simulatedMesh(lab: Lab, nodes: number, program: string): Promise<Resting> {
  const mesh = await SimulatedMesh.create(lab, nodes - 1);
  const agent = startAgent(mesh.node, { manifests: mesh.folder.path, program });
  await waitFor(
    `${nodes - 1} kernel routes`,
    async (seen) => {
      const { length } = await podRoutes(mesh.node);
      seen(`${length} routes; last lines of the agent:\n${agent.process.tail()}`);
      return length === nodes - 1;
    },
    { deadlineMs: 180_000, everyMs: 500 },
  );
  return { agent, stop: () => agent.stop() };
}
