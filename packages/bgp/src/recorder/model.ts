/**
 * The lines of a recording. The first says what the speaker was made of, each other one is a turn: one input of the
 * speaker, what it asked its surroundings meanwhile, and what it did, in order. Values are plain JSON (`plain-value.ts`).
 */
import type { BfdStateName } from '../bfd/iana.ts';
import type { SpeakerEvents } from '../speaker/api.ts';
import type { Plain } from './plain-value.ts';

export const recordingFormat = 'routelet-bgp-recording';
/** Raised with every change that makes an older recording replay differently. */
export const recordingVersion = 1;

export interface RecordingHeader {
  readonly format: typeof recordingFormat;
  readonly version: typeof recordingVersion;
  /** `SpeakerOptions` without what is no data. */
  readonly options: Plain;
  /** The speaker had a `nextHopCost`, whose answers are in the turns. */
  readonly asksNextHopCost: boolean;
}

/** Methods of a speaker that change it and answer at once, or by a promise of nothing. */
export const commandNames = [
  'start',
  'stop',
  'setPeers',
  'addPeer',
  'removePeer',
  'refresh',
  'reevaluateNextHops',
  'addPeerRange',
  'removePeerRange',
  'setPeerGroups',
  'setAnnouncements',
  'announce',
  'withdraw',
  'setPolicy',
] as const;
export type CommandName = (typeof commandNames)[number];

/** Addresses and ports of a connection. */
export interface ConnectionEnds {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
}

/** What comes to the speaker. Connections, listeners, timers and streams have numbers in the order of their making. */
export type Input =
  | { readonly kind: 'create' }
  | { readonly kind: 'command'; readonly name: CommandName; readonly arguments: Plain }
  | { readonly kind: 'timer'; readonly timer: number; readonly delayMs: number }
  | { readonly kind: 'connected'; readonly connection: number; readonly ends: ConnectionEnds }
  | { readonly kind: 'connect-failed'; readonly connection: number; readonly error: string }
  | { readonly kind: 'listening'; readonly listener: number; readonly address: string; readonly port: number }
  | { readonly kind: 'listen-failed'; readonly listener: number; readonly error: string }
  | { readonly kind: 'listener-closed'; readonly listener: number }
  | {
      readonly kind: 'accepted';
      readonly listener: number;
      readonly connection: number;
      readonly ends: ConnectionEnds;
    }
  /** `bytes` in hex. */
  | { readonly kind: 'data'; readonly connection: number; readonly bytes: string }
  | { readonly kind: 'drained'; readonly connection: number }
  | { readonly kind: 'closed'; readonly connection: number; readonly error?: string }
  | { readonly kind: 'bfd-ready' }
  | { readonly kind: 'bfd-failed'; readonly error: string }
  | { readonly kind: 'bfd-change'; readonly session: number; readonly change: Plain }
  /** A user of `bestPathChanges`. */
  | { readonly kind: 'stream-open' | 'stream-next' | 'stream-close'; readonly stream: number };

/** What the speaker does. `answer`: what its surroundings said to that, where it is not the usual. */
export type Output =
  | { readonly kind: 'connect'; readonly connection: number; readonly options: Plain }
  | { readonly kind: 'cancel' | 'pause' | 'resume' | 'end' | 'destroy'; readonly connection: number }
  /** `bytes` in hex; `answer` false: the queue is full. */
  | { readonly kind: 'write'; readonly connection: number; readonly bytes: string; readonly answer?: false }
  | { readonly kind: 'listen'; readonly listener: number; readonly options: Plain }
  | {
      readonly kind: 'peer-options';
      readonly listener: number;
      readonly address: string;
      readonly options: Plain;
      /** The text of the error. */
      readonly answer?: string;
    }
  | { readonly kind: 'close-listener'; readonly listener: number }
  | { readonly kind: 'bfd' }
  | {
      readonly kind: 'bfd-session';
      readonly session: number;
      readonly options: Plain;
      readonly answer?: { readonly state: BfdStateName } | { readonly error: string };
    }
  | { readonly kind: 'close-bfd-session'; readonly session: number }
  | { readonly kind: 'event'; readonly name: keyof SpeakerEvents; readonly arguments: Plain }
  | { readonly kind: 'returned'; readonly value: Plain }
  | { readonly kind: 'threw'; readonly error: string }
  | { readonly kind: 'settled'; readonly command: CommandName; readonly error?: string }
  /** `changes` null: the stream ended. */
  | { readonly kind: 'changes'; readonly stream: number; readonly changes: Plain };

/** A command given by a listener of an event, from inside the turn, right after the output before it. */
export interface NestedInput {
  readonly kind: 'input';
  readonly input: Input;
}

/** What a speaker asks for and gets, by kind, in order. */
export interface Asked {
  /** Draws of the random source. */
  readonly random?: readonly number[];
  /** `queuedBytes` of connections. */
  readonly queued?: readonly number[];
  /** `localInterface` of connections; null: not known. */
  readonly interface?: readonly Plain[];
  /** `nextHopCost`; null: not reachable. */
  readonly cost?: readonly (number | null)[];
}

export interface Turn {
  /** Microseconds of the recorded clock, which stands still within a turn. */
  readonly at: number;
  readonly in: Input;
  readonly asked?: Asked;
  readonly out?: readonly (Output | NestedInput)[];
}
