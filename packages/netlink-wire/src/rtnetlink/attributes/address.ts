/** include/uapi/linux/if_addr.h: the attributes of addresses that the model knows. */
import { bytes, string, u32 } from '../../attribute/kind.ts';
import { AttributeSpace, attribute } from '../../attribute/space.ts';

export const addressAttributes = new AttributeSpace('IFA_', {
  IFA_ADDRESS: attribute(1, bytes),
  IFA_LOCAL: attribute(2, bytes),
  IFA_LABEL: attribute(3, string),
  IFA_BROADCAST: attribute(4, bytes),
  IFA_FLAGS: attribute(8, u32),
});
