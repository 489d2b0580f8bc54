/**
 * One result of a bench: how long, or how much, we and somebody else took for the same work in the same run. Where there is
 * nobody to compare with, `peer` is "none" and `theirs` and `ratio` are null.
 */
export interface BenchRow {
  readonly bench: string;
  readonly peer: string;
  /** What was done; counts as plain digits. */
  readonly work: string;
  readonly ours: number;
  readonly theirs: number | null;
  /** `ours / theirs`: smaller is better. */
  readonly ratio: number | null;
  readonly unit: 's' | 'ms' | 'cpu-s' | '% of a core' | 'MB';
}
