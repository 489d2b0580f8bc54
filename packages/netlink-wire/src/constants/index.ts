/** All constants of the kernel headers, by header. */
export * from './address.ts';
export * from './conntrack.ts';
export * from './errno.ts';
export * from './genetlink.ts';
export * from './ip.ts';
export * from './ipset.ts';
export * from './ipvs.ts';
export * from './link.ts';
export * from './neighbour.ts';
export * from './netlink.ts';
export * from './nfnetlink.ts';
export * from './rtnetlink.ts';
export * from './rule.ts';
export * from './tunnel.ts';
