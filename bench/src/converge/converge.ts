/**
 * converge: from a Node's manifest, renamed into its place, to the route in the kernels of the two other nodes, as `ip monitor` sees
 * it there. Three compiled agents; one change at a time.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLab, type LabNode, ManifestCluster, nodeManifests, podRoutes, waitFor } from '@routelet/lab';
import { ownRow, quantile } from '../figures.ts';
import { publishAgent } from '../published-agent.ts';
import type { BenchRow } from '../row.ts';

const NAME = 'converge';
/** The Node leaves and comes back after so many changes of its pod CIDR, and after the last one of a shorter run. */
const CHANGES_PER_RETURN = 50;

/** When each route came into a node's kernel; a route that came again counts as new. */
class Arrivals {
  readonly #node: LabNode;
  readonly #atMs = new Map<string, number>();
  #heard = false;

  constructor(node: LabNode) {
    this.#node = node;
    node.spawn('monitor', ['stdbuf', '-oL', 'ip', '-4', 'monitor', 'route'], {
      onLine: (line) => {
        this.#heard = true;
        const [first = '', second = ''] = line.split(' ');
        if (first === 'Deleted') this.#atMs.delete(second);
        else if (!this.#atMs.has(first)) this.#atMs.set(first, performance.now());
      },
    });
  }

  /** Milliseconds of `performance.now()`. */
  async of(destination: string): Promise<number> {
    const what = `${destination} in the kernel of ${this.#node.name}`;
    return waitFor(what, () => this.#atMs.get(destination), { deadlineMs: 60_000, everyMs: 5 });
  }

  async gone(destination: string): Promise<void> {
    await waitFor(
      `no ${destination} in the kernel of ${this.#node.name}`,
      async () => (await podRoutes(this.#node)).every(({ dst }) => dst !== destination),
      { deadlineMs: 60_000 },
    );
    this.#atMs.delete(destination);
  }

  /** Resolves when the monitor runs: it sees a route that is made for it. */
  async ready(): Promise<void> {
    const probe = '198.51.100.0/24';
    await waitFor('the monitor of routes', async () => {
      await this.#node.exec(['ip', 'route', 'replace', 'blackhole', probe]);
      await this.#node.exec(['ip', 'route', 'del', 'blackhole', probe]);
      return this.#heard;
    });
  }
}

/** Runs inside fresh namespaces, as root. */
export async function* benchConverge(say: (text: string) => void, sizes: readonly number[]): AsyncGenerator<BenchRow> {
  const folder = mkdtempSync(join(tmpdir(), 'routelet-bench-'));
  try {
    const cluster = await ManifestCluster.create(await createLab(), nodeManifests(3, ['ipv4']), {
      program: publishAgent(folder),
    });
    await cluster.routed(120_000);
    const { manifest } = cluster.member('node-3');
    const others = ['node-1', 'node-2'].map((name) => new Arrivals(cluster.member(name).node));
    await Promise.all(others.map((other) => other.ready()));
    /** Writes the Node and gives how long each of the others took. */
    const write = async (podCidr: string): Promise<number[]> => {
      const start = performance.now();
      await cluster.folder.writeNode({ ...manifest, podCIDRs: [podCidr] });
      return (await Promise.all(others.map((other) => other.of(podCidr)))).map((at) => at - start);
    };
    for (const size of sizes) {
      const changed: number[] = [];
      const returned: number[] = [];
      for (let number = 0; number < size; number++) {
        const podCidr = `20.${(number >> 8) & 127}.${number & 255}.0/24`;
        changed.push(...(await write(podCidr)));
        if ((number + 1) % Math.min(CHANGES_PER_RETURN, size) !== 0) continue;
        await cluster.folder.removeNode(manifest.name);
        await Promise.all(others.map((other) => other.gone(podCidr)));
        returned.push(...(await write(podCidr)));
        say(`${number + 1} of ${size} changes; the Node came back in ${returned.at(-1)?.toFixed(0)} ms`);
      }
      for (const [work, values] of [
        [`${size} changes of a pod CIDR`, changed],
        [`${returned.length / others.length} returns of a Node`, returned],
      ] as const) {
        if (values.length === 0) continue;
        for (const [name, share] of [
          ['p50', 0.5],
          ['p99', 0.99],
          ['most', 1],
        ] as const) {
          yield ownRow({ bench: NAME, work: `${work}, ${name}`, unit: 'ms' }, quantile(values, share));
        }
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
