/**
 * Counts what changes in one node's kernel, by the monitors of iproute2 and nftables. Before and after the time that
 * counts, a change of its own is made and waited for, so that everything in between has been seen.
 */
import type { NetNamespace } from './namespace.ts';
import type { LabProcess } from './process.ts';
import { waitFor } from './wait.ts';

interface Monitor {
  readonly argv: readonly string[];
  /** Commands that make a change and take it back; the monitor's lines about it have `mark` in them. */
  readonly touch: readonly (readonly string[])[];
  readonly mark: string;
  /** Says whether a line begins the report of a change that counts. */
  readonly counts: (line: string) => boolean;
}

const monitors: readonly Monitor[] = [
  {
    argv: ['ip', 'monitor', 'all'],
    touch: [
      ['ip', 'route', 'add', 'blackhole', '192.0.2.255/32'],
      ['ip', 'route', 'del', 'blackhole', '192.0.2.255/32'],
    ],
    mark: 'blackhole 192.0.2.255',
    // Neighbour entries come and go with traffic: they are nobody's configuration. Further lines of one report are indented.
    counts: (line) => /^\[(?!NEIGH)/.test(line),
  },
  {
    argv: ['nft', 'monitor'],
    touch: [
      ['nft', 'add', 'table', 'ip', 'lab_mark'],
      ['nft', 'delete', 'table', 'ip', 'lab_mark'],
    ],
    mark: 'table ip lab_mark',
    counts: (line) => /^(?:add|delete|insert|replace|flush|destroy) /.test(line),
  },
];

export class KernelWatch {
  readonly #node: NetNamespace;
  readonly #running: readonly { readonly monitor: Monitor; readonly process: LabProcess }[];
  #changes: string[] = [];

  private constructor(node: NetNamespace) {
    this.#node = node;
    this.#running = monitors.map((monitor) => {
      const onLine = (line: string) => {
        if (monitor.counts(line) && !line.includes(monitor.mark)) this.#changes.push(line);
      };
      const argv = ['stdbuf', '-oL', ...monitor.argv];
      return { monitor, process: node.spawn(monitor.argv.join(' '), argv, { onLine }) };
    });
  }

  /** Resolves when the monitors are seen to work. */
  static async start(node: NetNamespace): Promise<KernelWatch> {
    const watch = new KernelWatch(node);
    await watch.changes();
    watch.#changes = [];
    return watch;
  }

  /** Changes since the start, as the monitors printed them. */
  async changes(): Promise<readonly string[]> {
    for (const { monitor, process } of this.#running) {
      const marks = () => process.lines.filter((line) => line.includes(monitor.mark)).length;
      const before = marks();
      // A monitor that has only just been started may miss the first changes.
      await waitFor(`${process.name} to show a change`, async (seen) => {
        for (const argv of monitor.touch) await this.#node.exec(argv);
        seen(process.tail());
        return marks() >= before + monitor.touch.length;
      });
    }
    return [...this.#changes];
  }

  async stop(): Promise<void> {
    for (const { process } of this.#running) await process.stop();
  }
}
