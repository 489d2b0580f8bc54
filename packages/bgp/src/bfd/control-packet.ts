/**
 * The BFD Control packet, RFC 5880 §4.1, between bytes and values. The decoder refuses what §6.8.6 has discarded by any
 * receiver; whether this receiver has a session for the packet is asked in `reception.ts`.
 */
import { Malformed } from '../errors.ts';
import { Reader } from '../wire/reader.ts';
import { Writer } from '../wire/writer.ts';
import { type Authentication, decodeAuthentication } from './authentication.ts';
import { BfdPacketError } from './errors.ts';
import { type BfdStateName, stateNames } from './iana.ts';

export interface ControlPacket {
  /** A code of `diagnostic`, or another up to 31. */
  readonly diagnostic: number;
  readonly state: BfdStateName;
  readonly poll: boolean;
  readonly final: boolean;
  /** C bit: the sender's BFD does not share fate with its control plane. */
  readonly controlPlaneIndependent: boolean;
  readonly demand: boolean;
  readonly detectMultiplier: number;
  readonly myDiscriminator: number;
  /** 0 when the sender does not know it. */
  readonly yourDiscriminator: number;
  readonly desiredMinTxUs: number;
  readonly requiredMinRxUs: number;
  readonly requiredMinEchoRxUs: number;
  /** Present with the A bit. Its bytes are views of what was decoded. */
  readonly authentication?: Authentication;
}

const version = 1;
const fixedBytes = 24;
/** The fixed part and the smallest Authentication Section: Auth Type and Auth Len. */
const leastAuthenticatedBytes = 26;
const flag = { poll: 0x20, final: 0x10, controlPlaneIndependent: 0x08, authentication: 0x04, demand: 0x02 } as const;
const multipointFlag = 0x01;

/** Reads the payload of one UDP datagram; bytes behind the packet's Length are not looked at. Throws `BfdPacketError`. */
export function decodeControlPacket(bytes: Uint8Array): ControlPacket {
  const refuse = (code: BfdPacketError['code'], text: string): BfdPacketError =>
    new BfdPacketError(code, text, bytes.subarray(0, 64));
  const [first = 0, second = 0, detectMultiplier = 0, length = 0] = bytes;
  // The checks stand in the order of RFC 5880 §6.8.6.
  if (bytes.length > 0 && first >> 5 !== version) throw refuse('version', `version ${first >> 5}`);
  const least = (second & flag.authentication) === 0 ? fixedBytes : leastAuthenticatedBytes;
  if (length < least) throw refuse('length', `Length ${length}, at least ${least} are needed`);
  if (length > bytes.length) throw refuse('length', `Length ${length} in a datagram of ${bytes.length} bytes`);
  if (detectMultiplier === 0) throw refuse('detect-multiplier', 'Detect Mult is zero');
  if ((second & multipointFlag) !== 0) throw refuse('multipoint', 'the Multipoint bit is set');
  const reader = new Reader(bytes, 4, length);
  const myDiscriminator = reader.u32();
  if (myDiscriminator === 0) throw refuse('my-discriminator', 'My Discriminator is zero');
  const packet: ControlPacket = {
    diagnostic: first & 0x1f,
    state: stateNames[second >> 6] ?? 'AdminDown',
    poll: (second & flag.poll) !== 0,
    final: (second & flag.final) !== 0,
    controlPlaneIndependent: (second & flag.controlPlaneIndependent) !== 0,
    demand: (second & flag.demand) !== 0,
    detectMultiplier,
    myDiscriminator,
    yourDiscriminator: reader.u32(),
    desiredMinTxUs: reader.u32(),
    requiredMinRxUs: reader.u32(),
    requiredMinEchoRxUs: reader.u32(),
  };
  if ((second & flag.authentication) === 0) return packet;
  try {
    return { ...packet, authentication: decodeAuthentication(reader) };
  } catch (error) {
    if (error instanceof Malformed) throw refuse('authentication-section', error.message);
    throw error;
  }
}

/** A packet without Authentication Section: 24 bytes. */
export function encodeControlPacket(packet: Omit<ControlPacket, 'authentication'>): Uint8Array {
  const writer = new Writer(fixedBytes);
  writer.u8((version << 5) | packet.diagnostic);
  writer.u8(
    (stateNames.indexOf(packet.state) << 6) |
      (packet.poll ? flag.poll : 0) |
      (packet.final ? flag.final : 0) |
      (packet.controlPlaneIndependent ? flag.controlPlaneIndependent : 0) |
      (packet.demand ? flag.demand : 0),
  );
  writer.u8(packet.detectMultiplier);
  writer.u8(fixedBytes);
  writer.u32(packet.myDiscriminator);
  writer.u32(packet.yourDiscriminator);
  writer.u32(packet.desiredMinTxUs);
  writer.u32(packet.requiredMinRxUs);
  writer.u32(packet.requiredMinEchoRxUs);
  return writer.finish();
}
