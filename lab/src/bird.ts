/** BIRD 2 as a top-of-rack router: configuration, start, and what it knows, read through birdc. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LabNode } from './node.ts';
import type { LabProcess } from './process.ts';
import { byPrefix, isIPv6Prefix, type Tor, type TorConfig, type TorNeighbor, type TorRoute } from './tor.ts';
import { waitFor } from './wait.ts';

function protocolName(address: string): string {
  return `node_${address.replaceAll(/[.:]/g, '_')}`;
}

function channel(family: 'ipv4' | 'ipv6', nextHop: string | undefined, transit: boolean): string {
  const address = nextHop === undefined ? '' : ` next hop address ${nextHop};`;
  const sources = transit ? '~ [ RTS_STATIC, RTS_BGP ]' : '= RTS_STATIC';
  return `  ${family} { import all; export where source ${sources};${address} };`;
}

function bgpProtocol(config: TorConfig, neighbor: TorNeighbor): string {
  const { address, as, password, options = [], nextHop4, nextHop6 } = neighbor;
  const { transit = false } = config;
  return [
    `protocol bgp ${protocolName(address)} {`,
    `  local as ${config.as};`,
    `  neighbor ${address} as ${as};`,
    ...(password === undefined ? [] : [`  password ${JSON.stringify(password)};`]),
    '  connect delay time 1;',
    '  connect retry time 2;',
    '  error wait time 1, 5;',
    ...(config.gracefulRestart === true ? ['  graceful restart on;'] : []),
    ...options.map((line) => `  ${line}`),
    channel('ipv4', nextHop4 ?? config.nextHop4, transit),
    channel('ipv6', nextHop6 ?? config.nextHop6, transit),
    '}',
  ].join('\n');
}

function staticProtocol(family: 'ipv4' | 'ipv6', prefixes: readonly string[]): string {
  const routes = prefixes.map((prefix) => `  route ${prefix} blackhole;`);
  return [`protocol static announced_${family} {`, `  ${family};`, ...routes, '}'].join('\n');
}

/** A bird.conf: peers with every neighbor, puts what they announce in the kernel, announces its own prefixes. */
export function birdConfig(config: TorConfig): string {
  const { routerId, neighbors, announces, protocols = [], gracefulRestart = false } = config;
  const kernel = (family: 'ipv4' | 'ipv6') => [
    `protocol kernel kernel_${family} {`,
    ...(gracefulRestart ? ['  graceful restart on;', '  persist;'] : []),
    `  ${family} { import none; export where source = RTS_BGP; };`,
    '}',
  ];
  return [
    `router id ${routerId};`,
    'log stderr all;',
    'protocol device { }',
    ...protocols,
    // What is announced is reached by the interfaces of this router; only what was learned goes to the kernel.
    ...kernel('ipv4'),
    ...kernel('ipv6'),
    staticProtocol(
      'ipv4',
      announces.filter((prefix) => !isIPv6Prefix(prefix)),
    ),
    staticProtocol('ipv6', announces.filter(isIPv6Prefix)),
    ...neighbors.map((neighbor) => bgpProtocol(config, neighbor)),
    '',
  ].join('\n');
}

/** Reads `show route all` of BIRD 2. */
export function parseBirdRoutes(text: string): TorRoute[] {
  const routes: TorRoute[] = [];
  let prefix = '';
  let path: number[] = [];
  for (const line of text.split('\n')) {
    prefix = /^(\S+\/\d+)\s/.exec(line)?.[1] ?? prefix;
    const asPath = /^\s+BGP\.as_path:(.*)$/.exec(line)?.[1];
    if (asPath !== undefined) path = asPath.trim().split(/\s+/).filter(Boolean).map(Number);
    // A second next hop in that line is the link-local one of RFC 2545.
    const nextHop = /^\s+BGP\.next_hop: (\S+)/.exec(line)?.[1];
    if (nextHop !== undefined) routes.push({ prefix, nextHop, asPath: path });
  }
  return routes.sort(byPrefix);
}

export class Bird implements Tor {
  readonly kind = 'BIRD';
  readonly node: LabNode;
  readonly #configFile: string;
  readonly #socket: string;
  readonly #client: readonly string[];
  #process: LabProcess;

  constructor(node: LabNode) {
    this.node = node;
    this.#configFile = join(node.folder, 'bird.conf');
    this.#socket = join(node.folder, 'bird.ctl');
    this.#client = ['birdc', '-s', this.#socket];
    this.#process = this.#spawn();
  }

  /** The running process; another one after `restart`. */
  get process(): LabProcess {
    return this.#process;
  }

  #spawn(...options: string[]): LabProcess {
    return this.node.spawn('bird', ['bird', '-f', '-c', this.#configFile, '-s', this.#socket, ...options]);
  }

  /** Resolves when the daemon answers. */
  async answers(): Promise<void> {
    await waitFor(`bird on ${this.node.name}`, async (seen) => {
      seen(this.process.tail());
      return (await this.birdc('show', 'status')).includes('Daemon is up');
    });
  }

  /** Ends the daemon at once, and starts it again with this configuration as one that recovers from a crash. */
  async restart(config: TorConfig): Promise<void> {
    await this.#process.stop('SIGKILL');
    await writeFile(this.#configFile, birdConfig(config));
    this.#process = this.#spawn('-R');
    await this.answers();
  }

  /** Runs a birdc command and returns its text. */
  birdc(...words: string[]): Promise<string> {
    return this.node.exec([...this.#client, ...words]);
  }

  /** Replaces the configuration of the running daemon. */
  async configure(config: TorConfig): Promise<void> {
    await writeFile(this.#configFile, birdConfig(config));
    await this.birdc('configure');
  }

  async sessionState(neighbor: string): Promise<string> {
    const { stdout } = await this.node.tryExec([...this.#client, 'show', 'protocols', 'all', protocolName(neighbor)]);
    return /BGP state:\s+(\S+)/.exec(stdout)?.[1]?.toLowerCase() ?? 'unknown';
  }

  async routes(): Promise<readonly TorRoute[]> {
    return parseBirdRoutes(await this.birdc('show', 'route', 'all', 'where', 'source', '=', 'RTS_BGP'));
  }
}

/** Starts BIRD on a node and resolves when it answers. */
export async function startBird(node: LabNode, config: TorConfig): Promise<Bird> {
  await writeFile(join(node.folder, 'bird.conf'), birdConfig(config));
  const bird = new Bird(node);
  await bird.answers();
  return bird;
}
