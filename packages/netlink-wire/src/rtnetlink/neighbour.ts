/** Neighbours: struct ndmsg and NDA_* (include/uapi/linux/neighbour.h). */
import type { BodyEncoder } from '../message/request.ts';
import { formatAddress } from '../wire/address-text.ts';
import type { Reader } from '../wire/reader.ts';
import { neighbourAttributes } from './attributes/neighbour.ts';
import type { Neighbour } from './model.ts';

/** sizeof(struct ndmsg) */
const NDMSG_BYTES = 12;

/** @throws WireError */
export function decodeNeighbour(body: Reader): Neighbour {
  const family = body.u8();
  body.skip(3); // ndm_pad1, ndm_pad2
  const index = body.u32();
  const state = body.u16();
  const flags = body.u8();
  const type = body.u8();
  const values = neighbourAttributes.decode(body);
  return {
    family,
    index,
    state,
    flags,
    type,
    ...(values.NDA_DST !== undefined && { destination: values.NDA_DST }),
    ...(values.NDA_LLADDR !== undefined && { linkAddress: values.NDA_LLADDR }),
    ...(values.NDA_MASTER !== undefined && { master: values.NDA_MASTER }),
    ...(values.NDA_VLAN !== undefined && { vlan: values.NDA_VLAN }),
  };
}

/** RTM_NEWNEIGH and RTM_DELNEIGH. */
export const neighbourBody: BodyEncoder<Neighbour> = {
  headerBytes: NDMSG_BYTES,
  attributes: neighbourAttributes,
  encode(writer, neighbour) {
    writer.u8(neighbour.family);
    writer.zero(3);
    writer.u32(neighbour.index);
    writer.u16(neighbour.state);
    writer.u8(neighbour.flags);
    writer.u8(neighbour.type);
    neighbourAttributes.encode(writer, {
      NDA_DST: neighbour.destination,
      NDA_LLADDR: neighbour.linkAddress,
      NDA_VLAN: neighbour.vlan,
      NDA_MASTER: neighbour.master,
    });
  },
  describe(neighbour) {
    const parts: string[] = [];
    if (neighbour.destination !== undefined) parts.push(formatAddress(neighbour.destination));
    if (neighbour.linkAddress !== undefined) parts.push(`lladdr ${formatAddress(neighbour.linkAddress)}`);
    return [...parts, `dev ${neighbour.index}`].join(' ');
  },
};

/** RTM_GETNEIGH for all neighbours of a family; AF_BRIDGE is the forwarding tables. */
export const neighbourDump: BodyEncoder<number> = {
  headerBytes: NDMSG_BYTES,
  attributes: neighbourAttributes,
  encode(writer, family) {
    writer.u8(family);
    writer.zero(NDMSG_BYTES - 1);
  },
  describe: () => 'neighbours',
};
