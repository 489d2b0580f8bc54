/** What a request about a link makes of the links of the fake kernel: what it leaves out stays (net/core/rtnetlink.c). */
import { NLM_F_EXCL, NLM_F_REPLACE, NLMSG_HDRLEN } from '../constants/netlink.ts';
import type { Link } from '../rtnetlink/model.ts';
import { Reader } from '../wire/reader.ts';

/** offsetof(struct ifinfomsg, ifi_change) */
const CHANGE_OFFSET = 12;

/** What a link of the fake kernel has without being told. */
const ETHERNET_MTU = 1500;

/**
 * @param message The request from its nlmsghdr on.
 * @param request The same, decoded.
 * @returns the link that is meant, whole: the one that stands with the changes, or a new one with an index.
 */
export function completeLink(links: readonly Link[], message: Uint8Array, request: Link): Link {
  const standing = links.find(({ index, name }) =>
    request.index === 0 ? name === request.name : index === request.index,
  );
  if (standing === undefined) {
    const index = request.index === 0 ? Math.max(0, ...links.map((link) => link.index)) + 1 : request.index;
    return { ...request, index, mtu: request.mtu === 0 ? ETHERNET_MTU : request.mtu };
  }
  const change = new Reader(message, NLMSG_HDRLEN + CHANGE_OFFSET).u32();
  const { master = standing.master, ...rest } = { ...standing, ...request };
  return {
    ...rest,
    index: standing.index,
    name: standing.name,
    type: standing.type,
    mtu: request.mtu === 0 ? standing.mtu : request.mtu,
    flags: (standing.flags & ~change) | (request.flags & change),
    ...(master !== undefined && master !== 0 && { master }),
  };
}

/** RTM_NEWLINK without NLM_F_EXCL changes a link that stands; there is no NLM_F_REPLACE for links. */
export function linkFlags(flags: number): number {
  return (flags & NLM_F_EXCL) === 0 ? flags | NLM_F_REPLACE : flags;
}
