/** Ports on which the kernel takes IP out of UDP: FOU_ATTR_* (include/uapi/linux/fou.h). */
import { be16, bytes, i32, u8 } from '../attribute/kind.ts';
import { AttributeSpace, attribute } from '../attribute/space.ts';
import { FOU_CMD_ADD, FOU_CMD_DEL, FOU_CMD_GET, FOU_GENL_VERSION } from '../constants/genetlink.ts';
import { WireError } from '../errors.ts';
import { type Request, request } from '../message/request.ts';
import { formatAddress } from '../wire/address-text.ts';
import type { Reader } from '../wire/reader.ts';
import { genericBody, skipGenericHeader } from './message.ts';

/** A port whose datagrams are taken apart. One is known by all but `type` and `ipProtocol`. */
export interface FouPort {
  /** AF_INET or AF_INET6. */
  readonly family: number;
  readonly port: number;
  /** FOU_ENCAP_DIRECT or FOU_ENCAP_GUE. */
  readonly type: number;
  /** IPPROTO_* of what is inside, with FOU_ENCAP_DIRECT. */
  readonly ipProtocol?: number;
  /** Of this address only. */
  readonly local?: Uint8Array;
  /** From this peer only. */
  readonly peer?: Uint8Array;
  readonly peerPort?: number;
  /** FOU_ATTR_IFINDEX: on this interface only. */
  readonly index?: number;
}

/** `add` fails with EADDRINUSE where the port is taken, `delete` with EINVAL where it does not stand. */
export interface FouOperation {
  readonly action: 'add' | 'delete';
  readonly object: FouPort;
}

const fouAttributes = new AttributeSpace('FOU_ATTR_', {
  FOU_ATTR_PORT: attribute(1, be16),
  FOU_ATTR_AF: attribute(2, u8),
  FOU_ATTR_IPPROTO: attribute(3, u8),
  FOU_ATTR_TYPE: attribute(4, u8),
  FOU_ATTR_LOCAL_V4: attribute(6, bytes),
  FOU_ATTR_LOCAL_V6: attribute(7, bytes),
  FOU_ATTR_PEER_V4: attribute(8, bytes),
  FOU_ATTR_PEER_V6: attribute(9, bytes),
  FOU_ATTR_PEER_PORT: attribute(10, be16),
  FOU_ATTR_IFINDEX: attribute(11, i32),
});

/** @throws WireError also when the port or its family is missing. */
export function decodeFouPort(body: Reader): FouPort {
  skipGenericHeader(body);
  const values = fouAttributes.decode(body);
  const { FOU_ATTR_PORT: port, FOU_ATTR_AF: family } = values;
  if (port === undefined || family === undefined)
    throw new WireError('value', 'a port without FOU_ATTR_PORT or FOU_ATTR_AF', body.offset);
  const local = specified(values.FOU_ATTR_LOCAL_V4 ?? values.FOU_ATTR_LOCAL_V6);
  const peer = specified(values.FOU_ATTR_PEER_V4 ?? values.FOU_ATTR_PEER_V6);
  const { FOU_ATTR_IPPROTO: ipProtocol, FOU_ATTR_PEER_PORT: peerPort, FOU_ATTR_IFINDEX: index } = values;
  return {
    family,
    port,
    type: values.FOU_ATTR_TYPE ?? 0,
    // The kernel sends a 0 for each that is not set.
    ...(ipProtocol !== undefined && ipProtocol !== 0 && { ipProtocol }),
    ...(local !== undefined && { local }),
    ...(peer !== undefined && { peer }),
    ...(peerPort !== undefined && peerPort !== 0 && { peerPort }),
    ...(index !== undefined && index !== 0 && { index }),
  };
}

/** The unspecified address stands for none. */
function specified(address: Uint8Array | undefined): Uint8Array | undefined {
  return address?.some((byte) => byte !== 0) ? address : undefined;
}

function portBody(command: number) {
  return genericBody({
    command,
    version: FOU_GENL_VERSION,
    attributes: fouAttributes,
    values: ({ family, port, type, ipProtocol, local, peer, peerPort, index }: FouPort) => ({
      FOU_ATTR_PORT: port,
      FOU_ATTR_TYPE: type,
      FOU_ATTR_AF: family,
      FOU_ATTR_IPPROTO: ipProtocol,
      [local?.length === 16 ? 'FOU_ATTR_LOCAL_V6' : 'FOU_ATTR_LOCAL_V4']: local,
      [peer?.length === 16 ? 'FOU_ATTR_PEER_V6' : 'FOU_ATTR_PEER_V4']: peer,
      FOU_ATTR_PEER_PORT: peerPort,
      FOU_ATTR_IFINDEX: index,
    }),
    describe({ port, local, peer }) {
      const parts = [`${port}`];
      if (local !== undefined) parts.push(`local ${formatAddress(local)}`);
      if (peer !== undefined) parts.push(`peer ${formatAddress(peer)}`);
      return parts.join(' ');
    },
  });
}

const addBody = portBody(FOU_CMD_ADD);
const deleteBody = portBody(FOU_CMD_DEL);

/** The request that does an operation. @param familyId nlmsg_type of the family. */
export function fouRequest(familyId: number, { action, object }: FouOperation): Request {
  return request(familyId, 0, `fou ${action} port`, action === 'add' ? addBody : deleteBody, object);
}

/** FOU_CMD_GET for all ports. */
export const fouDump = genericBody({
  command: FOU_CMD_GET,
  version: FOU_GENL_VERSION,
  attributes: fouAttributes,
  values: () => ({}),
  describe: () => 'ports',
});
