/**
 * One rule of a NetworkPolicy, read: its peers as selectors and prefixes, its ports as ranges and names. A rule is read
 * whole or is a list of problems; nothing of a rule with a problem lets a packet pass.
 */
import { contains, type Prefix, parsePrefix } from '../../annotations/prefix.ts';
import { show } from '../../annotations/problem.ts';
import type { NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicyRule, Protocol } from '../../cluster/model.ts';
import type { PortRange } from './model.ts';
import { difference, union } from './prefix-set.ts';
import { everything, readSelector, type Selector } from './selector.ts';
import type { Scope } from './selector-index.ts';

export interface NamedPort {
  readonly protocol: Protocol;
  readonly name: string;
}

export interface Rule {
  /** Undefined: everybody. */
  readonly peers?: {
    readonly pods: readonly { readonly scope: Scope; readonly selector: Selector }[];
    /** Without overlap, exceptions taken out. */
    readonly blocks: readonly Prefix[];
  };
  /** Undefined: all ports of all protocols. */
  readonly ports?: { readonly ranges: readonly PortRange[]; readonly named: readonly NamedPort[] };
}

export interface RuleProblem {
  /** Place inside of the rule, with the API's names: `from[1].ipBlock.cidr`. */
  readonly path: string;
  readonly text: string;
}

export const LAST_PORT = 65535;

/** @param peersName `from` of ingress, `to` of egress. */
export function readRule(
  { peers, ports }: NetworkPolicyRule,
  namespace: string,
  peersName: 'from' | 'to',
): Rule | readonly RuleProblem[] {
  const problems: RuleProblem[] = [];
  const pods: { scope: Scope; selector: Selector }[] = [];
  const blocks: Prefix[] = [];
  for (const [index, peer] of peers.entries()) {
    const wrong = (path: string, text: string) => problems.push({ path: `${peersName}[${index}].${path}`, text });
    // N-5: a block is one only where no selector stands beside it.
    if (peer.podSelector === undefined && peer.namespaceSelector === undefined) blocks.push(...readBlock(peer, wrong));
    else pods.push(...readPods(peer, namespace, wrong));
  }
  const ranges: PortRange[] = [];
  const named: NamedPort[] = [];
  for (const [index, port] of ports.entries()) {
    const read = readPort(port, (field, text) => problems.push({ path: `ports[${index}].${field}`, text }));
    if (read === undefined) continue;
    if ('name' in read) named.push(read);
    else ranges.push(read);
  }
  if (problems.length > 0) return problems;
  return {
    ...(peers.length > 0 && { peers: { pods, blocks: union(blocks) } }),
    ...(ports.length > 0 && { ports: { ranges: mergePorts(ranges), named } }),
  };
}

type Wrong = (path: string, text: string) => void;

function readPods(
  { podSelector, namespaceSelector }: NetworkPolicyPeer,
  namespace: string,
  wrong: Wrong,
): { scope: Scope; selector: Selector }[] {
  const read = (field: 'podSelector' | 'namespaceSelector', selector: NetworkPolicyPeer['podSelector']) => {
    if (selector === undefined) return undefined;
    const result = readSelector(selector);
    if ('matches' in result) return result;
    for (const { path, text } of result) wrong(`${field}.${path}`, text);
    return undefined;
  };
  const selector = podSelector === undefined ? everything : read('podSelector', podSelector);
  const namespaces = read('namespaceSelector', namespaceSelector);
  if (selector === undefined || (namespaceSelector !== undefined && namespaces === undefined)) return [];
  return [{ scope: namespaces === undefined ? { namespace } : { namespaces }, selector }];
}

function readBlock({ ipBlock }: NetworkPolicyPeer, wrong: Wrong): Prefix[] {
  if (ipBlock === undefined) {
    wrong('', 'expected a podSelector, a namespaceSelector or an ipBlock, got none');
    return [];
  }
  const cidr = parsePrefix(ipBlock.cidr);
  if (cidr === undefined) {
    wrong('ipBlock.cidr', `expected a prefix such as 10.0.0.0/8, got ${show(ipBlock.cidr)}`);
    return [];
  }
  const except = ipBlock.except.flatMap((text, index) => {
    const prefix = parsePrefix(text);
    const inside = prefix !== undefined && contains(cidr, prefix) && prefix.length > cidr.length;
    if (inside) return [prefix];
    wrong(`ipBlock.except[${index}]`, `expected a prefix inside of ${cidr.text}, got ${show(text)}`);
    return [];
  });
  return difference(cidr, except);
}

function readPort({ protocol, port, endPort }: NetworkPolicyPort, wrong: Wrong): PortRange | NamedPort | undefined {
  if (port === undefined) {
    if (endPort === undefined) return { protocol, first: 0, last: LAST_PORT };
    wrong('endPort', `needs a port beside it, got ${endPort} alone`);
    return undefined;
  }
  if (typeof port === 'string') {
    if (endPort === undefined) return { protocol, name: port };
    wrong('endPort', `needs a port with a number, got ${endPort} beside the name ${show(port)}`);
    return undefined;
  }
  const valid = (value: number) => Number.isInteger(value) && value >= 1 && value <= LAST_PORT;
  if (!valid(port)) {
    wrong('port', `expected a number from 1 to ${LAST_PORT} or a name, got ${port}`);
  } else if (endPort !== undefined && (!valid(endPort) || endPort < port)) {
    wrong('endPort', `expected a number from ${port} (the port) to ${LAST_PORT}, got ${endPort}`);
  } else {
    return { protocol, first: port, last: endPort ?? port };
  }
  return undefined;
}

/** The same ports in the fewest ranges. */
export function mergePorts(ranges: readonly PortRange[]): PortRange[] {
  const merged: { protocol: Protocol; first: number; last: number }[] = [];
  const order = (a: PortRange, b: PortRange) =>
    a.protocol === b.protocol ? a.first - b.first : a.protocol < b.protocol ? -1 : 1;
  for (const range of [...ranges].sort(order)) {
    const open = merged.at(-1);
    if (open === undefined || open.protocol !== range.protocol || range.first > open.last + 1)
      merged.push({ ...range });
    else open.last = Math.max(open.last, range.last);
  }
  return merged;
}
