/**
 * Every decoder of a reply, over the kernel's own messages with bytes changed, cut and lengthened: it reads them or throws a
 * WireError, and never leaves its window.
 */
import fc from 'fast-check';
import t from 'tap';
import { decodeConntrack } from '../../src/conntrack/message.ts';
import { WireError } from '../../src/errors.ts';
import { decodeFamily } from '../../src/generic/family.ts';
import { decodeFouPort } from '../../src/generic/fou.ts';
import { elementsRequest } from '../../src/ipset/operation.ts';
import { decodeListPart, decodeProtocol, decodeType } from '../../src/ipset/query.ts';
import {
  decodeDaemonReply,
  decodeDestinationReply,
  decodeInfo,
  decodeServiceReply,
  decodeTimeouts,
} from '../../src/ipvs/query.ts';
import { decodeAcknowledgement } from '../../src/message/acknowledgement.ts';
import { decodeLink } from '../../src/rtnetlink/link.ts';
import { Reader } from '../../src/wire/reader.ts';
import { bytesOf, Captures, eachMessage } from '../fixtures/captures.ts';

const host = { ip: bytesOf('10.0.0.1') };
const elements = elementsRequest(7, [
  { action: 'add', name: 'a', element: host },
  { action: 'add', name: 'a', element: host },
]);
const header = { type: 2, flags: 0, sequence: 0, portId: 0 };

const decoders: readonly ((body: Reader) => unknown)[] = [
  decodeConntrack,
  decodeFamily,
  decodeFouPort,
  decodeListPart,
  decodeProtocol,
  decodeType,
  decodeServiceReply,
  (body) => decodeDestinationReply(body, 2),
  decodeDaemonReply,
  decodeInfo,
  decodeTimeouts,
  decodeLink,
  (body) => elements.refusal(decodeAcknowledgement(header, body)),
];

/** Bodies of all that a kernel said, of every set of captures, each once. */
const bodies = [
  ...new Map(
    ['links', 'fou', 'ipset', 'ipvs', 'conntrack']
      .flatMap((name) => new Captures(`captures-${name}.json`).cases)
      .flatMap(({ received }) => {
        const found: Uint8Array[] = [];
        eachMessage(received, (_header, body) => found.push(body.bytes(body.remaining)));
        return found;
      })
      .filter(({ length }) => length < 2000)
      .map((bytes) => [`${bytes.length} ${bytes.subarray(0, 64).join()}`, bytes] as const),
  ).values(),
];

const FRAME = 8;

/** @returns whether it was read. */
function attempt(decode: (body: Reader) => unknown, body: Uint8Array): boolean {
  // Bytes of somebody else before and behind: what is read of them changes with them.
  const framed = (fill: number) => {
    const bytes = new Uint8Array(body.length + 2 * FRAME).fill(fill);
    bytes.set(body, FRAME);
    return new Reader(bytes, FRAME, FRAME + body.length);
  };
  const outcomes = [0x00, 0xa5].map((fill) => {
    try {
      return { read: true, text: inspect(decode(framed(fill))) };
    } catch (error) {
      if (error instanceof WireError) return { read: false, text: error.message };
      throw error;
    }
  });
  if (outcomes[0]?.text !== outcomes[1]?.text) throw new Error(`read beyond its window: ${outcomes[0]?.text}`);
  return outcomes[0]?.read === true;
}

function inspect(value: unknown): string {
  return JSON.stringify(value, (_key, part) =>
    typeof part === 'bigint' ? `${part}n` : part instanceof Reader ? part.remaining : part,
  );
}

t.test('the kernel’s own messages', async (t) => {
  t.ok(bodies.length > 100, `${bodies.length} messages`);
  for (const [place, decode] of decoders.entries()) {
    t.ok(
      bodies.some((body) => attempt(decode, body)),
      `decoder ${place} reads some`,
    );
  }
});

t.test('changed, cut and lengthened', async (t) => {
  let read = 0;
  let refused = 0;
  fc.assert(
    fc.property(
      fc.constantFrom(...bodies),
      fc.constantFrom(...decoders),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
      fc.integer({ min: -40, max: 12 }),
      (body, decode, edits, longer) => {
        const changed = new Uint8Array(Math.max(0, body.length + longer));
        changed.set(body.subarray(0, changed.length));
        if (changed.length > 0) for (const [at, value] of edits) changed[at % changed.length] = value;
        if (attempt(decode, changed)) read++;
        else refused++;
      },
    ),
    { numRuns: 6000 },
  );
  t.ok(read > 100 && refused > 100, `${read} read, ${refused} refused`);
});
