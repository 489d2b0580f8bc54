/** The changes that a client can ask of IPVS, as values, and the requests that do them. */
import {
  IPVS_CMD_DEL_DAEMON,
  IPVS_CMD_DEL_DEST,
  IPVS_CMD_DEL_SERVICE,
  IPVS_CMD_FLUSH,
  IPVS_CMD_NEW_DAEMON,
  IPVS_CMD_NEW_DEST,
  IPVS_CMD_NEW_SERVICE,
  IPVS_CMD_SET_CONFIG,
  IPVS_CMD_SET_DEST,
  IPVS_CMD_SET_SERVICE,
  IPVS_CMD_ZERO,
  IPVS_GENL_VERSION,
} from '../constants/ipvs.ts';
import { genericBody } from '../generic/message.ts';
import { type Request, request } from '../message/request.ts';
import { commandAttributes } from './attributes.ts';
import { encodeDaemon } from './daemon.ts';
import { describeDestination, encodeDestination, encodeDestinationKey } from './destination.ts';
import type { IpvsDaemon, IpvsDestination, IpvsService, IpvsServiceKey, IpvsTimeouts } from './model.ts';
import { describeServiceKey, encodeService, encodeServiceKey } from './service.ts';

/** `add` fails with EEXIST where the service stands and with ENOENT without its scheduler, the others with ESRCH where it does not. */
export type IpvsServiceOperation =
  | { readonly kind: 'service'; readonly action: 'add' | 'set'; readonly object: IpvsService }
  /** `zero` sets the counters of a service and of its destinations to 0. */
  | { readonly kind: 'service'; readonly action: 'delete' | 'zero'; readonly object: IpvsServiceKey };

/**
 * `add` fails with EEXIST where the destination stands, the others with ENOENT where it does not; all with ESRCH without the
 * service. The connections of a deleted one are kept until they end, or a new one of the same address takes them up.
 */
export interface IpvsDestinationOperation {
  readonly kind: 'destination';
  readonly action: 'add' | 'set' | 'delete';
  readonly service: IpvsServiceKey;
  readonly object: IpvsDestination;
}

export interface IpvsDaemonOperation {
  readonly kind: 'daemon';
  readonly action: 'start' | 'stop';
  readonly object: IpvsDaemon;
}

export interface IpvsTimeoutsOperation {
  readonly kind: 'timeouts';
  readonly action: 'set';
  readonly object: IpvsTimeouts;
}

export type IpvsOperation =
  | IpvsServiceOperation
  | IpvsDestinationOperation
  | IpvsDaemonOperation
  | IpvsTimeoutsOperation;

const common = { version: IPVS_GENL_VERSION, attributes: commandAttributes };

function serviceBody(command: number) {
  return genericBody({
    ...common,
    command,
    values: (service: IpvsService) => ({ IPVS_CMD_ATTR_SERVICE: encodeService(service) }),
    describe: (service) => `${describeServiceKey(service)} ${service.scheduler}`,
  });
}

function serviceKeyBody(command: number) {
  return genericBody({
    ...common,
    command,
    values: (service: IpvsServiceKey) => ({ IPVS_CMD_ATTR_SERVICE: encodeServiceKey(service) }),
    describe: describeServiceKey,
  });
}

function destinationBody(command: number, encode: typeof encodeDestination) {
  return genericBody({
    ...common,
    command,
    values: ({ service, object }: IpvsDestinationOperation) => ({
      IPVS_CMD_ATTR_SERVICE: encodeServiceKey(service),
      IPVS_CMD_ATTR_DEST: encode(object),
    }),
    describe: ({ service, object }) => `${describeDestination(object)} of ${describeServiceKey(service)}`,
  });
}

const serviceBodies = { add: serviceBody(IPVS_CMD_NEW_SERVICE), set: serviceBody(IPVS_CMD_SET_SERVICE) };

const serviceKeyBodies = { delete: serviceKeyBody(IPVS_CMD_DEL_SERVICE), zero: serviceKeyBody(IPVS_CMD_ZERO) };

const destinationBodies = {
  add: destinationBody(IPVS_CMD_NEW_DEST, encodeDestination),
  set: destinationBody(IPVS_CMD_SET_DEST, encodeDestination),
  delete: destinationBody(IPVS_CMD_DEL_DEST, encodeDestinationKey),
};

function daemonBody(command: number) {
  return genericBody({
    ...common,
    command,
    values: (daemon: IpvsDaemon) => ({ IPVS_CMD_ATTR_DAEMON: encodeDaemon(daemon) }),
    describe: ({ state, multicastInterface }) => `of state ${state} on ${multicastInterface}`,
  });
}

const daemonBodies = { start: daemonBody(IPVS_CMD_NEW_DAEMON), stop: daemonBody(IPVS_CMD_DEL_DAEMON) };

const timeoutsBody = genericBody({
  ...common,
  command: IPVS_CMD_SET_CONFIG,
  values: ({ tcp, tcpFin, udp }: IpvsTimeouts) => ({
    IPVS_CMD_ATTR_TIMEOUT_TCP: tcp,
    IPVS_CMD_ATTR_TIMEOUT_TCP_FIN: tcpFin,
    IPVS_CMD_ATTR_TIMEOUT_UDP: udp,
  }),
  describe: ({ tcp, tcpFin, udp }) => `tcp ${tcp} tcpfin ${tcpFin} udp ${udp}`,
});

const wholeBodies = {
  zero: genericBody({ ...common, command: IPVS_CMD_ZERO, values: () => ({}), describe: () => 'all counters' }),
  flush: genericBody({ ...common, command: IPVS_CMD_FLUSH, values: () => ({}), describe: () => 'all services' }),
};

/** The request that does an operation. @param familyId nlmsg_type of the family. */
export function ipvsRequest(familyId: number, operation: IpvsOperation): Request {
  const verb = `ipvs ${operation.kind} ${operation.action}`;
  switch (operation.kind) {
    case 'service':
      return operation.action === 'add' || operation.action === 'set'
        ? request(familyId, 0, verb, serviceBodies[operation.action], operation.object)
        : request(familyId, 0, verb, serviceKeyBodies[operation.action], operation.object);
    case 'destination':
      return request(familyId, 0, verb, destinationBodies[operation.action], operation);
    case 'daemon':
      return request(familyId, 0, verb, daemonBodies[operation.action], operation.object);
    case 'timeouts':
      return request(familyId, 0, verb, timeoutsBody, operation.object);
  }
}

/** The request about all services at once. */
export function ipvsWholeRequest(familyId: number, action: keyof typeof wholeBodies): Request {
  return request(familyId, 0, `ipvs ${action}`, wholeBodies[action], undefined);
}
