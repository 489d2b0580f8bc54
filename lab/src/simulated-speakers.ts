/**
 * Process: the BGP side of a thousand nodes that are nothing else. Started with a file of its `SpeakersSetup`. Half of them connect
 * to the agent, the others take its connections, so that both its ways to a session are used. Commands come over a Unix
 * socket, one JSON array a line: the number of a node and the prefixes that it announces from now on.
 */
import { readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { encodeEndOfRib, encodeUpdate, familyNamed, parseIpv4, type UpdateMessage } from '@routelet/bgp/codec';
import { holdTimeSeconds, LeanSession } from './lean-session.ts';

export interface SpeakersSetup {
  /** Where commands come in. */
  readonly socket: string;
  readonly agent: string;
  readonly port: number;
  readonly asn: number;
  readonly speakers: readonly { readonly address: string; readonly prefixes: readonly string[] }[];
}

/** What the process prints, one a line: a session came up or went down. */
export interface SpeakersEvent {
  readonly index: number;
  readonly event: 'up' | 'lost';
}

const keepaliveSeconds = holdTimeSeconds / 3;
const context = {
  fourOctetAs: true,
  peerType: 'ibgp',
  addPathReceive: [],
  addPathSend: [],
  extendedMessages: false,
} as const;
const { key: family } = familyNamed('ipv4-unicast');

function nlriOf(text: string): UpdateMessage['nlri'][number] {
  const [address = '', length] = text.split('/');
  return { family, address: Uint8Array.from(address.split('.'), Number), length: Number(length) };
}

class Speaker {
  readonly session: LeanSession;
  readonly #nextHop: number;
  #prefixes: readonly string[];

  constructor(index: number, address: string, prefixes: readonly string[], { agent, port, asn }: SpeakersSetup) {
    this.#prefixes = prefixes;
    this.#nextHop = parseIpv4(address);
    const say = (event: SpeakersEvent['event']) => process.stdout.write(`${JSON.stringify({ index, event })}\n`);
    this.session = new LeanSession({
      ...{ address, identifier: this.#nextHop, remoteAddress: agent, port, asn },
      updates: () => Buffer.concat([this.#update([], this.#prefixes), encodeEndOfRib(family)]),
      onUpdate: () => undefined,
      onUp: () => say('up'),
      onLost: () => say('lost'),
    });
  }

  announce(prefixes: readonly string[]): void {
    const gone = this.#prefixes.filter((prefix) => !prefixes.includes(prefix));
    this.#prefixes = prefixes;
    this.session.send(this.#update(gone, prefixes));
  }

  #update(withdrawn: readonly string[], announced: readonly string[]): Uint8Array {
    const attributes = { origin: 'igp', asPath: [], nextHop: this.#nextHop, localPref: 100 } as const;
    const message: UpdateMessage = {
      kind: 'update',
      withdrawn: withdrawn.map(nlriOf),
      attributes: announced.length === 0 ? {} : attributes,
      nlri: announced.map(nlriOf),
    };
    return encodeUpdate(message, context);
  }
}

const setup: SpeakersSetup = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'));
const speakers = setup.speakers.map(({ address, prefixes }, index) => new Speaker(index, address, prefixes, setup));
const waiting = new Map(speakers.flatMap((speaker, i) => (i % 2 === 0 ? [[setup.speakers[i]?.address, speaker]] : [])));

const bgp = createServer((socket: Socket) => {
  socket.setNoDelay();
  const speaker = waiting.get(socket.localAddress);
  if (speaker) speaker.session.accept(socket);
  else socket.on('error', () => undefined).destroy();
});
const commands = createServer((socket) => {
  createInterface({ input: socket }).on('line', (line) => {
    const [index, prefixes]: [number, readonly string[]] = JSON.parse(line);
    speakers[index]?.announce(prefixes);
  });
});
bgp.listen(setup.port, '0.0.0.0', 1024, () => {
  for (const [index, { session }] of speakers.entries()) if (index % 2 === 1) session.start();
  commands.listen(setup.socket, () => process.stdout.write('ready\n'));
});

// A thirtieth of the sessions each second: no burst that a real mesh would not have.
let second = 0;
setInterval(() => {
  second++;
  for (let i = second % keepaliveSeconds; i < speakers.length; i += keepaliveSeconds) speakers[i]?.session.keepAlive();
}, 1000);
