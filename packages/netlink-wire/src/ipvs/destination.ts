/** Destinations of IPVS between the model and IPVS_DEST_ATTR_*. */
import { AF_INET, AF_INET6 } from '../constants/address.ts';
import { IP_VS_CONN_F_FWD_MASK, IP_VS_CONN_F_TUNNEL } from '../constants/ipvs.ts';
import { WireError } from '../errors.ts';
import type { DestinationValues } from './attributes.ts';
import type { IpvsDestination } from './model.ts';
import { describeEndpoint, ofFamily } from './service.ts';
import { decodeStats } from './stats.ts';

/**
 * @param serviceFamily For kernels before 3.18, which do not tell the destination's own.
 * @throws WireError also when the address is missing.
 */
export function decodeDestination(values: DestinationValues, serviceFamily: number): IpvsDestination {
  const union = values.IPVS_DEST_ATTR_ADDR;
  if (union === undefined) throw new WireError('value', 'a destination without IPVS_DEST_ATTR_ADDR', 0);
  const family = values.IPVS_DEST_ATTR_ADDR_FAMILY ?? serviceFamily;
  const forwarding = (values.IPVS_DEST_ATTR_FWD_METHOD ?? 0) & IP_VS_CONN_F_FWD_MASK;
  const stats = decodeStats(values.IPVS_DEST_ATTR_STATS64, values.IPVS_DEST_ATTR_STATS);
  return {
    family,
    address: ofFamily(union, family),
    port: values.IPVS_DEST_ATTR_PORT ?? 0,
    forwarding,
    weight: values.IPVS_DEST_ATTR_WEIGHT ?? 0,
    upperThreshold: values.IPVS_DEST_ATTR_U_THRESH ?? 0,
    lowerThreshold: values.IPVS_DEST_ATTR_L_THRESH ?? 0,
    // The kernel sends zeroes for the other methods.
    ...(forwarding === IP_VS_CONN_F_TUNNEL &&
      values.IPVS_DEST_ATTR_TUN_TYPE !== undefined && {
        tunnel: {
          type: values.IPVS_DEST_ATTR_TUN_TYPE,
          port: values.IPVS_DEST_ATTR_TUN_PORT ?? 0,
          flags: values.IPVS_DEST_ATTR_TUN_FLAGS ?? 0,
        },
      }),
    ...(values.IPVS_DEST_ATTR_ACTIVE_CONNS !== undefined && {
      connections: {
        active: values.IPVS_DEST_ATTR_ACTIVE_CONNS,
        inactive: values.IPVS_DEST_ATTR_INACT_CONNS ?? 0,
        persistent: values.IPVS_DEST_ATTR_PERSIST_CONNS ?? 0,
      },
    }),
    ...(stats !== undefined && { stats }),
  };
}

/** What a destination is known by. */
export function encodeDestinationKey({ family, address, port }: IpvsDestination): DestinationValues {
  if (address.length !== (family === AF_INET6 ? 16 : 4) || (family !== AF_INET && family !== AF_INET6))
    throw new WireError('value', `an address of ${address.length} bytes in family ${family}`, 0);
  return { IPVS_DEST_ATTR_ADDR_FAMILY: family, IPVS_DEST_ATTR_ADDR: address, IPVS_DEST_ATTR_PORT: port };
}

export function encodeDestination(destination: IpvsDestination): DestinationValues {
  const { tunnel } = destination;
  return {
    ...encodeDestinationKey(destination),
    IPVS_DEST_ATTR_FWD_METHOD: destination.forwarding,
    IPVS_DEST_ATTR_WEIGHT: destination.weight,
    IPVS_DEST_ATTR_TUN_TYPE: tunnel?.type,
    IPVS_DEST_ATTR_TUN_PORT: tunnel?.port,
    IPVS_DEST_ATTR_TUN_FLAGS: tunnel?.flags,
    IPVS_DEST_ATTR_U_THRESH: destination.upperThreshold,
    IPVS_DEST_ATTR_L_THRESH: destination.lowerThreshold,
  };
}

export function describeDestination({ address, port }: IpvsDestination): string {
  return describeEndpoint(address, port);
}
