/** AS numbers for private use (RFC 6996) on their way out of the AS that they are known in. */
import type { AsPath, AsPathSegment } from '../attribute/as-path.ts';

/** RFC 6996 §5. */
export function isPrivateAs(asn: number): boolean {
  return (asn >= 64_512 && asn <= 65_534) || (asn >= 4_200_000_000 && asn <= 4_294_967_294);
}

/**
 * The path without private numbers (`all`), or with `own` in place of each (`replace`), so that its length stays.
 * The peer's own number stays: it is how the peer sees a loop.
 */
export function withoutPrivateAs(path: AsPath, mode: 'all' | 'replace', own: number, peerAsn: number): AsPath {
  const segments: AsPathSegment[] = [];
  const leaves = (asn: number): boolean => asn !== peerAsn && isPrivateAs(asn);
  for (const { kind, asns } of path) {
    const kept = mode === 'all' ? asns.filter((asn) => !leaves(asn)) : asns.map((asn) => (leaves(asn) ? own : asn));
    if (kept.length > 0) segments.push({ kind, asns: kept });
  }
  return segments;
}
