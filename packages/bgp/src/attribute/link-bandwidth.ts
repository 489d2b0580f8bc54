/**
 * Link Bandwidth, RFC 10005: the extended community (type 0x40 or transitive 0x00, sub-type 0x04) that weighs paths of a
 * multipath route. Its value is an IEEE 754 single, in bytes a second.
 */

export interface LinkBandwidth {
  /** The 16 low bits of the AS number of who attached it; for people only. */
  readonly asn: number;
  readonly bytesPerSecond: number;
  /** Whether it may cross into another AS (RFC 4360 §2, T bit clear). */
  readonly transitive: boolean;
}

const subType = 0x04;
const nonTransitive = 0x40;

const scratch = new DataView(new ArrayBuffer(8));

/** The link bandwidth among a route's extended communities: the lowest of several, transitive or not (RFC 10005). */
export function linkBandwidthOf(communities: readonly bigint[]): LinkBandwidth | undefined {
  let lowest: LinkBandwidth | undefined;
  for (const community of communities) {
    const found = decodeLinkBandwidth(community);
    if (found !== undefined && (lowest === undefined || found.bytesPerSecond < lowest.bytesPerSecond)) lowest = found;
  }
  return lowest;
}

/** Undefined for another community, and for a value that is no bandwidth (negative, infinite, not a number). */
function decodeLinkBandwidth(community: bigint): LinkBandwidth | undefined {
  scratch.setBigUint64(0, community);
  const type = scratch.getUint8(0);
  if ((type & ~nonTransitive) !== 0 || scratch.getUint8(1) !== subType) return undefined;
  const bytesPerSecond = scratch.getFloat32(4);
  if (!(bytesPerSecond >= 0 && bytesPerSecond < Number.POSITIVE_INFINITY)) return undefined;
  return { asn: scratch.getUint16(2), bytesPerSecond, transitive: type === 0 };
}

/** The extended community. Throws `RangeError` for what is no bandwidth. */
export function linkBandwidthCommunity({ asn, bytesPerSecond, transitive }: LinkBandwidth): bigint {
  if (!(bytesPerSecond >= 0 && Math.fround(bytesPerSecond) < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`${bytesPerSecond} bytes a second is no bandwidth`);
  }
  scratch.setUint8(0, transitive ? 0 : nonTransitive);
  scratch.setUint8(1, subType);
  scratch.setUint16(2, asn & 0xffff);
  scratch.setFloat32(4, bytesPerSecond);
  return scratch.getBigUint64(0);
}
