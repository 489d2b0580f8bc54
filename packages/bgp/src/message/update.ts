/**
 * UPDATE, RFC 4271 §4.3, as one value: for tools, tests and whoever does not need the speed of the scan. The speaker uses
 * `scanUpdate`, `decodeAttributes` and `PrefixCursor` itself.
 */

import { decodeAttributes } from '../attribute/decode.ts';
import { category } from '../attribute/descriptor.ts';
import { encodeAttributes, writeAttribute } from '../attribute/encode.ts';
import { type NlriSpan, writeMpReachHead, writeMpUnreachHead } from '../attribute/mp.ts';
import type { UpdateProblem } from '../attribute/problem.ts';
import { copyOf } from '../bytes.ts';
import type { Reaction } from '../errors.ts';
import type { FamilyKey } from '../family/model.ts';
import { decodePrefixes, encodePrefixes } from '../family/prefix.ts';
import { familyOf, ipv4Unicast } from '../family/registry.ts';
import { attributeType, messageType } from '../iana.ts';
import type { Writer } from '../wire/writer.ts';
import { frame } from './frame.ts';
import { maximumExtendedMessageBytes, maximumMessageBytes } from './header.ts';
import type { Nlri, UpdateContext, UpdateMessage } from './model.ts';
import { judgeUpdate, scanUpdate } from './update-scan.ts';

export interface DecodedUpdate {
  readonly message: UpdateMessage;
  readonly problems: readonly UpdateProblem[];
  /** RFC 7606: what to do with the message; undefined: take it as it is. */
  readonly reaction: Reaction | undefined;
}

/** `body`: behind the header. Throws `BgpError` where the routes cannot be found or read; other defects are in `problems`. */
export function decodeUpdate(body: Uint8Array, context: UpdateContext): DecodedUpdate {
  const spans = scanUpdate(body, context.extendedNextHop);
  const decoded = decodeAttributes(spans.attributes, context);
  const { mpReach, mpUnreach } = spans;
  const message: UpdateMessage = {
    kind: 'update',
    withdrawn: ipv4Prefixes(body, spans.withdrawnStart, spans.withdrawnEnd, context),
    attributes: decoded.attributes,
    nlri: ipv4Prefixes(body, spans.nlriStart, spans.nlriEnd, context),
    ...(mpReach === undefined
      ? {}
      : {
          mpReach: {
            family: mpReach.family,
            nextHop: copyOf(mpReach.nextHop),
            nlri: decodeNlri(body, mpReach, context),
          },
        }),
    ...(mpUnreach === undefined
      ? {}
      : { mpUnreach: { family: mpUnreach.family, nlri: decodeNlri(body, mpUnreach, context) } }),
  };
  return { message, ...judgeUpdate(spans, decoded) };
}

function ipv4Prefixes(body: Uint8Array, start: number, end: number, context: UpdateContext): UpdateMessage['nlri'] {
  const { key, bits } = ipv4Unicast;
  return decodePrefixes(body, key, bits, context.addPathReceive.includes(key), start, end);
}

function decodeNlri(body: Uint8Array, { family, start, end }: NlriSpan, context: UpdateContext): Nlri {
  const descriptor = familyOf(family);
  if (descriptor === undefined) return { raw: copyOf(body.subarray(start, end)) };
  return decodePrefixes(body, family, descriptor.bits, context.addPathReceive.includes(family), start, end);
}

/** The largest message that may be sent in this session. */
export function maximumBytesOf(context: Pick<UpdateContext, 'extendedMessages'>): number {
  return context.extendedMessages ? maximumExtendedMessageBytes : maximumMessageBytes;
}

/** A whole message. MP attributes come first (RFC 7606 §5.1). Throws `RangeError` when the content does not fit one message. */
export function encodeUpdate(message: UpdateMessage, context: UpdateContext): Uint8Array {
  const { withdrawn, attributes, nlri, mpReach, mpUnreach } = message;
  const addPath = context.addPathSend.includes(ipv4Unicast.key);
  return frame(messageType.update, maximumBytesOf(context), (writer) => {
    writer.sized(2, () => encodePrefixes(writer, withdrawn, addPath));
    writer.sized(2, () => {
      if (mpUnreach !== undefined) {
        writeAttribute(writer, category.optionalNonTransitive, attributeType.mpUnreachNlri, (into) => {
          writeMpUnreachHead(into, mpUnreach.family);
          writeNlri(into, mpUnreach.nlri, context.addPathSend.includes(mpUnreach.family));
        });
      }
      if (mpReach !== undefined) {
        writeAttribute(writer, category.optionalNonTransitive, attributeType.mpReachNlri, (into) => {
          writeMpReachHead(into, mpReach.family, mpReach.nextHop);
          writeNlri(into, mpReach.nlri, context.addPathSend.includes(mpReach.family));
        });
      }
      writer.append(encodeAttributes(attributes, context));
    });
    encodePrefixes(writer, nlri, addPath);
  });
}

function writeNlri(writer: Writer, nlri: Nlri, addPath: boolean): void {
  if ('raw' in nlri) writer.append(nlri.raw);
  else encodePrefixes(writer, nlri, addPath);
}

/** The End-of-RIB marker of a family (RFC 4724 §2), a whole message. */
export function encodeEndOfRib(family: FamilyKey): Uint8Array {
  return frame(messageType.update, maximumMessageBytes, (writer) => {
    writer.u16(0);
    writer.sized(2, () => {
      if (family === ipv4Unicast.key) return;
      writeAttribute(writer, category.optionalNonTransitive, attributeType.mpUnreachNlri, (into) =>
        writeMpUnreachHead(into, family),
      );
    });
  });
}
