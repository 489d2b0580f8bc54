/** FRR: bgpd with zebra and bfdd of its own, asked by vtysh. */
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run, until } from '../../daemons.ts';
import type { PeerNamespace } from '../namespace.ts';
import type { PeerImplementation, PeerSetup, SeenPath } from '../peer.ts';

interface FrrPath {
  readonly bestpath?: { readonly overall?: boolean };
  readonly aspath: { readonly string: string };
  readonly metric?: number;
  readonly locPrf?: number;
  readonly community?: { readonly string: string };
  readonly extendedCommunity?: { readonly string: string };
  readonly largeCommunity?: { readonly string: string };
  readonly originatorId?: string;
  readonly clusterList?: { readonly list: readonly string[] };
  readonly stale?: boolean;
  readonly nexthops: readonly { readonly ip: string; readonly scope?: string; readonly used?: boolean }[];
  readonly peer: { readonly peerId: string };
}

const words = (text: string | undefined): string[] => (text === undefined || text === '' ? [] : text.split(' '));

/** Sockets of zebra and bfdd, one folder a namespace; bgpd finds them there also after a restart. */
const companionFolders = new WeakMap<PeerNamespace, string>();

function folderOf(namespace: PeerNamespace): string {
  const folder = companionFolders.get(namespace);
  if (folder === undefined) throw new Error('zebra is not started');
  return folder;
}

const linesOf = (text = ''): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

function neighborLines(setup: PeerSetup, peer: { address: string; asn: number }): string {
  const line = (text: string): string => ` neighbor ${peer.address} ${text}`;
  return [
    line(`remote-as ${peer.asn}`),
    line('timers connect 1'),
    line('advertisement-interval 0'),
    ...(setup.password === undefined ? [] : [line(`password ${setup.password}`)]),
    ...linesOf(setup.fragment.neighbor).map(line),
  ].join('\n');
}

function familyLines(setup: PeerSetup, family: 'ipv4' | 'ipv6'): string {
  const prefix = family === 'ipv4' ? '203.0.113.0/24' : '2001:db8:b::/48';
  const peers = [setup.peerAddress, ...setup.others.map(({ address }) => address)];
  return [
    ` address-family ${family} unicast`,
    `  network ${prefix}`,
    ...peers.flatMap((address) => [
      `  neighbor ${address} activate`,
      ...linesOf(setup.fragment[family]).map((text) => `  neighbor ${address} ${text}`),
    ]),
    ' exit-address-family',
  ].join('\n');
}

function pathOf(path: FrrPath): SeenPath {
  return {
    best: path.bestpath?.overall === true,
    nextHop: (path.nexthops.find(({ scope }) => scope !== 'link-local') ?? path.nexthops[0])?.ip ?? '',
    asPath: path.aspath.string,
    med: path.metric,
    localPreference: path.locPrf,
    communities: words(path.community?.string),
    extendedCommunities: words(path.extendedCommunity?.string).map((text) => text.replace(/^RT/, 'rt')),
    largeCommunities: words(path.largeCommunity?.string),
    originatorId: path.originatorId,
    clusterList: path.clusterList?.list ?? [],
    stale: path.stale === true,
  };
}

export const frrPeer: PeerImplementation = {
  title: 'FRR 8.4.4',
  async companions(namespace) {
    const folder = mkdtempSync(join(tmpdir(), 'routelet-zebra-'));
    chownSync(folder, Number(await run('id', '-u', 'frr')), Number(await run('id', '-g', 'frr')));
    companionFolders.set(namespace, folder);
    const common = (name: string): string[] => [
      ...['-z', join(folder, 'zserv.api'), '--vty_socket', folder, '-P', '0', '-f', '/dev/null'],
      ...['-i', join(folder, `${name}.pid`), '--log', 'stdout'],
    ];
    const zebra = namespace.spawn('/usr/lib/frr/zebra', ...common('zebra'));
    zebra.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    namespace.spawn('/usr/lib/frr/bfdd', ...common('bfdd'), '--bfdctl', join(folder, 'bfdd.sock'));
    for (const name of ['zebra', 'bfdd']) {
      await until(`${name} answers`, () =>
        run('vtysh', '--vty_socket', folder, '-d', name, '-c', 'show version').then(
          () => true,
          () => false,
        ),
      );
    }
  },
  kind: (namespace) => ({
    name: 'frr',
    user: 'frr',
    files: (setup) => ({
      'bgpd.conf': [
        `router bgp ${setup.localAsn}`,
        ` bgp router-id ${setup.routerId}`,
        ' no bgp ebgp-requires-policy',
        ' no bgp default ipv4-unicast',
        ' no bgp network import-check',
        ...linesOf(setup.fragment.router),
        neighborLines(setup, { address: setup.peerAddress, asn: setup.peerAsn }),
        ...setup.others.map((peer) => neighborLines(setup, peer)),
        ...setup.families.map((family) => familyLines(setup, family)),
        'exit',
        setup.fragment.policy ?? '',
        '',
      ].join('\n'),
    }),
    command: (_setup, folder) =>
      namespace.inside(
        '/usr/lib/frr/bgpd',
        ...['-f', join(folder, 'bgpd.conf'), '-i', join(folder, 'bgpd.pid'), '--vty_socket', folder],
        ...['-z', join(folderOf(namespace), 'zserv.api'), '-P', '0', '--log', 'stdout'],
      ),
    ready: async (_setup, folder) =>
      void (await run('vtysh', '--vty_socket', folder, '-d', 'bgpd', '-c', 'show bgp summary')),
    sessionState: async (setup, folder) => {
      const command = `show bgp neighbors ${setup.peerAddress} json`;
      const text = await run('vtysh', '--vty_socket', folder, '-d', 'bgpd', '-c', command);
      return /"bgpState":"(\w+)"/.exec(text)?.[1] ?? text;
    },
  }),
  ask: ({ daemon }, ...command) =>
    run('vtysh', '--vty_socket', daemon.folder, '-d', 'bgpd', ...command.flatMap((each) => ['-c', each])),
  neighbor(peer) {
    return this.ask(peer, `show bgp neighbors ${peer.setup.peerAddress} json`);
  },
  route(peer, prefix) {
    return this.ask(peer, `show bgp ${prefix.includes(':') ? 'ipv6' : 'ipv4'} unicast ${prefix} json`);
  },
  async paths(peer, prefix) {
    const { paths = [] } = JSON.parse(await this.route(peer, prefix)) as {
      readonly paths?: readonly FrrPath[];
    };
    return paths.map(pathOf);
  },
};

/** What bfdd says about its sessions. */
export function frrBfd({ namespace }: { readonly namespace: PeerNamespace }): Promise<string> {
  return run('vtysh', '--vty_socket', folderOf(namespace), '-d', 'bfdd', '-c', 'show bfd peers json');
}
