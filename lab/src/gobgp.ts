/** GoBGP as a top-of-rack router: configuration, start, and what it knows, read through its own client. It has no kernel routes. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LabNode } from './node.ts';
import { byPrefix, isIPv6Prefix, type Tor, type TorConfig, type TorNeighbor, type TorRoute } from './tor.ts';
import { waitFor } from './wait.ts';

function neighborTable({ address, as, password }: TorNeighbor): string {
  return [
    '[[neighbors]]',
    '  [neighbors.config]',
    `    neighbor-address = "${address}"`,
    `    peer-as = ${as}`,
    ...(password === undefined ? [] : [`    auth-password = ${JSON.stringify(password)}`]),
    '  [neighbors.timers.config]',
    '    connect-retry = 2',
    ...['ipv4-unicast', 'ipv6-unicast'].flatMap((name) => [
      '  [[neighbors.afi-safis]]',
      '    [neighbors.afi-safis.config]',
      `      afi-safi-name = "${name}"`,
    ]),
  ].join('\n');
}

/** A gobgpd.toml. What GoBGP announces is not part of its file: see startGobgpd. */
export function gobgpConfig({ as, routerId, neighbors }: TorConfig): string {
  return [
    '[global.config]',
    `  as = ${as}`,
    `  router-id = "${routerId}"`,
    '  port = 179',
    ...neighbors.map(neighborTable),
    '',
  ].join('\n');
}

interface GobgpAttribute {
  readonly type: number;
  readonly nexthop?: string;
  readonly as_paths?: readonly { readonly asns: readonly number[] | null }[];
}

interface GobgpPath {
  readonly attrs: readonly GobgpAttribute[];
}

/** Path attribute type codes (RFC 4271 §4.3, RFC 4760 §3). */
const AS_PATH = 2;
const NEXT_HOP = 3;
const MP_REACH_NLRI = 14;

/** Reads `gobgp -j global rib`. Routes of its own have an empty path and are left out. */
export function parseGobgpRoutes(table: Readonly<Record<string, readonly GobgpPath[]>>): TorRoute[] {
  return Object.entries(table)
    .flatMap(([prefix, paths]) =>
      paths.map(({ attrs }) => ({
        prefix,
        nextHop: attrs.find(({ type }) => type === NEXT_HOP || type === MP_REACH_NLRI)?.nexthop ?? '',
        asPath: attrs.find(({ type }) => type === AS_PATH)?.as_paths?.flatMap(({ asns }) => asns ?? []) ?? [],
      })),
    )
    .filter(({ asPath }) => asPath.length > 0);
}

export class Gobgp implements Tor {
  readonly kind = 'GoBGP';
  readonly node: LabNode;
  readonly process;
  readonly #client = ['gobgp', '--host', '127.0.0.1'];

  constructor(node: LabNode, configFile: string) {
    this.node = node;
    this.process = node.spawn('gobgpd', [
      ...['gobgpd', '-f', configFile, '-t', 'toml', '--log-plain', '--pprof-disable', '--api-hosts', '127.0.0.1:50051'],
    ]);
  }

  /** Runs a command of the gobgp client and returns its text. */
  gobgp(...words: string[]): Promise<string> {
    return this.node.exec([...this.#client, ...words]);
  }

  async #table(family: 'ipv4' | 'ipv6'): Promise<TorRoute[]> {
    return parseGobgpRoutes(JSON.parse(await this.gobgp('-j', 'global', 'rib', '-a', family)) ?? {});
  }

  async sessionState(neighbor: string): Promise<string> {
    const { stdout: text } = await this.node.tryExec([...this.#client, 'neighbor', neighbor]);
    return /BGP state = (?:BGP_FSM_)?(\w+)/.exec(text)?.[1]?.toLowerCase() ?? 'unknown';
  }

  async routes(): Promise<readonly TorRoute[]> {
    return [...(await this.#table('ipv4')), ...(await this.#table('ipv6'))].sort(byPrefix);
  }
}

/** Starts gobgpd on a node, gives it the prefixes to announce, and resolves when it has them. */
export async function startGobgpd(node: LabNode, config: TorConfig): Promise<Gobgp> {
  const configFile = join(node.folder, 'gobgpd.toml');
  await writeFile(configFile, gobgpConfig(config));
  const daemon = new Gobgp(node, configFile);
  await waitFor(`gobgpd on ${node.name}`, async (seen) => {
    seen(daemon.process.tail());
    return (await daemon.gobgp('global')).includes(String(config.as));
  });
  for (const prefix of config.announces) {
    const nextHop = isIPv6Prefix(prefix) ? config.nextHop6 : config.nextHop4;
    const words = nextHop === undefined ? [] : ['nexthop', nextHop];
    await daemon.gobgp('global', 'rib', 'add', '-a', isIPv6Prefix(prefix) ? 'ipv6' : 'ipv4', prefix, ...words);
  }
  return daemon;
}
