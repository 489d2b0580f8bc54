/** The UDP ports on which the kernel takes GUE packets out of their envelopes: one a family that has such tunnels. */
import type { IpFamily } from '../../annotations/prefix.ts';
import type { Tunnel } from './tunnel.ts';

export interface GuePort {
  readonly family: IpFamily;
  readonly port: number;
}

export interface GuePortPlan {
  readonly add: readonly GuePort[];
  /** Ports of tunnels of ours that are no more. A port that no tunnel of ours had is somebody else's. */
  readonly remove: readonly GuePort[];
}

/** `wanted`: the tunnels that shall stand; `gone`: those of ours that stood and shall not. */
export function planGuePorts(
  wanted: readonly Tunnel[],
  gone: readonly Tunnel[],
  actual: readonly GuePort[],
): GuePortPlan {
  const needed = portsOf(wanted);
  const standing = new Map(actual.map((port) => [keyOf(port), port]));
  return {
    add: [...needed].filter(([key]) => !standing.has(key)).map(([, port]) => port),
    remove: [...portsOf(gone)].filter(([key]) => standing.has(key) && !needed.has(key)).map(([, port]) => port),
  };
}

function portsOf(tunnels: readonly Tunnel[]): Map<string, GuePort> {
  const ports = new Map<string, GuePort>();
  for (const { kind, guePort } of tunnels) {
    if (guePort === undefined) continue;
    const port: GuePort = { family: kind === 'ipip' ? 4 : 6, port: guePort };
    ports.set(keyOf(port), port);
  }
  return ports;
}

function keyOf({ family, port }: GuePort): string {
  return `${family} ${port}`;
}
