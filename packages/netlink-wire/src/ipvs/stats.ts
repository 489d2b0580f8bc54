/** Counters of IPVS between the model and IPVS_STATS_ATTR_*. */
import type { ServiceValues, Stats64Values } from './attributes.ts';
import type { IpvsStats } from './model.ts';

/** Kernels before 4.1 send only the 32-bit form. */
export function decodeStats(
  wide: Stats64Values | undefined,
  narrow: ServiceValues['IPVS_SVC_ATTR_STATS'],
): IpvsStats | undefined {
  const values = wide ?? narrow;
  if (values === undefined) return undefined;
  const count = (value: bigint | number | undefined): bigint => BigInt(value ?? 0);
  return {
    connections: count(values.IPVS_STATS_ATTR_CONNS),
    inPackets: count(values.IPVS_STATS_ATTR_INPKTS),
    outPackets: count(values.IPVS_STATS_ATTR_OUTPKTS),
    inBytes: count(values.IPVS_STATS_ATTR_INBYTES),
    outBytes: count(values.IPVS_STATS_ATTR_OUTBYTES),
    connectionRate: count(values.IPVS_STATS_ATTR_CPS),
    inPacketRate: count(values.IPVS_STATS_ATTR_INPPS),
    outPacketRate: count(values.IPVS_STATS_ATTR_OUTPPS),
    inByteRate: count(values.IPVS_STATS_ATTR_INBPS),
    outByteRate: count(values.IPVS_STATS_ATTR_OUTBPS),
  };
}
