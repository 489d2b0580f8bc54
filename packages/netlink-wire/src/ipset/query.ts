/** What a client asks of the kernel's sets and how the answers are read. */
import { AF_INET, AF_UNSPEC } from '../constants/address.ts';
import {
  IPSET_CMD_LIST,
  IPSET_CMD_PROTOCOL,
  IPSET_CMD_TYPE,
  IPSET_FLAG_LIST_HEADER,
  ipsetErrorName,
} from '../constants/ipset.ts';
import { NFNL_SUBSYS_IPSET } from '../constants/nfnetlink.ts';
import { WireError } from '../errors.ts';
import { type Request, request } from '../message/request.ts';
import { nfnetlinkBody, nfnetlinkType, skipNfnetlinkHeader } from '../nfnetlink/message.ts';
import type { Reader } from '../wire/reader.ts';
import { setCommandAttributes } from './attributes.ts';
import { decodeElement } from './element.ts';
import type { ListedSet, SetElement, SetHeader, SetType } from './model.ts';

/** Versions of the protocol that the kernel speaks. */
export interface ProtocolVersions {
  readonly version: number;
  readonly minimum: number;
}

interface Query {
  readonly protocol: number;
  readonly set?: string | undefined;
  readonly headersOnly?: boolean;
  readonly type?: string;
  readonly family?: number;
}

const queryBody = nfnetlinkBody({
  attributes: setCommandAttributes,
  family: () => AF_INET,
  errorName: (code) => ipsetErrorName(code),
  values: ({ protocol, set, headersOnly = false, type, family }: Query) => ({
    IPSET_ATTR_PROTOCOL: protocol,
    IPSET_ATTR_SETNAME: set,
    IPSET_ATTR_TYPENAME: type,
    IPSET_ATTR_FAMILY: family,
    IPSET_ATTR_FLAGS: headersOnly ? IPSET_FLAG_LIST_HEADER : undefined,
  }),
  describe: ({ set, type }) => set ?? type ?? 'all',
});

function query(command: number, verb: string, object: Query): Request {
  return request(nfnetlinkType(NFNL_SUBSYS_IPSET, command), 0, `ipset ${verb}`, queryBody, object);
}

/** @param protocol The newest that we speak. */
export function protocolRequest(protocol: number): Request {
  return query(IPSET_CMD_PROTOCOL, 'protocol', { protocol });
}

/** @throws WireError */
export function decodeProtocol(body: Reader): ProtocolVersions {
  skipNfnetlinkHeader(body);
  const values = setCommandAttributes.decode(body);
  const version = values.IPSET_ATTR_PROTOCOL;
  if (version === undefined) throw new WireError('value', 'a reply without IPSET_ATTR_PROTOCOL', body.offset);
  return { version, minimum: values.IPSET_ATTR_PROTOCOL_MIN ?? version };
}

export function typeRequest(protocol: number, type: string, family: number): Request {
  return query(IPSET_CMD_TYPE, 'type', { protocol, type, family });
}

/** @throws WireError */
export function decodeType(body: Reader): SetType {
  skipNfnetlinkHeader(body);
  const values = setCommandAttributes.decode(body);
  const revision = values.IPSET_ATTR_REVISION;
  if (revision === undefined) throw new WireError('value', 'a type without IPSET_ATTR_REVISION', body.offset);
  return {
    type: values.IPSET_ATTR_TYPENAME ?? '',
    family: values.IPSET_ATTR_FAMILY ?? AF_UNSPEC,
    revision,
    minimumRevision: values.IPSET_ATTR_PROTOCOL_MIN ?? revision,
  };
}

/** For a dump of one set, or of all. */
export function listRequest(protocol: number, set: string | undefined, headersOnly: boolean): Request {
  return query(IPSET_CMD_LIST, headersOnly ? 'headers' : 'list', { protocol, set, headersOnly });
}

/** One message of a dump. A set with many elements comes in several, of which only the first has its header. */
export interface ListPart {
  readonly name: string;
  readonly header?: SetHeader;
  readonly elements: readonly SetElement[];
}

/** @throws WireError also when the part has no name. */
export function decodeListPart(body: Reader): ListPart {
  skipNfnetlinkHeader(body);
  const values = setCommandAttributes.decode(body);
  const name = values.IPSET_ATTR_SETNAME;
  if (name === undefined) throw new WireError('value', 'a set without IPSET_ATTR_SETNAME', body.offset);
  const elements = (values.IPSET_ATTR_ADT ?? []).map(decodeElement);
  const type = values.IPSET_ATTR_TYPENAME;
  if (type === undefined) return { name, elements };
  const data = values.IPSET_ATTR_DATA ?? {};
  const header: SetHeader = {
    name,
    type,
    family: values.IPSET_ATTR_FAMILY ?? AF_UNSPEC,
    revision: values.IPSET_ATTR_REVISION ?? 0,
    ...(data.IPSET_ATTR_HASHSIZE !== undefined && { hashSize: data.IPSET_ATTR_HASHSIZE }),
    ...(data.IPSET_ATTR_MAXELEM !== undefined && { maxElements: data.IPSET_ATTR_MAXELEM }),
    ...(data.IPSET_ATTR_TIMEOUT !== undefined && { timeout: data.IPSET_ATTR_TIMEOUT }),
    ...(data.IPSET_ATTR_NETMASK !== undefined && { netmask: data.IPSET_ATTR_NETMASK }),
    ...(data.IPSET_ATTR_MARKMASK !== undefined && { markMask: data.IPSET_ATTR_MARKMASK }),
    ...(data.IPSET_ATTR_BUCKETSIZE !== undefined && { bucketSize: data.IPSET_ATTR_BUCKETSIZE }),
    ...(data.IPSET_ATTR_SIZE !== undefined && { size: data.IPSET_ATTR_SIZE }),
    flags: data.IPSET_ATTR_CADT_FLAGS ?? 0,
    elementCount: data.IPSET_ATTR_ELEMENTS ?? 0,
    references: data.IPSET_ATTR_REFERENCES ?? 0,
    memoryBytes: data.IPSET_ATTR_MEMSIZE ?? 0,
  };
  return { name, header, elements };
}

/** The sets that the parts of a dump make, in their order. */
export function joinParts(parts: readonly ListPart[]): ListedSet[] {
  const sets: (SetHeader & { readonly elements: SetElement[] })[] = [];
  for (const { header, elements } of parts) {
    if (header !== undefined) sets.push({ ...header, elements: [...elements] });
    else for (const element of elements) sets.at(-1)?.elements.push(element);
  }
  return sets;
}
