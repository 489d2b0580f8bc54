/** Starts an example as a process, and a speaker of ours for it to talk to; addresses of the loopback interface, high ports. */

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createSpeaker, type PeerOptions, type PolicyChain, type Speaker, type SpeakerOptions } from '@routelet/bgp';
import type { Test } from 'tap';

export const everything: PolicyChain = { name: 'everything', statements: [], defaultVerdict: 'accept' };

export interface Example {
  readonly process: ChildProcessWithoutNullStreams;
  /** The next line of standard output. */
  line(): Promise<string>;
  /** The next line of standard error. */
  complaint(): Promise<string>;
  /** Ends it by SIGTERM, or waits for its own end; the exit code. */
  end(signal?: 'SIGTERM'): Promise<number | null>;
}

export function runExample(t: Test, name: string, args: readonly string[]): Example {
  const child = spawn(process.execPath, [join(import.meta.dirname, '..', name), ...args]);
  t.teardown(() => child.kill('SIGKILL'));
  const exit = once(child, 'exit');
  const reader = (stream: NodeJS.ReadableStream): (() => Promise<string>) => {
    const lines = createInterface({ input: stream })[Symbol.asyncIterator]();
    return async () => String((await lines.next()).value);
  };
  return {
    process: child,
    line: reader(child.stdout),
    complaint: reader(child.stderr),
    async end(signal) {
      if (signal !== undefined) child.kill(signal);
      const [code] = await exit;
      return typeof code === 'number' ? code : null;
    },
  };
}

/** A port that nobody listens on. */
export async function freePort(address: string): Promise<number> {
  const server = createServer().listen(0, address);
  await once(server, 'listening');
  const bound = server.address();
  server.close();
  await once(server, 'close');
  if (bound === null || typeof bound === 'string') throw new Error('no port');
  return bound.port;
}

/** A started speaker that takes and sends everything; it is stopped with the test. */
export async function startSpeaker(t: Test, options: SpeakerOptions, peers: readonly PeerOptions[]): Promise<Speaker> {
  const speaker = createSpeaker({ importPolicy: everything, exportPolicy: everything, ...options });
  for (const peer of peers) speaker.addPeer(peer);
  await speaker.start();
  t.teardown(() => speaker.stop());
  return speaker;
}

/** Waits for the next change of a speaker's best paths that `wanted` is true for. */
export async function changeOf(
  speaker: Speaker,
  wanted: (kind: 'best' | 'withdrawn', prefix: string) => boolean,
): Promise<void> {
  for await (const changes of speaker.bestPathChanges()) {
    if (changes.some(({ kind, prefix }) => wanted(kind, prefix))) return;
  }
  throw new Error('the speaker stopped');
}
