/** NLMSG_ERROR and NLMSG_DONE: how the kernel ends a request (include/uapi/linux/netlink.h struct nlmsgerr). */

import { bytes, string, u32 } from '../attribute/kind.ts';
import { AttributeSpace, type AttributeValues, attribute } from '../attribute/space.ts';
import { NLM_F_ACK_TLVS, NLM_F_CAPPED, NLMSG_HDRLEN } from '../constants/netlink.ts';
import { WireError } from '../errors.ts';
import type { Reader } from '../wire/reader.ts';
import type { Writer } from '../wire/writer.ts';
import type { MessageHeader } from './header.ts';

const table = {
  NLMSGERR_ATTR_MSG: attribute(1, string),
  NLMSGERR_ATTR_OFFS: attribute(2, u32),
  NLMSGERR_ATTR_COOKIE: attribute(3, bytes),
  NLMSGERR_ATTR_MISS_TYPE: attribute(5, u32),
  NLMSGERR_ATTR_MISS_NEST: attribute(6, u32),
};

const acknowledgementAttributes = new AttributeSpace('NLMSGERR_ATTR_', table);

export type ExtendedAcknowledgement = AttributeValues<typeof table>;

export interface Acknowledgement {
  /** Positive errno, 0 for success. */
  readonly errno: number;
  readonly extended: ExtendedAcknowledgement;
  /** Body of the request as the kernel repeats it, where it does: some families write into it what was wrong. */
  readonly repeated?: Reader | undefined;
}

const NONE: ExtendedAcknowledgement = {};

/** Reads the body of an NLMSG_ERROR. */
export function decodeAcknowledgement(header: MessageHeader, body: Reader): Acknowledgement {
  const errno = positiveErrno(body.i32(), body);
  const length = body.u32();
  body.skip(NLMSG_HDRLEN - 4);
  // The request's payload follows an error, unless the kernel said that it left it out; never a success.
  if (errno === 0 || (header.flags & NLM_F_CAPPED) !== 0) return { errno, extended: decodeExtended(header, body) };
  if (length < NLMSG_HDRLEN) throw new WireError('length', `repeated request of ${length} bytes`, body.offset);
  const repeated = body.window(length - NLMSG_HDRLEN);
  body.skipPadding(length);
  return { errno, extended: decodeExtended(header, body), repeated };
}

/** Reads the body of an NLMSG_DONE: the dump's result. */
export function decodeDone(header: MessageHeader, body: Reader): Acknowledgement {
  // Kernels before 3.x and some families send no code; then the dump succeeded.
  const errno = body.remaining === 0 ? 0 : positiveErrno(body.i32(), body);
  return { errno, extended: decodeExtended(header, body) };
}

/** Writes the body of an NLMSG_ERROR that repeats `request`, whole or by its header only. */
export function encodeAcknowledgement(writer: Writer, { errno, extended }: Acknowledgement, request: Uint8Array): void {
  writer.i32(-errno);
  writer.bytes(request);
  writer.pad();
  acknowledgementAttributes.encode(writer, extended);
}

function positiveErrno(value: number, body: Reader): number {
  // The dump's code may be positive in NLMSG_DONE (bytes of the last part in old kernels): only negative is an error.
  if (value < -MAX_ERRNO) throw new WireError('value', `error code ${value}`, body.offset);
  return value < 0 ? -value : 0;
}

function decodeExtended(header: MessageHeader, body: Reader): ExtendedAcknowledgement {
  if ((header.flags & NLM_F_ACK_TLVS) === 0) {
    body.skip(body.remaining);
    return NONE;
  }
  return acknowledgementAttributes.decode(body);
}

/** Beyond include/linux/err.h MAX_ERRNO (4095) there are the codes of ipset, from IPSET_ERR_PRIVATE on. */
const MAX_ERRNO = 0xffff;
