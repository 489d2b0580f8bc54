/**
 * The chains of one external peer: those of its class with what its own options add. A filter only takes away: what it
 * accepts still has to pass the statements of the class.
 */
import type { PolicyAction, PolicyChain, PolicyStatement } from '@routelet/bgp';
import type { ExternalPeer, FilterRule } from '../annotations/external-peer.ts';
import type { Policies } from './policies.ts';

export interface PeerPolicies {
  readonly importPolicy: PolicyChain;
  readonly exportPolicy: PolicyChain;
}

export function planPeerPolicies(peer: ExternalPeer, policies: Policies): PeerPolicies {
  return {
    importPolicy: filtered(preferring(policies.import, peer.localPreference), peer.importFilter),
    exportPolicy: filtered(adjusted(policies.exportToExternal, peer), peer.exportFilter),
  };
}

function preferring(chain: PolicyChain, value: number | undefined): PolicyChain {
  if (value === undefined) return chain;
  const preferred: PolicyStatement = {
    name: 'local-preference',
    match: {},
    actions: [{ kind: 'set-local-preference', value }],
  };
  return { ...chain, statements: [preferred, ...chain.statements] };
}

/** Without a filter the chain itself, so that peers of a class share it. */
function filtered(chain: PolicyChain, filter: readonly FilterRule[] | undefined): PolicyChain {
  if (filter === undefined) return chain;
  const { statements, defaultVerdict } = chain;
  const rules = filter.map(({ verdict, match }, index): PolicyStatement => {
    const rule = { name: `filter-${index}`, match };
    return verdict === 'reject' ? { ...rule, verdict } : { ...rule, jump: 'class' };
  });
  return {
    ...chain,
    statements: [...rules, ...statements],
    subchains: { ...chain.subchains, class: { statements, defaultVerdict } },
  };
}

/** What the peer's options change of the actions on a route that goes to it; nothing: the chain itself. */
function adjusted(chain: PolicyChain, peer: ExternalPeer): PolicyChain {
  const { pathPrepend, nextHopSelf, communities, largeCommunities, extendedCommunities } = peer;
  const replaced = new Set<PolicyAction['kind']>([
    ...(pathPrepend === undefined ? [] : (['prepend'] as const)),
    ...(nextHopSelf === undefined ? [] : (['next-hop-self'] as const)),
  ]);
  const added: PolicyAction[] = [];
  if (pathPrepend !== undefined) added.push({ kind: 'prepend', ...pathPrepend });
  if (communities !== undefined) added.push({ kind: 'add-communities', communities });
  if (largeCommunities !== undefined) added.push({ kind: 'add-large-communities', communities: largeCommunities });
  if (extendedCommunities !== undefined) {
    added.push({ kind: 'add-extended-communities', communities: extendedCommunities });
  }
  if (nextHopSelf === true) added.push({ kind: 'next-hop-self' });
  if (replaced.size === 0 && added.length === 0) return chain;
  const statements = chain.statements.map(({ actions = [], ...statement }): PolicyStatement => {
    if (statement.verdict !== 'accept') return actions.length === 0 ? statement : { ...statement, actions };
    const all = [...actions.filter(({ kind }) => !replaced.has(kind)), ...added];
    return all.length === 0 ? statement : { ...statement, actions: all };
  });
  return { ...chain, statements };
}
