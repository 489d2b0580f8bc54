/** Makes speakers for a real process: Node's clock, random source and sockets, where the options give no others. */
import { nodeClock, nodeRandom } from '../session/node-clock.ts';
import { nodeTransport } from '../session/node-transport.ts';
import type { BfdSource, Speaker, SpeakerOptions } from './api.ts';
import { BgpSpeaker } from './speaker.ts';

let shared: ReturnType<BfdSource> | undefined;

/** One for the process, as are the UDP ports of BFD; loaded when the first peer asks for it. */
export const nodeBfd: BfdSource = () => {
  shared ??= import('../bfd/node-create-bfd.ts').then(({ createBfd }) => createBfd());
  return shared;
};

/** Nothing happens on the network before `start()`. Throws `AddressError` for a router id that is no IPv4 address. */
export function createSpeaker(options: SpeakerOptions): Speaker {
  const { clock = nodeClock, random = nodeRandom, transport = nodeTransport, bfd = nodeBfd } = options;
  return new BgpSpeaker(options, { clock, random, transport, bfd });
}
