import type { ClusterStore } from '../../../src/cluster/store.ts';

/** The Nodes of a store as `name podCIDR`, sorted. */
export function nodesOf(store: ClusterStore): readonly string[] {
  return store
    .list('Node')
    .map(({ metadata, spec }) => `${metadata.name} ${spec.podCIDR}`)
    .sort();
}

/** Waits until the store has exactly these Nodes; fails after 20 s. */
export async function nodesBecome(store: ClusterStore, wanted: readonly string[]): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new Error(`expected ${wanted}, the store has ${nodesOf(store)}`)), 20_000);
  const look = () => {
    if (nodesOf(store).join() === wanted.join()) resolve();
  };
  const stop = store.subscribe(look);
  look();
  await promise.finally(() => {
    clearTimeout(timer);
    stop();
  });
}
