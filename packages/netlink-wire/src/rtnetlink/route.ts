/** Routes: struct rtmsg and RTA_* (include/uapi/linux/rtnetlink.h), one way out or many. */
import { AF_INET, AF_INET6 } from '../constants/address.ts';
import { RT_TABLE_UNSPEC, RTM_F_LOOKUP_TABLE } from '../constants/rtnetlink.ts';
import type { BodyEncoder } from '../message/request.ts';
import { formatAddress } from '../wire/address-text.ts';
import type { Reader } from '../wire/reader.ts';
import type { Writer } from '../wire/writer.ts';
import {
  type MultipathHop,
  type metricAttributes,
  type nextHopAttributes,
  routeAttributes,
} from './attributes/route.ts';
import type { Route, RouteMetrics, RouteNextHop } from './model.ts';

/** sizeof(struct rtmsg) */
const RTMSG_BYTES = 12;

/** The RTNH_F_* bits of rtm_flags; RTM_F_* begin above. */
const NEXT_HOP_FLAGS = 0xff;

type NextHopValues = ReturnType<typeof nextHopAttributes.decode>;

/** @throws WireError */
export function decodeRoute(body: Reader): Route {
  const family = body.u8();
  const destinationLength = body.u8();
  const sourceLength = body.u8();
  const tos = body.u8();
  const shortTable = body.u8();
  const protocol = body.u8();
  const scope = body.u8();
  const type = body.u8();
  const flags = body.u32();
  const values = routeAttributes.decode(body);
  return {
    family,
    ...(values.RTA_DST !== undefined && { destination: values.RTA_DST }),
    destinationLength,
    ...(values.RTA_SRC !== undefined && { source: values.RTA_SRC }),
    ...(sourceLength !== 0 && { sourceLength }),
    tos,
    table: values.RTA_TABLE ?? shortTable,
    protocol,
    scope,
    type,
    flags,
    ...(values.RTA_PRIORITY !== undefined && { priority: values.RTA_PRIORITY }),
    ...(values.RTA_PREFSRC !== undefined && { preferredSource: values.RTA_PREFSRC }),
    nextHops: decodeNextHops(values, flags),
    ...(values.RTA_NH_ID !== undefined && { nexthopId: values.RTA_NH_ID }),
    ...(values.RTA_METRICS !== undefined && { metrics: decodeMetrics(values.RTA_METRICS) }),
  };
}

function decodeNextHops(values: ReturnType<typeof routeAttributes.decode>, flags: number): RouteNextHop[] {
  if (values.RTA_MULTIPATH !== undefined) {
    return values.RTA_MULTIPATH.map((hop) => ({
      ...gatewayOf(hop.attributes),
      ...(hop.index !== 0 && { index: hop.index }),
      weight: hop.hops + 1,
      ...(hop.flags !== 0 && { flags: hop.flags }),
    }));
  }
  const gateway = gatewayOf(values);
  if (values.RTA_OIF === undefined && gateway === undefined) return [];
  const hopFlags = flags & NEXT_HOP_FLAGS;
  return [
    {
      ...gateway,
      ...(values.RTA_OIF !== undefined && { index: values.RTA_OIF }),
      ...(hopFlags !== 0 && { flags: hopFlags }),
    },
  ];
}

function gatewayOf(values: NextHopValues): { gateway: Uint8Array } | undefined {
  const gateway = values.RTA_GATEWAY ?? values.RTA_VIA?.address;
  return gateway && { gateway };
}

function decodeMetrics(values: AttributeValuesOf<typeof metricAttributes>): RouteMetrics {
  return {
    ...(values.RTAX_LOCK !== undefined && { lock: values.RTAX_LOCK }),
    ...(values.RTAX_MTU !== undefined && { mtu: values.RTAX_MTU }),
    ...(values.RTAX_WINDOW !== undefined && { window: values.RTAX_WINDOW }),
    ...(values.RTAX_ADVMSS !== undefined && { advmss: values.RTAX_ADVMSS }),
    ...(values.RTAX_HOPLIMIT !== undefined && { hoplimit: values.RTAX_HOPLIMIT }),
    ...(values.RTAX_INITCWND !== undefined && { initcwnd: values.RTAX_INITCWND }),
    ...(values.RTAX_INITRWND !== undefined && { initrwnd: values.RTAX_INITRWND }),
  };
}

/** RTM_NEWROUTE and RTM_DELROUTE. */
export const routeBody: BodyEncoder<Route> = {
  headerBytes: RTMSG_BYTES,
  attributes: routeAttributes,
  encode(writer, route) {
    const { nextHops, family } = route;
    const single = nextHops.length === 1 ? nextHops[0] : undefined;
    const gateway = single && encodeGateway(single, family);
    encodeHeader(writer, route, route.flags | (single?.flags ?? 0));
    routeAttributes.encode(writer, {
      RTA_DST: route.destination,
      RTA_SRC: route.source,
      RTA_GATEWAY: gateway?.RTA_GATEWAY,
      RTA_VIA: gateway?.RTA_VIA,
      RTA_PREFSRC: route.preferredSource,
      RTA_PRIORITY: route.priority,
      RTA_TABLE: route.table > 0xff ? route.table : undefined,
      RTA_OIF: single?.index,
      RTA_METRICS: route.metrics && encodeMetrics(route.metrics),
      RTA_MULTIPATH: nextHops.length > 1 ? nextHops.map((hop) => encodeHop(hop, family)) : undefined,
      RTA_NH_ID: route.nexthopId,
    });
  },
  describe: describeRoute,
};

function encodeHeader(writer: Writer, route: Route, flags: number): void {
  writer.u8(route.family);
  writer.u8(route.destinationLength);
  writer.u8(route.sourceLength ?? 0);
  writer.u8(route.tos);
  // rtm_table has 8 bits: "RT_TABLE_UNSPEC" says to look at RTA_TABLE.
  writer.u8(route.table > 0xff ? RT_TABLE_UNSPEC : route.table);
  writer.u8(route.protocol);
  writer.u8(route.scope);
  writer.u8(route.type);
  writer.u32(flags);
}

function encodeGateway(hop: RouteNextHop, family: number): NextHopValues | undefined {
  if (hop.gateway === undefined) return undefined;
  const gatewayFamily = hop.gateway.length === 4 ? AF_INET : AF_INET6;
  if (gatewayFamily === family) return { RTA_GATEWAY: hop.gateway };
  return { RTA_VIA: { family: gatewayFamily, address: hop.gateway } };
}

function encodeHop(hop: RouteNextHop, family: number): MultipathHop {
  return {
    flags: hop.flags ?? 0,
    hops: (hop.weight ?? 1) - 1,
    index: hop.index ?? 0,
    attributes: encodeGateway(hop, family) ?? {},
  };
}

function encodeMetrics(metrics: RouteMetrics): AttributeValuesOf<typeof metricAttributes> {
  return {
    RTAX_MTU: metrics.mtu,
    RTAX_WINDOW: metrics.window,
    RTAX_ADVMSS: metrics.advmss,
    RTAX_HOPLIMIT: metrics.hoplimit,
    RTAX_INITCWND: metrics.initcwnd,
    RTAX_INITRWND: metrics.initrwnd,
    RTAX_LOCK: metrics.lock,
  };
}

type AttributeValuesOf<Space extends { decode(...args: never[]): unknown }> = ReturnType<Space['decode']>;

function describeRoute(route: Route): string {
  const destination =
    route.destination === undefined ? 'default' : `${formatAddress(route.destination)}/${route.destinationLength}`;
  const parts = [destination, ...route.nextHops.map(describeNextHop), `table ${route.table}`];
  if (route.priority !== undefined) parts.push(`metric ${route.priority}`);
  return parts.join(' ');
}

function describeNextHop(hop: RouteNextHop): string {
  const parts: string[] = [];
  if (hop.gateway !== undefined) parts.push(`via ${formatAddress(hop.gateway)}`);
  if (hop.index !== undefined) parts.push(`dev ${hop.index}`);
  return parts.join(' ');
}

/** Which routes a dump is to return. */
export interface RouteFilter {
  /** AF_INET or AF_INET6; both when left out. */
  readonly family?: number;
  readonly table?: number;
  /** RTPROT_* */
  readonly protocol?: number;
}

/**
 * RTM_GETROUTE for the routes of a filter with its family filled in. The kernel looks at table and protocol only where
 * NETLINK_GET_STRICT_CHK is set; the client has to check what comes back.
 */
export const routeDump: BodyEncoder<RouteFilter & { readonly family: number }> = {
  headerBytes: RTMSG_BYTES,
  attributes: routeAttributes,
  encode(writer, filter) {
    const table = filter.table ?? RT_TABLE_UNSPEC;
    writer.u8(filter.family);
    writer.zero(3);
    writer.u8(table > 0xff ? RT_TABLE_UNSPEC : table);
    writer.u8(filter.protocol ?? 0);
    writer.zero(6);
    routeAttributes.encode(writer, { RTA_TABLE: table > 0xff ? table : undefined });
  },
  describe(filter) {
    const parts = ['routes'];
    if (filter.table !== undefined) parts.push(`of table ${filter.table}`);
    if (filter.protocol !== undefined) parts.push(`of protocol ${filter.protocol}`);
    return parts.join(' ');
  },
};

/** RTM_GETROUTE for the route that the kernel would take to an address of 4 or 16 bytes. */
export const routeLookup: BodyEncoder<Uint8Array> = {
  headerBytes: RTMSG_BYTES,
  attributes: routeAttributes,
  encode(writer, destination) {
    writer.u8(destination.length === 4 ? AF_INET : AF_INET6);
    writer.u8(destination.length * 8);
    writer.zero(6);
    writer.u32(RTM_F_LOOKUP_TABLE);
    routeAttributes.encode(writer, { RTA_DST: destination });
  },
  describe: (destination) => `route to ${formatAddress(destination)}`,
};
