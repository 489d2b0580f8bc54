/** Messages as people read them: addresses, prefixes, families and code points by name. Made for JSON and for text. */

import { formatAddress, formatIpv4, formatPrefix } from '../address.ts';
import { plainAttributes } from '../attribute/plain.ts';
import type { Capability } from '../capability/registry.ts';
import type { FamilyKey } from '../family/model.ts';
import { ipv4Unicast, nameOfFamily } from '../family/registry.ts';
import { describeNotification, nameOf, routeRefreshSubtype } from '../iana.ts';
import type { Plain } from '../wire/plain.ts';
import { hexOf } from '../wire/text.ts';
import type { Message, Nlri, UpdateMessage } from './model.ts';
import { shutdownText } from './notification.ts';

export function plainMessage(message: Message): { readonly kind: Message['kind'] } & Record<string, Plain> {
  const { kind } = message;
  switch (kind) {
    case 'open': {
      const { version, myAs, holdTimeSeconds, identifier, capabilities, otherParameters = [] } = message;
      return {
        kind,
        version,
        myAs,
        holdTimeSeconds,
        identifier: formatIpv4(identifier),
        capabilities: capabilities.map(plainCapability),
        ...(otherParameters.length === 0
          ? {}
          : { otherParameters: otherParameters.map(({ type, value }) => ({ type, value: hexOf(value) })) }),
      };
    }
    case 'update':
      return { kind, ...plainUpdate(message) };
    case 'notification': {
      const { code, subcode, data } = message;
      const text = shutdownText(message);
      return {
        kind,
        code,
        subcode,
        meaning: describeNotification(code, subcode),
        ...(data.length === 0 ? {} : { data: hexOf(data) }),
        ...(text === undefined ? {} : { text }),
      };
    }
    case 'keepalive':
      return { kind };
    case 'route-refresh': {
      const { family, subtype, data } = message;
      return {
        kind,
        family: nameOfFamily(family),
        subtype: nameOf(routeRefreshSubtype, subtype),
        ...(data === undefined ? {} : { data: hexOf(data) }),
      };
    }
  }
}

function plainUpdate(message: UpdateMessage): Record<string, Plain> {
  const { withdrawn, attributes, nlri, mpReach, mpUnreach } = message;
  const endOfRib = endOfRibOf(message);
  if (endOfRib !== undefined) return { endOfRib: nameOfFamily(endOfRib) };
  const plain = plainAttributes(attributes);
  return {
    ...(withdrawn.length === 0 ? {} : { withdrawn: plainNlri(withdrawn) }),
    ...(mpUnreach === undefined
      ? {}
      : { mpUnreach: { family: nameOfFamily(mpUnreach.family), nlri: plainNlri(mpUnreach.nlri) } }),
    ...(Object.keys(plain).length === 0 ? {} : { attributes: plain }),
    ...(mpReach === undefined
      ? {}
      : {
          mpReach: {
            family: nameOfFamily(mpReach.family),
            nextHop: plainNextHop(mpReach.nextHop),
            nlri: plainNlri(mpReach.nlri),
          },
        }),
    ...(nlri.length === 0 ? {} : { nlri: plainNlri(nlri) }),
  };
}

/** RFC 4724 §2. */
function endOfRibOf({ withdrawn, attributes, nlri, mpReach, mpUnreach }: UpdateMessage): FamilyKey | undefined {
  if (withdrawn.length > 0 || nlri.length > 0 || mpReach !== undefined) return undefined;
  if (Object.keys(attributes).length > 0) return undefined;
  if (mpUnreach === undefined) return ipv4Unicast.key;
  const { family, nlri: gone } = mpUnreach;
  return ('raw' in gone ? gone.raw : gone).length === 0 ? family : undefined;
}

/** Text for each prefix, with its path identifier in an object; hex for what has no decoder. */
function plainNlri(nlri: Nlri): Plain {
  if ('raw' in nlri) return hexOf(nlri.raw);
  return nlri.map((prefix) => {
    const text = formatPrefix(prefix);
    return prefix.pathId === undefined ? text : { prefix: text, pathId: prefix.pathId };
  });
}

/** RFC 2545 §3: a global address, and a link-local one behind it; hex for the next hop of a family without a decoder. */
export function plainNextHop(bytes: Uint8Array): Plain {
  if (bytes.length === 32) return [formatAddress(bytes.subarray(0, 16)), formatAddress(bytes.subarray(16))];
  return bytes.length === 4 || bytes.length === 16 ? formatAddress(bytes) : hexOf(bytes);
}

/** All capabilities hold plain values already, but for families and bytes. */
function plainCapability(capability: Capability): Plain {
  const plainValue = (name: string, value: unknown): Plain => {
    if (value instanceof Uint8Array) return hexOf(value);
    if (Array.isArray(value)) return value.map((item) => plainValue(name, item));
    if (typeof value === 'object' && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plainValue(key, item)]));
    }
    if (typeof value === 'number') return name === 'family' ? nameOfFamily(value) : value;
    return typeof value === 'boolean' ? value : String(value);
  };
  return plainValue('', capability);
}
