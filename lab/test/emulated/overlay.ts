/**
 * Three nodes with agents, two in one subnet and one behind a router, and the overlay between them in one shape: what
 * `ip` shows of it on each node, and who reaches whom. The router drops what has a pod's address, so that only what is
 * tunnelled gets past it.
 */
import t from 'tap';
import {
  createLab,
  describePing,
  type LabNode,
  ManifestCluster,
  type NodeManifest,
  type PodRoute,
  pingMatrix,
  podRoutes,
  waitFor,
} from '../../src/index.ts';
import { watchOver } from '../watch-over.ts';

export interface Overlay {
  readonly type: 'subnet' | 'full';
  readonly encap: 'ipip' | 'fou';
}

interface Site {
  readonly bridge: string;
  readonly gateway4: string;
  readonly gateway6: string;
}

const here: Site = { bridge: 'here', gateway4: '192.0.2.1', gateway6: '2001:db8:a::1' };
const there: Site = { bridge: 'there', gateway4: '198.51.100.1', gateway6: '2001:db8:b::1' };

const places: readonly { readonly manifest: NodeManifest; readonly site: Site }[] = [
  { manifest: manifestOf(1, ['192.0.2.11', '2001:db8:a::11']), site: here },
  { manifest: manifestOf(2, ['192.0.2.12', '2001:db8:a::12']), site: here },
  { manifest: manifestOf(3, ['198.51.100.13', '2001:db8:b::13']), site: there },
];

function manifestOf(number: number, addresses: readonly string[]): NodeManifest {
  return { name: `node-${number}`, addresses, podCIDRs: [`10.244.${number}.0/24`, `fd00:10:244:${number}::/64`] };
}

const isIpv6 = (text: string): boolean => text.includes(':');

/** The address or prefix of a list that is of the same family as `like`. */
function sameFamily(list: readonly string[], like: string): string {
  const found = list.find((text) => isIpv6(text) === isIpv6(like));
  if (found === undefined) throw new Error(`none of ${list.join(', ')} is of the family of ${like}`);
  return found;
}

interface TunnelLink {
  readonly ifname: string;
  readonly linkinfo: { readonly info_kind: string; readonly info_data: TunnelData };
}

interface TunnelData {
  readonly local: string;
  readonly remote: string;
  readonly encap?: { readonly type: string; readonly dport: number };
}

/** Tunnels of a node by the address that they lead to. */
async function tunnels(node: LabNode): Promise<Map<string, TunnelLink>> {
  const links = await node.ipJson<TunnelLink>('-details', 'link', 'show');
  const found = links.filter(({ ifname }) => ifname.startsWith('tun-'));
  return new Map(found.map((link) => [link.linkinfo.info_data.remote, link]));
}

/** Runs the tests of one shape of the overlay. */
export async function testOverlay({ type, encap }: Overlay): Promise<void> {
  const lab = await createLab();
  const router = await lab.node({
    name: 'router',
    bridge: here.bridge,
    ipv4: `${here.gateway4}/24`,
    ipv6: `${here.gateway6}/64`,
    forwarding: true,
  });
  await router.attach({
    bridge: there.bridge,
    interface: 'eth1',
    ipv4: `${there.gateway4}/24`,
    ipv6: `${there.gateway6}/64`,
  });
  await router.exec(['iptables', '-A', 'FORWARD', '-s', '10.244.0.0/16', '-j', 'DROP']);
  await router.exec(['ip6tables', '-A', 'FORWARD', '-s', 'fd00:10:244::/48', '-j', 'DROP']);
  const flags = ['--enable-overlay=true', `--overlay-type=${type}`, `--overlay-encap=${encap}`];
  const cluster = await ManifestCluster.create(lab, [], { flags });
  watchOver(t, cluster);
  // All Nodes are known to the first agent: nobody waits for a later one.
  for (const { manifest } of places) await cluster.folder.writeNode(manifest);
  for (const { manifest, site } of places) await cluster.add(manifest, {}, site);

  const siteOf = (name: string) => places.find(({ manifest }) => manifest.name === name)?.site;
  /** Addresses that a node reaches by tunnels. */
  const remotesOf = (name: string): string[] => {
    const others = places.filter(({ manifest }) => manifest.name !== name);
    return others
      .filter(({ site }) => type === 'full' || site !== siteOf(name))
      .flatMap(({ manifest }) => manifest.addresses);
  };
  const routesOf = (name: string, links: ReadonlyMap<string, TunnelLink>): PodRoute[] => {
    const others = places.filter(({ manifest }) => manifest.name !== name);
    const routes = others.flatMap(({ manifest: { addresses, podCIDRs } }) =>
      podCIDRs.map((dst): PodRoute => {
        const address = sameFamily(addresses, dst);
        if (!remotesOf(name).includes(address)) return { dst, gateway: address, dev: 'eth0' };
        return { dst, dev: links.get(address)?.ifname ?? `a tunnel to ${address}` };
      }),
    );
    return routes.sort((a, b) => a.dst.localeCompare(b.dst));
  };

  await t.test('each node has the routes of the others, by tunnel or direct', async (t) => {
    for (const { manifest, node, agent } of cluster.members) {
      await waitFor(
        `the routes of ${manifest.name}`,
        async (seen) => {
          const [wanted, found] = [routesOf(manifest.name, await tunnels(node)), await podRoutes(node)];
          seen(`${JSON.stringify(found)} instead of ${JSON.stringify(wanted)}; its agent:\n${agent.process.tail()}`);
          return JSON.stringify(found) === JSON.stringify(wanted);
        },
        { deadlineMs: 180_000, everyMs: 1000 },
      );
      const found = await podRoutes(node);
      t.strictSame(found, routesOf(manifest.name, await tunnels(node)), manifest.name);
      for (const { dst, gateway, dev } of found)
        t.comment(`| ${manifest.name}: ${dst} ${gateway === undefined ? '' : `via ${gateway} `}dev ${dev}`);
    }
  });

  await t.test('there is a tunnel to each node that needs one, and no other', async (t) => {
    for (const { manifest, node } of cluster.members) {
      const links = await tunnels(node);
      t.strictSame([...links.keys()].sort(), remotesOf(manifest.name).sort(), manifest.name);
      for (const [remote, { linkinfo }] of links) {
        const data = { remote, local: sameFamily(manifest.addresses, remote) };
        t.match(linkinfo, { info_kind: isIpv6(remote) ? 'ip6tnl' : 'ipip', info_data: data });
        t.match(linkinfo.info_data.encap, encap === 'fou' ? { type: 'gue', dport: 5555 } : undefined);
      }
    }
  });

  await t.test('packets from pods look up table 77, which leads to nodes by their tunnels (B-74)', async (t) => {
    for (const { manifest, node } of cluster.members) {
      const links = await tunnels(node);
      const words = ['-4', '-6'];
      const rules = await Promise.all(
        words.map((family) => node.ipJson<{ src: string; srclen?: number; table: string }>(family, 'rule', 'show')),
      );
      const sources = rules.flat().filter(({ table }) => table === '77' || table === 'kube-router');
      t.strictSame(
        sources.map(({ src, srclen }) => `${src}/${srclen}`).sort(),
        [...manifest.podCIDRs].sort(),
        `rules of ${manifest.name}`,
      );
      const routes = await Promise.all(
        words.map((family) => node.ipJson<PodRoute>(family, 'route', 'show', 'table', '77')),
      );
      t.strictSame(
        new Map(routes.flat().map(({ dst, dev }) => [dst, dev])),
        new Map([...links].map(([remote, { ifname }]) => [remote, ifname])),
        `table 77 of ${manifest.name}`,
      );
      const port = (await node.exec(['ip', 'fou', 'show'])).trim();
      t.equal(/port 5555 gue/.test(port), encap === 'fou', `GUE port of ${manifest.name}`);
    }
  });

  await t.test('every pod reaches every pod, in both families', async (t) => {
    const pods = await cluster.addPods('web');
    const results = await pingMatrix(pods, 5);
    for (const result of results) t.comment(`| ${type} ${encap}: ${describePing(result)}`);
    t.equal(results.length, 12);
    t.strictSame(results.filter(({ ok }) => !ok).map(describePing), []);
  });
}
