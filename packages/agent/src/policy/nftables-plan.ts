/**
 * The compiled policies as commands of nft, with the tables, chains and marks of the original (N-60 to N-68). A pod is found
 * by its address in one map of verdicts, so a packet passes as few rules with a thousand pods as with one. Pure.
 */
import type { IpFamily, Prefix } from '../annotations/prefix.ts';
import type { CompiledMatch, CompiledPolicy, Direction, LocalPod, PortRange, SetId } from './compile/model.ts';
import { directions } from './compile/model.ts';
import { addressesOf, matchKind, type PolicySet, policySets, setElements } from './iptables-plan.ts';
import { hooks, LOCAL_PODS, logPrefix, type Names, ruleComment, sharedChain, topChain } from './names.ts';
import type { FirewallSettings } from './settings.ts';

/** Chain of each pod of the node by its addresses. */
export const PODS = 'kube-router-pods';

/** One command of nft, on one line; `owner`: the policy or pod that is closed when the kernel refuses it. */
export interface NftCommand {
  readonly text: string;
  readonly owner?: string;
}

/** `ip kube-router-filter-ipv4`, as nft names a table. */
export function tableName(family: IpFamily): string {
  return family === 4 ? 'ip kube-router-filter-ipv4' : 'ip6 kube-router-filter-ipv6';
}

/** Not marked by a policy. */
const UNMATCHED = 'meta mark and 0x10000 == 0x0';
const MATCH = 'meta mark set meta mark or 0x10000';

export interface NftChain {
  readonly name: string;
  readonly rules: readonly string[];
  /** `hook input`, for one that the kernel calls. */
  readonly hook?: string;
  readonly owner?: string;
}

export interface NftSet {
  readonly name: string;
  readonly interval: boolean;
  readonly elements: readonly string[];
  readonly owner?: string;
}

/** What a family's table holds. */
export interface NftTable {
  readonly sets: readonly NftSet[];
  /** Elements of the map of pods: `10.1.0.1 : jump KUBE-POD-FW-…`. */
  readonly pods: readonly string[];
  readonly chains: readonly NftChain[];
}

export interface NftInput {
  readonly settings: FirewallSettings;
  readonly pods: readonly LocalPod[];
  readonly policies: Iterable<CompiledPolicy>;
  readonly elements: (id: SetId) => readonly string[];
  readonly names: Names;
  readonly family: IpFamily;
  /** Policies and pods, as `owner` names them, that the kernel refused. */
  readonly refused: ReadonlySet<string>;
}

export const policyOwner = (key: string) => `NetworkPolicy ${key}`;
export const podOwner = (key: string) => `pod ${key}`;

export function planNftables(input: NftInput): NftTable {
  const { settings, pods, policies, names, family, refused } = input;
  const sets = new Map<string, NftSet>();
  const chains: NftChain[] = [];
  for (const policy of policies) {
    for (const set of planNftSets(policy, input)) sets.set(set.name, set);
    chains.push(...planNftPolicy(policy, names, family, refused));
  }
  const local = { name: LOCAL_PODS, interval: false, elements: pods.flatMap((pod) => addressesOf(pod, family)) };
  return {
    sets: [...sets.values(), local],
    pods: pods.flatMap((pod) => planNftPodElements(pod, names, family)),
    chains: [
      ...sharedChains(settings, family),
      ...chains,
      ...pods.flatMap((pod) => planNftPod(pod, names, family, refused)),
      ...baseChains(settings, family),
    ],
  };
}

/** The commands that make a table; without `hooked` the kernel calls none of its chains. */
export function createTable(
  table: string,
  { sets, pods, chains }: NftTable,
  family: IpFamily,
  hooked: boolean,
): NftCommand[] {
  const type = family === 4 ? 'ipv4_addr' : 'ipv6_addr';
  return [
    { text: `add table ${table}` },
    ...chains.map(({ name, hook, owner }) => {
      const body = hook === undefined || !hooked ? '' : ` { type filter ${hook} priority filter ; policy accept ; }`;
      return owned(`add chain ${table} ${name}${body}`, owner);
    }),
    ...sets.flatMap((set) => createSet(table, set, family)),
    { text: `add map ${table} ${PODS} { type ${type} : verdict ; }` },
    ...addElements(table, PODS, pods),
    ...chains.flatMap((chain) => fillChain(table, chain)),
  ];
}

export function createSet(table: string, { name, interval, elements, owner }: NftSet, family: IpFamily): NftCommand[] {
  const type = family === 4 ? 'ipv4_addr' : 'ipv6_addr';
  const flags = interval ? ' flags interval ;' : '';
  return [
    owned(`add set ${table} ${name} { type ${type} ;${flags} }`, owner),
    ...addElements(table, name, elements, owner),
  ];
}

export function fillChain(table: string, { name, rules, owner }: NftChain): NftCommand[] {
  return rules.map((rule) => owned(`add rule ${table} ${name} ${rule}`, owner));
}

export function addElements(table: string, set: string, elements: readonly string[], owner?: string): NftCommand[] {
  return elements.length === 0 ? [] : [owned(`add element ${table} ${set} { ${elements.join(', ')} }`, owner)];
}

export function deleteElements(table: string, set: string, elements: readonly string[]): NftCommand[] {
  return elements.length === 0 ? [] : [{ text: `delete element ${table} ${set} { ${elements.join(', ')} }` }];
}

export function planNftSets(
  policy: CompiledPolicy,
  { elements, names, family, refused }: Pick<NftInput, 'elements' | 'names' | 'family' | 'refused'>,
): NftSet[] {
  const owner = policyOwner(policy.key);
  if (refused.has(owner)) return [];
  return policySets(policy, names, family).map((set) => ({
    ...{ name: set.name, owner, interval: isInterval(set) },
    elements: setElements(elements(set.id), family),
  }));
}

function isInterval({ id }: PolicySet): boolean {
  return id.of === 'blocks';
}

export function planNftPolicy(
  policy: CompiledPolicy,
  names: Names,
  family: IpFamily,
  refused: ReadonlySet<string>,
): NftChain[] {
  const owner = policyOwner(policy.key);
  return directions.flatMap((direction) => {
    const matches = policy[direction];
    if (matches === undefined) return [];
    const rules = refused.has(owner)
      ? []
      : matches.flatMap((match) => matchRules(policy, match, direction, names, family));
    return [{ name: names.policyChain(policy.key, direction, family), rules, owner }];
  });
}

/** None for a pod without an address of the family. */
export function planNftPod(pod: LocalPod, names: Names, family: IpFamily, refused: ReadonlySet<string>): NftChain[] {
  const addresses = addressesOf(pod, family);
  if (addresses.length === 0) return [];
  const [name, owner] = [names.podChain(pod.key), podOwner(pod.key)];
  const reject = note(`counter reject`, ruleComment(pod.key, 'reject'));
  if (refused.has(owner)) return [{ name, owner, rules: [reject] }];
  const field = (direction: Direction) => `${protocol(family)} ${direction === 'ingress' ? 'daddr' : 'saddr'}`;
  const each = (direction: Direction, rest: string) =>
    addresses.map((address) => `${field(direction)} ${address} ${rest}`);
  const open = (direction: Direction) =>
    pod[direction].length > 0 ? [] : each(direction, `counter jump ${sharedChain.unpoliced}`);
  const run = (direction: Direction) =>
    pod[direction].flatMap((policy) =>
      each(
        direction,
        note(`counter jump ${names.policyChain(policy, direction, family)}`, ruleComment(policy, 'policy')),
      ),
    );
  return [
    {
      name,
      owner,
      rules: [
        `jump ${sharedChain.common}`,
        ...open('egress'),
        ...open('ingress'),
        ...run('ingress'),
        ...run('egress'),
        note(
          `${UNMATCHED} limit rate 10/minute burst 10 packets log prefix "${logPrefix(`pod ${pod.key}`)} " group 100`,
          ruleComment(pod.key, 'log-drop'),
        ),
        `${UNMATCHED} ${reject}`,
        'meta mark set meta mark and 0xfffeffff',
        'meta mark set meta mark or 0x20000',
      ],
    },
  ];
}

export function planNftPodElements(pod: LocalPod, names: Names, family: IpFamily): string[] {
  return addressesOf(pod, family).map((address) => `${address} : jump ${names.podChain(pod.key)}`);
}

function matchRules(
  policy: CompiledPolicy,
  match: CompiledMatch,
  direction: Direction,
  names: Names,
  family: IpFamily,
): string[] {
  const own = match.targets ?? ({ policy: policy.key, of: 'targets' } as const);
  const [source, destination] = direction === 'ingress' ? [match.peers, own] : [own, match.peers];
  const set = (field: string, id: SetId | undefined) =>
    id === undefined ? [] : [`${protocol(family)} ${field} @${names.set(id, direction, family)}`];
  const words = ruleComment(policy.key, matchKind(match, direction));
  return (match.ports ?? [undefined]).map((range) =>
    note(
      [...set('saddr', source), ...set('daddr', destination), ...ports(range), 'counter', MATCH, 'return'].join(' '),
      words,
    ),
  );
}

/** N-62. */
function ports(range: PortRange | undefined): string[] {
  if (range === undefined) return [];
  const { first, last } = range;
  const name = range.protocol.toLowerCase();
  if (first === 0 && last === 65535) return [`meta l4proto ${name}`];
  return [`${name} dport ${first === last ? first : `${first}-${last}`}`];
}

function sharedChains(settings: FirewallSettings, family: IpFamily): NftChain[] {
  const types: Readonly<Record<IpFamily, string>> = {
    4: 'icmp type { echo-request, destination-unreachable, time-exceeded }',
    6: 'icmpv6 type { echo-request, echo-reply, destination-unreachable, time-exceeded, nd-neighbor-solicit, nd-neighbor-advert }',
  };
  return [
    { name: sharedChain.unpoliced, rules: [`counter ${MATCH}`] },
    {
      name: sharedChain.common,
      rules: [
        'ct state invalid counter drop',
        'ct state established,related counter accept',
        `${types[family]} counter accept`,
      ],
    },
    { name: sharedChain.tail, rules: tailRules(settings, family) },
  ];
}

/** N-81, with the deviations that the rules of iptables have. */
function tailRules({ closedCidrs }: FirewallSettings, family: IpFamily): string[] {
  const cidrs = closedCidrs.filter((cidr) => cidr.family === family);
  const accept = 'meta mark and 0x20000 == 0x20000 counter accept';
  if (cidrs.length === 0) return [accept];
  const ip = protocol(family);
  const sides = ['saddr', 'daddr'] as const;
  const rejects = (gate: (side: string) => string, words: string) =>
    cidrs.flatMap(({ text }) =>
      sides.map((side) => note(`${ip} ${side} ${text} ${gate(side)}fib ${side} type != local counter reject`, words)),
    );
  return [
    note('fib daddr type local ct state established,related return', 'answers to the node itself'),
    ...(family === 6 ? ['icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } return'] : []),
    ...rejects((side) => `${ip} ${side} != @${LOCAL_PODS} `, 'reject unprogrammed local pod (default-deny)'),
    accept,
    ...rejects(() => '', 'reject pre-netpol (default-deny)'),
  ];
}

function baseChains(settings: FirewallSettings, family: IpFamily): NftChain[] {
  const to = `${protocol(family)} daddr vmap @${PODS}`;
  const from = `${protocol(family)} saddr vmap @${PODS}`;
  // N-16. The node's own packets leave by this hook alone.
  const fromNode = note('fib saddr type local counter return', 'traffic of the node itself');
  const rules = { INPUT: [...serviceRules(settings, family), from], FORWARD: [to, from], OUTPUT: [fromNode, to, from] };
  return hooks.map((hook) => ({
    name: topChain[hook],
    hook: `hook ${hook.toLowerCase()}`,
    rules: [...rules[hook], `jump ${sharedChain.tail}`],
  }));
}

/** N-31. */
function serviceRules(settings: FirewallSettings, family: IpFamily): string[] {
  const { clusterIpRanges, externalIpRanges, loadBalancerIpRanges, nodePortRange } = settings;
  const range = (prefixes: readonly Prefix[], words: string) =>
    prefixes
      .filter((prefix) => prefix.family === family)
      .map(({ text }) => note(`${protocol(family)} daddr ${text} counter return`, words));
  const nodePorts = ['tcp', 'udp', 'sctp'].map((name) =>
    note(
      `fib daddr type local ${name} dport ${nodePortRange.replace(':', '-')} counter return`,
      `allow LOCAL ${name.toUpperCase()} traffic to node ports`,
    ),
  );
  return [
    ...range(clusterIpRanges, 'allow traffic to primary/secondary cluster IP range'),
    ...nodePorts,
    ...range(externalIpRanges, 'allow traffic to external IP range'),
    ...range(loadBalancerIpRanges, 'allow traffic to load balancer IP range'),
  ];
}

function protocol(family: IpFamily): 'ip' | 'ip6' {
  return family === 4 ? 'ip' : 'ip6';
}

function note(rule: string, words: string): string {
  return `${rule} comment "${words}"`;
}

function owned(text: string, owner: string | undefined): NftCommand {
  return owner === undefined ? { text } : { text, owner };
}
