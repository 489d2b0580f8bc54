/** Elements of sets between the model and IPSET_ATTR_DATA, and in words. */
import { formatAddress } from '../wire/address-text.ts';
import type { ElementValues } from './attributes.ts';
import type { SetElement } from './model.ts';

/** The codes of `ipset` protocols by number, for words. */
const PROTOCOL_NAMES: Readonly<Record<number, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'icmpv6', 132: 'sctp' };

export function decodeElement(values: ElementValues): SetElement {
  return {
    ...(values.IPSET_ATTR_IP !== undefined && { ip: values.IPSET_ATTR_IP }),
    ...(values.IPSET_ATTR_IP_TO !== undefined && { ipTo: values.IPSET_ATTR_IP_TO }),
    ...(values.IPSET_ATTR_CIDR !== undefined && { prefixLength: values.IPSET_ATTR_CIDR }),
    ...(values.IPSET_ATTR_PROTO !== undefined && { protocol: values.IPSET_ATTR_PROTO }),
    ...(values.IPSET_ATTR_PORT !== undefined && { port: values.IPSET_ATTR_PORT }),
    ...(values.IPSET_ATTR_PORT_TO !== undefined && { portTo: values.IPSET_ATTR_PORT_TO }),
    ...(values.IPSET_ATTR_IP2 !== undefined && { ip2: values.IPSET_ATTR_IP2 }),
    ...(values.IPSET_ATTR_CIDR2 !== undefined && { prefixLength2: values.IPSET_ATTR_CIDR2 }),
    ...(values.IPSET_ATTR_IFACE !== undefined && { interface: values.IPSET_ATTR_IFACE }),
    ...(values.IPSET_ATTR_MARK !== undefined && { mark: values.IPSET_ATTR_MARK }),
    ...(values.IPSET_ATTR_ETHER !== undefined && { linkAddress: values.IPSET_ATTR_ETHER }),
    ...(values.IPSET_ATTR_NAME !== undefined && { set: values.IPSET_ATTR_NAME }),
    ...(values.IPSET_ATTR_NAMEREF !== undefined && { reference: values.IPSET_ATTR_NAMEREF }),
    ...(values.IPSET_ATTR_TIMEOUT !== undefined && { timeout: values.IPSET_ATTR_TIMEOUT }),
    ...(values.IPSET_ATTR_CADT_FLAGS !== undefined && { flags: values.IPSET_ATTR_CADT_FLAGS }),
    ...(values.IPSET_ATTR_COMMENT !== undefined && { comment: values.IPSET_ATTR_COMMENT }),
    ...(values.IPSET_ATTR_PACKETS !== undefined && { packets: values.IPSET_ATTR_PACKETS }),
    ...(values.IPSET_ATTR_BYTES !== undefined && { bytes: values.IPSET_ATTR_BYTES }),
  };
}

/** @param line IPSET_ATTR_CADT_LINENO, which the kernel names in an error. */
export function encodeElement(element: SetElement, line?: number): ElementValues {
  return {
    IPSET_ATTR_IP: element.ip,
    IPSET_ATTR_IP_TO: element.ipTo,
    IPSET_ATTR_CIDR: element.prefixLength,
    IPSET_ATTR_PORT: element.port,
    IPSET_ATTR_PORT_TO: element.portTo,
    IPSET_ATTR_TIMEOUT: element.timeout,
    IPSET_ATTR_PROTO: element.protocol,
    IPSET_ATTR_CADT_FLAGS: element.flags,
    IPSET_ATTR_MARK: element.mark,
    IPSET_ATTR_ETHER: element.linkAddress,
    IPSET_ATTR_NAME: element.set,
    IPSET_ATTR_NAMEREF: element.reference,
    IPSET_ATTR_IP2: element.ip2,
    IPSET_ATTR_CIDR2: element.prefixLength2,
    IPSET_ATTR_IFACE: element.interface,
    IPSET_ATTR_BYTES: element.bytes,
    IPSET_ATTR_PACKETS: element.packets,
    IPSET_ATTR_COMMENT: element.comment,
    IPSET_ATTR_CADT_LINENO: line,
  };
}

/** As `ipset` writes it, without its extensions. */
export function describeElement(element: SetElement): string {
  const { ip, ipTo, protocol, port, portTo, ip2, mark, linkAddress, set } = element;
  const parts: string[] = [];
  if (set !== undefined) parts.push(set);
  if (ip !== undefined) {
    const address = `${formatAddress(ip)}${ipTo === undefined ? '' : `-${formatAddress(ipTo)}`}`;
    parts.push(withLength(address, element.prefixLength));
  }
  if (port !== undefined) {
    const name = protocol === undefined ? '' : `${PROTOCOL_NAMES[protocol] ?? protocol}:`;
    parts.push(`${name}${port}${portTo === undefined ? '' : `-${portTo}`}`);
  }
  if (ip2 !== undefined) parts.push(withLength(formatAddress(ip2), element.prefixLength2));
  if (element.interface !== undefined) parts.push(element.interface);
  if (mark !== undefined) parts.push(`0x${mark.toString(16)}`);
  if (linkAddress !== undefined) parts.push(formatAddress(linkAddress));
  return parts.join(',');
}

function withLength(address: string, length: number | undefined): string {
  return length === undefined ? address : `${address}/${length}`;
}
