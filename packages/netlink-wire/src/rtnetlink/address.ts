/** Addresses of interfaces: struct ifaddrmsg and IFA_* (include/uapi/linux/if_addr.h). */
import { AF_INET } from '../constants/address.ts';
import { WireError } from '../errors.ts';
import type { BodyEncoder } from '../message/request.ts';
import { formatAddress } from '../wire/address-text.ts';
import { sameBytes } from '../wire/bytes.ts';
import type { Reader } from '../wire/reader.ts';
import { addressAttributes } from './attributes/address.ts';
import type { Address } from './model.ts';

/** sizeof(struct ifaddrmsg) */
const IFADDRMSG_BYTES = 8;

/** @throws WireError also when there is neither IFA_LOCAL nor IFA_ADDRESS. */
export function decodeAddress(body: Reader): Address {
  const family = body.u8();
  const prefixLength = body.u8();
  const shortFlags = body.u8();
  const scope = body.u8();
  const index = body.u32();
  const values = addressAttributes.decode(body);
  const local = values.IFA_LOCAL ?? values.IFA_ADDRESS;
  if (local === undefined) throw new WireError('value', 'an address without IFA_LOCAL and IFA_ADDRESS', body.offset);
  const peer = values.IFA_ADDRESS;
  return {
    family,
    index,
    prefixLength,
    scope,
    // "IFA_FLAGS is a u32 attribute that extends the u8 field ifa_flags."
    flags: values.IFA_FLAGS ?? shortFlags,
    local,
    ...(peer !== undefined && !sameBytes(peer, local) && { address: peer }),
    ...(values.IFA_LABEL !== undefined && { label: values.IFA_LABEL }),
    ...(values.IFA_BROADCAST !== undefined && { broadcast: values.IFA_BROADCAST }),
  };
}

/** RTM_NEWADDR and RTM_DELADDR. */
export const addressBody: BodyEncoder<Address> = {
  headerBytes: IFADDRMSG_BYTES,
  attributes: addressAttributes,
  encode(writer, address) {
    writer.u8(address.family);
    writer.u8(address.prefixLength);
    writer.u8(address.flags > 0xff ? 0 : address.flags);
    writer.u8(address.scope);
    writer.u32(address.index);
    addressAttributes.encode(writer, {
      IFA_LOCAL: address.local,
      IFA_BROADCAST: address.broadcast,
      // An IPv6 address has no label: inet6_rtm_newaddr's policy does not know it.
      IFA_LABEL: address.family === AF_INET ? address.label : undefined,
      IFA_FLAGS: address.flags > 0xff ? address.flags : undefined,
      IFA_ADDRESS: address.address ?? address.local,
    });
  },
  describe(address) {
    const peer = address.address === undefined ? '' : ` peer ${formatAddress(address.address)}`;
    return `${formatAddress(address.local)}${peer}/${address.prefixLength} dev ${address.index}`;
  },
};

/** RTM_GETADDR for all addresses of a family. */
export const addressDump: BodyEncoder<number> = {
  headerBytes: IFADDRMSG_BYTES,
  attributes: addressAttributes,
  encode(writer, family) {
    writer.u8(family);
    writer.zero(IFADDRMSG_BYTES - 1);
  },
  describe: () => 'addresses',
};
