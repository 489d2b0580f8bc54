/** Asking for the routes again: plain (RFC 2918) and with a beginning and an end (RFC 7313). */
import type { PeerStatus } from '../../../../src/index.ts';
import { type Cell, eventually } from '../cell.ts';
import type { Feature } from '../feature.ts';
import type { PeerName } from '../peer.ts';
import { notOffered } from './routes.ts';

const prefix = '192.0.2.0/24';
const theirs = '203.0.113.0/24';

/** What each can do, and what its client says of it. */
interface Manners {
  /** Makes it ask us. */
  readonly asks?: {
    command(cell: Cell): readonly string[];
    /** The one route came a second time. */
    readonly again: RegExp;
  };
  /** It was asked by us, and answers. */
  readonly answers?: RegExp;
  /** Both sides know the beginning and the end. */
  readonly enhanced?: RegExp;
}

const manners: { readonly [P in PeerName]: Manners } = {
  bird: {
    asks: { command: () => ['reload', 'in', 'routelet'], again: /Import updates:\s+2\b/ },
    answers: /Export updates:\s+[2-9]/,
    enhanced: /Enhanced refresh/,
  },
  frr: {
    // It counts the beginning and the end of its answer too.
    asks: { command: () => ['clear bgp ipv4 unicast * soft in'], again: /"routeRefreshSent":3\b/ },
    answers: /"routeRefreshRecv":1\b/,
    enhanced: /"enhancedRouteRefresh":"advertisedAndReceived"/,
  },
  // It never asks: its client resets softly from what it keeps.
  gobgp: { answers: /Route Refresh:\s+\d+\s+1\b/ },
  // Asked by a peer with the enhanced capability, it ends on "'RouteRefresh' object is not iterable".
  exabgp: {
    asks: {
      command: () => ['announce route-refresh ipv4 unicast'],
      again: /("nlri": "192\.0\.2\.0\/24".*){2}/s,
    },
  },
  // Asked, its decision engine logs "route refresh: AID IPv4 unicast not negotiated".
  openbgpd: {
    asks: { command: (cell) => ['neighbor', cell.ourAddress, 'refresh'], again: /Request\s+1\b/ },
    enhanced: /Enhanced Route Refresh/,
  },
};

/** Each side that can asks the other and gets the routes again, over one and the same session. */
async function refresh(cell: Cell): Promise<void> {
  const { asks, answers } = manners[cell.name];
  cell.speaker.announce({ prefix });
  await cell.established();
  await cell.shows(prefix, 'before the refresh', ([path]) => path?.best === true);
  await cell.knows(theirs, 'before the refresh', ([path]) => path !== undefined);
  const status = (): PeerStatus | undefined => cell.speaker.peers()[0];
  const before = status()?.updates.received ?? 0;
  if (answers !== undefined) {
    cell.speaker.refresh(cell.theirAddress);
    await cell.says(answers);
    await eventually(
      () => 'UPDATEs of the peer in answer to ours',
      () => (status()?.updates.received ?? 0) > before || undefined,
    );
  }
  if (asks !== undefined) {
    await cell.implementation.ask(cell.running, ...asks.command(cell));
    await cell.says(asks.again);
  }
  await cell.shows(prefix, 'after the refresh', ([path]) => path?.best === true);
  if (status()?.established !== 1) throw new Error('the session did not stay up');
}

/** FRR sends End-of-RIB only where graceful restart is known, and takes no request before it. */
const withEndOfRib = { speaker: { gracefulRestart: { restartTimeMs: 60_000 } }, peer: { gracefulRestart: true } };

export const refreshFeatures: readonly Feature[] = [
  {
    name: 'route refresh',
    ours: withEndOfRib,
    theirs: { bird: {}, frr: {}, gobgp: {}, exabgp: {}, openbgpd: {} },
    drive: refresh,
    wire: [
      { from: 'either', fields: { 'bgp.type': '5', 'bgp.route_refresh.afi': '1', 'bgp.route_refresh.subtype': '0' } },
      { from: 'theirs', fields: { 'bgp.cap.type': '2' } },
    ],
  },
  {
    name: 'enhanced route refresh',
    ours: withEndOfRib,
    theirs: {
      bird: {},
      frr: {},
      gobgp: { lacks: (cell) => notOffered(cell, /enhanced-route-refresh:\s+received/) },
      exabgp: {},
      openbgpd: { neighbor: 'announce enhanced refresh yes' },
    },
    async drive(cell) {
      await refresh(cell);
      const { enhanced } = manners[cell.name];
      if (enhanced !== undefined) await cell.says(enhanced);
    },
    wire: [
      { from: 'theirs', fields: { 'bgp.cap.type': '70' } },
      { from: 'ours', fields: { 'bgp.type': '5', 'bgp.route_refresh.subtype': '1' } },
      { from: 'ours', fields: { 'bgp.type': '5', 'bgp.route_refresh.subtype': '2' } },
    ],
  },
];
