/** ExaBGP: it has no table and no client; what it tells its processes about the session and its routes is its word. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Family, PeerImplementation, PeerSetup, RunningPeer, SeenPath } from '../peer.ts';

interface ExabgpAttributes {
  readonly 'as-path'?: readonly number[];
  readonly 'confederation-path'?: readonly number[];
  readonly med?: number;
  readonly 'local-preference'?: number;
  readonly community?: readonly (readonly number[])[];
  readonly 'extended-community'?: readonly { readonly string: string }[];
  readonly 'large-community'?: readonly (readonly number[])[];
  readonly 'originator-id'?: string;
  readonly 'cluster-list'?: readonly string[];
}

interface ExabgpNlri {
  readonly nlri: string;
  readonly 'path-information'?: string;
}

interface ExabgpEvent {
  readonly type: string;
  readonly neighbor: {
    readonly state?: string;
    readonly message?: {
      readonly update?: {
        readonly attribute?: ExabgpAttributes;
        readonly announce?: Readonly<Record<string, Readonly<Record<string, readonly ExabgpNlri[]>>>>;
        readonly withdraw?: Readonly<Record<string, readonly ExabgpNlri[]>>;
      };
    };
  };
}

function originated(family: Family, setup: PeerSetup, { ipv6 }: { readonly ipv6: string }): string {
  // IPv4 routes over IPv6 have an IPv6 next hop.
  if (family === 'ipv4') return `unicast 203.0.113.0/24 next-hop ${setup.localAddress};`;
  return `unicast 2001:db8:b::/48 next-hop ${ipv6};`;
}

/** What it has told so far. An event that is not whole yet is left for the next time. */
function told({ folder }: Pick<RunningPeer['daemon'], 'folder'>): readonly ExabgpEvent[] {
  const text = readFileSync(join(folder, 'told'), 'utf8');
  const events = text.slice(0, text.lastIndexOf('\n') + 1).split(/\n(?=\{ "exabgp")/);
  // Refresh events are no JSON ('"afi": ""ipv4""'), and texts of a NOTIFICATION are put into it as they are.
  return events
    .filter((event) => event !== '' && !event.includes('"type": "refresh"'))
    .map((event) => JSON.parse(event.replaceAll(/\p{Cc}/gu, ' ')));
}

function pathOf(attributes: ExabgpAttributes, nextHop: string): SeenPath {
  const confederation = attributes['confederation-path'] ?? [];
  const parts = [
    ...(confederation.length > 0 ? [`(${confederation.join(' ')})`] : []),
    ...(attributes['as-path'] ?? []),
  ];
  return {
    best: true,
    stale: false,
    nextHop,
    asPath: parts.join(' '),
    med: attributes.med,
    localPreference: attributes['local-preference'],
    communities: (attributes.community ?? []).map((parts) => parts.join(':')),
    extendedCommunities: (attributes['extended-community'] ?? []).map(({ string }) => string.replace('target', 'rt')),
    largeCommunities: (attributes['large-community'] ?? []).map((parts) => parts.join(':')),
    originatorId: attributes['originator-id'],
    clusterList: attributes['cluster-list'] ?? [],
  };
}

/** The table that follows from its events: prefix and path identifier → path. */
function tableOf(events: readonly ExabgpEvent[]): Map<string, SeenPath> {
  const table = new Map<string, SeenPath>();
  const key = (route: ExabgpNlri): string => `${route.nlri} ${route['path-information'] ?? ''}`;
  for (const { type, neighbor } of events) {
    if (type === 'state' && neighbor.state !== 'up') table.clear();
    const update = neighbor.message?.update;
    if (update === undefined) continue;
    for (const routes of Object.values(update.withdraw ?? {})) for (const route of routes) table.delete(key(route));
    for (const hops of Object.values(update.announce ?? {})) {
      for (const [nextHop, routes] of Object.entries(hops)) {
        // The second half of an IPv6 next hop is listed like another one.
        if (nextHop.startsWith('fe80:')) continue;
        for (const route of routes) {
          if (route.nlri !== undefined) table.set(key(route), pathOf(update.attribute ?? {}, nextHop));
        }
      }
    }
  }
  return table;
}

export const exabgpPeer: PeerImplementation = {
  title: 'ExaBGP 4.2.21',
  kind: (namespace) => ({
    name: 'exabgp',
    files: (setup, folder) => ({
      'exabgp.conf': `
process watch { run /bin/sh ${folder}/watch.sh; encoder json; }
neighbor ${setup.peerAddress} {
  router-id ${setup.routerId};
  local-address ${setup.localAddress};
  local-as ${setup.localAsn};
  peer-as ${setup.peerAsn};
  ${setup.password === undefined ? '' : `md5-password "${setup.password}";`}
  family { ${setup.families.map((family) => `${family} unicast;`).join(' ')} }
  capability { route-refresh enable; ${setup.fragment.router ?? ''} }
  api { processes [ watch ]; neighbor-changes; receive { parsed; open; update; refresh; } }
  ${setup.fragment.neighbor ?? ''}
  announce {
    ${setup.families
      .map((family) => {
        const lines = setup.fragment[family] ?? originated(family, setup, namespace.addresses.theirs);
        return `${family} { ${lines} }`;
      })
      .join('\n    ')}
  }
}`,
      // Commands for it are put into a file; its own output to the process does not block.
      'watch.sh': `
        touch ${folder}/commands ${folder}/told
        tail -f -n +1 ${folder}/commands &
        while kill -0 $PPID; do cat; sleep 0.05; done >> ${folder}/told 2> ${folder}/noise
        kill $!`,
    }),
    command: () => namespace.inside('exabgp', 'exabgp.conf'),
    environment: () => ({
      exabgp_daemon_user: 'root',
      exabgp_daemon_drop: 'false',
      exabgp_log_destination: 'stdout',
      exabgp_api_cli: 'false',
      exabgp_api_ack: 'false',
    }),
    ready: async (_setup, folder) => void readFileSync(join(folder, 'told')),
    sessionState: async (_setup, folder) => {
      const events = told({ folder });
      return events.findLast(({ type }) => type === 'state')?.neighbor.state ?? 'unknown';
    },
  }),
  ask: async ({ daemon }, ...command) => {
    const file = join(daemon.folder, 'commands');
    writeFileSync(file, `${command.join(' ')}\n`, { flag: 'a' });
    return '';
  },
  async neighbor({ daemon }) {
    return `${readFileSync(join(daemon.folder, 'told'), 'utf8')}\n${daemon.output()}`;
  },
  async route(peer, prefix) {
    return JSON.stringify(await this.paths(peer, prefix));
  },
  async paths(peer, prefix) {
    return [...tableOf(told(peer.daemon))].filter(([key]) => key.startsWith(`${prefix} `)).map(([, path]) => path);
  },
};
