/** `bgp decode`: messages in hex or in a capture file, as text or JSON. */

import { describeProblem, type UpdateProblem } from '../attribute/problem.ts';
import { BgpError } from '../errors.ts';
import type { FamilyKey } from '../family/model.ts';
import { ipv4Unicast } from '../family/registry.ts';
import { messageType } from '../iana.ts';
import { headerBytes } from '../message/header.ts';
import { decodeMessage, defaultContext } from '../message/message.ts';
import type { Message, OpenMessage, UpdateContext } from '../message/model.ts';
import { negotiate } from '../message/negotiation.ts';
import { plainMessage } from '../message/plain.ts';
import { decodeUpdate } from '../message/update.ts';
import { hexOf } from '../wire/text.ts';
import { type Command, familiesFrom, numberFrom, parseCommandLine } from './command.ts';
import { readWhole } from './input.ts';
import { messagesIn, type SourceMessage } from './sources.ts';
import { exitCode, type Terminal } from './terminal.ts';
import { textLines } from './text.ts';

const help = `bgp decode [FILE] [options]

Prints the BGP messages in FILE, or in standard input: hexadecimal digits (whole messages, one or more a line) or a
capture file (pcap, pcapng). In a capture the OPENs of a connection tell how its UPDATEs are to be read; without them
AS numbers have four octets and there is no add-path, unless said here.

  --json             one JSON object a message
  --two-octet-as     AS numbers in UPDATEs have two octets
  --add-path FAMILY  NLRI of the family carry path identifiers: ipv4-unicast or ipv6-unicast; may be repeated
  --port PORT        the port of the listening side in a capture (179)`;

async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = parseCommandLine(
    args,
    {
      json: { type: 'boolean', default: false },
      'two-octet-as': { type: 'boolean', default: false },
      'add-path': { type: 'string', multiple: true, default: [] },
      port: { type: 'string', default: '179' },
    },
    1,
  );
  const addPath = familiesFrom('--add-path', values['add-path']);
  const port = numberFrom('--port', values.port, 1, 65535);
  const fallback: UpdateContext = { ...defaultContext, fourOctetAs: !values['two-octet-as'], addPathReceive: addPath };
  const sources = messagesIn(await readWhole(positionals[0], terminal), port);
  const contexts = new Contexts(sources, fallback);
  let code: number = exitCode.ok;
  for (const source of sources) {
    const decoded = decode(source, contexts.of(source));
    if ('error' in decoded) code = exitCode.failed;
    for (const line of values.json ? [jsonLine(source, decoded)] : lines(source, decoded)) await terminal.print(line);
  }
  if (sources.length === 0) {
    terminal.complain('no BGP message in the input');
    code = exitCode.failed;
  }
  return code;
}

type Decoded =
  | { readonly message: Message; readonly problems: readonly UpdateProblem[] }
  | { readonly error: BgpError };

function decode({ bytes }: SourceMessage, context: UpdateContext): Decoded {
  try {
    const message = decodeMessage(bytes, context);
    if (message.kind !== 'update') return { message, problems: [] };
    return decodeUpdate(bytes.subarray(headerBytes), context);
  } catch (error) {
    if (error instanceof BgpError) return { error };
    throw error;
  }
}

function jsonLine({ bytes, place }: SourceMessage, decoded: Decoded): string {
  const { message, problems, error } =
    'error' in decoded ? { ...decoded, message: undefined, problems: [] } : { ...decoded, error: undefined };
  return JSON.stringify({
    place,
    length: bytes.length,
    ...(message === undefined ? {} : plainMessage(message)),
    ...(problems.length === 0 ? {} : { problems: problems.map(describeProblem) }),
    ...(error === undefined ? {} : { code: error.code, error: error.message, bytes: hexOf(bytes) }),
  });
}

function lines({ bytes, place }: SourceMessage, decoded: Decoded): string[] {
  if ('error' in decoded) {
    const { code, subcode } = decoded.error.notification;
    return [
      `${place}: ${decoded.error.message} (${decoded.error.code}, NOTIFICATION ${code}/${subcode})`,
      `  ${hexOf(bytes)}`,
    ];
  }
  const plain = plainMessage(decoded.message);
  return [
    `${place}: ${plain.kind.toUpperCase()}, ${bytes.length} bytes`,
    ...textLines(plain, ['kind']),
    ...decoded.problems.map((problem) => `  problem ${describeProblem(problem)}`),
  ];
}

/** How the UPDATEs of each direction of each connection are to be read. */
class Contexts {
  readonly #byStream = new Map<string, UpdateContext>();
  readonly #fallback: UpdateContext;

  constructor(sources: readonly SourceMessage[], fallback: UpdateContext) {
    this.#fallback = fallback;
    const opens = new Map<number, { sender: string; open: OpenMessage }[]>();
    for (const { bytes, stream } of sources) {
      if (stream === undefined || bytes[headerBytes - 1] !== messageType.open) continue;
      const open = readOpen(bytes);
      if (open === undefined) continue;
      const known = opens.get(stream.connection) ?? [];
      opens.set(stream.connection, [
        ...known.filter(({ sender }) => sender !== stream.sender),
        { sender: stream.sender, open },
      ]);
    }
    for (const [connection, [a, b]] of opens) {
      if (a === undefined || b === undefined) continue;
      this.#byStream.set(streamKey({ connection, sender: a.sender }), received(b.open, a.open));
      this.#byStream.set(streamKey({ connection, sender: b.sender }), received(a.open, b.open));
    }
  }

  of({ stream }: SourceMessage): UpdateContext {
    return (stream && this.#byStream.get(streamKey(stream))) ?? this.#fallback;
  }
}

const streamKey = ({ connection, sender }: { connection: number; sender: string }): string => `${connection} ${sender}`;

/** What `from` sends to `to`. Whether an attribute has business between them is not judged here: all are shown. */
function received(to: OpenMessage, from: OpenMessage): UpdateContext {
  const { fourOctetAs, addPathReceive } = negotiate(to, from);
  const extendedNextHop: readonly FamilyKey[] = [ipv4Unicast.key];
  return { ...defaultContext, fourOctetAs, addPathReceive, extendedNextHop };
}

function readOpen(bytes: Uint8Array): OpenMessage | undefined {
  try {
    const message = decodeMessage(bytes);
    return message.kind === 'open' ? message : undefined;
  } catch (error) {
    if (error instanceof BgpError) return undefined;
    throw error;
  }
}

export const decodeCommand: Command = {
  name: 'decode',
  summary: 'messages in hex or in a capture file, as text or JSON',
  help,
  run,
};
