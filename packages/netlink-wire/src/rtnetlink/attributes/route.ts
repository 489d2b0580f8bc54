/** include/uapi/linux/rtnetlink.h: the attributes of routes that the model knows, RTA_MULTIPATH and RTA_VIA included. */
import { type AttributeKind, bytes, u8, u32 } from '../../attribute/kind.ts';
import { AttributeSpace, type AttributeValues, attribute, nested } from '../../attribute/space.ts';
import { WireError } from '../../errors.ts';

/** struct rtvia: a gateway of another address family. */
export interface Via {
  readonly family: number;
  readonly address: Uint8Array;
}

const via: AttributeKind<Via> = {
  decode: (payload) => ({ family: payload.u16(), address: payload.bytes(payload.remaining) }),
  encode(writer, value) {
    writer.u16(value.family);
    writer.bytes(value.address);
  },
};

/** The attributes that a plain route has itself and a multipath route has in each next hop. */
const nextHopTable = {
  RTA_GATEWAY: attribute(5, bytes),
  RTA_VIA: attribute(18, via),
};

export const nextHopAttributes = new AttributeSpace('RTA_', nextHopTable);

/** struct rtnexthop and the attributes behind it. */
export interface MultipathHop {
  /** rtnh_flags: RTNH_F_* */
  readonly flags: number;
  /** rtnh_hops: weight minus 1 */
  readonly hops: number;
  /** rtnh_ifindex; 0 leaves it to the kernel */
  readonly index: number;
  readonly attributes: AttributeValues<typeof nextHopTable>;
}

const multipath: AttributeKind<readonly MultipathHop[]> = {
  decode(payload) {
    const hops: MultipathHop[] = [];
    while (payload.remaining > 0) {
      const at = payload.offset;
      const length = payload.u16();
      const flags = payload.u8();
      const weight = payload.u8();
      const index = payload.u32();
      if (length < RTNH_HDRLEN) throw new WireError('length', `next hop of ${length} bytes`, at);
      const attributes = nextHopAttributes.decode(payload.window(length - RTNH_HDRLEN));
      payload.skipPadding(length);
      hops.push({ flags, hops: weight, index, attributes });
    }
    return hops;
  },
  encode(writer, hops) {
    for (const hop of hops) {
      const start = writer.length;
      writer.u16(0);
      writer.u8(hop.flags);
      writer.u8(hop.hops);
      writer.u32(hop.index);
      nextHopAttributes.encode(writer, hop.attributes);
      writer.patchU16(start, writer.length - start);
    }
  },
};

/** sizeof(struct rtnexthop) */
const RTNH_HDRLEN = 8;

export const metricAttributes = new AttributeSpace('RTAX_', {
  RTAX_LOCK: attribute(1, u32),
  RTAX_MTU: attribute(2, u32),
  RTAX_WINDOW: attribute(3, u32),
  RTAX_ADVMSS: attribute(8, u32),
  RTAX_HOPLIMIT: attribute(10, u32),
  RTAX_INITCWND: attribute(11, u32),
  RTAX_INITRWND: attribute(14, u32),
});

export const routeAttributes = new AttributeSpace('RTA_', {
  ...nextHopTable,
  RTA_DST: attribute(1, bytes),
  RTA_SRC: attribute(2, bytes),
  RTA_OIF: attribute(4, u32),
  RTA_PRIORITY: attribute(6, u32),
  RTA_PREFSRC: attribute(7, bytes),
  RTA_METRICS: attribute(8, nested(metricAttributes)),
  RTA_MULTIPATH: attribute(9, multipath),
  RTA_TABLE: attribute(15, u32),
  RTA_PREF: attribute(20, u8),
  RTA_NH_ID: attribute(30, u32),
});
