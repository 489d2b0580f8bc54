/** struct nlmsghdr and the walk over the messages of a datagram (include/uapi/linux/netlink.h). */
import { NLMSG_HDRLEN } from '../constants/netlink.ts';
import { WireError } from '../errors.ts';
import { Reader } from '../wire/reader.ts';
import type { Writer } from '../wire/writer.ts';

/** struct nlmsghdr without its length. */
export interface MessageHeader {
  /** nlmsg_type */
  readonly type: number;
  /** nlmsg_flags: NLM_F_* */
  readonly flags: number;
  /** nlmsg_seq */
  readonly sequence: number;
  /** nlmsg_pid */
  readonly portId: number;
}

/**
 * Calls `visit` for each message of a datagram with a window of its body.
 *
 * @throws WireError when a length leaves the datagram, and whatever `visit` throws.
 */
export function readMessages(datagram: Uint8Array, visit: (header: MessageHeader, body: Reader) => void): void {
  const reader = new Reader(datagram);
  while (reader.remaining > 0) {
    const at = reader.offset;
    const length = reader.u32();
    const header: MessageHeader = {
      type: reader.u16(),
      flags: reader.u16(),
      sequence: reader.u32(),
      portId: reader.u32(),
    };
    if (length < NLMSG_HDRLEN) throw new WireError('length', `message of ${length} bytes`, at);
    visit(header, reader.window(length - NLMSG_HDRLEN));
    reader.skipPadding(length);
  }
}

/** Writes a header and the body that `writeBody` writes, and patches the length back. */
export function writeMessage(writer: Writer, header: MessageHeader, writeBody: (writer: Writer) => void): void {
  const start = writer.length;
  writer.u32(0);
  writer.u16(header.type);
  writer.u16(header.flags);
  writer.u32(header.sequence);
  writer.u32(header.portId);
  writeBody(writer);
  writer.patchU32(start, writer.length - start);
  writer.pad();
}

/** Adds flags to the message that begins at `start` of the writer. */
export function addFlags(writer: Writer, start: number, flags: number): void {
  writer.patchU16(start + FLAGS_OFFSET, flags);
}

/** offsetof(struct nlmsghdr, nlmsg_flags) */
const FLAGS_OFFSET = 6;
