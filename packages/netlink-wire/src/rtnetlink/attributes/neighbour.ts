/** include/uapi/linux/neighbour.h: the attributes of neighbours that the model knows. */
import { bytes, u16, u32 } from '../../attribute/kind.ts';
import { AttributeSpace, attribute } from '../../attribute/space.ts';

export const neighbourAttributes = new AttributeSpace('NDA_', {
  NDA_DST: attribute(1, bytes),
  NDA_LLADDR: attribute(2, bytes),
  NDA_VLAN: attribute(5, u16),
  NDA_MASTER: attribute(9, u32),
});
