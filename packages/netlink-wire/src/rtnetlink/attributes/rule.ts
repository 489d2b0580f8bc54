/** include/uapi/linux/fib_rules.h: the attributes of rules that the model knows. */
import { type AttributeKind, bytes, string, u8, u32 } from '../../attribute/kind.ts';
import { AttributeSpace, attribute } from '../../attribute/space.ts';
import type { PortRange } from '../model.ts';

/** struct fib_rule_port_range: two ports in host byte order. */
const portRange: AttributeKind<PortRange> = {
  decode: (payload) => ({ start: payload.u16(), end: payload.u16() }),
  encode(writer, range) {
    writer.u16(range.start);
    writer.u16(range.end);
  },
};

export const ruleAttributes = new AttributeSpace('FRA_', {
  FRA_DST: attribute(1, bytes),
  FRA_SRC: attribute(2, bytes),
  FRA_IIFNAME: attribute(3, string),
  FRA_GOTO: attribute(4, u32),
  FRA_PRIORITY: attribute(6, u32),
  FRA_FWMARK: attribute(10, u32),
  FRA_SUPPRESS_PREFIXLEN: attribute(14, u32),
  FRA_TABLE: attribute(15, u32),
  FRA_FWMASK: attribute(16, u32),
  FRA_OIFNAME: attribute(17, string),
  FRA_PROTOCOL: attribute(21, u8),
  FRA_IP_PROTO: attribute(22, u8),
  FRA_SPORT_RANGE: attribute(23, portRange),
  FRA_DPORT_RANGE: attribute(24, portRange),
});
