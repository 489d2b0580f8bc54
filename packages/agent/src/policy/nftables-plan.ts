/**
 * The compiled policies as chains and sets of nftables, with the tables, chains and marks of the original (N-60 to N-68). A
 * pod is found by its address in one map of verdicts, so a packet passes as few rules with a thousand pods as with one; and
 * a policy has a chain for each direction, so that a rule of ingress never lets traffic leave. Pure.
 */
import type { IpFamily, Prefix } from '../annotations/prefix.ts';
import type { CompiledMatch, CompiledPolicy, Direction, LocalPod, PodKey, PortRange, SetId } from './compile/model.ts';
import { directions } from './compile/model.ts';
import { addressesOf, matchKind, policySets, setElements } from './iptables-plan.ts';
import {
  type Hook,
  hooks,
  LOCAL_PODS,
  logPrefix,
  type Names,
  placedComment,
  ruleComment,
  sharedChain,
  topChain,
} from './names.ts';
import type { NftChain, NftRule, NftSet, NftTable } from './nftables-table.ts';
import type { FirewallSettings } from './settings.ts';

/** Chain of each pod of the node by its addresses. */
export const PODS = 'kube-router-pods';

/** libnftnl, NFTNL_UDATA_COMMENT_MAXLEN: 128 bytes; 20 of them are the hash and what stands before it. */
const WORDS_LENGTH = 100;

/** A policy lets the packet pass; cleared at the end of a pod's chain. */
const UNMATCHED = 'meta mark and 0x10000 == 0x0';
const MATCH = 'meta mark set meta mark or 0x10000';

export interface NftInput {
  readonly settings: FirewallSettings;
  readonly pods: readonly LocalPod[];
  /** Those that apply to some pod. */
  readonly policies: Iterable<CompiledPolicy>;
  readonly view: NftView;
}

/** What the chains and sets of one policy or pod are made with. */
export interface NftView {
  readonly family: IpFamily;
  readonly names: Names;
  readonly elements: (id: SetId) => readonly string[];
  /** Policies and pods, as `owner` names them, that the kernel refused. */
  readonly refused: ReadonlySet<string>;
}

export const policyOwner = (key: string) => `NetworkPolicy ${key}`;
export const podOwner = (key: string) => `pod ${key}`;

export function planNftables({ settings, pods, policies, view }: NftInput): NftTable {
  const { family } = view;
  const sets: NftSet[] = [];
  const chains: NftChain[] = [];
  for (const policy of policies) {
    sets.push(...planPolicySets(policy, view));
    chains.push(...planPolicyChains(policy, view));
  }
  const owners = ownersOf(pods, family);
  const shared = [...owners].filter(([, keys]) => keys.length > 1);
  const chainOf = (keys: readonly PodKey[]) => view.names.podChain(keys.join(' '));
  return {
    chains: [
      ...sharedChains(settings, family),
      ...chains,
      ...pods.flatMap((pod) => planPodChain(pod, view)),
      // An address of two pods, of which one is about to go: it passes what both let pass.
      ...shared.map(([, keys]) =>
        chain(
          chainOf(keys),
          keys.map((key) => [`jump ${view.names.podChain(key)}`, key]),
        ),
      ),
      ...baseChains(settings, family),
    ],
    sets: [
      ...sets,
      { name: LOCAL_PODS, kind: 'addresses', elements: [...owners.keys()] },
      {
        name: PODS,
        kind: 'verdicts',
        elements: [...owners].map(([address, keys]) => `${address} : jump ${chainOf(keys)}`),
      },
    ],
  };
}

/** Pods by the addresses of the family, each with its pods in order of their keys. */
function ownersOf(pods: readonly LocalPod[], family: IpFamily): Map<string, PodKey[]> {
  const owners = new Map<string, PodKey[]>();
  for (const pod of pods) {
    for (const address of new Set(addressesOf(pod, family))) {
      owners.set(address, [...(owners.get(address) ?? []), pod.key].sort());
    }
  }
  return owners;
}

/** What the map says of a pod that shares no address. */
export function planPodElements(pod: LocalPod, { names, family }: NftView): string[] {
  return addressesOf(pod, family).map((address) => `${address} : jump ${names.podChain(pod.key)}`);
}

/** None for a policy that the kernel refused. */
export function planPolicySets(policy: CompiledPolicy, { elements, names, family, refused }: NftView): NftSet[] {
  const owner = policyOwner(policy.key);
  if (refused.has(owner)) return [];
  return policySets(policy, names, family).map(({ name, id }) => ({
    ...{ name, owner, kind: id.of === 'blocks' ? ('prefixes' as const) : ('addresses' as const) },
    elements: nftElements(elements(id), family),
  }));
}

/** As nft lists them: a prefix of one address is the address. */
export function nftElements(elements: Iterable<string>, family: IpFamily): string[] {
  const host = family === 4 ? /\/32$/ : /\/128$/;
  return setElements(elements, family).map((element) => element.replace(host, ''));
}

export function planPolicyChains(policy: CompiledPolicy, view: NftView): NftChain[] {
  const owner = policyOwner(policy.key);
  return directions.flatMap((direction) => {
    const matches = policy[direction];
    if (matches === undefined) return [];
    const rules = view.refused.has(owner) ? [] : matches.flatMap((match) => matchRules(policy, match, direction, view));
    return [{ ...chain(view.names.policyChain(policy.key, direction, view.family), rules), owner }];
  });
}

/** None for a pod without an address of the family. N-38, without the rule for the node itself, which is the hook's. */
export function planPodChain(pod: LocalPod, { names, family, refused }: NftView): NftChain[] {
  const addresses = addressesOf(pod, family);
  if (addresses.length === 0) return [];
  const [name, owner] = [names.podChain(pod.key), podOwner(pod.key)];
  const reject = ruleComment(pod.key, 'reject');
  if (refused.has(owner)) return [{ ...chain(name, [['counter reject', reject]]), owner }];
  const each = (direction: Direction, rest: string, words: string): Words[] =>
    addresses.map((address) => {
      return [`${protocol(family)} ${direction === 'ingress' ? 'daddr' : 'saddr'} ${address} ${rest}`, words];
    });
  const open = (direction: Direction) =>
    pod[direction].length > 0
      ? []
      : each(
          direction,
          `counter jump ${sharedChain.unpoliced}`,
          `run through default ${direction} network policy chain`,
        );
  const run = (direction: Direction) =>
    pod[direction].flatMap((policy) =>
      each(
        direction,
        `counter jump ${names.policyChain(policy, direction, family)}`,
        ruleComment(policy, `${direction} policy`),
      ),
    );
  const log = `limit rate 10/minute burst 10 packets log prefix "${logPrefix(`pod ${pod.key}`)} " group 100`;
  const rules: Words[] = [
    [`jump ${sharedChain.common}`, 'what passes all pods'],
    ...open('egress'),
    ...open('ingress'),
    ...run('ingress'),
    ...run('egress'),
    [`${UNMATCHED} ${log}`, ruleComment(pod.key, 'log-drop')],
    [`${UNMATCHED} counter reject`, reject],
    ['meta mark set meta mark and 0xfffeffff', 'clear the mark of network policies'],
    ['meta mark set meta mark or 0x20000', 'set mark to ACCEPT traffic that comply to network policies'],
  ];
  return [{ ...chain(name, rules), owner }];
}

/** A rule, and what it is for. */
type Words = readonly [text: string, words: string];

function chain(name: string, rules: readonly Words[]): NftChain {
  return {
    name,
    rules: rules.map(([text, words]): NftRule => {
      return { text, comment: placedComment(name, [text], words.slice(0, WORDS_LENGTH)) };
    }),
  };
}

/** N-62. */
function matchRules(
  policy: CompiledPolicy,
  match: CompiledMatch,
  direction: Direction,
  { names, family }: NftView,
): Words[] {
  const own = match.targets ?? ({ policy: policy.key, of: 'targets' } as const);
  const [source, destination] = direction === 'ingress' ? [match.peers, own] : [own, match.peers];
  const set = (field: string, id: SetId | undefined) =>
    id === undefined ? [] : [`${protocol(family)} ${field} @${names.set(id, direction, family)}`];
  const words = ruleComment(policy.key, matchKind(match, direction));
  return (match.ports ?? [undefined]).map((range) => {
    const matching = [...set('saddr', source), ...set('daddr', destination), ...ports(range)];
    return [[...matching, 'counter', MATCH, 'return'].join(' '), words];
  });
}

function ports(range: PortRange | undefined): string[] {
  if (range === undefined) return [];
  const { first, last } = range;
  const name = range.protocol.toLowerCase();
  if (first === 0 && last === 65535) return [`meta l4proto ${name}`];
  return [`${name} dport ${first === last ? first : `${first}-${last}`}`];
}

/** N-33. */
const commonIcmp: Readonly<Record<IpFamily, string>> = {
  4: 'icmp type { echo-request, destination-unreachable, time-exceeded }',
  6: 'icmpv6 type { echo-request, echo-reply, destination-unreachable, time-exceeded, nd-neighbor-solicit, nd-neighbor-advert }',
};

/** Chains that stand while there is a firewall, whatever the policies say. */
function sharedChains(settings: FirewallSettings, family: IpFamily): NftChain[] {
  return [
    chain(sharedChain.unpoliced, [[`counter ${MATCH}`, 'rule to mark traffic matching a network policy']]),
    chain(sharedChain.common, [
      ['ct state invalid counter drop', 'rule to drop invalid state for pod'],
      ['ct state established,related counter accept', 'rule for stateful firewall for pod'],
      [`${commonIcmp[family]} counter accept`, 'allow icmp messages'],
    ]),
    chain(sharedChain.tail, tailRules(settings, family)),
  ];
}

/** N-81, with the deviations that the rules of iptables have. */
function tailRules({ closedCidrs }: FirewallSettings, family: IpFamily): Words[] {
  const cidrs = closedCidrs.filter((cidr) => cidr.family === family);
  const accept: Words = ['meta mark and 0x20000 == 0x20000 counter accept', 'accept netpol-ok'];
  if (cidrs.length === 0) return [accept];
  const ip = protocol(family);
  const rejects = (words: string, gate: (side: string) => string) =>
    cidrs.flatMap(({ text }) =>
      ['saddr', 'daddr'].map((side): Words => {
        return [`${ip} ${side} ${text} ${gate(side)}fib ${side} type != local counter reject`, words];
      }),
    );
  return [
    ['fib daddr type local ct state established,related return', 'answers to the node itself'],
    ...(family === 6
      ? ([['icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } return', 'neighbor discovery']] as const)
      : []),
    ...rejects('reject unprogrammed local pod (default-deny)', (side) => `${ip} ${side} != @${LOCAL_PODS} `),
    accept,
    ...rejects('reject pre-netpol (default-deny)', () => ''),
  ];
}

function baseChains(settings: FirewallSettings, family: IpFamily): NftChain[] {
  const to: Words = [`${protocol(family)} daddr vmap @${PODS}`, 'in'];
  const from: Words = [`${protocol(family)} saddr vmap @${PODS}`, 'out'];
  // N-16. The node's own packets leave by this hook alone.
  const fromNode: Words = [
    'fib saddr type local counter return',
    "rule to permit the traffic traffic to pods when source is the pod's local node",
  ];
  const decide: Words = [
    `jump ${sharedChain.tail}`,
    'rule to explicitly handle traffic for network policies ACCEPT/REJECT decision',
  ];
  const rules: Readonly<Record<Hook, readonly Words[]>> = {
    INPUT: [...serviceRules(settings, family), from],
    FORWARD: [to, from],
    OUTPUT: [fromNode, to, from],
  };
  return hooks.map((hook) => ({ ...chain(topChain[hook], [...rules[hook], decide]), hook: hook.toLowerCase() }));
}

/** N-31: what goes to a service is judged once the proxy has chosen the pod (N-17). */
function serviceRules(settings: FirewallSettings, family: IpFamily): Words[] {
  const { clusterIpRanges, externalIpRanges, loadBalancerIpRanges, nodePortRange } = settings;
  const range = (prefixes: readonly Prefix[], words: (text: string) => string) =>
    prefixes
      .filter((prefix) => prefix.family === family)
      .map(({ text }): Words => [`${protocol(family)} daddr ${text} counter return`, words(text)]);
  const nodePorts = ['tcp', 'udp', 'sctp'].map((name): Words => {
    const text = `fib daddr type local ${name} dport ${nodePortRange.replace(':', '-')} counter return`;
    return [text, `allow LOCAL ${name.toUpperCase()} traffic to node ports`];
  });
  return [
    ...range(clusterIpRanges, () => 'allow traffic to primary/secondary cluster IP range'),
    ...nodePorts,
    ...range(externalIpRanges, (text) => `allow traffic to external IP range: ${text}`),
    ...range(loadBalancerIpRanges, (text) => `allow traffic to load balancer IP range: ${text}`),
  ];
}

function protocol(family: IpFamily): 'ip' | 'ip6' {
  return family === 4 ? 'ip' : 'ip6';
}
