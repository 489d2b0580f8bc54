/** Which external peers count: those of the flags, else those of the node's annotations, of their last good value if need be. */
import type { ExternalPeer } from '../annotations/external-peer.ts';
import { parsePeers } from '../annotations/peers.ts';
import type { Problem } from '../problem.ts';
import { annotationProblems } from './node-facts.ts';

export interface ExternalPeersPlan {
  readonly peers: readonly ExternalPeer[];
  /** What to hand in as `lastGood` the next time. */
  readonly lastGood: readonly ExternalPeer[] | undefined;
  readonly problems: readonly Problem[];
}

/**
 * `flagPeers` win over annotations altogether. A bad annotation changes nothing of what its last good value made; without
 * one (at start) the entries that are good are used.
 */
export function planExternalPeers(
  node: string,
  annotations: Readonly<Record<string, string>>,
  flagPeers: readonly ExternalPeer[],
  lastGood: readonly ExternalPeer[] | undefined,
): ExternalPeersPlan {
  if (flagPeers.length > 0) return { peers: flagPeers, lastGood: undefined, problems: [] };
  const parsed = parsePeers(annotations);
  if (parsed.problems.length === 0) return { peers: parsed.value ?? [], lastGood: parsed.value, problems: [] };
  const kept = lastGood === undefined ? '' : '; the peers of its last good value stay';
  return {
    peers: lastGood ?? parsed.value ?? [],
    lastGood,
    problems: annotationProblems(node, parsed.problems).map((problem) => ({
      ...problem,
      text: `${problem.text}${kept}`,
    })),
  };
}
