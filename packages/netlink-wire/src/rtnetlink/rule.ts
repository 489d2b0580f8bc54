/** Routing policy rules: struct fib_rule_hdr and FRA_* (include/uapi/linux/fib_rules.h). */
import { RT_TABLE_UNSPEC } from '../constants/rtnetlink.ts';
import type { BodyEncoder } from '../message/request.ts';
import { formatAddress } from '../wire/address-text.ts';
import type { Reader } from '../wire/reader.ts';
import { ruleAttributes } from './attributes/rule.ts';
import type { Rule } from './model.ts';

/** sizeof(struct fib_rule_hdr) */
const FIB_RULE_HDR_BYTES = 12;

/** "-1" in FRA_SUPPRESS_PREFIXLEN: nothing is suppressed. */
const SUPPRESS_NONE = 0xffffffff;

/** @throws WireError */
export function decodeRule(body: Reader): Rule {
  const family = body.u8();
  const destinationLength = body.u8();
  const sourceLength = body.u8();
  const tos = body.u8();
  const shortTable = body.u8();
  body.skip(2); // res1, res2
  const action = body.u8();
  const flags = body.u32();
  const values = ruleAttributes.decode(body);
  const suppress = values.FRA_SUPPRESS_PREFIXLEN;
  return {
    family,
    ...(values.FRA_DST !== undefined && { destination: values.FRA_DST }),
    destinationLength,
    ...(values.FRA_SRC !== undefined && { source: values.FRA_SRC }),
    sourceLength,
    tos,
    table: values.FRA_TABLE ?? shortTable,
    action,
    flags,
    ...(values.FRA_PRIORITY !== undefined && { priority: values.FRA_PRIORITY }),
    ...(values.FRA_FWMARK !== undefined && { mark: values.FRA_FWMARK }),
    ...(values.FRA_FWMASK !== undefined && { markMask: values.FRA_FWMASK }),
    ...(values.FRA_IIFNAME !== undefined && { inputInterface: values.FRA_IIFNAME }),
    ...(values.FRA_OIFNAME !== undefined && { outputInterface: values.FRA_OIFNAME }),
    ...(values.FRA_GOTO !== undefined && { goto: values.FRA_GOTO }),
    ...(suppress !== undefined && suppress !== SUPPRESS_NONE && { suppressPrefixLength: suppress }),
    ...(values.FRA_PROTOCOL !== undefined && { protocol: values.FRA_PROTOCOL }),
    ...(values.FRA_IP_PROTO !== undefined && { ipProtocol: values.FRA_IP_PROTO }),
    ...(values.FRA_SPORT_RANGE !== undefined && { sourcePorts: values.FRA_SPORT_RANGE }),
    ...(values.FRA_DPORT_RANGE !== undefined && { destinationPorts: values.FRA_DPORT_RANGE }),
  };
}

/** RTM_NEWRULE and RTM_DELRULE. */
export const ruleBody: BodyEncoder<Rule> = {
  headerBytes: FIB_RULE_HDR_BYTES,
  attributes: ruleAttributes,
  encode(writer, rule) {
    writer.u8(rule.family);
    writer.u8(rule.destinationLength);
    writer.u8(rule.sourceLength);
    writer.u8(rule.tos);
    writer.u8(rule.table > 0xff ? RT_TABLE_UNSPEC : rule.table);
    writer.zero(2);
    writer.u8(rule.action);
    writer.u32(rule.flags);
    ruleAttributes.encode(writer, {
      FRA_PRIORITY: rule.priority,
      FRA_SRC: rule.source,
      FRA_DST: rule.destination,
      FRA_FWMARK: rule.mark,
      FRA_FWMASK: rule.markMask,
      FRA_IIFNAME: rule.inputInterface,
      FRA_OIFNAME: rule.outputInterface,
      FRA_IP_PROTO: rule.ipProtocol,
      FRA_SPORT_RANGE: rule.sourcePorts,
      FRA_DPORT_RANGE: rule.destinationPorts,
      FRA_TABLE: rule.table > 0xff ? rule.table : undefined,
      FRA_SUPPRESS_PREFIXLEN: rule.suppressPrefixLength,
      FRA_GOTO: rule.goto,
      FRA_PROTOCOL: rule.protocol,
    });
  },
  describe(rule) {
    const source = rule.source === undefined ? 'all' : `${formatAddress(rule.source)}/${rule.sourceLength}`;
    const parts = [`pref ${rule.priority ?? 0} from ${source}`];
    if (rule.destination !== undefined) parts.push(`to ${formatAddress(rule.destination)}/${rule.destinationLength}`);
    if (rule.mark !== undefined) parts.push(`fwmark 0x${rule.mark.toString(16)}`);
    if (rule.inputInterface !== undefined) parts.push(`iif ${rule.inputInterface}`);
    if (rule.outputInterface !== undefined) parts.push(`oif ${rule.outputInterface}`);
    parts.push(rule.table === 0 ? `action ${rule.action}` : `lookup ${rule.table}`);
    return parts.join(' ');
  },
};

/** RTM_GETRULE for all rules of a family. */
export const ruleDump: BodyEncoder<number> = {
  headerBytes: FIB_RULE_HDR_BYTES,
  attributes: ruleAttributes,
  encode(writer, family) {
    writer.u8(family);
    writer.zero(FIB_RULE_HDR_BYTES - 1);
  },
  describe: () => 'rules',
};
