/**
 * A speaker that is recorded: it is used like any other, and every line of the recording is handed to `sink` as soon as its
 * turn is over. Looking at the speaker (`peers`, `routes` and the like) is not recorded, as it changes nothing.
 */
import type { BestPathChange, Speaker, SpeakerEvents, SpeakerOptions } from '../speaker/api.ts';
import { BgpSpeaker, type SpeakerPorts } from '../speaker/speaker.ts';
import { obey, openStream, takeChanges } from './commands.ts';
import { Journal } from './journal.ts';
import { type CommandName, recordingFormat, recordingVersion } from './model.ts';
import { Secrets, toPlain } from './plain-value.ts';
import { recordBfd } from './record-bfd.ts';
import { recordPorts } from './record-ports.ts';

export interface RecordedSpeaker {
  readonly speaker: Speaker;
  /** Hands over the last line. The speaker goes on without being recorded. */
  end(): void;
}

/**
 * Makes a speaker over `ports` and records it into `sink`, one line of text a call. Keys of TCP MD5 and TCP-AO are not in the
 * recording. Throws what `createSpeaker` throws.
 */
export function recordSpeaker(
  options: SpeakerOptions,
  ports: SpeakerPorts,
  sink: (line: string) => void,
): RecordedSpeaker {
  const secrets = new Secrets();
  const { nextHopCost, clock: _clock, random: _random, transport: _transport, bfd: _bfd, ...data } = options;
  const header = {
    format: recordingFormat,
    version: recordingVersion,
    options: toPlain(data, secrets),
    asksNextHopCost: nextHopCost !== undefined,
  } as const;
  const journal = new Journal(header, ports.clock, sink);
  const cost = (nextHop: string): number | undefined => {
    const answer = nextHopCost?.(nextHop);
    return journal.asked('cost', answer, answer ?? null);
  };
  const inner = journal.input(
    { kind: 'create' },
    () =>
      new BgpSpeaker(
        { ...data, ...(nextHopCost !== undefined && { nextHopCost: cost }) },
        {
          ...ports,
          ...recordPorts(ports, journal, secrets),
          ...(ports.bfd !== undefined && { bfd: recordBfd(ports.bfd, journal) }),
        },
      ),
  );
  return { speaker: recorded(inner, journal, secrets), end: () => journal.end() };
}

type Listener<K extends keyof SpeakerEvents> = (...args: SpeakerEvents[K]) => void;

function recorded(inner: Speaker, journal: Journal, secrets: Secrets): Speaker {
  const listeners: { [K in keyof SpeakerEvents]: Set<Listener<K>> } = {
    'peer-state': new Set(),
    'end-of-rib': new Set(),
    'selection-complete': new Set(),
    'peers-complete': new Set(),
    warning: new Set(),
  };
  const watch = <K extends keyof SpeakerEvents>(name: K): void => {
    inner.on(name, (...args) => {
      journal.output({ kind: 'event', name, arguments: toPlain(args, secrets) });
      for (const listener of listeners[name]) listener(...args);
    });
  };
  watch('peer-state');
  watch('end-of-rib');
  watch('selection-complete');
  watch('peers-complete');
  watch('warning');

  const command = <N extends CommandName>(name: N, args: Parameters<Speaker[N]>): ReturnType<Speaker[N]> => {
    const input = { kind: 'command', name, arguments: toPlain(args, secrets) } as const;
    return journal.input(input, () => obey(inner, name, args, journal)) as ReturnType<Speaker[N]>;
  };
  let streams = 0;
  const speaker: Speaker = {
    start: () => command('start', []),
    stop: (...args) => command('stop', args),
    setPeers: (...args) => command('setPeers', args),
    addPeer: (...args) => command('addPeer', args),
    removePeer: (...args) => command('removePeer', args),
    refresh: (...args) => command('refresh', args),
    reevaluateNextHops: () => command('reevaluateNextHops', []),
    addPeerRange: (...args) => command('addPeerRange', args),
    removePeerRange: (...args) => command('removePeerRange', args),
    setPeerGroups: (...args) => command('setPeerGroups', args),
    setAnnouncements: (...args) => command('setAnnouncements', args),
    announce: (...args) => command('announce', args),
    withdraw: (...args) => command('withdraw', args),
    setPolicy: (...args) => command('setPolicy', args),
    peers: () => inner.peers(),
    inspect: () => inner.inspect(),
    bestPath: (prefix) => inner.bestPath(prefix),
    paths: (prefix) => inner.paths(prefix),
    routes: (family) => inner.routes(family),
    bestPathChanges: (options) => recordStream(inner, streams++, journal, options?.signal),
    on(name, listener) {
      listeners[name].add(listener);
      return speaker;
    },
    off(name, listener) {
      listeners[name].delete(listener);
      return speaker;
    },
  };
  return speaker;
}

/** Changes as they are asked for: the speaker keeps a place for each reader, so that reading is an input too. */
function recordStream(
  inner: Speaker,
  stream: number,
  journal: Journal,
  signal: AbortSignal | undefined,
): AsyncIterableIterator<readonly BestPathChange[]> {
  const changes = journal.input({ kind: 'stream-open', stream }, () => openStream(inner));
  const close = (): Promise<IteratorResult<readonly BestPathChange[]>> => {
    signal?.removeEventListener('abort', close);
    const closed = journal.input({ kind: 'stream-close', stream }, () => changes.return?.());
    return closed ?? Promise.resolve({ done: true, value: undefined });
  };
  if (signal?.aborted === true) void close();
  else signal?.addEventListener('abort', close);
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: () => journal.input({ kind: 'stream-next', stream }, () => takeChanges(changes, stream, journal)),
    return: close,
  };
}
