/** Weights of the next hops of a route: small whole numbers in the ratio of the bandwidths, as the kernel takes them. */

/** rtnh_hops + 1 in 8 bits. */
const MAX_WEIGHT = 256;
/** The ratio need not be better than bandwidths are known. */
const GOOD_ENOUGH = 0.01;

/**
 * One weight for each bandwidth (bytes a second). RFC 10005: where one of them has none, all weigh the same. A way without
 * bandwidth to spare (0) gets the smallest weight there is.
 */
export function bandwidthWeights(bandwidths: readonly (number | undefined)[]): number[] {
  const known = bandwidths.filter((bandwidth) => bandwidth !== undefined);
  const least = Math.min(...known.filter((bandwidth) => bandwidth > 0));
  if (known.length < bandwidths.length || !Number.isFinite(least)) return bandwidths.map(() => 1);
  const most = Math.max(...known);
  let best = scaled(known, most / MAX_WEIGHT);
  if (most / least > MAX_WEIGHT) return best;
  let bestError = Number.POSITIVE_INFINITY;
  for (let factor = 1; (most / least) * factor <= MAX_WEIGHT && bestError > GOOD_ENOUGH; factor++) {
    const unit = least / factor;
    const weights = scaled(known, unit);
    const error = Math.max(
      ...known.map((bandwidth, i) => (bandwidth === 0 ? 0 : Math.abs(((weights[i] ?? 0) * unit) / bandwidth - 1))),
    );
    if (error < bestError) [best, bestError] = [weights, error];
  }
  return best;
}

function scaled(bandwidths: readonly number[], unit: number): number[] {
  return bandwidths.map((bandwidth) => Math.min(MAX_WEIGHT, Math.max(1, Math.round(bandwidth / unit))));
}
