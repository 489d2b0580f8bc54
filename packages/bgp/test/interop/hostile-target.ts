/**
 * The speaker that hostile peers are set on, in a process of its own, with two well-behaved peers: one announces a prefix
 * now and then, and how long it takes to the other is what a disturbance shows in.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { Test } from 'tap';
import { encodeMessage, type PathAttributes, type Prefix, parseIpv4 } from '../../src/codec.ts';
import { addAddresses, until } from './daemons.ts';
import { allPeers, type Figures, steady, target } from './hostile-plan.ts';
import { establish, type LeanPeer, type LeanSession } from './lean-session.ts';

const context = {
  fourOctetAs: true,
  peerType: 'ebgp',
  addPathReceive: [],
  addPathSend: [],
  extendedMessages: false,
} as const;

/** Whole UPDATE by which a peer announces `prefixes`. */
export function updateOf(peer: LeanPeer, prefixes: readonly Prefix[], more: PathAttributes = {}): Uint8Array {
  const asPath = [{ kind: 'sequence', asns: [peer.asn] }] as const;
  const attributes = { origin: 'igp', asPath, nextHop: parseIpv4(peer.address), ...more } as const;
  return encodeMessage({ kind: 'update', withdrawn: [], attributes, nlri: prefixes }, context);
}

export function prefix24(first: number, index: number): Prefix {
  return { family: 257, address: Uint8Array.of(first, index >> 8, index & 255, 0), length: 24 };
}

/** How long a prefix may take from one steady peer to the other at the very most. */
const probeMs = 30_000;

async function within(milliseconds: number, arrival: Promise<void>): Promise<void> {
  const giveUp = new AbortController();
  const late = delay(milliseconds, undefined, { signal: giveUp.signal }).then(() => {
    throw new Error(`a prefix from one steady peer is not at the other after ${milliseconds} ms`);
  });
  late.catch(() => undefined);
  await Promise.race([arrival, late]);
  giveUp.abort();
}

/** Milliseconds from one steady peer to the other. */
export interface Probes {
  readonly count: number;
  readonly median: number;
  readonly worst: number;
}

export class Target {
  readonly sender: LeanSession;
  readonly receiver: LeanSession;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  #probes = 0;
  /** Prefixes of probes that the receiver waits for, as the bytes in its UPDATEs. */
  readonly #awaited = new Map<string, () => void>();
  onReceived: ((body: Buffer) => void) | undefined;

  private constructor(
    child: ChildProcess,
    lines: AsyncIterator<string>,
    { sender, receiver }: { sender: LeanSession; receiver: LeanSession },
  ) {
    this.#child = child;
    this.#lines = lines;
    this.sender = sender;
    this.receiver = receiver;
    receiver.onUpdate = (body) => {
      for (const [bytes, arrived] of this.#awaited) if (body.includes(bytes, 0, 'latin1')) arrived();
      this.onReceived?.(body);
    };
  }

  /** In a fresh network namespace. */
  static async start(): Promise<Target> {
    await addAddresses(target.address, ...allPeers.map(({ address }) => address));
    const child = spawn(process.execPath, ['--expose-gc', join(import.meta.dirname, 'hostile-speaker.ts')], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    await lines.next();
    const sender = await establish(steady.sender, target.address);
    const receiver = await establish(steady.receiver, target.address);
    return new Target(child, lines, { sender, receiver });
  }

  async figures(): Promise<Figures> {
    this.#child.stdin?.write('figures\n');
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error('the speaker ended');
    return JSON.parse(value);
  }

  /** Sends a prefix from one steady peer to the other, again and again while `work` runs and at least `least` times. */
  async probe(work: Promise<unknown>, least = 20): Promise<Probes> {
    let working = true;
    const end = (): void => {
      working = false;
    };
    work.then(end, end);
    const times: number[] = [];
    while (working || times.length < least) {
      const prefix = prefix24(40, this.#probes++);
      const bytes = String.fromCharCode(prefix.length, ...prefix.address.subarray(0, 3));
      const started = performance.now();
      await within(
        probeMs,
        new Promise<void>((resolve) => {
          this.#awaited.set(bytes, resolve);
          this.sender.socket.write(updateOf(steady.sender, [prefix]));
        }),
      );
      times.push(performance.now() - started);
      this.#awaited.delete(bytes);
      await delay(5);
    }
    await work;
    const sorted = times.toSorted((a, b) => a - b);
    return { count: sorted.length, median: sorted[sorted.length >> 1] ?? 0, worst: sorted.at(-1) ?? 0 };
  }

  /**
   * Runs `attack` with the two peers at work and says what it cost them. Their sessions must hold, and what the attack
   * took of descriptors and memory must come back: `heapBytes` is what may stay.
   */
  async withstand(t: Test, name: string, attack: () => Promise<void>, heapBytes = 4e6): Promise<void> {
    const calm = await this.probe(Promise.resolve(), 100);
    const before = await this.figures();
    const probes = await this.probe(attack());
    await until('the descriptors come back', async () => (await this.figures()).descriptors <= before.descriptors);
    const after = await this.figures();
    for (const { address } of Object.values(steady)) {
      const status = after.peers.find((peer) => peer.address === address);
      t.match(status, { state: 'Established', established: 1 }, `${name}: the session of ${address} holds`);
    }
    const grown = after.heapBytes - before.heapBytes;
    t.ok(grown < heapBytes, `${name}: the heap is ${grown} bytes larger than before`);
    t.ok(probes.worst < probeMs / 3, `${name}: the worst of ${probes.count} probes took ${probes.worst.toFixed(1)} ms`);
    t.comment(
      `| ${name}: from peer to peer ${ms(calm.median)} before, ${ms(probes.median)} meanwhile (worst ${ms(calm.worst)} ` +
        `and ${ms(probes.worst)}, ${probes.count} probes); heap ${(grown / 1e6).toFixed(2)} MB more, descriptors ` +
        `${before.descriptors} and ${after.descriptors}, ${after.warnings - before.warnings} warnings`,
    );
  }

  stop(): void {
    this.sender.socket.destroy();
    this.receiver.socket.destroy();
    this.#child.kill('SIGKILL');
  }
}

function ms(milliseconds: number): string {
  return `${milliseconds.toFixed(1)} ms`;
}
