/**
 * A top-of-rack router that keeps forwarding to a node while the node's agent restarts (RFC 4724 §4.2), and what of the
 * routes is gone by then: it leaves the kernel when End-of-RIB has come, not when a timer runs out. The test files beside
 * it name the daemon.
 */
import t from 'tap';
import {
  createLab,
  type LabNode,
  lossTable,
  ManifestCluster,
  nodeManifests,
  type PingLoss,
  peersAnnotation,
  pingLoss,
  podRoutes,
  type Tor,
  type TorConfig,
  waitFor,
} from '../../src/index.ts';
import { watchOver } from '../watch-over.ts';

export interface KeepingRouter<T extends Tor> {
  readonly start: (node: LabNode, config: TorConfig) => Promise<T>;
  /** The router has that prefix no more. */
  readonly withdraw: (tor: T, config: TorConfig, prefix: string) => Promise<void>;
  /** Kills the router and starts it again without the prefix; left out when its kernel routes do not outlive it. */
  readonly restart?: (tor: T, config: TorConfig) => Promise<void>;
}

const TOR = { ipv4: '192.0.2.1', ipv6: '2001:db8::1' };
/** Addresses behind the router. */
const OUTSIDE = ['198.51.100.1', '2001:db8:100::1'];
const STANDING = ['198.51.100.0/24', '2001:db8:100::/64'];
const [WITHDRAWN, LATER] = ['203.0.113.0/25', '203.0.113.128/25'];

const without = (config: TorConfig, prefix: string): TorConfig => ({
  ...config,
  announces: config.announces.filter((announced) => announced !== prefix),
});

export async function testRoutesKept<T extends Tor>({ start, withdraw, restart }: KeepingRouter<T>): Promise<void> {
  const lab = await createLab();
  const annotations = peersAnnotation([{ remoteip: TOR.ipv4, remoteasn: 64600 }]);
  const manifests = nodeManifests(2).map((manifest) => ({ ...manifest, annotations }));
  const torNode = await lab.node({
    name: 'tor',
    ipv4: `${TOR.ipv4}/24`,
    ipv6: `${TOR.ipv6}/64`,
    forwarding: true,
  });
  for (const address of OUTSIDE) await torNode.exec(['ip', 'address', 'add', address, 'dev', 'lo']);
  const config: TorConfig = {
    routerId: TOR.ipv4,
    as: 64600,
    announces: [...STANDING, WITHDRAWN, LATER],
    neighbors: manifests.map(({ addresses: [address = ''] }) => ({ address, as: 64512 })),
    nextHop4: TOR.ipv4,
    nextHop6: TOR.ipv6,
    gracefulRestart: true,
  };
  const tor = await start(torNode, config);
  const cluster = await ManifestCluster.create(lab, manifests, { flags: ['--bgp-graceful-restart'] });
  watchOver(t, cluster);
  const { node, agent } = cluster.member('node-1');

  const learned = async () =>
    (await podRoutes(node)).flatMap(({ dst, gateway = '' }) => (Object.values(TOR).includes(gateway) ? [dst] : []));
  const kernelIs = (prefixes: readonly string[]) =>
    waitFor(
      `${prefixes.join(' ')} in the kernel of node-1`,
      async (seen) => {
        const found = await learned();
        seen(`${found.join(' ')}\n${agent.process.tail()}\n${tor.process.tail()}`);
        return found.sort().join() === [...prefixes].sort().join();
      },
      { deadlineMs: 60_000, everyMs: 20 },
    );
  const established = () => agent.established([TOR.ipv4, '192.0.2.12'], 90_000);
  /**
   * The restart is over: its routes are sent. A second one before that would cost the routes, as RFC 4724 §4.2 says ("To deal
   * with possible consecutive restarts").
   */
  const restarted = () =>
    waitFor(
      'the agent to have sent its routes again',
      async (seen) => {
        const { peers } = await agent.ask<{ peers: { prefixesSent: number }[] }>('peers');
        seen(peers);
        return peers.every(({ prefixesSent }) => prefixesSent === 2);
      },
      { deadlineMs: 90_000 },
    );

  await established();
  await kernelIs([...STANDING, WITHDRAWN, LATER]);
  const [pod] = await cluster.addPods('web', ['node-1']);
  if (pod === undefined) throw new Error('a pod was asked for');
  const ways = [...OUTSIDE.map((to) => ({ from: pod, to })), ...pod.addresses.map((to) => ({ from: torNode, to }))];
  await waitFor(`${tor.kind} to forward to the pod`, async () => {
    for (const { from, to } of ways) if (!(await from.ping(to))) return false;
    return true;
  });
  const rows: [string, PingLoss][] = [];

  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    await t.test(`${signal}, ${tor.kind} as helper: no packet is lost`, async (t) => {
      const loss = await pingLoss(ways, async () => {
        await agent.stop(signal);
        agent.start();
        await established();
        await restarted();
      });
      rows.push([`agent ${signal}, ${tor.kind} as helper`, loss]);
      t.equal(loss.ways, 4);
      t.equal(loss.lost, 0);
      await kernelIs([...STANDING, WITHDRAWN, LATER]);
    });
  }

  await t.test('T-53: a route that went while the agent was away leaves the kernel at End-of-RIB', async (t) => {
    await agent.stop('SIGKILL');
    await withdraw(tor, config, WITHDRAWN);
    t.ok((await learned()).includes(WITHDRAWN), 'it stands while nobody looks after it');
    agent.start();
    await established();
    const since = performance.now();
    // The timer that would flush it otherwise is six minutes (--bgp-graceful-restart-deferral-time).
    await kernelIs([...STANDING, LATER]);
    t.comment(
      `| ${tor.kind}: a stale route was gone ${Math.round(performance.now() - since)} ms after the session was up`,
    );
  });

  if (restart) {
    await t.test(
      `${tor.kind} is killed and starts again: no packet is lost, and what it lost is flushed`,
      async (t) => {
        const loss = await pingLoss(ways, async () => {
          await restart(tor, without(without(config, WITHDRAWN), LATER));
          await kernelIs(STANDING);
          await established();
        });
        rows.push([`${tor.kind} SIGKILL, the agent as helper`, loss]);
        t.equal(loss.lost, 0);
      },
    );
  }

  t.test('the table', async (t) => {
    for (const line of lossTable(rows)) t.comment(line);
    t.ok(rows.length >= 2);
  });
}
