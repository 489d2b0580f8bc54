/** BFD for a real process: Node's clock, random source and sockets, where the options give no others. */
import { nodeClock, nodeRandom } from '../session/node-clock.ts';
import type { Bfd, BfdOptions } from './api.ts';
import { BfdInstance } from './bfd.ts';
import { createNodeTransport } from './node-transport.ts';

/** Nothing happens on the network before the first session. */
export function createBfd(options: BfdOptions = {}): Bfd {
  const { clock = nodeClock, random = nodeRandom } = options;
  const { transport = createNodeTransport(random) } = options;
  return new BfdInstance({ clock, random, transport }, options.onDiscard);
}
