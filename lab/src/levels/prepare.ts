/**
 * What levels need made before they start, outside of their namespaces, where the package registries are reachable: the
 * Kubernetes programs, GoBGP, the agent's image and the kernel of the emulated guest. Each is made once a run, however many levels ask.
 */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { buildImage, imageFile } from '../../../deploy/image/build.ts';
import { buildGuestKernel } from '../emulated/kernel.ts';
import { buildPrograms, clusterPrograms } from '../kubernetes/binaries.ts';
import type { Need } from './table.ts';

type Progress = (line: string) => void;

const makers: Partial<Record<Need['kind'], (progress: Progress) => Promise<void>>> = {
  kubernetes: (progress) => buildPrograms(clusterPrograms, progress),
  gobgp: (progress) => buildPrograms(['gobgpd'], progress),
  guest: async (progress) => void (await buildGuestKernel(progress)),
  image: async (progress) => {
    mkdirSync(dirname(imageFile), { recursive: true });
    await buildImage(imageFile, progress);
  },
};

export class Preparations {
  readonly #progress: Progress;
  readonly #running = new Map<Need['kind'], Promise<void>>();

  constructor(progress: Progress) {
    this.#progress = progress;
  }

  /** Starts what a need asks for, or returns the run that is under way. Rejects with the tool's own text. */
  of({ kind }: Need): Promise<void> {
    const running = this.#running.get(kind) ?? makers[kind]?.(this.#progress) ?? Promise.resolve();
    // The level that awaits it reports a failure; until then it must not end the process.
    running.catch(() => undefined);
    this.#running.set(kind, running);
    return running;
  }
}
