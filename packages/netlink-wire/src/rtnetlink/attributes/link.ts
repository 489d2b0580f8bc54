/**
 * include/uapi/linux/if_link.h: the attributes of interfaces that the model knows. What IFLA_INFO_DATA holds depends on
 * IFLA_INFO_KIND beside it, so it is bytes here, and there is a space of names for each kind of link.
 */
import { type AttributeKind, bytes, type NamedAttributes, string, text, u8, u32 } from '../../attribute/kind.ts';
import { AttributeSpace, attribute, nested } from '../../attribute/space.ts';
import { WireError } from '../../errors.ts';
import { Writer } from '../../wire/writer.ts';
import type { VethPeer } from '../model.ts';
import { ip6TunnelAttributes, tunnelAttributes } from './tunnel.ts';

function linkSpace<T>(data: AttributeKind<T>) {
  const linkInfo = new AttributeSpace('IFLA_INFO_', {
    IFLA_INFO_KIND: attribute(1, text),
    IFLA_INFO_DATA: attribute(2, data),
  });
  return new AttributeSpace('IFLA_', {
    IFLA_ADDRESS: attribute(1, bytes),
    IFLA_IFNAME: attribute(3, string),
    IFLA_MTU: attribute(4, u32),
    IFLA_LINK: attribute(5, u32),
    IFLA_MASTER: attribute(10, u32),
    IFLA_OPERSTATE: attribute(16, u8),
    IFLA_LINKINFO: attribute(18, nested(linkInfo)),
    IFLA_EXT_MASK: attribute(29, u32),
  });
}

/** IFLA_INFO_DATA as it comes. */
export const linkAttributes = linkSpace(bytes);

/** sizeof(struct ifinfomsg) */
export const IFINFOMSG_BYTES = 16;

/** A link of its own inside of another: struct ifinfomsg and attributes (include/uapi/linux/veth.h VETH_INFO_PEER). */
const peerKind: AttributeKind<VethPeer> = {
  decode(payload) {
    payload.skip(IFINFOMSG_BYTES);
    const { IFLA_IFNAME, IFLA_MTU, IFLA_ADDRESS } = linkAttributes.decode(payload);
    return {
      ...(IFLA_IFNAME !== undefined && { name: IFLA_IFNAME }),
      ...(IFLA_MTU !== undefined && { mtu: IFLA_MTU }),
      ...(IFLA_ADDRESS !== undefined && { address: IFLA_ADDRESS }),
    };
  },
  encode(writer, { name, mtu, address }) {
    writer.zero(IFINFOMSG_BYTES);
    linkAttributes.encode(writer, { IFLA_ADDRESS: address, IFLA_MTU: mtu, IFLA_IFNAME: name });
  },
};

const vethAttributes = new AttributeSpace('VETH_INFO_', { VETH_INFO_PEER: attribute(1, peerKind) });

/** IFLA_INFO_DATA of a veth. @throws WireError for another kind. */
export function encodePeer(kind: string | undefined, peer: VethPeer): Uint8Array {
  if (kind !== 'veth') throw new WireError('value', `a link of kind ${kind} has no peer`, 0);
  const writer = new Writer();
  vethAttributes.encode(writer, { VETH_INFO_PEER: peer });
  return writer.take();
}

const tunnelLinkAttributes = linkSpace(nested(tunnelAttributes));

const byKind: Readonly<Record<string, NamedAttributes>> = {
  ipip: tunnelLinkAttributes,
  sit: tunnelLinkAttributes,
  ip6tnl: linkSpace(nested(ip6TunnelAttributes)),
  veth: linkSpace(nested(vethAttributes)),
};

/** The names of a link's attributes, those inside of the IFLA_INFO_DATA of its kind too. */
export function linkAttributesOf(kind = ''): NamedAttributes {
  return byKind[kind] ?? linkAttributes;
}
