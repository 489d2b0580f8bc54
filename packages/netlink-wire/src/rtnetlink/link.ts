/** Interfaces: struct ifinfomsg and IFLA_* (include/uapi/linux/rtnetlink.h, if_link.h). */

import { AF_UNSPEC } from '../constants/address.ts';
import { IFF_UP } from '../constants/link.ts';
import { RTEXT_FILTER_SKIP_STATS } from '../constants/rtnetlink.ts';
import type { BodyEncoder } from '../message/request.ts';
import { formatAddress } from '../wire/address-text.ts';
import { Reader } from '../wire/reader.ts';
import { encodePeer, IFINFOMSG_BYTES, linkAttributes, linkAttributesOf } from './attributes/link.ts';
import type { Link, LinkSettings } from './model.ts';
import { decodeTunnel, describeTunnel, encodeTunnel, isTunnelKind } from './tunnel.ts';

/** @throws WireError */
export function decodeLink(body: Reader): Link {
  body.skip(2); // ifi_family, __ifi_pad
  const type = body.u16();
  const index = body.u32();
  const flags = body.u32();
  body.skip(4); // ifi_change
  const values = linkAttributes.decode(body);
  const kind = values.IFLA_LINKINFO?.IFLA_INFO_KIND;
  const data = values.IFLA_LINKINFO?.IFLA_INFO_DATA;
  return {
    index,
    name: values.IFLA_IFNAME ?? '',
    type,
    flags,
    mtu: values.IFLA_MTU ?? 0,
    ...(values.IFLA_ADDRESS !== undefined && { address: values.IFLA_ADDRESS }),
    ...(values.IFLA_MASTER !== undefined && { master: values.IFLA_MASTER }),
    ...(values.IFLA_LINK !== undefined && { link: values.IFLA_LINK }),
    ...(values.IFLA_OPERSTATE !== undefined && { operState: values.IFLA_OPERSTATE }),
    ...(kind !== undefined && { kind }),
    ...(data !== undefined && isTunnelKind(kind) && { tunnel: decodeTunnel(kind, new Reader(data)) }),
  };
}

/** RTM_NEWLINK and RTM_DELLINK: a link made, changed or removed. The names in errors are those of its kind. */
export function linkSettings({ kind }: LinkSettings): BodyEncoder<LinkSettings> {
  return { ...settingsBody, attributes: linkAttributesOf(kind) };
}

const settingsBody: BodyEncoder<LinkSettings> = {
  headerBytes: IFINFOMSG_BYTES,
  attributes: linkAttributes,
  encode(writer, settings) {
    writer.u8(AF_UNSPEC);
    writer.u8(0);
    writer.u16(0);
    writer.u32(settings.index ?? 0);
    writer.u32(settings.up === true ? IFF_UP : 0);
    // Only the flags in ifi_change are looked at.
    writer.u32(settings.up === undefined ? 0 : IFF_UP);
    linkAttributes.encode(writer, {
      IFLA_ADDRESS: settings.address,
      IFLA_MTU: settings.mtu,
      IFLA_MASTER: settings.master,
      // With an index, IFLA_IFNAME would rename.
      IFLA_IFNAME: settings.index === undefined ? settings.name : undefined,
      IFLA_LINKINFO: linkInfo(settings),
    });
  },
  describe(settings) {
    const parts = [settings.name ?? (settings.index === undefined ? 'of no name' : `number ${settings.index}`)];
    if (settings.kind !== undefined) parts.push(`type ${settings.kind}`);
    if (settings.tunnel !== undefined) parts.push(...describeTunnel(settings.tunnel));
    if (settings.peer?.name !== undefined) parts.push(`peer ${settings.peer.name}`);
    if (settings.up !== undefined) parts.push(settings.up ? 'up' : 'down');
    if (settings.mtu !== undefined) parts.push(`mtu ${settings.mtu}`);
    if (settings.address !== undefined) parts.push(`address ${formatAddress(settings.address)}`);
    if (settings.master !== undefined) parts.push(settings.master === 0 ? 'nomaster' : `master ${settings.master}`);
    return parts.join(' ');
  },
};

/** @throws WireError where the kind has none of the data that is given. */
function linkInfo({ kind, tunnel, peer }: Pick<LinkSettings, 'kind' | 'tunnel' | 'peer'>): LinkInfo | undefined {
  if (kind === undefined && tunnel === undefined && peer === undefined) return undefined;
  const data =
    tunnel !== undefined ? encodeTunnel(kind, tunnel) : peer !== undefined ? encodePeer(kind, peer) : undefined;
  return { IFLA_INFO_KIND: kind, IFLA_INFO_DATA: data };
}

type LinkInfo = ReturnType<typeof linkAttributes.decode>['IFLA_LINKINFO'];

/** The kernel's own form of a link, as a dump or a notification carries it. */
export const linkBody: BodyEncoder<Link> = {
  headerBytes: IFINFOMSG_BYTES,
  attributes: linkAttributes,
  encode(writer, link) {
    writer.u8(AF_UNSPEC);
    writer.u8(0);
    writer.u16(link.type);
    writer.u32(link.index);
    writer.u32(link.flags);
    writer.u32(0);
    linkAttributes.encode(writer, {
      IFLA_IFNAME: link.name,
      IFLA_OPERSTATE: link.operState,
      IFLA_MTU: link.mtu,
      IFLA_MASTER: link.master,
      IFLA_ADDRESS: link.address,
      IFLA_LINK: link.link,
      IFLA_LINKINFO: linkInfo(link),
    });
  },
  describe: (link) => link.name,
};

/** RTM_GETLINK for all links, without their counters. */
export const linkDump: BodyEncoder<number> = {
  headerBytes: IFINFOMSG_BYTES,
  attributes: linkAttributes,
  encode(writer, family) {
    writer.u8(family);
    // Strict checking wants the rest of the header zero.
    writer.zero(IFINFOMSG_BYTES - 1);
    linkAttributes.encode(writer, { IFLA_EXT_MASK: RTEXT_FILTER_SKIP_STATS });
  },
  describe: () => 'links',
};
