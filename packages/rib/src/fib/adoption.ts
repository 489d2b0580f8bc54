/** A kernel route in the daemon's words, for the question whether it is ours from an earlier life. */
import type { Route } from '@routelet/netlink-wire';
import type { NextHop, NodeRoute } from '../model.ts';
import { formatAddress } from '../table/address.ts';
import { destinationOf, type FibKey, parseFibKey } from '../table/key.ts';

export function nodeRouteOf(key: FibKey, route: Route, nameOf: (index: number) => string | undefined): NodeRoute {
  const { table, metric } = parseFibKey(key);
  const nextHops = route.nextHops.map(({ gateway, index, weight }): NextHop => {
    const name = index === undefined ? undefined : nameOf(index);
    return {
      ...(gateway && { gateway: formatAddress(gateway) }),
      ...(name !== undefined && { interface: name }),
      ...(weight !== undefined && { weight }),
    };
  });
  return {
    destination: destinationOf(key),
    nextHops,
    table,
    metric,
    ...(route.preferredSource && { source: formatAddress(route.preferredSource) }),
    ...(route.metrics?.mtu !== undefined && { mtu: route.metrics.mtu }),
  };
}
