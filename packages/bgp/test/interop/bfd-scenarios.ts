/** What a daemon of others and our BFD must do together, over each way there is between the two namespaces. */
import t, { type Test } from 'tap';
import { type Bfd, type BfdChange, type BfdSession, createBfd, diagnostic } from '../../src/bfd/index.ts';
import { type BfdDaemon, type BfdDaemonKind, daemonTiming } from './bfd-daemons.ts';
import { createTopology, direct4, direct6, far4, far6, linkLocal } from './bfd-topology.ts';
import { until } from './daemons.ts';

const own = { desiredMinTxMs: 50, requiredMinRxMs: 100, detectMultiplier: 3 } as const;
/** RFC 5880 §6.8.2 and §6.8.4. */
const expected = {
  transmitIntervalMs: Math.max(own.desiredMinTxMs, daemonTiming.rxMs),
  detectionTimeMs: daemonTiming.multiplier * Math.max(own.requiredMinRxMs, daemonTiming.txMs),
} as const;

const ways = [
  { name: 'single hop, IPv4', addresses: direct4, multihop: false },
  { name: 'single hop, IPv6', addresses: direct6, multihop: false },
  { name: 'single hop, IPv6 link-local', addresses: linkLocal, multihop: false },
  { name: 'multihop, IPv4', addresses: far4, multihop: true },
  { name: 'multihop, IPv6', addresses: far6, multihop: true },
] as const;

interface Watched {
  readonly bfd: Bfd;
  readonly session: BfdSession;
  readonly changes: (BfdChange & { readonly at: number })[];
}

export async function runBfdScenarios(kind: BfdDaemonKind): Promise<void> {
  const topology = await createTopology();
  t.teardown(() => topology.stop());

  const open = (test: Test, { addresses, multihop }: (typeof ways)[number]): Watched => {
    const bfd = createBfd();
    test.teardown(() => bfd.close());
    const [localAddress, address] = addresses;
    const session = bfd.session({ address, localAddress: localAddress.replace(/%.*/, ''), multihop, ...own });
    const changes: Watched['changes'] = [];
    session.onChange = (change) => void changes.push({ ...change, at: performance.now() });
    return { bfd, session, changes };
  };
  const start = async (test: Test): Promise<BfdDaemon> => {
    const daemon = await kind.start(topology.peer);
    test.teardown(() => daemon.stop());
    return daemon;
  };
  /** Up on both sides, with the timing that both wanted. */
  const settled = async (
    { session }: Watched,
    daemon: BfdDaemon,
    address: string,
    detectionTimeMs: number = expected.detectionTimeMs,
  ): Promise<void> => {
    const bare = address.replace(/%.*/, '');
    await until(
      () => `Up: ${JSON.stringify(session.status)}`,
      async () => session.state === 'Up' && (await daemon.state(bare)) === 'up',
    );
    await until(
      () => `negotiated: ${JSON.stringify(session.status)}`,
      () => {
        const { status } = session;
        const { transmitIntervalMs } = expected;
        return (
          !status.polling &&
          status.transmitIntervalMs === transmitIntervalMs &&
          status.detectionTimeMs === detectionTimeMs
        );
      },
    );
  };

  for (const way of ways) {
    t.test(`${kind.name}, ${way.name}`, async (test) => {
      const [address] = way.addresses;
      const daemon = await start(test);
      const watched = open(test, way);
      const { session, changes } = watched;
      await settled(watched, daemon, address);
      test.match(session.status, { state: 'Up', remoteState: 'Up', multihop: way.multihop, ...expected });

      await test.test('a daemon that stops is noticed within the Detection Time', async (part) => {
        const before = changes.length;
        for (const process_ of daemon.processes) process_.kill('SIGSTOP');
        const stoppedAt = performance.now();
        await until('down', () => changes.length > before);
        const change = changes[before];
        const tookMs = (change?.at ?? 0) - stoppedAt;
        part.comment(
          `| ${kind.name}, ${way.name}: detection time ${expected.detectionTimeMs} ms, down after ${tookMs.toFixed(0)} ms`,
        );
        part.match(change, {
          from: 'Up',
          state: 'Down',
          reason: 'detection-time-expired',
          pathDown: true,
          diagnostic: diagnostic.controlDetectionTimeExpired,
        });
        part.ok(tookMs < 10 * expected.detectionTimeMs, 'within ten times');
        for (const process_ of daemon.processes) process_.kill('SIGCONT');
        await settled(watched, daemon, address);
        part.pass('and Up again when it goes on');
      });

      await test.test('other timing, by Poll Sequences, keeps it Up', async (part) => {
        const before = changes.length;
        const requiredMinRxMs = 70;
        const [localAddress, remote] = way.addresses;
        const eager = watched.bfd.session({
          address: remote,
          localAddress: localAddress.replace(/%.*/, ''),
          multihop: way.multihop,
          ...own,
          requiredMinRxMs,
        });
        await settled(watched, daemon, address, daemonTiming.multiplier * requiredMinRxMs);
        eager.close();
        await settled(watched, daemon, address);
        part.equal(changes.length, before);
      });

      await test.test('their side is taken down by administration', async (part) => {
        const before = changes.length;
        await daemon.shutdown(address, true);
        await until('down', () => changes.length > before);
        part.match(
          changes[before],
          kind.saysAdminDown
            ? {
                from: 'Up',
                state: 'Down',
                reason: 'neighbor-admin-down',
                pathDown: false,
                diagnostic: diagnostic.neighborSignaledSessionDown,
              }
            : { from: 'Up', state: 'Down', reason: 'detection-time-expired', pathDown: true },
        );
        await daemon.shutdown(address, false);
        await settled(watched, daemon, address);
      });

      await test.test('closing our side takes theirs down', async (part) => {
        session.close();
        const bare = address.replace(/%.*/, '');
        await until('their side is down', async () => (await daemon.state(bare)) === 'down');
        part.pass('down');
      });
    });
  }

  t.test(`${kind.name}: a link that goes down is noticed, and comes back`, async (test) => {
    const [way] = ways;
    const [address] = way.addresses;
    const daemon = await start(test);
    const watched = open(test, way);
    await settled(watched, daemon, address);
    const before = watched.changes.length;
    await topology.peer.run('ip', 'link', 'set', 'vb', 'down');
    const downAt = performance.now();
    await until('down', () => watched.changes.length > before);
    const change = watched.changes[before];
    const tookMs = (change?.at ?? 0) - downAt;
    test.comment(
      `| ${kind.name}, link down: detection time ${expected.detectionTimeMs} ms, down after ${tookMs.toFixed(0)} ms`,
    );
    test.match(change, { from: 'Up', state: 'Down', pathDown: true });
    test.ok(tookMs < 10 * expected.detectionTimeMs, 'within ten times');
    await topology.peer.run('ip', 'link', 'set', 'vb', 'up');
    await settled(watched, daemon, address);
  });
}
