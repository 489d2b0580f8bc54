/**
 * Which sessions this node has: one with every other node (or every other node of its AS), and the external ones of flags
 * or annotations. A peer that cannot be is left out and named; the others do not notice.
 */
import type { BfdPeerOptions, PeerOptions } from '@routelet/bgp';
import type { ExternalPeer } from '../annotations/external-peer.ts';
import type { Reflection } from '../annotations/node.ts';
import { given } from '../annotations/peer-schema.ts';
import { parseAddress } from '../annotations/prefix.ts';
import type { AgentOptions } from '../options/options.ts';
import type { Secret } from '../options/secret.ts';
import type { Problem } from '../problem.ts';
import { bestAddress, familyName, type Identity } from './identity.ts';
import type { NodeFacts } from './node-facts.ts';
import { planPeerPolicies } from './peer-policies.ts';
import type { Policies } from './policies.ts';

export type PeerPlanOptions = Pick<
  AgentOptions,
  | 'enableIbgp'
  | 'nodesFullMesh'
  | 'bgpPort'
  | 'bgpHoldMs'
  | 'bgpGracefulRestart'
  | 'bgpLongLivedStaleMs'
  | 'peerRouterMultihopTtl'
  | 'enableBfd'
  | 'bfdPort'
  | 'bfdDetectionMultiplier'
  | 'bfdDesiredMinTxMs'
  | 'bfdRequiredMinRxMs'
  | 'meshHoldMs'
  | 'meshEnableBfd'
> & { readonly routerPeers: readonly ExternalPeer[] };

/** Description of the external peers; the other ones have the name of their node, which is a DNS name. */
export const EXTERNAL = '(external)';

export interface PeerInput {
  readonly identity: Identity;
  /** All nodes of the cluster; the own one is skipped. */
  readonly nodes: Iterable<NodeFacts>;
  readonly external: readonly ExternalPeer[];
  /** MD5 password of the sessions with nodes; undefined for none. */
  readonly meshPassword: Secret | undefined;
  readonly policies: Policies;
}

export interface PeerPlan {
  readonly peers: readonly PeerOptions[];
  readonly problems: readonly Problem[];
}

export function planPeers(input: PeerInput, options: PeerPlanOptions): PeerPlan {
  const nodes = [...input.nodes];
  const internal = options.enableIbgp ? planInternal({ ...input, nodes }, options) : { peers: [], problems: [] };
  const external = planExternal({ ...input, nodes }, options);
  return {
    peers: [...internal.peers, ...external.peers],
    problems: [...internal.problems, ...external.problems],
  };
}

/**
 * Whether two nodes have a session: clients with the reflectors of their cluster alone, all others with each other
 * (B-11, B-12; the original never compares the cluster ids).
 */
function sessionKind(own: Reflection | undefined, other: Reflection | undefined): 'none' | 'peer' | 'client' {
  const together = own?.clusterId === other?.clusterId;
  if (own?.role === 'client') return together && other?.role === 'server' ? 'peer' : 'none';
  if (other?.role === 'client') return together && own?.role === 'server' ? 'client' : 'none';
  return 'peer';
}

/** RFC 5881 §4. */
const BFD_PORT = 3784;

/** F-39. */
function flagBfd(options: PeerPlanOptions): BfdPeerOptions {
  return {
    detectMultiplier: options.bfdDetectionMultiplier,
    desiredMinTxMs: options.bfdDesiredMinTxMs,
    requiredMinRxMs: options.bfdRequiredMinRxMs,
  };
}

function longLived(staleTimeMs: number | undefined): Pick<PeerOptions, 'longLivedGracefulRestart'> {
  return staleTimeMs === undefined || staleTimeMs === 0 ? {} : { longLivedGracefulRestart: { staleTimeMs } };
}

function planInternal({ identity, nodes, policies, meshPassword }: PeerInput, options: PeerPlanOptions): PeerPlan {
  const peers: PeerOptions[] = [];
  const problems: Problem[] = [];
  const ownFamily = parseAddress(identity.primary)?.family;
  const own = [...nodes].find(({ name }) => name === identity.name)?.reflection;
  const taken = new Map(identity.addresses.map((address) => [address, identity.name]));
  for (const node of nodes) {
    if (node.name === identity.name) continue;
    const refuse = (code: Problem['code'], text: string) =>
      problems.push({ code, subject: node.name, text: `no session with node ${node.name}: ${text}` });
    const { primary } = node;
    if (primary === undefined) {
      refuse('peer-refused', 'it has no address, expected an InternalIP or ExternalIP in status.addresses');
      continue;
    }
    if (!options.nodesFullMesh && node.asn !== identity.asn) {
      if (node.asn === undefined)
        refuse('asn', 'it has no valid kube-router.io/node.asn, expected one with --nodes-full-mesh=false');
      continue;
    }
    const kind = sessionKind(own, node.reflection);
    if (kind === 'none') continue;
    if (parseAddress(primary)?.family !== ownFamily) {
      refuse('peer-family', `its primary address ${primary} is not of the family of the own one, ${identity.primary}`);
      continue;
    }
    const owner = taken.get(primary);
    if (owner !== undefined) {
      refuse('peer-refused', `its address ${primary} is already that of node ${owner}`);
      continue;
    }
    taken.set(primary, node.name);
    const capable = [...(node.ipv4 ? [familyName[4]] : []), ...(node.ipv6 ? [familyName[6]] : [])];
    peers.push({
      address: primary,
      asn: identity.asn,
      port: options.bgpPort,
      localAddress: identity.primary,
      description: node.name,
      families: capable.filter((family) => identity.families.includes(family)),
      holdTimeMs: options.meshHoldMs,
      gracefulRestart: options.bgpGracefulRestart,
      ...longLived(options.bgpGracefulRestart ? options.bgpLongLivedStaleMs : undefined),
      ...(options.meshEnableBfd && { bfd: flagBfd(options) }),
      ...(meshPassword !== undefined && { password: meshPassword.reveal() }),
      ...(kind === 'client' && { routeReflectorClient: true }),
      importPolicy: policies.import,
      exportPolicy: policies.exportToNodes,
    });
  }
  return { peers, problems };
}

function planExternal({ identity, nodes, external, policies }: PeerInput, options: PeerPlanOptions): PeerPlan {
  const peers: PeerOptions[] = [];
  const problems: Problem[] = [];
  const owners = new Map<string, string>();
  for (const node of nodes) for (const address of node.addresses) owners.set(address, `node ${node.name}`);
  for (const address of identity.addresses) owners.set(address, 'this node');
  for (const peer of external) {
    const refuse = (code: Problem['code'], text: string) =>
      problems.push({ code, subject: peer.address, text: `no session with external peer ${peer.address}: ${text}` });
    const owner = owners.get(peer.address);
    if (owner !== undefined) {
      refuse('peer-refused', `the address is already that of ${owner}`);
      continue;
    }
    const family = parseAddress(peer.address)?.family ?? 4;
    const localAddress = peer.localAddress ?? bestAddress(identity, family);
    if (localAddress === undefined || parseAddress(localAddress)?.family !== family) {
      const got = localAddress === undefined ? 'this node has none' : `localip is ${localAddress}`;
      refuse('peer-family', `expected an IPv${family} address to connect from, ${got}`);
      continue;
    }
    owners.set(peer.address, 'an external peer');
    const gracefulRestart = peer.gracefulRestart ?? options.bgpGracefulRestart;
    const multihopTtl =
      peer.multihopTtl ?? (options.peerRouterMultihopTtl >= 2 ? options.peerRouterMultihopTtl : undefined);
    // Packets of a session with TTL security leave with 255 in any case.
    const hops = peer.ttlSecurity === undefined ? { multihopTtl } : { ttlSecurity: peer.ttlSecurity };
    const bfd = peer.bfd ?? flagPeerBfd(peer, options);
    if (bfd !== undefined && gracefulRestart) {
      // RFC 5882 §4.3: BFD that shares fate with the control plane says that forwarding failed when it only restarts.
      const text = `external peer ${peer.address}: BFD ends the session and its routes while graceful restart would keep them, expected one of them`;
      problems.push({ code: 'bfd', subject: peer.address, text, level: 'warn' });
    }
    if (bfd?.port !== undefined && (peer.ttlSecurity ?? multihopTtl ?? 1) > 1) {
      refuse('bfd', `BFD port ${bfd.port} is for peers on the same link, expected none for one that is further away`);
      continue;
    }
    peers.push({
      address: peer.address,
      asn: peer.asn,
      port: peer.port ?? 179,
      localAddress,
      description: EXTERNAL,
      families: identity.families,
      holdTimeMs: peer.holdTimeMs ?? options.bgpHoldMs,
      gracefulRestart,
      ...longLived(gracefulRestart ? (peer.longLivedStaleMs ?? options.bgpLongLivedStaleMs) : undefined),
      ...given(hops),
      ...given({ bfd, addPath: peer.addPath, prefixLimits: prefixLimits(peer, identity) }),
      ...(peer.password !== undefined && { password: peer.password.reveal() }),
      ...planPeerPolicies(peer, policies),
    });
  }
  return { peers, problems };
}

/** The flags are for the peers of flags alone, as in the original. */
function flagPeerBfd(peer: ExternalPeer, options: PeerPlanOptions): BfdPeerOptions | undefined {
  if (!options.enableBfd || !options.routerPeers.includes(peer)) return undefined;
  return { ...flagBfd(options), ...(options.bfdPort !== BFD_PORT && { port: options.bfdPort }) };
}

/** The same limit for each family. */
function prefixLimits({ prefixLimit }: ExternalPeer, { families }: Identity): PeerOptions['prefixLimits'] {
  return prefixLimit && Object.fromEntries(families.map((family) => [family, prefixLimit]));
}
