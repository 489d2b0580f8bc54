/**
 * The whole plan of this node's BGP, from the Node objects and the options alone: who it is, whom it talks to, what it
 * says and what it lets through. Nothing here has an effect, so it can be asked at any time what would be done.
 */
import type { Announcement, PeerOptions } from '@routelet/bgp';
import type { ExternalPeer } from '../annotations/external-peer.ts';
import { parseCommunities, parseImportReject, parseLocalAddresses, parsePathPrepend } from '../annotations/node.ts';
import type { Node } from '../cluster/model.ts';
import type { RouterPeer } from '../options/options.ts';
import type { Secret } from '../options/secret.ts';
import type { Problem } from '../problem.ts';
import { planAnnouncements } from './announcements.ts';
import { planExternalPeers } from './external-peers.ts';
import { type Identity, type IdentityOptions, planIdentity } from './identity.ts';
import { annotationProblems, type NodeFacts } from './node-facts.ts';
import { type PeerPlanOptions, planPeers } from './peers.ts';
import { type Policies, type PolicyOptions, planPolicies } from './policies.ts';

export interface RouterInput {
  readonly nodeName: string;
  /** The own Node object, undefined while there is none. */
  readonly own: Node | undefined;
  readonly nodes: ReadonlyMap<string, NodeFacts>;
  /** Addresses of Services that some node may announce, as `VipTable` has them. */
  readonly vips: readonly string[];
  /** The plan before this one: what stays equal is the same object, and its external peers outlive a bad annotation. */
  readonly previous: RouterPlan | undefined;
  /** MD5 password of the sessions with nodes. */
  readonly meshPassword?: Secret | undefined;
}

export type RouterPlanOptions = IdentityOptions &
  PeerPlanOptions &
  PolicyOptions & { readonly routerPeers: readonly RouterPeer[] };

export interface RouterPlan {
  readonly identity: Identity;
  readonly policies: Policies;
  readonly peers: readonly PeerOptions[];
  /** Of pod CIDRs; those of Services are planned apart, as they change with every endpoint. */
  readonly announcements: readonly Announcement[];
  readonly external: readonly ExternalPeer[];
  readonly lastGoodExternal: readonly ExternalPeer[] | undefined;
}

/** Without a plan the router waits; the problems say for what. */
export function planRouter(
  { nodeName, own, nodes, vips, previous, meshPassword }: RouterInput,
  options: RouterPlanOptions,
): { readonly plan: RouterPlan | undefined; readonly problems: readonly Problem[] } {
  const facts = nodes.get(nodeName);
  if (!own || !facts) {
    const text = `node ${nodeName}: there is no such Node in the cluster; waiting for it`;
    return { plan: undefined, problems: [{ code: 'node-missing', subject: nodeName, text }] };
  }
  const { annotations } = own.metadata;
  const localAddresses = parseLocalAddresses(annotations);
  const importReject = parseImportReject(annotations);
  const communities = parseCommunities(annotations);
  const prepend = parsePathPrepend(annotations);
  const { identity, problems: identityProblems } = planIdentity(facts, localAddresses.value, options);
  const external = planExternalPeers(nodeName, annotations, options.routerPeers, previous?.lastGoodExternal);
  const problems = [
    ...facts.problems,
    ...annotationProblems(nodeName, [
      ...localAddresses.problems,
      ...importReject.problems,
      ...communities.problems,
      ...prepend.problems,
    ]),
    ...identityProblems,
    ...external.problems,
  ];
  if (!identity) return { plan: undefined, problems };

  const policies = unchanged(
    previous?.policies,
    planPolicies(
      {
        podCidrs: identity.podCidrs,
        vips,
        importReject: importReject.value,
        communities: communities.value,
        prepend: prepend.value,
        reflects: identity.clusterId !== undefined,
      },
      options,
    ),
  );
  const peers = planPeers(
    { identity, nodes: nodes.values(), external: external.peers, policies, meshPassword },
    options,
  );
  return {
    plan: {
      identity: unchanged(previous?.identity, identity),
      policies,
      peers: peers.peers,
      announcements: planAnnouncements(identity),
      external: external.peers,
      lastGoodExternal: external.lastGood,
    },
    problems: [...problems, ...peers.problems],
  };
}

/** The value of before when it is equal, so that who keeps it can compare by identity. */
function unchanged<T>(before: T | undefined, now: T): T {
  const text = (value: T) => JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? `${part}n` : part));
  return before !== undefined && text(before) === text(now) ? before : now;
}
