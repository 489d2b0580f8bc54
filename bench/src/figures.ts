/** From measured values to a row of results. */
import type { BenchRow } from './row.ts';

export function row(of: Pick<BenchRow, 'bench' | 'peer' | 'work' | 'unit'>, ours: number, theirs: number): BenchRow {
  const { bench, peer, work, unit } = of;
  return { bench, peer, work, ours: round(ours), theirs: round(theirs), ratio: round(ours / theirs), unit };
}

/** A figure of ours alone. */
export function ownRow(of: Pick<BenchRow, 'bench' | 'work' | 'unit'>, ours: number): BenchRow {
  const { bench, work, unit } = of;
  return { bench, peer: 'none', work, ours: round(ours), theirs: null, ratio: null, unit };
}

/** The smallest of the values that a share of them does not exceed. */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new RangeError('no values');
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('no values');
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
