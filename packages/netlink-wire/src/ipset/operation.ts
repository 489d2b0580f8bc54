/** The changes that a client can ask of the kernel's sets, as values, and the requests that do them. */

import { AF_INET } from '../constants/address.ts';
import {
  IPSET_CMD_ADD,
  IPSET_CMD_CREATE,
  IPSET_CMD_DEL,
  IPSET_CMD_DESTROY,
  IPSET_CMD_FLUSH,
  IPSET_CMD_RENAME,
  IPSET_CMD_SWAP,
  IPSET_CMD_TEST,
  ipsetErrorName,
} from '../constants/ipset.ts';
import { NLM_F_CREATE, NLM_F_EXCL } from '../constants/netlink.ts';
import { NFNL_SUBSYS_IPSET } from '../constants/nfnetlink.ts';
import { NetlinkError } from '../errors.ts';
import type { Acknowledgement } from '../message/acknowledgement.ts';
import { type Request, request } from '../message/request.ts';
import { nfnetlinkBody, nfnetlinkType, skipNfnetlinkHeader } from '../nfnetlink/message.ts';
import type { Reader } from '../wire/reader.ts';
import { elementCommandAttributes, setCommandAttributes } from './attributes.ts';
import { describeElement, encodeElement } from './element.ts';
import type { SetDefinition, SetElement } from './model.ts';

/** Fails with EEXIST where a set of that name stands. */
export interface CreateSet {
  readonly action: 'create';
  readonly set: SetDefinition;
}

/** `destroy` fails with IPSET_ERR_BUSY while a rule or a list uses the set. Both fail with ENOENT where there is none. */
export interface RemoveSet {
  readonly action: 'destroy' | 'flush';
  readonly name: string;
}

/**
 * `swap` exchanges what two sets hold under their names; their types must be the same (IPSET_ERR_TYPE_MISMATCH). `rename`
 * fails with IPSET_ERR_EXIST_SETNAME2 where the other name is taken, and with IPSET_ERR_REFERENCED while it is used.
 */
export interface ExchangeSets {
  readonly action: 'rename' | 'swap';
  readonly name: string;
  readonly other: string;
}

/**
 * An element that stands is not an error of `add` (its timeout becomes the new one), nor one that is missing of `delete`;
 * with `exclusive` each is: IPSET_ERR_EXIST.
 */
export interface ChangeElement {
  readonly action: 'add' | 'delete';
  readonly name: string;
  readonly element: SetElement;
  readonly exclusive?: boolean;
}

/** A change of a set as a whole. */
export type SetChange = CreateSet | RemoveSet | ExchangeSets;

export type SetOperation = SetChange | ChangeElement;

/** An object and the version of the protocol to speak: IPSET_PROTOCOL, or what the kernel knows of it. */
type Spoken<T> = T & { readonly protocol: number };

const setCommand = {
  attributes: setCommandAttributes,
  family: () => AF_INET,
  errorName: (code: number) => ipsetErrorName(code),
};

const createBody = nfnetlinkBody({
  ...setCommand,
  values: ({ protocol, set, revision }: Spoken<{ readonly set: SetDefinition; readonly revision: number }>) => ({
    IPSET_ATTR_PROTOCOL: protocol,
    IPSET_ATTR_SETNAME: set.name,
    IPSET_ATTR_TYPENAME: set.type,
    IPSET_ATTR_REVISION: revision,
    IPSET_ATTR_FAMILY: set.family,
    IPSET_ATTR_DATA: {
      IPSET_ATTR_TIMEOUT: set.timeout,
      IPSET_ATTR_CADT_FLAGS: set.flags,
      IPSET_ATTR_MARKMASK: set.markMask,
      IPSET_ATTR_HASHSIZE: set.hashSize,
      IPSET_ATTR_MAXELEM: set.maxElements,
      IPSET_ATTR_NETMASK: set.netmask,
      IPSET_ATTR_BUCKETSIZE: set.bucketSize,
      IPSET_ATTR_SIZE: set.size,
    },
  }),
  describe: ({ set }) => `${set.name} ${set.type}`,
});

const namedBody = nfnetlinkBody({
  ...setCommand,
  values: ({ protocol, name }: Spoken<RemoveSet>) => ({ IPSET_ATTR_PROTOCOL: protocol, IPSET_ATTR_SETNAME: name }),
  describe: ({ name }) => name,
});

const exchangeBody = nfnetlinkBody({
  ...setCommand,
  values: ({ protocol, name, other }: Spoken<ExchangeSets>) => ({
    IPSET_ATTR_PROTOCOL: protocol,
    IPSET_ATTR_SETNAME: name,
    IPSET_ATTR_TYPENAME: other,
  }),
  describe: ({ name, other }) => `${name} ${other}`,
});

const elementCommand = { attributes: elementCommandAttributes, family: () => AF_INET };

const elementBody = (list: boolean) =>
  nfnetlinkBody({
    ...elementCommand,
    errorName: (code) => ipsetErrorName(code, list),
    values: ({
      protocol,
      name,
      element,
      line,
    }: Spoken<Pick<ChangeElement, 'name' | 'element'> & { line?: number }>) => ({
      IPSET_ATTR_PROTOCOL: protocol,
      IPSET_ATTR_SETNAME: name,
      IPSET_ATTR_DATA: encodeElement(element, line),
    }),
    describe: ({ name, element }) => `${name} ${describeElement(element)}`,
  });

const bodyOfListElement = elementBody(true);
const bodyOfHashElement = elementBody(false);

const bodyOf = ({ set }: SetElement) => (set === undefined ? bodyOfHashElement : bodyOfListElement);

const elementsBody = nfnetlinkBody({
  ...elementCommand,
  errorName: (code) => ipsetErrorName(code),
  values: ({
    protocol,
    name,
    elements,
  }: Spoken<{ readonly name: string; readonly elements: readonly SetElement[] }>) => ({
    IPSET_ATTR_PROTOCOL: protocol,
    IPSET_ATTR_SETNAME: name,
    // The kernel answers with the line of an element only where this is there, and no line is 0 (ip_set_core.c call_ad).
    IPSET_ATTR_LINENO: 1,
    IPSET_ATTR_ADT: elements.map((element, index) => encodeElement(element, index + 1)),
  }),
  describe: ({ name, elements }) => `${name} ${elements.length} elements`,
});

/** @param revision Of the set's type. */
export function createRequest(protocol: number, set: SetDefinition, revision: number): Request {
  const flags = NLM_F_CREATE | NLM_F_EXCL;
  return request(typeOf(IPSET_CMD_CREATE), flags, 'ipset create', createBody, { protocol, set, revision });
}

const COMMANDS = {
  destroy: IPSET_CMD_DESTROY,
  flush: IPSET_CMD_FLUSH,
  rename: IPSET_CMD_RENAME,
  swap: IPSET_CMD_SWAP,
  add: IPSET_CMD_ADD,
  delete: IPSET_CMD_DEL,
} as const;

/** The request of a change of a set that stands. */
export function setRequest(protocol: number, change: RemoveSet | ExchangeSets): Request {
  const [type, verb] = [typeOf(COMMANDS[change.action]), `ipset ${change.action}`];
  return change.action === 'rename' || change.action === 'swap'
    ? request(type, 0, verb, exchangeBody, { protocol, ...change })
    : request(type, 0, verb, namedBody, { protocol, ...change });
}

/** Succeeds where the set has the element; IPSET_ERR_EXIST where it has not. */
export function testRequest(protocol: number, name: string, element: SetElement): Request {
  return request(typeOf(IPSET_CMD_TEST), 0, 'ipset test', bodyOf(element), { protocol, name, element });
}

/** The request of one change. */
export function elementRequest(protocol: number, change: ChangeElement): Request {
  const type = typeOf(COMMANDS[change.action]);
  return request(type, flagsOf(change), `ipset ${change.action}`, bodyOf(change.element), {
    protocol,
    ...change,
    line: 0,
  });
}

/** Changes alike (`alike`) in one message. The kernel stops at the first that it refuses: an ElementRefusal says which. */
export function elementsRequest(protocol: number, changes: readonly ChangeElement[]): Request {
  const [first] = changes;
  if (first === undefined) throw new RangeError('no changes to send');
  const { action, name } = first;
  const elements = changes.map(({ element }) => element);
  const object = { protocol, name, elements };
  const whole = request(typeOf(COMMANDS[action]), flagsOf(first), `ipset ${action}`, elementsBody, object);
  return {
    type: whole.type,
    flags: whole.flags,
    encodeBody: (writer) => whole.encodeBody(writer),
    describe: () => whole.describe(),
    refusal(answer) {
      const index = lineOf(answer) - 1;
      const failed = changes[index];
      if (failed === undefined) return whole.refusal(answer);
      return new ElementRefusal(elementRequest(protocol, failed).refusal({ errno: answer.errno, extended: {} }), index);
    },
  };
}

/** The refusal of one element among many. Those behind it were not looked at. */
export class ElementRefusal extends NetlinkError {
  /** Place of the element in its message. */
  readonly index: number;

  constructor(reason: NetlinkError, index: number) {
    super(reason);
    this.index = index;
  }
}

/** Whether two changes fit into one message. */
export function alike(left: ChangeElement, right: ChangeElement): boolean {
  return left.action === right.action && left.name === right.name && left.exclusive === right.exclusive;
}

function typeOf(command: number): number {
  return nfnetlinkType(NFNL_SUBSYS_IPSET, command);
}

function flagsOf({ exclusive = false }: ChangeElement): number {
  return exclusive ? NLM_F_EXCL : 0;
}

/** The kernel repeats the request with the line of the failed element written into it; 0 where it names none. */
function lineOf({ repeated }: Acknowledgement): number {
  if (repeated === undefined) return 0;
  const body: Reader = repeated.window(repeated.remaining);
  skipNfnetlinkHeader(body);
  return elementCommandAttributes.decode(body).IPSET_ATTR_LINENO ?? 0;
}
