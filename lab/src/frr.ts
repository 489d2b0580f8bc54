/** FRR (zebra and bgpd) as a top-of-rack router: configuration, start, and what it knows, read through vtysh. */
import { chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LabError } from './errors.ts';
import type { LabNode } from './node.ts';
import { type LabProcess, run } from './process.ts';
import { byPrefix, isIPv6Prefix, type Tor, type TorConfig, type TorRoute } from './tor.ts';
import { waitFor } from './wait.ts';

function family(name: 'ipv4' | 'ipv6', config: TorConfig, nextHop: string | undefined): string[] {
  const prefixes = config.announces.filter((prefix) => isIPv6Prefix(prefix) === (name === 'ipv6'));
  return [
    ` address-family ${name} unicast`,
    ...prefixes.map((prefix) => `  network ${prefix}`),
    ...config.neighbors.flatMap(({ address }) => [
      `  neighbor ${address} activate`,
      ...(nextHop === undefined ? [] : [`  neighbor ${address} route-map next-hop-${name} out`]),
    ]),
    ' exit-address-family',
  ];
}

function nextHopMap(name: 'ipv4' | 'ipv6', nextHop: string | undefined): string[] {
  if (nextHop === undefined) return [];
  const set = name === 'ipv4' ? `set ip next-hop ${nextHop}` : `set ipv6 next-hop global ${nextHop}`;
  return [`route-map next-hop-${name} permit 10`, ` ${set}`, 'exit'];
}

/** An frr.conf for bgpd: peers with every neighbor in both families and announces its own prefixes. */
export function frrConfig(config: TorConfig): string {
  return [
    'frr defaults datacenter',
    'log stdout informational',
    `router bgp ${config.as}`,
    ` bgp router-id ${config.routerId}`,
    ' bgp log-neighbor-changes',
    // RFC 8212 would otherwise want a policy for every external peer.
    ' no bgp ebgp-requires-policy',
    ' no bgp default ipv4-unicast',
    ' no bgp network import-check',
    ...config.neighbors.flatMap(({ address, as, password }) => [
      ` neighbor ${address} remote-as ${as}`,
      ` neighbor ${address} timers connect 2`,
      ...(password === undefined ? [] : [` neighbor ${address} password ${password}`]),
    ]),
    ...family('ipv4', config, config.nextHop4),
    ...family('ipv6', config, config.nextHop6),
    'exit',
    ...nextHopMap('ipv4', config.nextHop4),
    ...nextHopMap('ipv6', config.nextHop6),
    '',
  ].join('\n');
}

interface FrrPath {
  readonly valid?: boolean;
  readonly path: string;
  readonly peerId?: string;
  readonly nexthops: readonly { readonly ip: string; readonly scope?: string }[];
}

/** Reads `show bgp FAMILY unicast json` of FRR 8. Routes of its own (`network`) have an empty path and are left out. */
export function parseFrrRoutes(table: { readonly routes?: Readonly<Record<string, readonly FrrPath[]>> }): TorRoute[] {
  return Object.entries(table.routes ?? {}).flatMap(([prefix, paths]) =>
    paths
      .filter(({ path }) => path !== '')
      .map(({ path, nexthops }) => ({
        prefix,
        nextHop: (nexthops.find(({ scope }) => scope === 'global') ?? nexthops[0])?.ip ?? '',
        asPath: path.split(' ').map(Number),
      })),
  );
}

export class Frr implements Tor {
  readonly kind = 'FRR';
  readonly node: LabNode;
  /** bgpd. */
  readonly process: LabProcess;
  readonly #folder: string;

  constructor(node: LabNode, folder: string, bgpd: LabProcess) {
    this.node = node;
    this.#folder = folder;
    this.process = bgpd;
  }

  /** Runs a command of vtysh and returns its JSON. */
  async vtysh<T>(command: string): Promise<T> {
    return JSON.parse(await this.node.exec(['vtysh', '--vty_socket', this.#folder, '-c', command]));
  }

  /** Runs commands one after the other, as typed. */
  async configure(commands: readonly string[]): Promise<void> {
    const words = commands.flatMap((command) => ['-c', command]);
    await this.node.exec(['vtysh', '--vty_socket', this.#folder, ...words]);
  }

  async sessionState(neighbor: string): Promise<string> {
    const neighbors = await this.vtysh<Record<string, { bgpState?: string }>>(`show bgp neighbors ${neighbor} json`);
    return neighbors[neighbor]?.bgpState?.toLowerCase() ?? 'unknown';
  }

  async routes(): Promise<readonly TorRoute[]> {
    const tables = await Promise.all([
      this.vtysh('show bgp ipv4 unicast json'),
      this.vtysh('show bgp ipv6 unicast json'),
    ]);
    return tables.flatMap((table) => parseFrrRoutes(table ?? {})).sort(byPrefix);
  }
}

/** The daemons give up root for the user `frr`, who must be able to use their folder. */
async function createFrrFolder(folder: string): Promise<void> {
  const [, , uid, gid] = (await run(['getent', 'passwd', 'frr'])).split(':').map(Number);
  if (uid === undefined || gid === undefined) throw new LabError('command-failed', 'no user frr on this machine');
  await mkdir(folder, { recursive: true });
  await chown(folder, uid, gid);
}

/** Starts one of FRR's daemons with all its files in one folder, and resolves when it answers. */
async function startDaemon(
  daemon: 'zebra' | 'bgpd',
  node: LabNode,
  folder: string,
  config: string,
): Promise<LabProcess> {
  const file = join(folder, `${daemon}.conf`);
  await writeFile(file, config);
  const child = node.spawn(daemon, [
    ...[`/usr/lib/frr/${daemon}`, '-f', file, '-i', join(folder, `${daemon}.pid`), '-z', join(folder, 'zserv')],
    ...['--vty_socket', folder, '-P', '0', '--log', 'stdout'],
  ]);
  await waitFor(`${daemon} on ${node.name}`, async (seen) => {
    seen(child.tail());
    await node.exec(['vtysh', '--vty_socket', folder, '-d', daemon, '-c', 'show version']);
    return true;
  });
  return child;
}

/** Starts zebra and bgpd on a node and resolves when both answer. */
export async function startFrr(node: LabNode, config: TorConfig): Promise<Frr> {
  const folder = join(node.folder, 'frr');
  await createFrrFolder(folder);
  await startDaemon('zebra', node, folder, 'log stdout informational\n');
  return new Frr(node, folder, await startDaemon('bgpd', node, folder, frrConfig(config)));
}
