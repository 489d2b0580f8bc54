/** The warm-up of a real process: with Node's clock, in turns of its event loop. */
import { nodeClock, nodeRandom } from '../session/node-clock.ts';
import type { WarmUpOptions } from './api.ts';
import { runWarmUp } from './warm-up.ts';

/**
 * Has the engine compile what a route goes through, by made-up routes in private speakers in memory, before the first real
 * ones come. A process pays for it once, before it starts its speaker: some 0.6 s of processor time. Without it the same
 * is paid while the first table comes in.
 */
export function warmUp({ routes = 100_000 }: WarmUpOptions = {}): Promise<void> {
  // Native code of Node makes a Buffer of a Uint8Array by giving it another prototype, and the first time in a process V8
  // throws away all code compiled for typed arrays until then. Seen when a server first listens on an IPv6 address.
  Object.setPrototypeOf(new Uint8Array(1), Buffer.prototype);
  return runWarmUp(routes, { clock: nodeClock, random: nodeRandom });
}
