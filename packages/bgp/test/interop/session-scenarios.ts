/** What every daemon is put through. One file a daemon calls this, so that each runs in a namespace of its own. */
import { readFile } from 'node:fs/promises';
import t, { type Test } from 'tap';
import { parseIpv4 } from '../../src/address.ts';
import { ipv4Unicast, ipv6Unicast } from '../../src/family/registry.ts';
import type { DownReason } from '../../src/fsm/state.ts';
import type { Negotiated } from '../../src/message/model.ts';
import { encodeRouteRefresh } from '../../src/message/route-refresh.ts';
import type { Connection } from '../../src/ports.ts';
import { createAcceptor } from '../../src/session/listener.ts';
import type { Session, SessionConfig } from '../../src/session/model.ts';
import { nodeClock, nodeRandom } from '../../src/session/node-clock.ts';
import { nodeTransport } from '../../src/session/node-transport.ts';
import { createSession } from '../../src/session/session.ts';
import { addAddresses, type Daemon, type DaemonKind, type DaemonSetup, startDaemon, until } from './daemons.ts';

const ours = { address: '10.255.0.1', address6: 'fd00::1', asn: 65001 } as const;
const theirs = { address: '10.255.0.2', address6: 'fd00::2', asn: 65002 } as const;

/** Where a daemon is known to behave otherwise. */
export interface Peculiarities {
  /** What it prints about our ROUTE-REFRESH in place of sending its routes again. */
  readonly refreshOutput?: RegExp;
  /** Our ROUTE-REFRESH is not sent; the file of the daemon says why. */
  readonly withoutRefresh?: boolean;
  /** Scenarios that it cannot take part in; the file of the daemon says why. */
  readonly without?: readonly string[];
}

interface Side {
  readonly session: Session;
  readonly warnings: string[];
  readonly downs: DownReason[];
  readonly established: Negotiated[];
  updates: number;
  stop(): Promise<void>;
}

/** Our side, listening on port 179 of its address; started. */
async function startOurs(config: Partial<SessionConfig>, address: string = ours.address): Promise<Side> {
  const warnings: string[] = [];
  const downs: DownReason[] = [];
  const established: Negotiated[] = [];
  const full: SessionConfig = {
    localAsn: ours.asn,
    localIdentifier: parseIpv4(ours.address),
    peerAsn: theirs.asn,
    peerAddress: theirs.address,
    localAddress: address,
    families: [ipv4Unicast.key, ipv6Unicast.key],
    holdTimeMs: 90_000,
    connectRetryMs: 1_000,
    ...config,
  };
  const session = createSession(
    full,
    {
      stateChanged() {},
      established: (negotiated) => void established.push(negotiated),
      update: () => {
        side.updates += 1;
      },
      routeRefresh() {},
      down: (reason) => void downs.push(reason),
      writable() {},
      warning: (text) => void warnings.push(text),
    },
    { clock: nodeClock, random: nodeRandom, transport: nodeTransport },
  );
  const acceptor = createAcceptor({ clock: nodeClock, warning: (text) => void warnings.push(text) });
  acceptor.add(full.peerAddress, session);
  const connections = new Set<Connection>();
  const listener = await nodeTransport.listen({ address, port: 179 }, (connection) => {
    connections.add(connection);
    acceptor.accept(connection);
  });
  if (full.password !== undefined) listener.setPeerOptions(full.peerAddress, { password: full.password });
  const side: Side = {
    session,
    warnings,
    downs,
    established,
    updates: 0,
    async stop() {
      session.stop({ notify: true });
      for (const connection of connections) connection.destroy();
      await listener.close();
    },
  };
  session.start();
  return side;
}

const daemonSetup: DaemonSetup = {
  localAddress: theirs.address,
  localAsn: theirs.asn,
  routerId: theirs.address,
  peerAddress: ours.address,
  peerAsn: ours.asn,
};

interface Pair {
  readonly daemon: Daemon;
  readonly side: Side;
}

/** Starts both, runs the test, stops both whatever happens. */
async function withPair(
  kind: DaemonKind,
  setup: Partial<DaemonSetup>,
  config: Partial<SessionConfig>,
  body: (pair: Pair) => Promise<void>,
  address?: string,
): Promise<void> {
  const daemon = await startDaemon(kind, { ...daemonSetup, ...setup });
  let side: Side | undefined;
  try {
    side = await startOurs(config, address);
    await body({ daemon, side });
  } catch (error) {
    t.comment(daemon.output().slice(-2_000), side?.warnings, side?.downs, side?.session.state);
    throw error;
  } finally {
    await side?.stop();
    await daemon.stop();
  }
}

async function bothEstablished(test: Test, { daemon, side }: Pair): Promise<void> {
  await until(
    () => `Established here: ${side.session.state} ${side.warnings.join()}\n${daemon.output().slice(-1_000)}`,
    () => side.session.state === 'Established',
  );
  let theirState = '';
  await until(
    () => `Established there: ${theirState}`,
    async () => {
      theirState = await daemon.sessionState();
      return /^(Established|up)$/i.test(theirState);
    },
  );
  test.pass(`the other side says: ${theirState}`);
}

const scenarios = {
  /** We connect; it takes our ROUTE-REFRESH and answers with its routes. */
  async active(test: Test, kind: DaemonKind, { refreshOutput, withoutRefresh }: Peculiarities): Promise<void> {
    await withPair(kind, { passive: true }, {}, async (pair) => {
      const { daemon, side } = pair;
      await bothEstablished(test, pair);
      test.match(side.established, [{ peerAsn: theirs.asn, fourOctetAs: true, routeRefresh: true, peerType: 'ebgp' }]);
      test.same(side.established[0]?.families, [ipv4Unicast.key, ipv6Unicast.key]);
      await until('first UPDATE', () => side.updates > 0);
      if (withoutRefresh !== true) {
        const before = side.updates;
        side.session.send(encodeRouteRefresh({ family: ipv4Unicast.key, subtype: 0 }));
        await until('the answer to ROUTE-REFRESH', () => refreshOutput?.test(daemon.output()) ?? side.updates > before);
      }
      test.equal(side.session.state, 'Established');
      test.same(side.downs, []);
    });
  },
  /** It connects; we only wait. */
  async passive(test: Test, kind: DaemonKind): Promise<void> {
    await withPair(kind, {}, { passive: true }, (pair) => bothEstablished(test, pair));
  },
  /** Both connect: whatever collides, one session comes and stays. */
  async collision(test: Test, kind: DaemonKind): Promise<void> {
    for (const identifier of ['10.255.0.1', '10.255.0.3']) {
      await withPair(kind, {}, { localIdentifier: parseIpv4(identifier) }, async (pair) => {
        await bothEstablished(test, pair);
        const { messagesReceived } = pair.side.session.counters;
        test.ok(messagesReceived > 0);
        test.same(pair.side.downs, [], `no session was lost, identifier ${identifier}`);
      });
    }
  },
  async 'MD5 active'(test: Test, kind: DaemonKind): Promise<void> {
    await withPair(kind, { passive: true, password: 'sesame-7' }, { password: 'sesame-7' }, (pair) =>
      bothEstablished(test, pair),
    );
  },
  async 'MD5 passive'(test: Test, kind: DaemonKind): Promise<void> {
    await withPair(kind, { password: 'sesame-7' }, { passive: true, password: 'sesame-7' }, (pair) =>
      bothEstablished(test, pair),
    );
  },
  /** Neither side gets through, and our log says what may be wrong, once and without the password. */
  async 'MD5 wrong'(test: Test, kind: DaemonKind): Promise<void> {
    await withPair(kind, { password: 'sesame-7' }, { password: 'not-sesame' }, async ({ side }) => {
      await until('a warning', () => side.warnings.length > 0);
      // Several more attempts of both sides fit into this time.
      const end = performance.now() + 2_500;
      await until('the end of the watch', () => performance.now() > end);
      test.same(side.established, []);
      test.equal(side.warnings.length, 1);
      test.match(side.warnings[0], /no answer on TCP port 179.*MD5 password/);
      test.notMatch(side.warnings.join(), /sesame/);
    });
  },
  /** We refuse its AS: Bad Peer AS from us. */
  async 'wrong AS, refused here'(test: Test, kind: DaemonKind): Promise<void> {
    await withPair(kind, { passive: true }, { peerAsn: 65009 }, async ({ side }) => {
      await until('a warning', () => side.warnings.length > 0);
      test.match(
        side.warnings[0],
        /peer AS 65002, expected 65009; sent NOTIFICATION open message \(2\) \/ bad peer as \(2\)/,
      );
      test.same(side.established, []);
      test.equal(side.warnings.length, 1);
    });
  },
  /** It refuses our AS. */
  async 'wrong AS, refused there'(test: Test, kind: DaemonKind): Promise<void> {
    await withPair(kind, { passive: true, peerAsn: 65008 }, {}, async ({ side }) => {
      await until('a warning', () => side.warnings.length > 0);
      test.match(side.warnings[0], /the peer sent NOTIFICATION open message \(2\) \/ bad peer as \(2\)/);
      test.same(side.established, []);
      test.equal(side.warnings.length, 1);
    });
  },
  /** It is stopped in its tracks: the hold time passes, and the session comes back when it goes on. */
  async 'hold timer'(test: Test, kind: DaemonKind): Promise<void> {
    await withPair(kind, { passive: true, holdSeconds: 3 }, { holdTimeMs: 3_000 }, async (pair) => {
      const { daemon, side } = pair;
      await bothEstablished(test, pair);
      test.equal(side.established[0]?.holdTimeMs, 3_000);
      const pids = await descendants(daemon.process.pid ?? 0);
      for (const pid of pids) process.kill(pid, 'SIGSTOP');
      await until('the hold timer', () => side.downs.length > 0);
      for (const pid of pids) process.kill(pid, 'SIGCONT');
      test.match(side.downs, [{ kind: 'hold-timer', code: 4, subcode: 0 }]);
      await until('the session again', () => side.session.state === 'Established');
    });
  },
  async 'IPv6 transport'(test: Test, kind: DaemonKind): Promise<void> {
    const setup = { passive: true, localAddress: theirs.address6, peerAddress: ours.address6 };
    await withPair(kind, setup, { peerAddress: theirs.address6 }, (pair) => bothEstablished(test, pair), ours.address6);
  },
  async 'MD5 active over IPv6'(test: Test, kind: DaemonKind): Promise<void> {
    const password = 'sesame-6';
    const setup = { passive: true, localAddress: theirs.address6, peerAddress: ours.address6, password };
    const config = { peerAddress: theirs.address6, password };
    await withPair(kind, setup, config, (pair) => bothEstablished(test, pair), ours.address6);
  },
  /** A clean end: our shutdown text goes out, its CEASE comes in. */
  async shutdown(test: Test, kind: DaemonKind): Promise<void> {
    await withPair(kind, { passive: true }, {}, async (pair) => {
      const { daemon, side } = pair;
      await bothEstablished(test, pair);
      side.session.stop({ notify: true, text: 'maintenance of the node' });
      test.match(side.downs, [{ kind: 'admin', code: 6, subcode: 2 }]);
      await until('the end there', async () => !/^(Established|up)$/i.test(await daemon.sessionState()));
      side.session.start();
      await until('the session again', () => side.session.state === 'Established');
      await daemon.stop();
      await until('the end here', () => side.downs.length === 2);
      test.match(side.downs[1]?.kind, /^(notification-received|connection-lost)$/);
    });
  },
} as const;

/** The process and all that it started. */
async function descendants(pid: number): Promise<number[]> {
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).split(' ').filter(Boolean).map(Number);
  return [pid, ...(await Promise.all(children.map(descendants))).flat()];
}

/** Registers and runs all scenarios, one after the other. */
export async function runScenarios(kind: DaemonKind, peculiarities: Peculiarities = {}): Promise<void> {
  t.setTimeout(180_000);
  await addAddresses(ours.address, theirs.address, ours.address6, theirs.address6);
  const all = Object.entries(scenarios).filter(([name]) => !peculiarities.without?.includes(name));
  t.ok(all.length > 5, 'there are scenarios');
  for (const [name, scenario] of all) {
    await t.test(`${kind.name}: ${name}`, { timeout: 60_000 }, (test) => scenario(test, kind, peculiarities));
  }
}
