/** What a client asks of IPVS and how the answers are read. */
import {
  IPVS_CMD_GET_CONFIG,
  IPVS_CMD_GET_DAEMON,
  IPVS_CMD_GET_DEST,
  IPVS_CMD_GET_INFO,
  IPVS_CMD_GET_SERVICE,
  IPVS_GENL_VERSION,
} from '../constants/ipvs.ts';
import { WireError } from '../errors.ts';
import { genericBody, skipGenericHeader } from '../generic/message.ts';
import type { Reader } from '../wire/reader.ts';
import { commandAttributes, infoAttributes } from './attributes.ts';
import { decodeDaemon } from './daemon.ts';
import { decodeDestination } from './destination.ts';
import type { IpvsDaemon, IpvsDestination, IpvsInfo, IpvsService, IpvsServiceKey, IpvsTimeouts } from './model.ts';
import { decodeService, describeServiceKey, encodeServiceKey } from './service.ts';

function body(command: number, describe: string) {
  return genericBody({
    command,
    version: IPVS_GENL_VERSION,
    attributes: commandAttributes,
    values: () => ({}),
    describe: () => describe,
  });
}

function bodyOfService(command: number) {
  return genericBody({
    command,
    version: IPVS_GENL_VERSION,
    attributes: commandAttributes,
    values: (service: IpvsServiceKey) => ({ IPVS_CMD_ATTR_SERVICE: encodeServiceKey(service) }),
    describe: describeServiceKey,
  });
}

export const infoQuery = body(IPVS_CMD_GET_INFO, 'general');
export const timeoutsQuery = body(IPVS_CMD_GET_CONFIG, 'timeouts');
export const servicesQuery = body(IPVS_CMD_GET_SERVICE, 'services');
export const daemonsQuery = body(IPVS_CMD_GET_DAEMON, 'daemons');
export const serviceQuery = bodyOfService(IPVS_CMD_GET_SERVICE);
export const destinationsQuery = bodyOfService(IPVS_CMD_GET_DEST);

/** @throws WireError, as all that follow. */
export function decodeInfo(reply: Reader): IpvsInfo {
  skipGenericHeader(reply);
  const values = infoAttributes.decode(reply);
  return {
    version: values.IPVS_INFO_ATTR_VERSION ?? 0,
    connectionTableSize: values.IPVS_INFO_ATTR_CONN_TAB_SIZE ?? 0,
  };
}

export function decodeTimeouts(reply: Reader): IpvsTimeouts {
  skipGenericHeader(reply);
  const values = commandAttributes.decode(reply);
  return {
    tcp: values.IPVS_CMD_ATTR_TIMEOUT_TCP ?? 0,
    tcpFin: values.IPVS_CMD_ATTR_TIMEOUT_TCP_FIN ?? 0,
    udp: values.IPVS_CMD_ATTR_TIMEOUT_UDP ?? 0,
  };
}

export function decodeServiceReply(reply: Reader): IpvsService {
  skipGenericHeader(reply);
  return decodeService(present(commandAttributes.decode(reply).IPVS_CMD_ATTR_SERVICE, 'IPVS_CMD_ATTR_SERVICE', reply));
}

export function decodeDestinationReply(reply: Reader, serviceFamily: number): IpvsDestination {
  skipGenericHeader(reply);
  const values = present(commandAttributes.decode(reply).IPVS_CMD_ATTR_DEST, 'IPVS_CMD_ATTR_DEST', reply);
  return decodeDestination(values, serviceFamily);
}

export function decodeDaemonReply(reply: Reader): IpvsDaemon {
  skipGenericHeader(reply);
  return decodeDaemon(present(commandAttributes.decode(reply).IPVS_CMD_ATTR_DAEMON, 'IPVS_CMD_ATTR_DAEMON', reply));
}

function present<T>(value: T | undefined, macro: string, reply: Reader): T {
  if (value === undefined) throw new WireError('value', `a reply without ${macro}`, reply.offset);
  return value;
}
