/** A kernel route in the words of `ip route`, for problems and warnings. */
import { AF_INET6, type Route, RT_TABLE_MAIN, RTN_UNICAST, RTPROT_UNSPEC } from '@routelet/netlink-wire';
import { formatAddress } from '../table/address.ts';
import { defaultMetric } from '../table/key.ts';

/** /etc/iproute2/rt_protos as Debian ships it; include/uapi/linux/rtnetlink.h RTPROT_*. */
const PROTOCOLS: Readonly<Record<number, string>> = {
  1: 'redirect',
  2: 'kernel',
  3: 'boot',
  4: 'static',
  9: 'ra',
  11: 'zebra',
  12: 'bird',
  16: 'dhcp',
  17: 'mrouted',
  186: 'bgp',
  188: 'ospf',
};

/** include/uapi/linux/rtnetlink.h RTN_*; a unicast route needs no word. */
const TYPES: Readonly<Record<number, string>> = {
  2: 'local ',
  3: 'broadcast ',
  4: 'anycast ',
  5: 'multicast ',
  6: 'blackhole ',
  7: 'unreachable ',
  8: 'prohibit ',
  9: 'throw ',
};

export function describeRoute(route: Route): string {
  const ipv6 = route.family === AF_INET6;
  const address = route.destination ?? new Uint8Array(ipv6 ? 16 : 4);
  const type = route.type === RTN_UNICAST ? '' : (TYPES[route.type] ?? `type ${route.type} `);
  const words = [`${type}${formatAddress(address)}/${route.destinationLength}`];
  for (const hop of route.nextHops) {
    if (hop.gateway !== undefined) words.push(`via ${formatAddress(hop.gateway)}`);
    if (hop.index !== undefined) words.push(`dev index ${hop.index}`);
  }
  if (route.protocol !== RTPROT_UNSPEC) words.push(`proto ${PROTOCOLS[route.protocol] ?? route.protocol}`);
  if (route.table !== RT_TABLE_MAIN) words.push(`table ${route.table}`);
  const metric = route.priority ?? 0;
  if (metric !== 0 && metric !== defaultMetric(ipv6)) words.push(`metric ${metric}`);
  return words.join(' ');
}
