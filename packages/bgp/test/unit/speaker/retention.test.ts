import t from 'tap';
import { ipv4Unicast, ipv6Unicast } from '../../../src/family/registry.ts';
import type { DownReason } from '../../../src/fsm/state.ts';
import type { Negotiated } from '../../../src/message/model.ts';
import { retentionOf } from '../../../src/speaker/stale-routes.ts';

const RESTART_MS = 90_000;
const STALE_MS = 3_600_000;
const received = (code: number, subcode: number): DownReason => ({
  kind: 'notification-received',
  text: '',
  code,
  subcode,
});

/** Why the session ended, and whether routes stay without and with the N bit on both sides. */
const ends: readonly [string, DownReason, boolean, boolean][] = [
  ['RFC 4724 §4.2: the TCP session fails', { kind: 'connection-lost', text: '' }, true, true],
  ['RFC 8538 §4.1: the hold timer expires', { kind: 'hold-timer', text: '', code: 4, subcode: 0 }, false, true],
  ['RFC 8538 §4.1: a NOTIFICATION is received', received(3, 1), false, true],
  ['RFC 8538 §4.1: CEASE is received', received(6, 4), false, true],
  ['RFC 8538 §3.1: Hard Reset is received', received(6, 9), false, false],
  ['RFC 8538 §4.2: a NOTIFICATION is sent', { kind: 'notification-sent', text: '', code: 3, subcode: 1 }, false, true],
  ['RFC 8538 §5.1: Hard Reset is sent', { kind: 'notification-sent', text: '', code: 6, subcode: 9 }, false, false],
  ['our own stop', { kind: 'admin', text: '', code: 6, subcode: 2 }, false, false],
];

function negotiated(notification: boolean, more: Partial<Negotiated> = {}): Negotiated {
  return {
    localAsn: 1,
    peerAsn: 2,
    peerType: 'ebgp',
    peerIdentifier: 2,
    holdTimeMs: 90_000,
    keepaliveMs: 30_000,
    families: [ipv4Unicast.key, ipv6Unicast.key],
    fourOctetAs: true,
    routeRefresh: true,
    enhancedRouteRefresh: true,
    extendedMessages: true,
    addPathReceive: [],
    addPathSend: [],
    gracefulRestart: {
      restarting: false,
      notification,
      restartTimeMs: RESTART_MS,
      families: [{ family: ipv4Unicast.key, forwardingPreserved: true }],
    },
    ...more,
  };
}

t.test('which ends of a session keep its routes', async (t) => {
  t.not(ends.length, 0);
  for (const [name, reason, without, withN] of ends) {
    for (const [notification, expected] of [
      [false, without],
      [true, withN],
    ] as const) {
      const retention = retentionOf(reason, ipv4Unicast.key, negotiated(notification));
      const kept = { restartTimeMs: RESTART_MS, longLivedMs: 0 };
      t.strictSame(retention, expected ? kept : undefined, `${name}, N ${notification ? 1 : 0}`);
    }
  }
});

const stale = { forwardingPreserved: true, staleTimeMs: STALE_MS };

/** Family, what the peer's capabilities are, and for how long its routes stay. */
const promises: readonly [string, number, Partial<Negotiated>, readonly [number, number] | undefined][] = [
  ['RFC 4724 §4.2: a family that was not listed', ipv6Unicast.key, {}, undefined],
  [
    'RFC 9494 §4.2: after the restart time',
    ipv4Unicast.key,
    { longLivedGracefulRestart: [{ family: ipv4Unicast.key, ...stale }] },
    [RESTART_MS, STALE_MS],
  ],
  [
    'RFC 9494 §4.2: at once, for a family without graceful restart',
    ipv6Unicast.key,
    { longLivedGracefulRestart: [{ family: ipv6Unicast.key, ...stale }] },
    [0, STALE_MS],
  ],
  [
    'a family that only the other list has',
    ipv6Unicast.key,
    { longLivedGracefulRestart: [{ family: ipv4Unicast.key, ...stale }] },
    undefined,
  ],
];

t.test('for how long', async (t) => {
  t.not(promises.length, 0);
  for (const [name, family, more, times] of promises) {
    const [restartTimeMs, longLivedMs] = times ?? [0, 0];
    const expected = times === undefined ? undefined : { restartTimeMs, longLivedMs };
    t.strictSame(retentionOf({ kind: 'connection-lost', text: '' }, family, negotiated(true, more)), expected, name);
  }
});
