/** A veth pair in this process's own namespace, `ip`, and waiting on conditions. */
import { execFileSync } from 'node:child_process';
import type { Test } from 'tap';
import { createRib, type NodeRoute, type Rib, type RibEvents, type RibOptions } from '../../src/index.ts';

/** Runs `ip` with these words and gives what it says. */
export function ip(words: string): string {
  return execFileSync('ip', words.split(' '), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** v0 (10.9.0.1/24, fd00:9::1/64) and v1, both up. */
export function layLinks(): void {
  ip('link add v0 type veth peer name v1');
  ip('link set v1 up');
  liftLink();
}

export function liftLink(): void {
  ip('link set v0 up');
  ip('address replace 10.9.0.1/24 dev v0');
  ip('address replace fd00:9::1/64 dev v0 nodad');
}

/** The routes of the kernel in `ip`'s words, one a line, of our protocol unless said otherwise. */
export function routes(words = 'proto 17'): string[] {
  const lines = (family: string): string[] => {
    try {
      return ip(`${family} -o route show ${words}`).split('\n');
    } catch (error) {
      // A table without routes of the family does not exist.
      if (String(error).includes('FIB table does not exist')) return [];
      throw error;
    }
  };
  return [...lines('-4'), ...lines('-6')]
    .map((line) =>
      line.replaceAll('\\', '').replaceAll('\t', ' ').replaceAll(/ +/g, ' ').replace(' pref medium', '').trim(),
    )
    .filter((line) => line !== '');
}

/** Waits until `condition` holds; throws after `deadlineMs`. */
export async function until(what: string, condition: () => boolean, deadlineMs = 10_000): Promise<void> {
  const endMs = performance.now() + deadlineMs;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** All events of a rib, in order. */
export type Heard = { [K in keyof RibEvents]: { readonly name: K; readonly event: RibEvents[K][0] } }[keyof RibEvents];

export interface Started {
  readonly rib: Rib;
  readonly heard: Heard[];
  /** The events of one name. */
  of<K extends keyof RibEvents>(name: K): RibEvents[K][0][];
}

/** A rib that ends with its test, as do its routes. */
export function makeRib(t: Test, options: RibOptions = {}): Started {
  const rib = createRib(options);
  t.teardown(async () => {
    await rib.stop();
    ip('-4 route flush proto 17');
    ip('-6 route flush proto 17');
  });
  const heard: Heard[] = [];
  const names = ['programmed', 'problem', 'resolved', 'drift', 'warning'] as const;
  for (const name of names) rib.on(name, (event) => heard.push({ name, event } as Heard));
  const of = <K extends keyof RibEvents>(name: K): RibEvents[K][0][] =>
    heard.filter((one) => one.name === name).map((one) => one.event as RibEvents[K][0]);
  return { rib, heard, of };
}

export function via(destination: string, ...gateways: string[]): NodeRoute {
  return { destination, nextHops: gateways.map((gateway) => ({ gateway })) };
}

/** Counts changes of routes as an independent observer sees them: `ip monitor route`, started before `start` returns. */
export async function startMonitor(): Promise<{ lines(): string[]; stop(): void }> {
  const { spawn } = await import('node:child_process');
  const child = spawn('ip', ['-o', 'monitor', 'route'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  // What the kernel does by itself (duplicate address detection ends) is not counted, nor what makes the monitor speak.
  const counted = (line: string): boolean => line !== '' && !/203\.0\.113\.|proto kernel/.test(line);
  const lines = (): string[] => text.split('\n').filter(counted);
  // It listens when it tells of a route that is made for this purpose.
  let tries = 0;
  while (text === '') {
    ip(`route replace blackhole 203.0.113.${tries++ % 250}/32`);
    await new Promise((resolve) => setTimeout(resolve, 20));
    if (tries > 500) throw new Error('ip monitor says nothing');
  }
  return { lines, stop: () => child.kill() };
}
