/** include/uapi/linux/netfilter/nfnetlink.h: the subsystems of netfilter that clients here speak. */

export const NFNL_SUBSYS_CTNETLINK = 1;
export const NFNL_SUBSYS_IPSET = 6;

export const NFNETLINK_V0 = 0;
