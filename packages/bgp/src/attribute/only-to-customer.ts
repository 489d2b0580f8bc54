/**
 * OTC, RFC 9234 §5: the AS that sent the route down or sideways first. Besides the attribute, the two decisions that
 * keep routes from leaking, as functions of values; a speaker asks them where it imports and exports.
 */

import type { Role } from '../capability/role.ts';
import { attributeType } from '../iana.ts';
import { type AttributeDescriptor, category } from './descriptor.ts';

export const onlyToCustomer: AttributeDescriptor<'onlyToCustomer', number> = {
  type: attributeType.onlyToCustomer,
  name: 'onlyToCustomer',
  title: 'OTC',
  category: category.optionalTransitive,
  malformed: 'treat-as-withdraw',
  decode(reader) {
    const value = reader.u32();
    reader.end();
    return value;
  },
  encode(writer, value) {
    writer.u32(value);
  },
  plain: (value) => value,
};

/** What becomes of a route: its OTC from now on (undefined for none), or that it is a leak. */
export type OtcVerdict = { readonly leak: true } | { readonly leak: false; readonly otc: number | undefined };

const leak: OtcVerdict = { leak: true };

/**
 * RFC 9234 §5, ingress: a leak is not eligible. `role` is ours towards the peer. Only for eBGP and unicast; without a role
 * nothing is asked.
 */
export function importOtc(otc: number | undefined, role: Role, peerAsn: number): OtcVerdict {
  const peerIsBelow = role === 'provider' || role === 'rs';
  if (otc === undefined) return { leak: false, otc: peerIsBelow ? undefined : peerAsn };
  if (peerIsBelow || (role === 'peer' && otc !== peerAsn)) return leak;
  return { leak: false, otc };
}

/** RFC 9234 §5, egress: a leak is not sent. `role` is ours towards the peer the route would go to. */
export function exportOtc(otc: number | undefined, role: Role, localAsn: number): OtcVerdict {
  const goesDown = role === 'provider' || role === 'rs';
  if (otc === undefined) return { leak: false, otc: goesDown || role === 'peer' ? localAsn : undefined };
  return goesDown ? { leak: false, otc } : leak;
}
