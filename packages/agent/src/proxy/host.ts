/** What the kernel and the Node object say of this node to the proxy. Pure reading. */
import type { Address, Link } from '@routelet/netlink-wire';
import { addressFromBytes, type IpAddress, type IpFamily, parseAddress } from '../annotations/prefix.ts';
import type { Node } from '../cluster/model.ts';
import type { AgentOptions } from '../options/options.ts';
import type { Problem } from '../problem.ts';
import { type NodeFacts, readNodeFacts } from '../router/node-facts.ts';
import type { ProxyNode } from './service-plan.ts';

export interface ProxyHost {
  readonly node: ProxyNode;
  readonly podCidrs: NodeFacts['podCidrs'];
  /** The node's address of each family that is on. */
  readonly source: Readonly<Record<IpFamily, IpAddress | undefined>>;
  /** The interface that holds the node's primary address. */
  readonly interface: string | undefined;
  /** Addresses of the kernel but for those of bridges and dummies. */
  readonly localIps: readonly IpAddress[];
  readonly problems: readonly Problem[];
}

export type HostOptions = Pick<AgentOptions, 'enableIpv4' | 'enableIpv6' | 'nodeportBindonAllIp'>;

const ZONE = 'topology.kubernetes.io/zone';
/** V-10: interfaces whose name has one of these hold no addresses that others reach the node by. */
const NOT_LOCAL = ['dummy', 'kube', 'docker'];

export function readProxyHost(
  node: Node,
  links: readonly Link[],
  addresses: readonly Address[],
  options: HostOptions,
): ProxyHost {
  const facts = readNodeFacts(node);
  const on = { 4: options.enableIpv4, 6: options.enableIpv6 };
  const best = (family: IpFamily, text: string | undefined) =>
    on[family] && text !== undefined ? parseAddress(text) : undefined;
  const source = { 4: best(4, facts.ipv4), 6: best(6, facts.ipv6) };
  const families = ([4, 6] as const).filter((family) => source[family] !== undefined);
  const names = new Map(links.map(({ index, name }) => [index, name]));
  const localIps = new Map<string, IpAddress>();
  let holder: string | undefined;
  for (const { index, local } of addresses) {
    const address = addressFromBytes(local);
    const name = names.get(index) ?? '';
    if (!address) continue;
    if (address.text === facts.primary) holder ??= name;
    if (!isOfHost(address) || NOT_LOCAL.some((word) => name.includes(word))) continue;
    localIps.set(address.text, address);
  }
  const bestAddresses = families.flatMap((family) => source[family] ?? []);
  const all = [...localIps.values()].filter(({ family }) => families.includes(family));
  return {
    node: {
      name: facts.name,
      zone: node.metadata.labels[ZONE],
      addresses: new Set(facts.addresses),
      families,
      nodePortAddresses: (options.nodeportBindonAllIp ? all : bestAddresses).sort((a, b) => (a.text < b.text ? -1 : 1)),
    },
    podCidrs: facts.podCidrs,
    source,
    interface: holder,
    localIps: [...localIps.values()].sort((a, b) => (a.text < b.text ? -1 : 1)),
    problems: ([4, 6] as const).flatMap((family): Problem[] => {
      if (!on[family] || source[family]) return [];
      const text = `node ${facts.name}: no IPv${family} address in status.addresses, expected one for --enable-ipv${family}: services of IPv${family} are not served`;
      return [{ code: 'no-address', subject: `proxy ipv${family}`, text }];
    }),
  };
}

/** Neither loopback nor link-local: IPVS serves no clients there. */
function isOfHost({ family, value }: IpAddress): boolean {
  return family === 4 ? value >> 24n !== 127n : value !== 1n && value >> 118n !== 0x3fan;
}

/** Whether plans of Services made for one are good for the other. */
export function equalNodes(a: ProxyNode, b: ProxyNode): boolean {
  const text = ({ name, zone, addresses, families, nodePortAddresses }: ProxyNode) =>
    JSON.stringify([name, zone, [...addresses], families, nodePortAddresses.map((one) => one.text)]);
  return text(a) === text(b);
}
