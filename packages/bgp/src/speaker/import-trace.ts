/** Says what import made of a received path: the same questions as `ImportFilter`, each answered in words. */
import { factFlag } from '../table/attribute-facts.ts';
import type { AttributeStore } from '../table/attribute-store.ts';
import type { PrefixTable } from '../table/prefix-table.ts';
import { decodeStored } from '../table/stored-attributes.ts';
import type { ImportVerdict } from './api.ts';
import type { ImportPeer } from './import-filter.ts';
import { adjust, allowedFacts } from './import-rules.ts';

const reasons: readonly (readonly [flag: number, reason: string])[] = [
  [factFlag.asLoop, 'AS_PATH holds our own AS number (RFC 4271 §9.1.2)'],
  [factFlag.originatorLoop, 'ORIGINATOR_ID is our own BGP identifier (RFC 4456 §8)'],
  [factFlag.clusterLoop, 'CLUSTER_LIST holds our own cluster id (RFC 4456 §8)'],
  [factFlag.nextHopUnusable, 'the next hop cannot be used (RFC 4271 §9.1.2.1)'],
];

/** `received`: the set that the peer sent. */
export function traceImport(
  store: AttributeStore,
  prefixes: PrefixTable,
  prefix: number,
  received: number,
  { address, type, importRules, importPolicy }: ImportPeer,
): ImportVerdict {
  const flags = store.flagsOf(received) & ~allowedFacts(importRules);
  const ineligible = reasons.find(([flag]) => (flags & flag) !== 0);
  if (ineligible !== undefined) return { kind: 'ineligible', reason: ineligible[1] };
  const { attributes, nextHop } = decodeStored(store.bytesOf(received));
  const adjusted = adjust(attributes, importRules);
  if (adjusted === undefined) {
    return {
      kind: 'ineligible',
      reason: 'our own AS number stands too often in AS_PATH, or the route leaks (RFC 9234 §5)',
    };
  }
  if (importPolicy === undefined) return { kind: 'unfiltered' };
  const { outcome, steps } = importPolicy.trace({
    words: prefixes.words,
    length: prefixes.lengthOf(prefix),
    word: (index) => prefixes.wordOf(prefix, index),
    attributes: adjusted,
    nextHop,
    neighbor: address,
    peerType: type,
    source: type,
  });
  return { kind: outcome.accepted ? 'accepted' : 'rejected', policy: importPolicy.name, steps };
}
