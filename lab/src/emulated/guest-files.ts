/** Test files in a guest: all bundled first, then run each as a job of one boot. A level has one of these. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LabError } from '../errors.ts';
import { projectRoot } from '../levels/needs.ts';
import type { RunningFile } from '../levels/run-file.ts';
import { bundle } from './bundle.ts';
import { Guest } from './guest.ts';
import { buildGuestKernel } from './kernel.ts';

/** Started by tests, as a program of its own. */
const agent = 'packages/agent/src/main.ts';
/** Bound on a boot and all files. */
const BOUND_MS = 15 * 60_000;

export class GuestFiles {
  readonly bootSeconds: number;
  readonly #guest: Guest;
  readonly #folder: string;
  readonly #bundles: ReadonlyMap<string, string>;
  readonly #bound: NodeJS.Timeout;

  private constructor(guest: Guest, folder: string, bundles: ReadonlyMap<string, string>, bootSeconds: number) {
    this.#guest = guest;
    this.#folder = folder;
    this.#bundles = bundles;
    this.bootSeconds = bootSeconds;
    this.#bound = setTimeout(() => void guest.stop(`boot and files took more than ${BOUND_MS / 1000} s`), BOUND_MS);
  }

  /** Bundles the files, which are named from the project's root, and boots a guest that runs `jobs` of them at a time. */
  static async boot(files: readonly string[], { jobs }: { readonly jobs: number }): Promise<GuestFiles> {
    const folder = mkdtempSync(join(tmpdir(), 'routelet-bundle-'));
    try {
      const bundles = await bundle([...files, agent], folder);
      const kernel = await buildGuestKernel();
      const started = performance.now();
      const guest = await Guest.boot(kernel, { lanes: jobs });
      return new GuestFiles(guest, folder, bundles, (performance.now() - started) / 1000);
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** Starts a file that was bundled, in the project's root and with loopback up, as levels of this machine do. */
  readonly start = (file: string): RunningFile => {
    const [root, script, agentScript] = [projectRoot, this.#bundleOf(file), this.#bundleOf(agent)].map(quoted);
    const environment = `TAP_TIMEOUT=0 ROUTELET_AGENT_SCRIPT=${agentScript}`;
    return this.#guest.start(
      `ip link set lo up && cd ${root} && ${environment} exec node --enable-source-maps ${script}`,
    );
  };

  #bundleOf(file: string): string {
    const path = this.#bundles.get(file);
    if (path === undefined) throw new LabError('command-failed', `${file} was not bundled for the guest`);
    return path;
  }

  async stop(): Promise<void> {
    clearTimeout(this.#bound);
    await this.#guest.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
