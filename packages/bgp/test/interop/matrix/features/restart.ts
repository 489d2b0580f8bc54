/** Routes that stay while a speaker is away (RFC 4724, 9494), and the words it goes with (RFC 9003). */
import type { Cell } from '../cell.ts';
import type { Feature } from '../feature.ts';
import type { Fragment, PeerName, SeenPath } from '../peer.ts';

const ours = '192.0.2.0/24';
const theirs = '203.0.113.0/24';

const restartTimeMs = 60_000;

/** What each is told to keep our routes, and to come back itself. */
const graceful: { readonly [P in PeerName]: Fragment } = {
  bird: { neighbor: 'graceful restart on; graceful restart time 60;' },
  frr: { router: 'bgp graceful-restart\nbgp graceful-restart preserve-fw-state' },
  gobgp: {
    neighbor: '[neighbors.graceful-restart.config]\nenabled = true\nrestart-time = 60\ndeferral-time = 5',
    ipv4: '[neighbors.afi-safis.mp-graceful-restart.config]\nenabled = true',
  },
  exabgp: { router: 'graceful-restart 60;' },
  openbgpd: { neighbor: 'announce restart yes' },
};

async function bothKnow(cell: Cell): Promise<void> {
  cell.speaker.announce({ prefix: ours });
  await cell.established();
  await cell.shows(ours, 'before the restart', ([path]) => path?.best === true && !path.stale);
  await cell.knows(theirs, 'before the restart', ([path]) => path?.stale === false);
}

/** LLGR_STALE, which FRR shows by its name. */
const longLivedStale = ({ communities }: SeenPath): boolean =>
  communities.includes('65535:6') || communities.includes('llgr-stale');

const text = 'back at noon, ticket 42';

/** ExaBGP sends words of its own. */
const exabgpText = /"Administrative Shutdown"/;

export const restartFeatures: readonly Feature[] = [
  {
    name: 'graceful restart, we help',
    ours: { speaker: { gracefulRestart: { restartTimeMs } }, peer: { gracefulRestart: true } },
    theirs: {
      ...graceful,
      openbgpd: {
        ...graceful.openbgpd,
        async lacks(cell) {
          await bothKnow(cell);
          await cell.crashPeer();
          await cell.knows(theirs, 'gone with the peer', (paths) => paths.length === 0);
          return 'bgpd.conf(5): "Currently only the End-of-RIB marker is supported", its capability lists no family';
        },
      },
    },
    async drive(cell) {
      await bothKnow(cell);
      await cell.crashPeer();
      await cell.knows(theirs, 'stale while the peer is away', ([path]) => path?.stale === true);
      await cell.recoverPeer();
      await cell.established();
      await cell.knows(theirs, 'fresh after the restart', ([path]) => path?.stale === false);
      await cell.shows(ours, 'after the restart', ([path]) => path?.best === true);
    },
    wire: [
      { from: 'theirs', fields: { 'bgp.cap.type': '64', 'bgp.cap.gr.timers.restart_flag': '1' } },
      { from: 'theirs', fields: { 'bgp.type': '2', 'bgp.update.path_attributes.length': '0' } },
    ],
  },
  {
    name: 'graceful restart, we restart',
    ours: { speaker: { gracefulRestart: { restartTimeMs } }, peer: { gracefulRestart: true } },
    theirs: {
      ...graceful,
      exabgp: {
        ...graceful.exabgp,
        async lacks(cell) {
          await bothKnow(cell);
          await cell.speaker.stop({ graceful: true });
          await cell.shows(ours, 'gone with the session', (paths) => paths.length === 0);
          return `it has no table: it tells its processes ${await cell.says(/"state": "down"/)} and keeps nothing`;
        },
      },
    },
    async drive(cell) {
      await bothKnow(cell);
      await cell.speaker.stop({ graceful: true });
      await cell.shows(ours, 'stale while we are away', ([path]) => path?.stale === true);
      const restarting = { gracefulRestart: { restartTimeMs, restarting: true } };
      await cell.startSpeaker(restarting, [{ prefix: ours, attributes: { multiExitDisc: 7 } }]);
      await cell.shows(ours, 'fresh after the restart', ([path]) => path?.stale === false && path.med === 7);
    },
    wire: [
      {
        from: 'ours',
        fields: { 'bgp.cap.type': '64', 'bgp.cap.gr.timers.restart_flag': '1', 'bgp.cap.gr.flag.pfs': '1' },
      },
      { from: 'ours', fields: { 'bgp.type': '2', 'bgp.update.path_attributes.length': '0' } },
    ],
  },
  {
    name: 'long-lived graceful restart',
    ours: {
      speaker: { gracefulRestart: { restartTimeMs: 1000 } },
      peer: { gracefulRestart: true, longLivedGracefulRestart: { staleTimeMs: 600_000 } },
    },
    theirs: {
      bird: { neighbor: `${graceful.bird.neighbor} long lived graceful restart on; long lived stale time 600;` },
      frr: { router: `${graceful.frr.router}\nbgp long-lived-graceful-restart stale-time 600` },
      gobgp: {
        neighbor: `${graceful.gobgp.neighbor}\nlong-lived-enabled = true`,
        ipv4: `${graceful.gobgp.ipv4}\n[neighbors.afi-safis.long-lived-graceful-restart.config]\nenabled = true\nrestart-time = 600`,
      },
      exabgp: {
        refuses: { router: 'long-lived-graceful-restart 600;' },
        words: /invalid keyword "long-lived-graceful-restart"/,
      },
      openbgpd: { refuses: { neighbor: 'announce long-lived-restart yes' }, words: /syntax error/ },
    },
    async drive(cell) {
      await bothKnow(cell);
      await cell.speaker.stop({ graceful: true });
      await cell.shows(ours, 'long-lived stale', (paths) => paths.some(longLivedStale));
      await cell.startSpeaker({ gracefulRestart: { restartTimeMs: 1000, restarting: true } }, [{ prefix: ours }]);
      await cell.shows(ours, 'fresh again', ([path]) => path?.best === true && !longLivedStale(path));
    },
    wire: [
      { from: 'ours', fields: { 'bgp.cap.type': '71' } },
      { from: 'theirs', fields: { 'bgp.cap.type': '71' } },
    ],
  },
  {
    name: 'shutdown text to the peer',
    theirs: {
      bird: {},
      frr: {},
      gobgp: {},
      // It puts the text into bytes by a way that Python 3 has not, and answers with a NOTIFICATION of its own.
      exabgp: {
        async lacks(cell) {
          await cell.established();
          await cell.speaker.stop({ text });
          return cell.says(/can not decode update message of type \\"3\\"/);
        },
      },
      openbgpd: {},
    },
    async drive(cell) {
      await cell.established();
      await cell.speaker.stop({ text });
      await cell.says(new RegExp(text));
    },
    wire: [{ from: 'ours', fields: { 'bgp.notify.minor_error_cease': '2', 'bgp.notify.communication': text } }],
  },
  {
    name: 'shutdown text from the peer',
    theirs: { bird: {}, frr: {}, gobgp: {}, exabgp: {}, openbgpd: {} },
    async drive(cell) {
      await cell.established();
      const words: { readonly [P in PeerName]: readonly string[] } = {
        bird: ['disable', 'routelet', `"${text}"`],
        frr: ['configure', `router bgp ${cell.peerAsn}`, `neighbor ${cell.ourAddress} shutdown message ${text}`],
        gobgp: ['neighbor', cell.ourAddress, 'shutdown', '--reason', text],
        exabgp: ['neighbor', cell.ourAddress, 'teardown', '2'],
        openbgpd: ['neighbor', cell.ourAddress, 'down', text],
      };
      await cell.implementation.ask(cell.running, ...words[cell.name]);
      await cell.hears(cell.name === 'exabgp' ? exabgpText : new RegExp(text));
      await cell.notEstablished();
    },
    wire: [
      { from: 'theirs', fields: { 'bgp.notify.minor_error_cease': '2', 'bgp.notify.communication': /noon|Admin/ } },
    ],
  },
];
