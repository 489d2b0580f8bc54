/** What a change of a peer's options asks for. */
import type { PeerOptions } from './api.ts';
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
  multihopTtl: 'session',
  gracefulRestart: 'session',
  routeReflectorClient: 'routes',
  nextHopSelf: 'routes',
  importPolicy: 'routes',
  exportPolicy: 'routes',
};

/** `session` when the session has to be reset, `routes` when the change takes effect on it; undefined: nothing differs. */
export function comparePeers(before: PeerOptions, after: PeerOptions): 'session' | 'routes' | undefined {
  let scope: 'session' | 'routes' | undefined;
  for (const name of Object.keys(optionScope) as (keyof PeerOptions)[]) {
    if (contentOf(before[name]) === contentOf(after[name])) continue;
    if (optionScope[name] === 'session') return 'session';
    scope = 'routes';
  }
  return scope;
}
