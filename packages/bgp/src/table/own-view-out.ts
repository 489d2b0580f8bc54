/**
 * Adj-RIB-Out of a route server's client with a view of its own (RFC 7947 §2.3.2.1): of each prefix the best path that
 * it may have, so that one that it may not have hides no other.
 */
import { NO_ATTRIBUTES } from './attribute-store.ts';
import { BestPathOut } from './best-path-out.ts';
import { NO_PATH } from './route-table.ts';

export class OwnViewOut extends BestPathOut {
  get followsAllPaths(): boolean {
    return true;
  }

  protected override pathFor(prefix: number, only: number): number {
    const { routes } = this.rib;
    const seen = new Set<number>();
    for (;;) {
      // One more in each turn: the first is nearly always the one.
      const next = routes.ranked(prefix, seen.size + 1).find((path) => !seen.has(path));
      if (next === undefined) return NO_PATH;
      const source = routes.peerOf(next);
      if (source !== only && this.transform.outgoing(prefix, routes.usableOf(next), source) !== NO_ATTRIBUTES)
        return next;
      seen.add(next);
    }
  }
}
