/** The body of a generic netlink message: struct genlmsghdr and the attributes of a family (include/uapi/linux/genetlink.h). */
import type { AttributeSpace, AttributeTable, AttributeValues } from '../attribute/space.ts';
import type { BodyEncoder } from '../message/request.ts';
import type { Reader } from '../wire/reader.ts';

/** sizeof(struct genlmsghdr) */
const GENL_HDRLEN = 4;

/** One command of a family: what is sent with it. */
export interface GenericCommand<T, Table extends AttributeTable> {
  /** *_CMD_* */
  readonly command: number;
  /** *_GENL_VERSION */
  readonly version: number;
  readonly attributes: AttributeSpace<Table>;
  values(object: T): AttributeValues<Table>;
  /** The object in words, for error messages. */
  describe(object: T): string;
}

export function genericBody<T, Table extends AttributeTable>(command: GenericCommand<T, Table>): BodyEncoder<T> {
  return {
    headerBytes: GENL_HDRLEN,
    attributes: command.attributes,
    encode(writer, object) {
      writer.u8(command.command);
      writer.u8(command.version);
      writer.u16(0);
      command.attributes.encode(writer, command.values(object));
    },
    describe: command.describe,
  };
}

/** Goes past the header of a reply. */
export function skipGenericHeader(body: Reader): void {
  body.skip(GENL_HDRLEN);
}
