/** One prober a pod: a process that answers on all its ports and asks those of other pods, hundreds a second. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { LabError } from './errors.ts';
import type { NetNamespace } from './namespace.ts';
import { within } from './wait.ts';

const script = fileURLToPath(new URL('./prober-script.ts', import.meta.url));

export interface Probe {
  readonly protocol: 'TCP' | 'UDP';
  readonly address: string;
  readonly port: number;
}

export class Prober {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (open: boolean[]) => void>();
  #id = 0;

  private constructor(child: ChildProcess, ready: () => void) {
    this.#child = child;
    if (child.stdout === null) throw new LabError('process-ended', 'the prober has no output');
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line === 'ready') return ready();
      const { id, open } = JSON.parse(line) as { id: number; open: boolean[] };
      this.#waiting.get(id)?.(open);
      this.#waiting.delete(id);
    });
  }

  /** Resolves when it listens on all ports, TCP and UDP, both families. */
  static async start(space: NetNamespace, ports: readonly number[]): Promise<Prober> {
    const child = spawn('nsenter', [`--net=${space.path}`, '--', process.execPath, script, ports.join(',')], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    const prober = new Prober(child, resolve);
    await within(`the prober in ${space.name}`, 30_000, promise);
    return prober;
  }

  /** Whether each is answered. */
  async probe(probes: readonly Probe[]): Promise<readonly boolean[]> {
    const id = this.#id++;
    const { promise, resolve } = Promise.withResolvers<boolean[]>();
    this.#waiting.set(id, resolve);
    this.#child.stdin?.write(`${JSON.stringify({ id, probes })}\n`);
    return within('the answers of a prober', 120_000, promise);
  }

  stop(): void {
    this.#child.kill('SIGKILL');
  }
}
