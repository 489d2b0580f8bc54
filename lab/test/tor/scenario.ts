/**
 * The same story with each of the three daemons as top-of-rack router: two nodes, and two routers that a node annotation
 * names, one without and one with MD5. The test files beside it name the daemon.
 */
import t from 'tap';
import {
  createLab,
  type LabNode,
  ManifestCluster,
  nodeManifests,
  peersAnnotation,
  podRoutes,
  type Tor,
  type TorConfig,
  waitFor,
} from '../../src/index.ts';
import { watchOver } from '../watch-over.ts';

export interface TorCase {
  readonly start: (node: LabNode, config: TorConfig) => Promise<Tor>;
  /** The daemon puts what it learned in its kernel, so that hosts behind it reach the pods. */
  readonly forwards: boolean;
}

const CLUSTER_AS = 64512;
const PASSWORD = 'between-us';
const open = { host: 1, as: 64600, announces: ['198.51.100.0/24', '2001:db8:100::/64'] };
const secured = { host: 2, as: 64601, announces: ['203.0.113.0/24', '2001:db8:113::/64'], password: PASSWORD };
type Router = typeof open & { readonly password?: string };

const address4 = ({ host }: { host: number }) => `192.0.2.${host}`;
const address6 = ({ host }: { host: number }) => `2001:db8::${host}`;

/** The annotation that names both routers, with changes to what it says of them. */
function annotation(changes: { openAs?: number; securedPassword?: string } = {}) {
  return peersAnnotation([
    { remoteip: address4(open), remoteasn: changes.openAs ?? open.as },
    { remoteip: address4(secured), remoteasn: secured.as, password: changes.securedPassword ?? PASSWORD },
  ]);
}

export async function testTor({ start, forwards }: TorCase): Promise<void> {
  const lab = await createLab();
  const manifests = nodeManifests(2);
  const cluster = await ManifestCluster.create(lab, manifests);
  watchOver(t, cluster);
  const annotate = async (name: string, annotations: Readonly<Record<string, string>>) => {
    await cluster.folder.writeNode({ ...cluster.member(name).manifest, annotations });
  };

  const startRouter = async (router: Router): Promise<Tor> => {
    const node = await lab.node({
      name: `tor-${router.host}`,
      ipv4: `${address4(router)}/24`,
      ipv6: `${address6(router)}/64`,
      forwarding: true,
    });
    const { password } = router;
    const neighbors = cluster.members.map(({ node: { ipv4 = '' } }) => ({
      address: ipv4,
      as: CLUSTER_AS,
      ...(password === undefined ? {} : { password }),
    }));
    const { as, announces } = router;
    return start(node, {
      as,
      announces,
      neighbors,
      routerId: address4(router),
      nextHop4: address4(router),
      nextHop6: address6(router),
    });
  };
  const tors = [await startRouter(open), await startRouter(secured)] as const;
  const [openTor, securedTor] = tors;

  const torEstablished = (tor: Tor, name: string, deadlineMs = 60_000) =>
    waitFor(
      `${tor.kind} ${tor.node.name} to have an Established session with ${name}`,
      async (seen) => {
        const { node, agent } = cluster.member(name);
        const state = await tor.sessionState(node.ipv4 ?? '');
        seen(`${state}; log of the daemon:\n${tor.process.tail(10)}\nlog of the agent:\n${agent.process.tail(10)}`);
        return state === 'established';
      },
      { deadlineMs, everyMs: 200 },
    );

  const torRoutes = (tor: Tor) =>
    waitFor(`${tor.kind} to know the pod CIDRs of both nodes`, async (seen) => {
      const routes = await tor.routes();
      seen(routes);
      return routes.length >= 4 && routes;
    });

  /** Routes of one router's prefixes in a node's kernel. */
  const learned = async (node: LabNode, router: Router) =>
    (await podRoutes(node)).filter(({ dst }) => router.announces.includes(dst));
  const wanted = (router: Router) =>
    router.announces
      .map((dst) => ({ dst, gateway: (dst.includes(':') ? address6 : address4)(router), dev: 'eth0' }))
      .sort((a, b) => a.dst.localeCompare(b.dst));
  const kernelHas = (name: string, router: Router) =>
    waitFor(`the prefixes of AS ${router.as} in the kernel of ${name}`, async (seen) => {
      const { node, agent } = cluster.member(name);
      const routes = await learned(node, router);
      seen(`${JSON.stringify(routes)}; last lines of the agent:\n${agent.process.tail()}`);
      return JSON.stringify(routes) === JSON.stringify(wanted(router));
    });

  t.test('an annotation alone, written while the agents run, brings both routers up', async (t) => {
    await cluster.established();
    const pids = cluster.members.map(({ agent }) => agent.process.pid);
    for (const { name } of manifests) await annotate(name, annotation());
    for (const tor of tors) for (const { name } of manifests) await torEstablished(tor, name);
    t.same(
      cluster.members.map(({ agent }) => agent.process.pid),
      pids,
      'no agent was restarted',
    );
    for (const { agent } of cluster.members) {
      await waitFor('external peers in the metrics', async (seen) => {
        const peers = await agent.peers();
        seen(peers);
        const external = peers.filter(({ type, state }) => type === 'external' && /^established$/i.test(state));
        return external.length === 2;
      });
    }
  });

  t.test('pod CIDRs stand in the tables of the routers with next hop and AS path', async (t) => {
    for (const tor of tors) {
      t.same(
        await torRoutes(tor),
        [
          { prefix: '10.244.1.0/24', nextHop: '192.0.2.11', asPath: [CLUSTER_AS] },
          { prefix: '10.244.2.0/24', nextHop: '192.0.2.12', asPath: [CLUSTER_AS] },
          { prefix: 'fd00:10:244:1::/64', nextHop: '2001:db8::11', asPath: [CLUSTER_AS] },
          { prefix: 'fd00:10:244:2::/64', nextHop: '2001:db8::12', asPath: [CLUSTER_AS] },
        ],
        tor.node.name,
      );
    }
  });

  t.test("the routers' prefixes stand in the kernel of every node", async (t) => {
    for (const { name } of manifests) {
      for (const router of [open, secured]) await kernelHas(name, router);
    }
    t.pass('both families, both routers');
  });

  t.test('path prepending by annotation reaches the routers, and no session is reset by it', async (t) => {
    const { agent, node } = cluster.member('node-1');
    const before = agent.process.lines.length;
    const prepend = { 'kube-router.io/path-prepend.as': '65100', 'kube-router.io/path-prepend.repeat-n': '2' };
    const pathAt = (path: readonly number[]) =>
      waitFor(`the AS path ${path.join(' ')} at the router`, async (seen) => {
        const routes = await openTor.routes();
        seen(`${JSON.stringify(routes)}\n${agent.process.tail()}`);
        const own = routes.filter(({ nextHop }) => nextHop === node.ipv4 || nextHop === node.ipv6);
        return own.length === 2 && own.every(({ asPath }) => asPath.join() === path.join());
      });
    await annotate('node-1', { ...annotation(), ...prepend });
    await pathAt([CLUSTER_AS, 65100, 65100]);
    await annotate('node-1', annotation());
    await pathAt([CLUSTER_AS]);
    t.notMatch(agent.process.lines.slice(before).join('\n'), /session (lost|established)/);
  });

  if (forwards) {
    t.test('a host behind the router and a pod ping each other in both families', async (t) => {
      await openTor.node.attach({
        bridge: 'outside',
        interface: 'eth1',
        ipv4: '198.51.100.1/24',
        ipv6: '2001:db8:100::1/64',
      });
      const outside = await lab.node({
        name: 'outside',
        bridge: 'outside',
        ipv4: '198.51.100.9/24',
        ipv6: '2001:db8:100::9/64',
        gateway4: '198.51.100.1',
        gateway6: '2001:db8:100::1',
      });
      for (const pod of await cluster.addPods('web')) {
        for (const address of pod.addresses) t.ok(await outside.ping(address, 3), `outside to ${pod.name} ${address}`);
        for (const address of ['198.51.100.9', '2001:db8:100::9'])
          t.ok(await pod.ping(address, 3), `${pod.name} to ${address}`);
      }
    });
  }

  /** A wrong annotation on node-1 costs the session it is about, and nothing else. */
  const testWrong = (what: string, change: Parameters<typeof annotation>[0], wrong: Tor, right: Tor, line: RegExp) =>
    t.test(`${what} is one clear line in the log; the other sessions stay`, async (t) => {
      const { agent, node } = cluster.member('node-1');
      const wrongRouter = wrong === openTor ? open : secured;
      const rightRouter = wrong === openTor ? secured : open;
      const before = agent.process.lines.length;
      await annotate('node-1', annotation(change));
      const found = await waitFor(
        `a log line about ${what}`,
        (seen) => {
          seen(agent.process.tail());
          return agent.process.lines.slice(before).find((text) => line.test(text));
        },
        { deadlineMs: 60_000 },
      );
      t.comment(`| ${found}`);
      await waitFor(`the prefixes of AS ${wrongRouter.as} to leave the kernel`, async (seen) => {
        const routes = await learned(node, wrongRouter);
        seen(routes);
        return routes.length === 0;
      });
      t.equal(await right.sessionState('192.0.2.11'), 'established', 'the other router');
      t.equal(await wrong.sessionState('192.0.2.12'), 'established', 'the same router on the other node');
      t.same(await learned(node, rightRouter), wanted(rightRouter), 'routes of the other router');
      const others = new RegExp(
        `session (?:lost|established).*(?:192\\.0\\.2\\.12|${address4(rightRouter).replaceAll('.', '\\.')})\\b`,
      );
      t.same(
        agent.process.lines.slice(before).filter((text) => others.test(text)),
        [],
        'no other session was touched',
      );
      t.equal(agent.process.lines.slice(before).filter((text) => line.test(text)).length, 1, 'said once');

      await annotate('node-1', annotation());
      await torEstablished(wrong, 'node-1', 120_000);
      await kernelHas('node-1', wrongRouter);
    });

  testWrong(
    'a wrong password',
    { securedPassword: 'not-it' },
    securedTor,
    openTor,
    / WARN .*(?:password|MD5).*192\.0\.2\.2\b/i,
  );
  testWrong(
    'a wrong AS number',
    { openAs: 64999 },
    openTor,
    securedTor,
    / WARN .*(?:64600.*64999|64999.*64600).*192\.0\.2\.1\b/,
  );

  t.test('an annotation taken away ends the sessions and takes the routes', async (t) => {
    await annotate('node-1', {});
    const { node } = cluster.member('node-1');
    await waitFor('the routes of both routers to leave the kernel of node-1', async (seen) => {
      const routes = [...(await learned(node, open)), ...(await learned(node, secured))];
      seen(routes);
      return routes.length === 0;
    });
    const routes = await waitFor(`${openTor.kind} to forget the pod CIDRs of node-1`, async (seen) => {
      const found = await openTor.routes();
      seen(found);
      return found.length === 2 && found;
    });
    t.same(
      routes.map(({ nextHop }) => nextHop),
      ['192.0.2.12', '2001:db8::12'],
    );
    await cluster.established();
  });
}
