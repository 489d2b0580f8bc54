/** A session of ours over connections in memory and a clock turned by hand, with a script as its peer. */
import { ipv4Unicast } from '../../../src/family/registry.ts';
import type { DownReason } from '../../../src/fsm/state.ts';
import { decodeHeader } from '../../../src/message/header.ts';
import { encodeKeepalive } from '../../../src/message/keepalive.ts';
import type { Negotiated } from '../../../src/message/model.ts';
import { encodeOpen } from '../../../src/message/open.ts';
import type { SessionConfig, SessionEvents } from '../../../src/session/model.ts';
import { localOpen } from '../../../src/session/open.ts';
import { createSession } from '../../../src/session/session.ts';
import { evenRandom, MemoryNetwork, memoryPair, VirtualClock } from './virtual.ts';

export const us: SessionConfig = {
  localAsn: 65001,
  localIdentifier: 0x0a000001,
  peerAsn: 65002,
  peerAddress: '10.0.0.2',
  families: [ipv4Unicast.key],
  holdTimeMs: 90_000,
  passive: true,
};
export const them: SessionConfig = {
  ...us,
  localAsn: 65002,
  localIdentifier: 0x0a000002,
  peerAsn: 65001,
  peerAddress: '10.0.0.1',
  passive: false,
};

export interface Seen {
  readonly states: string[];
  readonly downs: DownReason[];
  readonly warnings: string[];
  readonly established: Negotiated[];
  readonly updates: string[];
  readonly refreshes: { family: number; subtype: number }[];
  writable: number;
}

export function observed(): { seen: Seen; events: SessionEvents } {
  const seen: Seen = { states: [], downs: [], warnings: [], established: [], updates: [], refreshes: [], writable: 0 };
  return {
    seen,
    events: {
      stateChanged: (_from, to) => void seen.states.push(to),
      established: (negotiated) => void seen.established.push(negotiated),
      update: (body) => void seen.updates.push(Buffer.from(body).toString('hex')),
      routeRefresh: (message) => void seen.refreshes.push(message),
      down: (reason) => void seen.downs.push(reason),
      writable: () => {
        seen.writable += 1;
      },
      warning: (text) => void seen.warnings.push(text),
    },
  };
}

/** A passive session of ours, and the raw connection of its peer: `sent()` are whole messages that we sent, in hex. */
export function scripted(config: Partial<SessionConfig> = {}, overrides: Partial<SessionEvents> = {}, window?: number) {
  const clock = new VirtualClock();
  const { seen, events } = observed();
  const ports = { clock, random: evenRandom, transport: new MemoryNetwork(clock).at('10.0.0.1') };
  const session = createSession({ ...us, ...config }, { ...events, ...overrides }, ports);
  const connect = () => {
    const [near, far] = memoryPair(clock, ['10.0.0.1', 179], ['10.0.0.2', 40_000], window);
    const received: Uint8Array[] = [];
    far.onData = (chunk) => void received.push(chunk.slice());
    far.resume();
    session.accept(near);
    clock.advance(10);
    return { near, far, sent: () => split(Buffer.concat(received)) };
  };
  session.start();
  return { clock, session, seen, connect };
}

export function split(stream: Uint8Array): string[] {
  const messages: string[] = [];
  for (let at = 0; at < stream.length; ) {
    const { length } = decodeHeader(stream, at, true);
    messages.push(Buffer.from(stream.subarray(at + 18, at + length)).toString('hex'));
    at += length;
  }
  return messages;
}

export const theirOpen = (config: Partial<SessionConfig> = {}) => encodeOpen(localOpen({ ...them, ...config }));
export const keepalive = encodeKeepalive();

export function update(bodyBytes: number): Uint8Array {
  const bytes = new Uint8Array(19 + bodyBytes).fill(0xff, 0, 16);
  new DataView(bytes.buffer).setUint16(16, bytes.length);
  bytes[18] = 2;
  return bytes;
}

/** Brings the scripted session to Established. */
export function up(script: ReturnType<typeof scripted>, config: Partial<SessionConfig> = {}) {
  const peer = script.connect();
  peer.far.write(theirOpen(config));
  peer.far.write(keepalive);
  script.clock.advance(10);
  return peer;
}
