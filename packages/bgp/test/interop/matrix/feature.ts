/** One row of the matrix: what both sides are told, what then happens, and what has to be seen of it. */
import type { Cell } from './cell.ts';
import type { Fragment, PeerName } from './peer.ts';
import type { Terms } from './terms.ts';

/** The implementation does not know the feature: it refuses to read `refuses` and says so in the words of `words`. */
export interface Refusal {
  readonly refuses: Fragment;
  readonly words: RegExp;
}

/** The implementation takes the session but not the feature. `lacks` shows it, throws when it is there, and returns what it saw. */
export interface Lack extends Fragment {
  lacks(cell: Cell): Promise<string>;
}

/** A message that must have been on the wire: all fields, by tshark's names, in one message. */
export interface WireExpectation {
  readonly from: 'ours' | 'theirs' | 'either';
  readonly fields: Readonly<Record<string, string | RegExp>>;
}

export interface Feature extends Terms {
  readonly theirs: { readonly [P in PeerName]: Fragment | Refusal | Lack };
  /** Makes it happen and waits until the peer's client shows what it changes; throws when it does not. */
  drive(cell: Cell): Promise<void>;
  readonly wire: readonly WireExpectation[];
}
