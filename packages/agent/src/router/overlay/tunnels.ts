/**
 * Which tunnel devices to make, keep and remove. A device as wanted is kept under whatever name of ours it has, whoever
 * made it; one that leads to the right node in another way is replaced (B-73). No other device is ever touched: ours is
 * what has the kind of a tunnel and a name made of its own remote address.
 */
import { type IpFamily, parseAddress } from '../../annotations/prefix.ts';
import type { Problem } from '../../problem.ts';
import { type Device, describeTunnel, sameTunnel, type Tunnel, tunnelKind } from './tunnel.ts';
import { tunnelNames } from './tunnel-name.ts';

export interface TunnelWishes {
  /** Addresses of nodes, in canonical text. */
  readonly remotes: Iterable<string>;
  /** The node's best address of each family. */
  readonly local: Readonly<Record<IpFamily, string | undefined>>;
  /** UDP port of GUE; undefined for plain tunnels. */
  readonly guePort: number | undefined;
  /** Tunnels that nothing uses stay for now: their routes may be learned again. */
  readonly hold: boolean;
}

export type TunnelOperation =
  | { readonly action: 'create'; readonly name: string; readonly tunnel: Tunnel }
  | { readonly action: 'up' | 'delete'; readonly device: Device; readonly tunnel: Tunnel };

export interface TunnelPlan {
  /** Device name by remote address, for each that is wanted and can be. */
  readonly names: ReadonlyMap<string, string>;
  /** The tunnels of those names. */
  readonly wanted: readonly Tunnel[];
  /** Devices to be made or set up, in order; one that is in the way is deleted just before. */
  readonly operations: readonly TunnelOperation[];
  /** Devices that no route uses any more, to be deleted behind the routes. */
  readonly stale: readonly TunnelOperation[];
  readonly problems: readonly Problem[];
}

export function isOwnTunnel(device: Device): device is Device & { readonly tunnel: Tunnel } {
  return device.tunnel !== undefined && tunnelNames(device.tunnel.remote).includes(device.name);
}

export function planTunnels(wishes: TunnelWishes, devices: readonly Device[]): TunnelPlan {
  const own = new Map<string, (Device & { readonly tunnel: Tunnel })[]>();
  for (const device of devices) {
    if (!isOwnTunnel(device)) continue;
    const list = own.get(device.tunnel.remote) ?? [];
    own.set(device.tunnel.remote, [...list, device]);
  }
  const taken = new Set(devices.map(({ name }) => name));
  const names = new Map<string, string>();
  const wanted: Tunnel[] = [];
  const operations: TunnelOperation[] = [];
  const problems: Problem[] = [];
  const kept = new Set<Device>();

  // Standing devices keep their names whatever comes beside them; new ones are named in an order that does not depend on
  // which node was heard of first.
  const remotes = [...wishes.remotes].sort();
  const missing: Tunnel[] = [];
  for (const remote of remotes) {
    const tunnel = wantedTunnel(remote, wishes);
    if (!tunnel) continue;
    const standing = own.get(remote) ?? [];
    const right = standing.find((device) => sameTunnel(device.tunnel, tunnel));
    if (!right) {
      missing.push(tunnel);
      continue;
    }
    kept.add(right);
    names.set(remote, right.name);
    wanted.push(tunnel);
    if (!right.up) operations.push({ action: 'up', device: right, tunnel });
  }
  for (const tunnel of missing) {
    for (const device of own.get(tunnel.remote) ?? []) {
      operations.push({ action: 'delete', device, tunnel: device.tunnel });
      kept.add(device);
      taken.delete(device.name);
    }
    const choices = tunnelNames(tunnel.remote);
    const name = choices.find((choice) => !taken.has(choice));
    if (name === undefined) {
      const text = `no tunnel ${describeTunnel(tunnel)}: the names ${choices.join(', ')} are those of other interfaces`;
      problems.push({ code: 'kernel', subject: `tunnel ${tunnel.remote}`, text });
      continue;
    }
    taken.add(name);
    names.set(tunnel.remote, name);
    wanted.push(tunnel);
    operations.push({ action: 'create', name, tunnel });
  }
  const stale = wishes.hold
    ? []
    : [...own.values()].flat().flatMap((device): TunnelOperation[] => {
        return kept.has(device) ? [] : [{ action: 'delete', device, tunnel: device.tunnel }];
      });
  return { names, wanted, operations, stale, problems };
}

function wantedTunnel(remote: string, { local, guePort }: TunnelWishes): Tunnel | undefined {
  const family = parseAddress(remote)?.family;
  const source = family && local[family];
  return source === undefined || family === undefined
    ? undefined
    : { kind: tunnelKind[family], local: source, remote, guePort };
}
