/** What the controller of generic netlink tells of a family (include/uapi/linux/genetlink.h CTRL_CMD_*). */
import { string, u16, u32 } from '../attribute/kind.ts';
import { AttributeSpace, attribute } from '../attribute/space.ts';
import { CTRL_CMD_GETFAMILY, CTRL_CMD_NEWFAMILY } from '../constants/genetlink.ts';
import { WireError } from '../errors.ts';
import type { Reader } from '../wire/reader.ts';
import { genericBody, skipGenericHeader } from './message.ts';

/** A family of generic netlink. */
export interface GenericFamily {
  /** nlmsg_type of its messages, given out when its module was loaded. */
  readonly id: number;
  readonly name: string;
  readonly version: number;
}

const controllerAttributes = new AttributeSpace('CTRL_ATTR_', {
  CTRL_ATTR_FAMILY_ID: attribute(1, u16),
  CTRL_ATTR_FAMILY_NAME: attribute(2, string),
  CTRL_ATTR_VERSION: attribute(3, u32),
});

/** CTRL_CMD_GETFAMILY by name. The kernel loads the family's module if it can. */
export const familyLookup = genericBody({
  command: CTRL_CMD_GETFAMILY,
  version: 1,
  attributes: controllerAttributes,
  values: (name: string) => ({ CTRL_ATTR_FAMILY_NAME: name }),
  describe: (name) => name,
});

/** The reply in the kernel's own form. */
export const familyBody = genericBody({
  command: CTRL_CMD_NEWFAMILY,
  version: 2,
  attributes: controllerAttributes,
  values: ({ id, name, version }: GenericFamily) => ({
    CTRL_ATTR_FAMILY_NAME: name,
    CTRL_ATTR_FAMILY_ID: id,
    CTRL_ATTR_VERSION: version,
  }),
  describe: ({ name }) => name,
});

/** The name that a lookup asks for. @throws WireError */
export function decodeFamilyLookup(body: Reader): string {
  skipGenericHeader(body);
  return controllerAttributes.decode(body).CTRL_ATTR_FAMILY_NAME ?? '';
}

/** @throws WireError also when the reply has no id. */
export function decodeFamily(body: Reader): GenericFamily {
  skipGenericHeader(body);
  const values = controllerAttributes.decode(body);
  const id = values.CTRL_ATTR_FAMILY_ID;
  if (id === undefined) throw new WireError('value', 'a family without CTRL_ATTR_FAMILY_ID', body.offset);
  return { id, name: values.CTRL_ATTR_FAMILY_NAME ?? '', version: values.CTRL_ATTR_VERSION ?? 0 };
}
