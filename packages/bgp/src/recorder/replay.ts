/**
 * Runs a recording against the code of today: a speaker is made as the recorded one was, gets the same inputs at the same
 * times in the same order, and what it does is compared with what the recorded one did, byte by byte and event by event.
 */
import type { BestPathChange, Speaker, SpeakerOptions } from '../speaker/api.ts';
import { BgpSpeaker, type SpeakerPorts } from '../speaker/speaker.ts';
import { obey, openStream, takeChanges } from './commands.ts';
import type { Input, Output, RecordingHeader, Turn } from './model.ts';
import { fromPlain, toPlain } from './plain-value.ts';
import { readRecording } from './reader.ts';
import { ReplayPorts } from './replay-ports.ts';
import { type Difference, Script } from './script.ts';

export interface ReplayOptions {
  /** Makes the speaker; this package's when left out. `options` and `ports` are to be used as they are, or nearly. */
  readonly make?: (options: SpeakerOptions, ports: SpeakerPorts) => Speaker;
}

export interface Replay {
  /** What the speaker did, up to the first difference. */
  readonly outputs: readonly Output[];
  /** Absent: the replay is equal to the recording. */
  readonly difference?: Difference;
  /** Turns that were replayed. */
  readonly turns: number;
  /** The recording was cut off inside a line: all before that was replayed. */
  readonly truncated: boolean;
}

/**
 * The longest chain of promise continuations in a speaker, from an input that resolves one to its last effect, is a third of
 * this. A core has no other way to wait for them than to stand in line as often.
 */
const continuations = 24;

/**
 * Inputs of the event loop, which come when no continuation is left. The others can come from one, with the rest of the
 * continuations behind them.
 */
const arrivesAlone: ReadonlySet<Input['kind']> = new Set([
  'timer',
  'connected',
  'connect-failed',
  'accepted',
  'data',
  'drained',
  'closed',
  'bfd-change',
]);

/** Replays the text of a recording. Rejects with `RecordingError` when it is none; a difference is a result. */
export async function replay(recording: string, options: ReplayOptions = {}): Promise<Replay> {
  const { header, turns, truncated } = readRecording(recording);
  const player = new Player(header, turns, options);
  let played = 0;
  for (; played < turns.length && player.difference === undefined; played++) await player.play(played);
  const { outputs, difference } = player;
  return { outputs, turns: played, truncated, ...(difference !== undefined && { difference }) };
}

class Player {
  readonly #turns: readonly Turn[];
  readonly #script: Script;
  readonly #ports: ReplayPorts;
  readonly #streams = new Map<number, AsyncIterator<readonly BestPathChange[]>>();
  readonly #make: () => Speaker;
  #made: Speaker | undefined;

  constructor(header: RecordingHeader, turns: readonly Turn[], options: ReplayOptions) {
    const { make = (all, ports) => new BgpSpeaker(all, ports) } = options;
    this.#turns = turns;
    this.#script = new Script(turns, (input) => this.#perform(input));
    this.#ports = new ReplayPorts(this.#script);
    const cost = (): number | undefined => this.#script.answer('cost') ?? undefined;
    const given = {
      ...(fromPlain(header.options) as SpeakerOptions),
      ...(header.asksNextHopCost && { nextHopCost: cost }),
    };
    this.#make = () => make(given, this.#ports.ports);
  }

  get outputs(): readonly Output[] {
    return this.#script.outputs;
  }

  get difference(): Difference | undefined {
    return this.#script.difference;
  }

  async play(turn: number): Promise<void> {
    const [{ in: input } = { in: { kind: 'create' } as const }, next] = this.#turns.slice(turn, turn + 2);
    this.#script.begin(turn);
    this.#perform(input);
    const isAlone = next === undefined || arrivesAlone.has(next.in.kind);
    for (let step = 0; step < continuations && (isAlone || !this.#script.isComplete); step++) await undefined;
    this.#script.end();
  }

  get #speaker(): Speaker {
    this.#made ??= this.#watched(this.#make());
    return this.#made;
  }

  #perform(input: Input): void {
    if (this.#ports.perform(input)) return;
    const speaker = this.#speaker;
    const script = this.#script;
    switch (input.kind) {
      case 'command':
        this.#command(input);
        return;
      case 'stream-open':
        this.#streams.set(input.stream, openStream(speaker));
        return;
      case 'stream-next': {
        const stream = this.#streams.get(input.stream);
        if (stream !== undefined) void takeChanges(stream, input.stream, script);
        return;
      }
      case 'stream-close':
        void this.#streams.get(input.stream)?.return?.();
        return;
      default:
        if (input.kind !== 'create') script.differ('this is no input that a replay knows');
    }
  }

  #command({ name, arguments: args }: Extract<Input, { readonly kind: 'command' }>): void {
    try {
      // A promise that rejects has told so by an output.
      const result = obey(this.#speaker, name, fromPlain(args) as unknown[], this.#script);
      if (result instanceof Promise) result.catch(() => {});
    } catch {
      // As it did when it was recorded, or there is a difference now.
    }
  }

  #watched(speaker: Speaker): Speaker {
    for (const name of ['peer-state', 'end-of-rib', 'selection-complete', 'peers-complete', 'warning'] as const) {
      speaker.on(name, (...args: unknown[]) => this.#script.output({ kind: 'event', name, arguments: toPlain(args) }));
    }
    return speaker;
  }
}
