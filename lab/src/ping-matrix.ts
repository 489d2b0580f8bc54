/** Who reaches whom: one ping from every pod to every pod on another node, in every family that both have. */
import type { LabPod } from './pod.ts';

export interface PingResult {
  readonly from: LabPod;
  readonly to: LabPod;
  readonly family: 'IPv4' | 'IPv6';
  readonly ok: boolean;
}

/**
 * Pings all ordered pairs of pods, which are on different nodes each, at the same time. More than one attempt is for
 * pods that were made just now: their first packet may be lost to neighbour discovery.
 */
export async function pingMatrix(pods: readonly LabPod[], attempts = 1): Promise<PingResult[]> {
  const pings = pods.flatMap((from) =>
    pods
      .filter((to) => to !== from)
      .flatMap((to) =>
        (['IPv4', 'IPv6'] as const).flatMap((family) => {
          const address = family === 'IPv4' ? to.ipv4 : to.ipv6;
          const own = family === 'IPv4' ? from.ipv4 : from.ipv6;
          return address === undefined || own === undefined ? [] : [{ from, to, family, address }];
        }),
      ),
  );
  return Promise.all(
    pings.map(async ({ from, to, family, address }) => ({ from, to, family, ok: await from.ping(address, attempts) })),
  );
}

/** One line of text a result, for reports: `node-1-web -> node-2-web IPv4 answered`. */
export function describePing({ from, to, family, ok }: PingResult): string {
  return `${from.name} -> ${to.name} ${family} ${ok ? 'answered' : 'no answer'}`;
}
