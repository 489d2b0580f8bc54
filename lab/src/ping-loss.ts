/** What a fault costs: steady pings on several ways while it happens, and their losses as one row of a table. */
import type { NetNamespace } from './namespace.ts';
import type { LabPod } from './pod.ts';

export interface Way {
  readonly from: NetNamespace;
  /** Address that is pinged. */
  readonly to: string;
}

export interface PingLoss {
  readonly ways: number;
  readonly sent: number;
  readonly lost: number;
  /** Longest time between two answers on one of the ways. */
  readonly longestGapMs: number;
}

/** Both directions between two pods, in every family that the second one has. */
export function waysBetween(one: LabPod, other: LabPod): Way[] {
  return [...other.addresses.map((to) => ({ from: one, to })), ...one.addresses.map((to) => ({ from: other, to }))];
}

/**
 * Pings on all ways, from before `during` begins until each way has had another second of answers after it: what would be
 * lost late is counted too, and a way that never comes back is an error.
 */
export async function pingLoss(ways: readonly Way[], during: () => Promise<void>, perSecond = 200): Promise<PingLoss> {
  const streams = ways.map(({ from, to }) => from.pingStream(to, perSecond));
  await Promise.all(streams.map((stream) => stream.nextAnswer()));
  await during();
  await Promise.all(
    streams.map(async (stream) => {
      await stream.nextAnswer(60_000);
      for (let answers = 1; answers < perSecond; answers++) await stream.nextAnswer();
    }),
  );
  const results = await Promise.all(streams.map((stream) => stream.stop()));
  const total = (count: 'sent' | 'lost') => results.reduce((sum, result) => sum + result[count], 0);
  const longestGapMs = Math.max(...results.map((result) => result.longestGapMs));
  return { ways: ways.length, sent: total('sent'), lost: total('lost'), longestGapMs };
}

const columns = ['fault', 'ways', 'sent', 'lost', 'longest gap ms'] as const;

/** Lines of a table that the runner shows. */
export function lossTable(rows: readonly (readonly [fault: string, loss: PingLoss])[]): string[] {
  const cells = rows.map(([fault, { ways, sent, lost, longestGapMs }]) => [fault, ways, sent, lost, longestGapMs]);
  return [columns, ...cells].map(([fault = '', ...numbers]) =>
    ['|', String(fault).padEnd(58), ...numbers.map((cell) => String(cell).padStart(6))].join(' '),
  );
}
