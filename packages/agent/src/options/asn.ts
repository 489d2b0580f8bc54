/** The AS numbers that the original takes, for the cluster's own AS and for external peers. */

type Range = readonly [from: number, to: number];

/** RFC 6996 private use ranges, with 65535 as the original allows it. */
const CLUSTER: readonly Range[] = [
  [64512, 65535],
  [4200000000, 4294967294],
];

/** Without AS_TRANS (RFC 6793), 0 and 65535 (RFC 7607, RFC 7300) and the ranges kept for documentation (RFC 5398). */
const PEER: readonly Range[] = [
  [1, 23455],
  [23457, 63999],
  [64512, 65534],
  [131072, 4294967294],
];

const within = (ranges: readonly Range[], asn: number) => ranges.some(([from, to]) => asn >= from && asn <= to);
const text = (ranges: readonly Range[]) => ranges.map(([from, to]) => `${from}-${to}`).join(', ');

export const clusterAsnRanges = text(CLUSTER);
export const peerAsnRanges = text(PEER);

export function isClusterAsn(asn: number): boolean {
  return within(CLUSTER, asn);
}

export function isPeerAsn(asn: number): boolean {
  return within(PEER, asn);
}
