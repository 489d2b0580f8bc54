/** include/uapi/linux/if_link.h: the attributes of interfaces that the model knows. */
import { bytes, string, text, u8, u32 } from '../../attribute/kind.ts';
import { AttributeSpace, attribute, nested } from '../../attribute/space.ts';

export const linkInfoAttributes = new AttributeSpace('IFLA_INFO_', {
  IFLA_INFO_KIND: attribute(1, text),
});

export const linkAttributes = new AttributeSpace('IFLA_', {
  IFLA_ADDRESS: attribute(1, bytes),
  IFLA_IFNAME: attribute(3, string),
  IFLA_MTU: attribute(4, u32),
  IFLA_LINK: attribute(5, u32),
  IFLA_MASTER: attribute(10, u32),
  IFLA_OPERSTATE: attribute(16, u8),
  IFLA_LINKINFO: attribute(18, nested(linkInfoAttributes)),
  IFLA_EXT_MASK: attribute(29, u32),
});
