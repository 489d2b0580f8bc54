/**
 * The compiled policies as rules and sets of iptables, with the chains, marks and comments of the original (N-30 to N-44,
 * N-80 to N-82). A packet is looked at in the chain of each pod of the node that it comes from or goes to; a policy that
 * lets it pass marks it, and what is not marked at the end of a pod's chain is rejected. Pure.
 */
import { type IpFamily, type Prefix, parseAddress } from '../annotations/prefix.ts';
import { acceptCommonIcmp, matchIcmp } from '../kernel/icmp-rules.ts';
import type { SetGoal } from '../kernel/ipset-plan.ts';
import type { Rule } from '../kernel/rule.ts';
import { commentOf, jumpTarget } from '../kernel/rule.ts';
import type { OwnChain, RuleClaim, SharedRule } from '../kernel/rule-plan.ts';
import type { CompiledMatch, CompiledPolicy, Direction, LocalPod, PortRange, SetId } from './compile/model.ts';
import { directions } from './compile/model.ts';
import {
  chainPrefix,
  type Hook,
  hooks,
  ipsetName,
  LOCAL_PODS,
  logPrefix,
  type Names,
  placedComment,
  ruleComment,
  setPrefix,
  sharedChain,
  topChain,
} from './names.ts';
import type { FirewallSettings } from './settings.ts';

/** A policy lets the packet pass; cleared at the end of a pod's chain. */
const MATCHED = '0x10000/0x10000';
/** All chains of pods that look at the packet let it pass. */
const PASSED = '0x20000/0x20000';

const table = 'filter';

/**
 * N-16. A packet that is routed cannot come in with an address of the node (net/ipv4/fib_frontend.c, a martian source), but
 * one that the bridge passes on can.
 */
const fromNode: Rule = ['-m', 'addrtype', '--src-type', 'LOCAL', '-m', 'physdev', '!', '--physdev-is-bridged'];

/** The rules of the built-in chains, at their very head. */
export function planJumps(): SharedRule[] {
  return hooks.map((chain) => {
    const jump = ['-j', topChain[chain]];
    const words = ['-m', 'comment', '--comment', 'kube-router netpol', ...jump];
    return {
      table,
      chain,
      place: 'first',
      rule: [...comment(placedComment(chain, words, 'kube-router netpol')), ...jump],
    };
  });
}

/** What is known again as the firewall's, also of an earlier life and of the original. */
export const firewallClaim: RuleClaim = {
  tables: [table],
  rule: (rule, _, chain) =>
    (commentOf(rule)?.startsWith('kube-router netpol') ?? false) && jumpTarget(rule) === topChain[chain as Hook],
  chain: (chain) =>
    chain.startsWith(chainPrefix.pod) ||
    chain.startsWith(chainPrefix.policy) ||
    Object.values(topChain).some((name) => name === chain),
};

/** Whether a set was made by a firewall, this one or the original. */
export function isFirewallSet(ipset: string): boolean {
  const name = ipset.replace(/^inet6:/, '');
  return (
    name.startsWith(setPrefix.source) ||
    name.startsWith(setPrefix.destination) ||
    /^kube-router-local-pods-?$/.test(name)
  );
}

/** Chains that stand while there is a firewall, whatever the policies say. */
export function planSharedChains(settings: FirewallSettings, family: IpFamily): OwnChain[] {
  return [
    own(sharedChain.unpoliced, [[...comment('rule to mark traffic matching a network policy'), ...mark(MATCHED)]]),
    own(sharedChain.common, commonRules(family)),
    own(sharedChain.tail, tailRules(settings, family)),
  ];
}

/** The chains that send packets to the chains of pods: they change when a pod comes, goes or has another address. */
export function planTopChains(
  settings: FirewallSettings,
  pods: readonly LocalPod[],
  names: Names,
  family: IpFamily,
): OwnChain[] {
  const jumps: Record<Hook, Rule[]> = { INPUT: serviceRules(settings, family), FORWARD: [], OUTPUT: [] };
  const bridged = ['-m', 'physdev', '--physdev-is-bridged'];
  for (const pod of pods) {
    const jump = ['-j', names.podChain(pod.key)];
    for (const address of addressesOf(pod, family)) {
      const into = ['-d', hostText(address, family)];
      const outOf = ['-s', hostText(address, family)];
      const [incoming, outgoing] = [comment(ruleComment(pod.key, 'in')), comment(ruleComment(pod.key, 'out'))];
      jumps.INPUT.push([...outOf, ...outgoing, ...jump]);
      jumps.FORWARD.push(
        [...into, ...bridged, ...incoming, ...jump],
        [...outOf, ...bridged, ...outgoing, ...jump],
        [...into, ...incoming, ...jump],
        [...outOf, ...outgoing, ...jump],
      );
      jumps.OUTPUT.push([...into, ...incoming, ...jump], [...outOf, ...outgoing, ...jump]);
    }
  }
  const decide: Rule = [
    ...comment('rule to explicitly handle traffic for network policies ACCEPT/REJECT decision'),
    ...['-j', sharedChain.tail],
  ];
  return hooks.map((hook) => own(topChain[hook], [...jumps[hook], decide]));
}

/** The chain of one pod; undefined when it has no address of the family. */
export function planPodChain(pod: LocalPod, names: Names, family: IpFamily): OwnChain | undefined {
  const addresses = addressesOf(pod, family);
  if (addresses.length === 0) return undefined;
  const side = (direction: Direction) => (direction === 'ingress' ? '-d' : '-s');
  const each = (direction: Direction, rest: Rule): Rule[] =>
    addresses.map((address) => [side(direction), hostText(address, family), ...rest]);
  const open = (direction: Direction) =>
    pod[direction].length > 0
      ? []
      : each(direction, [
          ...comment(`run through default ${direction} network policy chain`),
          ...['-j', sharedChain.unpoliced],
        ]);
  const run = (direction: Direction) =>
    pod[direction].flatMap((policy) =>
      each(direction, [
        ...comment(ruleComment(policy, 'policy')),
        ...['-j', names.policyChain(policy, direction, family)],
      ]),
    );
  const unmarked = ['-m', 'mark', '!', '--mark', MATCHED];
  return own(names.podChain(pod.key), [
    ['-j', sharedChain.common],
    ...each('ingress', [
      ...comment("rule to permit the traffic traffic to pods when source is the pod's local node"),
      ...[...fromNode, '-j', 'ACCEPT'],
    ]),
    ...open('egress'),
    ...open('ingress'),
    ...run('ingress'),
    ...run('egress'),
    [
      ...comment(ruleComment(pod.key, 'log-drop')),
      ...unmarked,
      ...['-m', 'limit', '--limit', '10/min', '--limit-burst', '10'],
      ...['-j', 'NFLOG', '--nflog-prefix', logPrefix(`pod ${pod.key}`), '--nflog-group', '100'],
    ],
    [...comment(ruleComment(pod.key, 'reject')), ...unmarked, ...reject(family)],
    mark('0x0/0x10000'),
    [...comment('set mark to ACCEPT traffic that comply to network policies'), ...mark(PASSED)],
  ]);
}

/** A chain for each direction that the policy speaks of. */
export function planPolicyChains(policy: CompiledPolicy, names: Names, family: IpFamily): OwnChain[] {
  return directions.flatMap((direction) => {
    const matches = policy[direction];
    if (matches === undefined) return [];
    const rules = matches.flatMap((match) => matchRules(policy, match, direction, names, family));
    return [own(names.policyChain(policy.key, direction, family), rules)];
  });
}

/**
 * In place of a chain that the kernel refuses: a policy that lets nothing pass, a pod that nothing reaches. Undefined for the
 * chains that all pods share.
 */
export function closedChain(chain: string, family: IpFamily): OwnChain | undefined {
  if (Object.values(sharedChain).some((name) => name === chain)) return undefined;
  if (chain.startsWith(chainPrefix.policy)) return own(chain, []);
  return chain.startsWith(chainPrefix.pod) ? own(chain, [reject(family)]) : undefined;
}

/** One kernel set that the rules of a policy name. */
export interface PolicySet {
  /** Without the mark of the family. */
  readonly name: string;
  readonly id: SetId;
  readonly type: SetGoal['type'];
}

/** All sets of a policy, each once. */
export function policySets(policy: CompiledPolicy, names: Names, family: IpFamily): PolicySet[] {
  const sets = new Map<string, PolicySet>();
  for (const direction of directions) {
    for (const { peers, targets } of policy[direction] ?? []) {
      for (const id of [peers, targets ?? ({ policy: policy.key, of: 'targets' } as const)]) {
        if (id === undefined) continue;
        const name = names.set(id, direction, family);
        sets.set(name, { name, id, type: id.of === 'blocks' ? 'hash:net' : 'hash:ip' });
      }
    }
  }
  return [...sets.values()];
}

export function setGoal({ name, type }: PolicySet, elements: readonly string[], family: IpFamily): SetGoal {
  return {
    name: ipsetName(name, family),
    type,
    family: family === 4 ? 'inet' : 'inet6',
    elements: setElements(elements, family),
  };
}

export function localPodsGoal(pods: readonly LocalPod[], family: IpFamily): SetGoal {
  const elements = pods.flatMap((pod) => addressesOf(pod, family));
  const set = { name: LOCAL_PODS, id: { policy: '', of: 'targets' }, type: 'hash:ip' } as const;
  return { ...setGoal(set, elements, family), late: true };
}

/** Those of the family, as a set of it takes them: a hash:net holds no prefix of length 0, but its halves (N-8, T-22). */
export function setElements(elements: Iterable<string>, family: IpFamily): string[] {
  return [...elements].flatMap((element) => {
    if (element.includes(':') !== (family === 6)) return [];
    if (!element.endsWith('/0')) return [element];
    return family === 4 ? ['0.0.0.0/1', '128.0.0.0/1'] : ['::/1', '8000::/1'];
  });
}

export function addressesOf(pod: LocalPod, family: IpFamily): readonly string[] {
  return pod.addresses.filter((address) => parseAddress(address)?.family === family);
}

/** N-40: the mark, and the way back for what was marked. */
function matchRules(
  policy: CompiledPolicy,
  match: CompiledMatch,
  direction: Direction,
  names: Names,
  family: IpFamily,
): Rule[] {
  const { peers, targets, ports } = match;
  const own = targets ?? ({ policy: policy.key, of: 'targets' } as const);
  const [source, destination] = direction === 'ingress' ? [peers, own] : [own, peers];
  const set = (id: SetId | undefined, side: 'src' | 'dst') =>
    id === undefined ? [] : ['-m', 'set', '--match-set', ipsetName(names.set(id, direction, family), family), side];
  const sets = [...set(source, 'src'), ...set(destination, 'dst')];
  const words = comment(ruleComment(policy.key, matchKind(match, direction)));
  return (ports ?? [undefined]).flatMap((range) => {
    const start = [...protocolWords(range), ...words, ...sets, ...portWords(range)];
    return [
      [...start, ...mark(MATCHED)],
      [...start, '-m', 'mark', '--mark', MATCHED, '-j', 'RETURN'],
    ];
  });
}

/** N-44: what a rule is for. */
export function matchKind({ peers, targets }: CompiledMatch, direction: Direction): string {
  const kind = peers === undefined ? 'any' : peers.of === 'blocks' ? 'cidr' : 'pods';
  return `${direction} ${kind}${targets?.of === 'named-port' || peers?.of === 'named-port' ? ' np' : ''}`;
}

function protocolWords(range: PortRange | undefined): Rule {
  return range === undefined ? [] : ['-p', range.protocol.toLowerCase()];
}

function portWords(range: PortRange | undefined): Rule {
  if (range === undefined || (range.first === 0 && range.last === 65535)) return [];
  const { first, last } = range;
  return ['-m', range.protocol.toLowerCase(), '--dport', first === last ? String(first) : `${first}:${last}`];
}

/** N-31: what goes to a service is judged once the proxy has chosen the pod (N-17). */
function serviceRules(settings: FirewallSettings, family: IpFamily): Rule[] {
  const { clusterIpRanges, externalIpRanges, loadBalancerIpRanges, nodePortRange } = settings;
  const chain = topChain.INPUT;
  const range = ({ text }: Prefix, note: string): Rule => {
    const rest = ['-d', text, '-j', 'RETURN'];
    return ['-d', text, ...comment(placedComment(chain, [...comment(note), ...rest], note)), '-j', 'RETURN'];
  };
  const ports = (protocol: string): Rule => {
    const note = `allow LOCAL ${protocol.toUpperCase()} traffic to node ports`;
    const local = ['-m', 'addrtype', '--dst-type', 'LOCAL', '-m', 'multiport', '--dports', nodePortRange];
    const rest = [...local, '-j', 'RETURN'];
    return [
      '-p',
      protocol,
      ...comment(placedComment(chain, ['-p', protocol, ...comment(note), ...rest], note)),
      ...rest,
    ];
  };
  const of = (prefixes: readonly Prefix[]) => prefixes.filter((prefix) => prefix.family === family);
  return [
    ...of(clusterIpRanges).map((one) => range(one, 'allow traffic to primary/secondary cluster IP range')),
    ...['tcp', 'udp', 'sctp'].map(ports),
    ...of(externalIpRanges).map((one) => range(one, `allow traffic to external IP range: ${one.text}`)),
    ...of(loadBalancerIpRanges).map((one) => range(one, `allow traffic to load balancer IP range: ${one.text}`)),
  ];
}

function commonRules(family: IpFamily): Rule[] {
  const states = (note: string, list: string, target: string): Rule => [
    ...comment(note),
    ...['-m', 'conntrack', '--ctstate', list, '-j', target],
  ];
  return [
    states('rule to drop invalid state for pod', 'INVALID', 'DROP'),
    states('rule for stateful firewall for pod', 'RELATED,ESTABLISHED', 'ACCEPT'),
    ...acceptCommonIcmp(family),
  ];
}

/**
 * N-81. Deviates from it for the node's own addresses, of which the bridge's lies in the pod CIDR: the original rejects what
 * pods send to it. Neighbor discovery is no traffic of a pod, and without it the first second of an IPv6 pod is lost.
 */
function tailRules({ closedCidrs }: FirewallSettings, family: IpFamily): Rule[] {
  const cidrs = closedCidrs.filter((cidr) => cidr.family === family);
  const accept: Rule = [...comment('accept netpol-ok'), '-m', 'mark', '--mark', PASSED, '-j', 'ACCEPT'];
  if (cidrs.length === 0) return [accept];
  const notLocal = (side: 'src' | 'dst') => ['-m', 'addrtype', '!', `--${side}-type`, 'LOCAL'];
  const unprogrammed = (side: 'src' | 'dst') => [
    ...comment('reject unprogrammed local pod (default-deny)'),
    ...['-m', 'set', '!', '--match-set', ipsetName(LOCAL_PODS, family), side],
  ];
  const rest = comment('reject pre-netpol (default-deny)');
  const sides = [
    ['-s', 'src'],
    ['-d', 'dst'],
  ] as const;
  return [
    [...comment('traffic of the node itself'), ...fromNode, '-j', 'RETURN'],
    [
      ...comment('answers to the node itself'),
      ...[
        '-m',
        'addrtype',
        '--dst-type',
        'LOCAL',
        '-m',
        'conntrack',
        '--ctstate',
        'RELATED,ESTABLISHED',
        '-j',
        'RETURN',
      ],
    ],
    ...(family === 6 ? [135, 136] : []).map(
      (type): Rule => [...matchIcmp(6, type, 'neighbor discovery'), '-j', 'RETURN'],
    ),
    ...cidrs.flatMap(({ text }) =>
      sides.map(([flag, side]): Rule => [flag, text, ...unprogrammed(side), ...notLocal(side), ...reject(family)]),
    ),
    accept,
    ...cidrs.flatMap(({ text }) =>
      sides.map(([flag, side]): Rule => [flag, text, ...rest, ...notLocal(side), ...reject(family)]),
    ),
  ];
}

function own(chain: string, rules: readonly Rule[]): OwnChain {
  return { table, chain, rules };
}

function comment(text: string): Rule {
  return ['-m', 'comment', '--comment', text];
}

function mark(value: string): Rule {
  return ['-j', 'MARK', '--set-xmark', value];
}

function reject(family: IpFamily): Rule {
  return ['-j', 'REJECT', '--reject-with', family === 4 ? 'icmp-port-unreachable' : 'icmp6-port-unreachable'];
}

function hostText(address: string, family: IpFamily): string {
  return `${address}/${family === 4 ? 32 : 128}`;
}
