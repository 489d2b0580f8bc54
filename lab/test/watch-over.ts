/** What the tests of whole clusters have in common: no bound but those of their conditions, and a report when they fail. */
import type { Test } from 'tap';
import type { ManifestCluster } from '../src/index.ts';

/** The file's time is bounded by its conditions and by the runner; a failure prints the last log lines of every agent. */
export function watchOver(t: Test, cluster: ManifestCluster): void {
  t.setTimeout(0);
  t.teardown(() => {
    if (!t.passing()) t.comment(cluster.tails(40));
  });
}
