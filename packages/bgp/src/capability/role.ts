/** BGP Role, RFC 9234 §4.1, and which roles fit each other (§4.2, table 2). What follows for routes is in `attribute/only-to-customer.ts`. */

import { capabilityCode } from '../iana.ts';
import type { CapabilityDescriptor } from './descriptor.ts';

/** In order of code. */
export const roles = ['provider', 'rs', 'rs-client', 'customer', 'peer'] as const;

/** What the sender is to the other speaker; `rs` is a route server. */
export type Role = (typeof roles)[number];

/** The role that the other side of a session must have. */
export const counterpartOf: Readonly<Record<Role, Role>> = {
  provider: 'customer',
  customer: 'provider',
  rs: 'rs-client',
  'rs-client': 'rs',
  peer: 'peer',
};

export interface RoleCapability {
  readonly kind: 'role';
  /** A number where the code is not assigned. */
  readonly role: Role | number;
}

export const role: CapabilityDescriptor<RoleCapability> = {
  code: capabilityCode.role,
  kind: 'role',
  decode(reader) {
    const code = reader.u8();
    reader.end();
    return { kind: 'role', role: roles[code] ?? code };
  },
  encode(writer, capability) {
    writer.u8(typeof capability.role === 'number' ? capability.role : roles.indexOf(capability.role));
  },
};
