/**
 * What the kernel needs to forward and masquerade the traffic of pods: sysctls, the sets of pod subnets and node addresses,
 * and the rules of the FORWARD and POSTROUTING chains, each with the names and the text of the original so that a node
 * that ran it keeps its rules.
 */
import type { IpFamily } from '../annotations/prefix.ts';
import { parseAddress } from '../annotations/prefix.ts';
import type { ChainGoal } from '../kernel/chain-plan.ts';
import type { SetGoal } from '../kernel/ipset-plan.ts';
import type { Rule } from '../kernel/rule.ts';
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

export interface ChainInput {
  readonly family: IpFamily;
  /** Name of the interface that holds the node's address. */
  readonly nodeInterface: string;
  readonly enablePodEgress: boolean;
  /** Whether this iptables knows `--random-fully`. */
  readonly randomFully: boolean;
}

export function planChains({ family, nodeInterface, enablePodEgress, randomFully }: ChainInput): ChainGoal[] {
  const egress = egressRules(family);
  const wanted = randomFully ? egress.randomFully : egress.plain;
  const others = [egress.plain, egress.withoutNodeIps, egress.withoutNodeIpsRandomFully, egress.randomFully];
  return [
    { table: 'filter', chain: 'FORWARD', head: forwardRules(nodeInterface), tail: [], absent: [] },
    {
      table: 'nat',
      chain: 'POSTROUTING',
      head: [],
      tail: enablePodEgress ? [wanted] : [],
      absent: enablePodEgress ? others.filter((rule) => rule !== wanted) : others,
    },
  ];
}

/** The original inserts these three at position 1, the last of this list first. */
function forwardRules(nodeInterface: string): Rule[] {
  const accept = (match: '-i' | '-o', name: string, comment: string): Rule => [
    ...[match, name],
    ...['-m', 'comment', '--comment', comment],
    ...['-j', 'ACCEPT'],
  ];
  return [
    accept('-o', nodeInterface, 'allow outbound node port traffic on node interface with which node ip is associated'),
    accept('-o', BRIDGE, 'allow inbound traffic to pods'),
    accept('-i', BRIDGE, 'allow outbound traffic from pods'),
  ];
}

/** The rule that masquerades, and the forms that earlier versions of the original left behind. */
function egressRules(family: IpFamily) {
  const pods = setName(POD_SUBNETS, family);
  const subnets = ['-m', 'set', '--match-set', pods, 'src', '-m', 'set', '!', '--match-set', pods, 'dst'];
  const nodes = ['-m', 'set', '!', '--match-set', setName(NODE_IPS, family), 'dst'];
  const masquerade = ['-j', 'MASQUERADE'];
  return {
    plain: [...subnets, ...nodes, ...masquerade],
    randomFully: [...subnets, ...nodes, ...masquerade, '--random-fully'],
    withoutNodeIps: [...subnets, ...masquerade],
    withoutNodeIpsRandomFully: [...subnets, ...masquerade, '--random-fully'],
  } satisfies Record<string, Rule>;
}

export function planForwardingSysctls({ enableIpv6 }: { readonly enableIpv6: boolean }): Sysctl[] {
  const ipv4 = [{ key: 'net/bridge/bridge-nf-call-iptables', value: '1' }];
  const ipv6 = [
    { key: 'net/bridge/bridge-nf-call-ip6tables', value: '1' },
    { key: 'net/ipv6/conf/all/disable_ipv6', value: '0' },
  ];
  return enableIpv6 ? [...ipv4, ...ipv6] : ipv4;
}
