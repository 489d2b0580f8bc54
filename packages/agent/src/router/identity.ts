/**
 * Who this node is to BGP: addresses, families, AS number, identifier, where to listen. Made of the own Node object and
 * the options; while something that a speaker cannot do without is missing, the problem says so and there is no identity.
 */
import type { FamilyName } from '@routelet/bgp';
import { ASN } from '../annotations/node.ts';
import { formatAddress, type IpFamily, type Prefix, parseAddress } from '../annotations/prefix.ts';
import type { AgentOptions } from '../options/options.ts';
import type { Problem } from '../problem.ts';
import type { NodeFacts } from './node-facts.ts';

export interface Identity {
  readonly name: string;
  readonly primary: string;
  /** Best address of a family that is enabled. */
  readonly ipv4: string | undefined;
  readonly ipv6: string | undefined;
  readonly addresses: readonly string[];
  readonly families: readonly FamilyName[];
  readonly asn: number;
  readonly routerId: string;
  /** Of a route reflector. */
  readonly clusterId: string | undefined;
  readonly listen: readonly { readonly address: string; readonly port: number }[];
  /** Pod CIDRs whose family is enabled and has a node address. */
  readonly podCidrs: readonly Prefix[];
}

export type IdentityOptions = Pick<
  AgentOptions,
  'enableIpv4' | 'enableIpv6' | 'clusterAsn' | 'nodesFullMesh' | 'routerId' | 'bgpPort'
>;

export const familyName: Readonly<Record<IpFamily, FamilyName>> = { 4: 'ipv4-unicast', 6: 'ipv6-unicast' };

/** `localAddresses`: kube-router.io/bgp-local-addresses, instead of the best address of each family. */
export function planIdentity(
  facts: NodeFacts,
  localAddresses: readonly string[] | undefined,
  options: IdentityOptions,
): { readonly identity: Identity | undefined; readonly problems: readonly Problem[] } {
  const { name } = facts;
  const problems: Problem[] = [];
  const problem = (code: Problem['code'], subject: string, text: string) => {
    problems.push({ code, subject, text: `node ${name}: ${text}` });
  };

  const ipv4 = options.enableIpv4 ? facts.ipv4 : undefined;
  const ipv6 = options.enableIpv6 ? facts.ipv6 : undefined;
  if (options.enableIpv4 && !ipv4)
    problem('no-address', 'ipv4', 'no IPv4 address in status.addresses, expected one for --enable-ipv4');
  if (options.enableIpv6 && !ipv6)
    problem('no-address', 'ipv6', 'no IPv6 address in status.addresses, expected one for --enable-ipv6');
  const usable = (family: IpFamily) => (family === 4 ? ipv4 : ipv6) !== undefined;
  const families = ([4, 6] as const).filter(usable);

  const podCidrs = facts.podCidrs.filter(({ family }) => usable(family));
  for (const { text, family } of facts.podCidrs) {
    if (!usable(family))
      problem('no-pod-cidr', text, `pod CIDR ${text} is not used: IPv${family} is off or has no node address`);
  }
  if (facts.podCidrs.length === 0) {
    problem('no-pod-cidr', name, 'no pod CIDR, expected spec.podCIDRs or the annotation kube-router.io/pod-cidrs');
  }

  const asn = options.nodesFullMesh ? options.clusterAsn : facts.asn;
  if (asn === undefined) problem('asn', name, `no annotation ${ASN}, expected one with --nodes-full-mesh=false`);
  const primary = facts.primary === undefined ? undefined : parseAddress(facts.primary);
  const routerId = primary && planRouterId(primary.text, options.routerId);
  if (primary && !routerId) {
    problem(
      'router-id',
      name,
      `primary address ${primary.text} is IPv6, expected --router-id with an IPv4 address or "generate"`,
    );
  }
  if (!primary || !routerId || asn === undefined || families.length === 0) return { identity: undefined, problems };

  const best = [ipv4, ipv6].filter((address) => address !== undefined);
  const listen = (localAddresses ?? best).filter((text) => usable(parseAddress(text)?.family ?? 4));
  return {
    identity: {
      name,
      primary: primary.text,
      ipv4,
      ipv6,
      addresses: facts.addresses,
      families: families.map((family) => familyName[family]),
      asn,
      routerId,
      clusterId: facts.reflection?.role === 'server' ? facts.reflection.clusterId : undefined,
      listen: listen.map((address) => ({ address, port: options.bgpPort })),
      podCidrs,
    },
    problems,
  };
}

/** The identifier for a node with this primary address; undefined when it has to be given and is not. */
export function planRouterId(primary: string, option: string): string | undefined {
  const address = parseAddress(primary);
  if (!address) return undefined;
  if (option === 'generate') return generateRouterId(address.family, address.value);
  if (option !== '') return option;
  return address.family === 4 ? address.text : undefined;
}

/** FNV-1a of the address in 16 bytes: the original hashes Go's net.IP, which holds IPv4 as ::ffff:a.b.c.d. */
function generateRouterId(family: IpFamily, value: bigint): string {
  const bits = family === 4 ? (0xffffn << 32n) | value : value;
  let hash = 0x811c9dc5;
  for (let shift = 120n; shift >= 0n; shift -= 8n) {
    hash = Math.imul(hash ^ Number((bits >> shift) & 0xffn), 0x01000193) >>> 0;
  }
  return formatAddress(4, BigInt(hash));
}

export function bestAddress(identity: Identity, family: IpFamily): string | undefined {
  return family === 4 ? identity.ipv4 : identity.ipv6;
}
