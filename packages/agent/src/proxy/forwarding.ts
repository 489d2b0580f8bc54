/**
 * What the kernel needs beside IPVS: sysctls, the sets of service addresses and the rules that masquerade, turn hairpins and
 * guard service addresses, with the names and the text of the original so that a node that ran it keeps its own.
 */
import type { IpFamily, Prefix } from '../annotations/prefix.ts';
import type { Protocol } from '../cluster/model.ts';
import { acceptCommonIcmp } from '../kernel/icmp-rules.ts';
import type { SetGoal } from '../kernel/ipset-plan.ts';
import { commentOf, jumpTarget, type Rule } from '../kernel/rule.ts';
import type { OwnChain, RuleClaim, RuleGoal, SharedRule } from '../kernel/rule-plan.ts';
import type { Sysctl } from '../kernel/sysctl.ts';
import { BRIDGE } from '../router/bridge.ts';
import { setName } from '../router/forwarding.ts';
import { DUMMY } from './held-addresses.ts';
import type { VirtualService } from './model.ts';

export const LOCAL_IPS = 'kube-router-local-ips';
export const SERVICE_IPS = 'kube-router-svip';
export const SERVICE_PORTS = 'kube-router-svip-prt';
/** Own: places that let in some clients alone, and those clients. */
export const GUARDED = 'kube-router-lb-guard';
export const GUARD_SOURCES = 'kube-router-lb-src';

const SERVICES_CHAIN = 'KUBE-ROUTER-SERVICES';
const HAIRPIN_CHAIN = 'KUBE-ROUTER-HAIRPIN';
const TO_SERVICES = 'handle traffic to IPVS service IPs in custom chain';
const GUARD = 'clients outside of loadBalancerSourceRanges';

export interface SetInput {
  readonly family: IpFamily;
  readonly entries: Iterable<VirtualService>;
  /** The node's own, kube-dummy-if aside. */
  readonly localIps: readonly string[];
  readonly permitAll: boolean;
}

/** V-40, and the sets of the guard while some place has one. */
export function planServiceSets({ family, entries, localIps, permitAll }: SetInput): SetGoal[] {
  const [ips, ports, guarded, sources] = [new Set<string>(), new Set<string>(), new Set<string>(), new Set<string>()];
  for (const { address, protocol, port, sourceRanges } of entries) {
    if (address.family !== family) continue;
    const place = `${address.text},${protocolWord(protocol)}:${port}`;
    ips.add(address.text);
    ports.add(place);
    if (isGuarded(sourceRanges)) {
      guarded.add(place);
      for (const range of sourceRanges) if (familyOf(range) === family) sources.add(`${place},${range}`);
    }
  }
  const kernelFamily = family === 4 ? 'inet' : 'inet6';
  const set = (name: string, type: SetGoal['type'], elements: Iterable<string>): SetGoal => ({
    name: setName(name, family),
    type,
    family: kernelFamily,
    elements: [...elements],
  });
  return [
    ...(permitAll
      ? [
          set(LOCAL_IPS, 'hash:ip', localIps),
          // A place is allowed before its address is closed to the rest.
          set(SERVICE_PORTS, 'hash:ip,port', ports),
          set(SERVICE_IPS, 'hash:ip', ips),
        ]
      : []),
    ...(guarded.size > 0
      ? [set(GUARD_SOURCES, 'hash:ip,port,net', sources), set(GUARDED, 'hash:ip,port', guarded)]
      : []),
  ];
}

/** A range of length 0 lets everybody of its family in, and a set cannot hold it. */
function isGuarded(ranges: readonly string[] | undefined): ranges is readonly string[] {
  return ranges !== undefined && !ranges.some((range) => range.endsWith('/0'));
}

function familyOf(text: string): IpFamily {
  return text.includes(':') ? 6 : 4;
}

function protocolWord(protocol: Protocol): string {
  return protocol.toLowerCase();
}

export interface ProxyRuleInput {
  readonly family: IpFamily;
  /** The node's address of the family. */
  readonly source: string;
  readonly podCidrs: readonly Prefix[];
  readonly masqueradeAll: boolean;
  readonly permitAll: boolean;
  readonly randomFully: boolean;
  readonly entries: Iterable<VirtualService>;
}

export function planProxyRules(input: ProxyRuleInput): RuleGoal {
  const { family, permitAll } = input;
  const entries = [...input.entries].filter(({ address }) => address.family === family);
  const hairpins = entries.filter(({ hairpin }) => hairpin).flatMap(hairpinRules);
  const guarded = entries.some(({ sourceRanges }) => isGuarded(sourceRanges));
  const shared: SharedRule[] = [];
  const chains: OwnChain[] = [];
  if (guarded) shared.push({ table: 'filter', chain: 'INPUT', place: 'head', rule: guardRule(family) });
  if (permitAll) {
    shared.push({ table: 'filter', chain: 'INPUT', place: 'head', rule: toServices(family) });
    chains.push({ table: 'filter', chain: SERVICES_CHAIN, rules: serviceRules(family) });
  }
  if (hairpins.length > 0) {
    const jump: Rule = ['-m', 'ipvs', '--vdir', 'ORIGINAL', '-j', HAIRPIN_CHAIN];
    shared.push({ table: 'nat', chain: 'POSTROUTING', place: 'head', rule: jump });
    chains.push({ table: 'nat', chain: HAIRPIN_CHAIN, rules: hairpins });
  }
  for (const rule of masqueradeRules(input)) shared.push({ table: 'nat', chain: 'POSTROUTING', place: 'tail', rule });
  return { shared, chains };
}

/** What is known again as ours: the forms of earlier versions too (V-21). */
export const proxyClaim: RuleClaim = {
  tables: ['filter', 'nat'],
  rule: (rule, table, chain) => {
    if (table === 'filter' && chain === 'INPUT') {
      return jumpTarget(rule) === SERVICES_CHAIN || [TO_SERVICES, GUARD].includes(commentOf(rule) ?? '');
    }
    if (table !== 'nat' || chain !== 'POSTROUTING') return false;
    const target = jumpTarget(rule);
    if (target === HAIRPIN_CHAIN) return true;
    return rule.includes('ipvs') && rule.includes('--vmethod') && (target === 'SNAT' || target === 'MASQUERADE');
  },
  chain: (chain) => chain === SERVICES_CHAIN || chain === HAIRPIN_CHAIN,
};

/** V-20, V-21. */
function masqueradeRules({ podCidrs, masqueradeAll, source, randomFully, family }: ProxyRuleInput): Rule[] {
  const rule = (outside: Rule): Rule => [
    ...outside,
    ...['-m', 'ipvs', '--vdir', 'ORIGINAL', '--vmethod', 'MASQ', '-m', 'comment', '--comment', ''],
    ...['-j', 'SNAT', '--to-source', source],
    ...(randomFully ? ['--random-fully'] : []),
  ];
  if (masqueradeAll) return [rule([])];
  return podCidrs.filter((cidr) => cidr.family === family).map(({ text }) => rule(['!', '-s', text, '!', '-d', text]));
}

/** V-31; a client can only be its own server on its own node. */
function hairpinRules({ address, port, backends }: VirtualService): Rule[] {
  const length = address.family === 4 ? 32 : 128;
  return backends
    .filter(({ local }) => local)
    .map(({ address: { text } }) => [
      ...['-s', `${text}/${length}`, '-d', `${text}/${length}`],
      ...['-m', 'ipvs', '--vaddr', address.text, '--vport', String(port)],
      ...['-j', 'SNAT', '--to-source', address.text],
    ]);
}

function toServices(family: IpFamily): Rule {
  return [
    ...['-m', 'comment', '--comment', TO_SERVICES],
    ...['-m', 'set', '--match-set', setName(SERVICE_IPS, family), 'dst'],
    ...['-j', SERVICES_CHAIN],
  ];
}

function guardRule(family: IpFamily): Rule {
  return [
    ...['-m', 'comment', '--comment', GUARD],
    ...['-m', 'set', '--match-set', setName(GUARDED, family), 'dst,dst'],
    ...['-m', 'set', '!', '--match-set', setName(GUARD_SOURCES, family), 'dst,dst,src'],
    ...['-j', 'DROP'],
  ];
}

/** V-42. */
function serviceRules(family: IpFamily): Rule[] {
  const reject = family === 4 ? 'icmp-port-unreachable' : 'icmp6-port-unreachable';
  const comment = (text: string): Rule => ['-m', 'comment', '--comment', text];
  return [
    ...acceptCommonIcmp(family),
    [
      ...comment('allow input traffic to ipvs services'),
      ...['-m', 'set', '--match-set', setName(SERVICE_PORTS, family), 'dst,dst', '-j', 'ACCEPT'],
    ],
    [
      ...comment('reject all unexpected traffic to service IPs'),
      ...['-m', 'set', '!', '--match-set', setName(LOCAL_IPS, family), 'dst'],
      ...['-j', 'REJECT', '--reject-with', reject],
    ],
  ];
}

/** K-7. `rpFilters`: the present values, by interface; a strict one is made loose, one that is off is left alone. */
export function planProxySysctls(nodeInterface: string | undefined, rpFilters: ReadonlyMap<string, string>): Sysctl[] {
  return [
    { key: 'net/ipv4/vs/conntrack', value: '1' },
    { key: 'net/ipv4/vs/expire_nodest_conn', value: '1' },
    { key: 'net/ipv4/vs/expire_quiescent_template', value: '1' },
    { key: 'net/ipv4/vs/conn_reuse_mode', value: '0' },
    { key: 'net/ipv4/vs/sloppy_tcp', value: '0' },
    { key: 'net/ipv4/conf/all/arp_ignore', value: '1' },
    { key: 'net/ipv4/conf/all/arp_announce', value: '2' },
    ...rpFilterInterfaces(nodeInterface)
      .filter((name) => rpFilters.get(name)?.trim() === '1')
      .map((name) => ({ key: rpFilterKey(name), value: '2' })),
  ];
}

export function rpFilterInterfaces(nodeInterface: string | undefined): string[] {
  return ['all', BRIDGE, DUMMY, ...(nodeInterface === undefined ? [] : [nodeInterface])];
}

export function rpFilterKey(name: string): string {
  return `net/ipv4/conf/${name}/rp_filter`;
}
