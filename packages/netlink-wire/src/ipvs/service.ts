/** Services of IPVS between the model and IPVS_SVC_ATTR_*. */
import { AF_INET } from '../constants/address.ts';
import { IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP } from '../constants/ip.ts';
import { WireError } from '../errors.ts';
import { formatAddress } from '../wire/address-text.ts';
import { Reader } from '../wire/reader.ts';
import { Writer } from '../wire/writer.ts';
import type { ServiceValues } from './attributes.ts';
import type { IpvsService, IpvsServiceKey } from './model.ts';
import { decodeStats } from './stats.ts';

/** @throws WireError also when the family is missing. */
export function decodeService(values: ServiceValues): IpvsService {
  const family = values.IPVS_SVC_ATTR_AF;
  if (family === undefined) throw new WireError('value', 'a service without IPVS_SVC_ATTR_AF', 0);
  const mark = values.IPVS_SVC_ATTR_FWMARK;
  const stats = decodeStats(values.IPVS_SVC_ATTR_STATS64, values.IPVS_SVC_ATTR_STATS);
  const engine = values.IPVS_SVC_ATTR_PE_NAME;
  return {
    family,
    ...(mark !== undefined
      ? { mark }
      : {
          protocol: values.IPVS_SVC_ATTR_PROTOCOL ?? 0,
          address: ofFamily(values.IPVS_SVC_ATTR_ADDR ?? new Uint8Array(), family),
          port: values.IPVS_SVC_ATTR_PORT ?? 0,
        }),
    scheduler: values.IPVS_SVC_ATTR_SCHED_NAME ?? '',
    flags: values.IPVS_SVC_ATTR_FLAGS?.flags ?? 0,
    timeout: values.IPVS_SVC_ATTR_TIMEOUT ?? 0,
    netmask: decodeNetmask(values.IPVS_SVC_ATTR_NETMASK, family),
    ...(engine !== undefined && { persistenceEngine: engine }),
    ...(stats !== undefined && { stats }),
  };
}

/** What a service is known by, for commands about it. */
export function encodeServiceKey({ family, protocol, address, port, mark }: IpvsServiceKey): ServiceValues {
  if (mark !== undefined) return { IPVS_SVC_ATTR_AF: family, IPVS_SVC_ATTR_FWMARK: mark };
  return {
    IPVS_SVC_ATTR_AF: family,
    IPVS_SVC_ATTR_PROTOCOL: protocol,
    IPVS_SVC_ATTR_ADDR: address,
    IPVS_SVC_ATTR_PORT: port,
  };
}

export function encodeService(service: IpvsService): ServiceValues {
  return {
    ...encodeServiceKey(service),
    IPVS_SVC_ATTR_SCHED_NAME: service.scheduler,
    IPVS_SVC_ATTR_PE_NAME: service.persistenceEngine,
    IPVS_SVC_ATTR_FLAGS: { flags: service.flags, mask: ALL_FLAGS },
    IPVS_SVC_ATTR_TIMEOUT: service.timeout,
    IPVS_SVC_ATTR_NETMASK: encodeNetmask(service.netmask, service.family),
  };
}

const ALL_FLAGS = 0xffffffff;

const PROTOCOL_NAMES: Readonly<Record<number, string>> = {
  [IPPROTO_TCP]: 'tcp',
  [IPPROTO_UDP]: 'udp',
  [IPPROTO_SCTP]: 'sctp',
};

/** `tcp 10.96.0.1:443`, `fwmark 100`. */
export function describeServiceKey({ protocol = 0, address, port = 0, mark }: IpvsServiceKey): string {
  if (mark !== undefined) return `fwmark ${mark}`;
  return `${PROTOCOL_NAMES[protocol] ?? protocol} ${describeEndpoint(address ?? new Uint8Array(), port)}`;
}

export function describeEndpoint(address: Uint8Array, port: number): string {
  const text = formatAddress(address);
  return address.length === 16 ? `[${text}]:${port}` : `${text}:${port}`;
}

/** The bytes of a union nf_inet_addr that a family uses. */
export function ofFamily(union: Uint8Array, family: number): Uint8Array {
  return family === AF_INET ? union.subarray(0, 4) : union;
}

function decodeNetmask(netmask: Uint8Array | undefined, family: number): number {
  if (netmask === undefined) return 0;
  const reader = new Reader(netmask);
  if (family !== AF_INET) return reader.u32();
  return 32 - trailingZeroes(reader.be32());
}

function trailingZeroes(mask: number): number {
  // Math.clz32 counts from the other end; the lowest bit alone is mask & -mask.
  return mask === 0 ? 32 : 31 - Math.clz32(mask & -mask);
}

function encodeNetmask(length: number, family: number): Uint8Array {
  const bits = family === AF_INET ? 32 : 128;
  if (!(length >= 0 && length <= bits)) throw new WireError('value', `netmask of ${length} bits`, 0);
  const writer = new Writer(4);
  if (family === AF_INET) writer.be32(length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0);
  else writer.u32(length);
  return writer.take();
}
