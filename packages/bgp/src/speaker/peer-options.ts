/** What a change of a peer's options asks for. */
import type { PeerGroups, PeerOptions } from './api.ts';
import { contentOf } from './content.ts';

/** What each option is for: `session` ones are part of the session and need a reset, `routes` ones only of its routes. */
const optionScope: { readonly [K in keyof Required<PeerOptions>]: 'session' | 'routes' } = {
  address: 'session',
  asn: 'session',
  port: 'session',
  localAddress: 'session',
  description: 'routes',
  families: 'session',
  holdTimeMs: 'session',
  connectRetryMs: 'session',
  passive: 'session',
  password: 'session',
  tcpAo: 'session',
  device: 'session',
  ttlSecurity: 'session',
  multihopTtl: 'session',
  bfd: 'routes',
  gracefulRestart: 'session',
  longLivedGracefulRestart: 'session',
  gracefulShutdown: 'routes',
  addPath: 'session',
  extendedNextHop: 'session',
  nextHopAddresses: 'routes',
  routeReflectorClient: 'routes',
  nextHopSelf: 'routes',
  group: 'routes',
  routeServerClient: 'routes',
  role: 'session',
  roleStrict: 'session',
  localAs: 'session',
  allowOwnAs: 'routes',
  removePrivateAs: 'routes',
  // What was refused is not kept, and has to be sent again.
  allowAsSets: 'session',
  enforceFirstAs: 'session',
  prefixLimits: 'routes',
  importPolicy: 'routes',
  exportPolicy: 'routes',
};

/** `session` when the session has to be reset, `routes` when the change takes effect on it; undefined: nothing differs. */
export function comparePeers(before: PeerOptions, after: PeerOptions): 'session' | 'routes' | undefined {
  let scope: 'session' | 'routes' | undefined;
  for (const name of Object.keys(optionScope) as (keyof PeerOptions)[]) {
    if (before[name] === after[name] || contentOf(before[name]) === contentOf(after[name])) continue;
    if (optionScope[name] === 'session') return 'session';
    scope = 'routes';
  }
  return scope;
}

/** The peer's options with those of its group where it says nothing. Throws `RangeError` for a group that is not there. */
export function withGroup(peer: PeerOptions, groups: PeerGroups): PeerOptions {
  if (peer.group === undefined) return peer;
  const group = groups[peer.group];
  if (group === undefined) throw new RangeError(`peer ${peer.address}: there is no peer group ${peer.group}`);
  return { ...group, ...peer };
}
