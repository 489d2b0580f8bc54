/**
 * What the kernel needs to forward and masquerade the traffic of pods: sysctls, the sets of pod subnets and node addresses,
 * and the rules of the FORWARD and POSTROUTING chains, each with the names and the text of the original so that a node
 * that ran it keeps its rules.
 */
import type { IpFamily } from '../annotations/prefix.ts';
import { parseAddress } from '../annotations/prefix.ts';
import type { SetGoal } from '../kernel/ipset-plan.ts';
import { commentOf, type Rule } from '../kernel/rule.ts';
import type { RuleClaim, RuleGoal, SharedRule } from '../kernel/rule-plan.ts';
import type { Sysctl } from '../kernel/sysctl.ts';
import { BRIDGE } from './bridge.ts';
import type { NodeFacts } from './node-facts.ts';

export const POD_SUBNETS = 'kube-router-pod-subnets';
export const NODE_IPS = 'kube-router-node-ips';

/** ipset has one name space for both families; the original marks IPv6 sets by their name. */
export function setName(name: string, family: IpFamily): string {
  return family === 4 ? name : `inet6:${name}`;
}

export function planSets(nodes: Iterable<NodeFacts>, family: IpFamily): SetGoal[] {
  const facts = [...nodes];
  const kernelFamily = family === 4 ? 'inet' : 'inet6';
  // A hash:net cannot hold a prefix of length 0.
  const podCidrs = facts.flatMap((node) => node.podCidrs).filter((cidr) => cidr.family === family && cidr.length > 0);
  const addresses = facts.flatMap((node) => node.addresses).filter((text) => parseAddress(text)?.family === family);
  return [
    {
      name: setName(POD_SUBNETS, family),
      type: 'hash:net',
      family: kernelFamily,
      elements: podCidrs.map(({ text }) => text),
    },
    { name: setName(NODE_IPS, family), type: 'hash:ip', family: kernelFamily, elements: addresses },
  ];
}

export interface RuleInput {
  readonly family: IpFamily;
  /** Name of the interface that holds the node's address. */
  readonly nodeInterface: string;
  readonly enablePodEgress: boolean;
  /** Whether this iptables knows `--random-fully`. */
  readonly randomFully: boolean;
}

export function planRules({ family, nodeInterface, enablePodEgress, randomFully }: RuleInput): RuleGoal {
  const forward = forwardRules(nodeInterface).map(
    (rule): SharedRule => ({ table: 'filter', chain: 'FORWARD', place: 'head', rule }),
  );
  const egress: SharedRule = {
    table: 'nat',
    chain: 'POSTROUTING',
    place: 'tail',
    rule: [...egressRule(family), ...(randomFully ? ['--random-fully'] : [])],
  };
  return { shared: enablePodEgress ? [...forward, egress] : forward, chains: [] };
}

/** What is known again as ours: the forms of earlier versions, and the rule of an interface that had the address before. */
export const routerClaim: RuleClaim = {
  tables: ['filter', 'nat'],
  rule: (rule, table, chain) => {
    if (table === 'filter' && chain === 'FORWARD') return FORWARD_COMMENTS.has(commentOf(rule));
    // K-4: with or without node addresses, with or without --random-fully.
    return (
      table === 'nat' &&
      chain === 'POSTROUTING' &&
      ([4, 6] as const).some((family) => startsWith(rule, podSubnetMatch(family))) &&
      rule.includes('MASQUERADE')
    );
  },
  chain: () => false,
};

const TO_NODE_PORTS = 'allow outbound node port traffic on node interface with which node ip is associated';
const TO_PODS = 'allow inbound traffic to pods';
const FROM_PODS = 'allow outbound traffic from pods';
const FORWARD_COMMENTS: ReadonlySet<string | undefined> = new Set([TO_NODE_PORTS, TO_PODS, FROM_PODS]);

/** The original inserts these three at position 1, the last of this list first. */
function forwardRules(nodeInterface: string): Rule[] {
  const accept = (match: '-i' | '-o', name: string, comment: string): Rule => [
    ...[match, name],
    ...['-m', 'comment', '--comment', comment],
    ...['-j', 'ACCEPT'],
  ];
  return [accept('-o', nodeInterface, TO_NODE_PORTS), accept('-o', BRIDGE, TO_PODS), accept('-i', BRIDGE, FROM_PODS)];
}

function podSubnetMatch(family: IpFamily): Rule {
  const pods = setName(POD_SUBNETS, family);
  return ['-m', 'set', '--match-set', pods, 'src', '-m', 'set', '!', '--match-set', pods, 'dst'];
}

function egressRule(family: IpFamily): Rule {
  const nodes = ['-m', 'set', '!', '--match-set', setName(NODE_IPS, family), 'dst'];
  return [...podSubnetMatch(family), ...nodes, '-j', 'MASQUERADE'];
}

function startsWith(rule: Rule, start: Rule): boolean {
  return start.every((token, i) => rule[i] === token);
}

export function planForwardingSysctls({ enableIpv6 }: { readonly enableIpv6: boolean }): Sysctl[] {
  const ipv4 = [{ key: 'net/bridge/bridge-nf-call-iptables', value: '1' }];
  const ipv6 = [
    { key: 'net/bridge/bridge-nf-call-ip6tables', value: '1' },
    { key: 'net/ipv6/conf/all/disable_ipv6', value: '0' },
  ];
  return enableIpv6 ? [...ipv4, ...ipv6] : ipv4;
}
