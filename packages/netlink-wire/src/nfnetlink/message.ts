/** The body of a netfilter message: struct nfgenmsg and attributes (include/uapi/linux/netfilter/nfnetlink.h). */
import type { AttributeSpace, AttributeTable, AttributeValues } from '../attribute/space.ts';
import { NFNETLINK_V0 } from '../constants/nfnetlink.ts';
import type { BodyEncoder } from '../message/request.ts';
import type { Reader } from '../wire/reader.ts';

/** sizeof(struct nfgenmsg) */
const NFGENMSG_BYTES = 4;

/** nlmsg_type of a command of a subsystem. */
export function nfnetlinkType(subsystem: number, command: number): number {
  return (subsystem << 8) | command;
}

/** What is sent with a command. */
export interface NfnetlinkCommand<T, Table extends AttributeTable> {
  readonly attributes: AttributeSpace<Table>;
  /** nfgen_family: AF_* */
  family(object: T): number;
  values(object: T): AttributeValues<Table>;
  /** The object in words, for error messages. */
  describe(object: T): string;
  /** Name of an error code that is the subsystem's own. */
  errorName?(code: number): string | undefined;
}

export function nfnetlinkBody<T, Table extends AttributeTable>(command: NfnetlinkCommand<T, Table>): BodyEncoder<T> {
  const { attributes, describe, errorName } = command;
  return {
    headerBytes: NFGENMSG_BYTES,
    attributes,
    encode(writer, object) {
      writer.u8(command.family(object));
      writer.u8(NFNETLINK_V0);
      writer.be16(0);
      attributes.encode(writer, command.values(object));
    },
    describe,
    ...(errorName !== undefined && { errorName }),
  };
}

/** Goes past the header of a reply. */
export function skipNfnetlinkHeader(body: Reader): void {
  body.skip(NFGENMSG_BYTES);
}
