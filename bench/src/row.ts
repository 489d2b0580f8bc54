/** One result of a bench: how long, or how much, we and somebody else took for the same work in the same run. */
export interface BenchRow {
  readonly bench: string;
  readonly peer: string;
  /** What was done; counts as plain digits. */
  readonly work: string;
  readonly ours: number;
  readonly theirs: number;
  /** `ours / theirs`: smaller is better. */
  readonly ratio: number;
  readonly unit: 's' | 'cpu-s' | 'MB';
}
