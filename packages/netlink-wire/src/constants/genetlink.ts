/** include/uapi/linux/genetlink.h and fou.h: the families of generic netlink that clients here speak. */

/** GENL_ID_CTRL: the family that tells of the others. */
export const GENL_ID_CTRL = 0x10;

export const CTRL_CMD_NEWFAMILY = 1;
export const CTRL_CMD_GETFAMILY = 3;

export const FOU_GENL_NAME = 'fou';
export const FOU_GENL_VERSION = 1;

export const FOU_CMD_ADD = 1;
export const FOU_CMD_DEL = 2;
export const FOU_CMD_GET = 3;

/** The payload of a datagram is a packet of one protocol. */
export const FOU_ENCAP_DIRECT = 1;
/** The payload begins with a GUE header, which says what follows. */
export const FOU_ENCAP_GUE = 2;
