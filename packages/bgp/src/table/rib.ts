/**
 * One family's routes with those who follow its best paths: groups of peers that are told, and users of the library.
 * A prefix keeps its number as long as one of them has something left to do with it.
 */
import type { FamilyKey } from '../family/model.ts';
import type { AttributeStore } from './attribute-store.ts';
import type { DecisionStep } from './decision.ts';
import type { PeerColumn } from './peer-column.ts';
import { PrefixTable } from './prefix-table.ts';
import { NO_PATH, RouteTable } from './route-table.ts';

/** Somebody who sees each change of a best path, later and at their own pace. */
export interface RibReader {
  /** The best path of the prefix is another one now, or none. Must be cheap: it is called from inside an UPDATE. */
  changed(prefix: number): void;
  /** Still to do something about this prefix: its number must stay. */
  holds(prefix: number): boolean;
}

export class Rib {
  readonly family: FamilyKey;
  readonly prefixes: PrefixTable;
  readonly routes: RouteTable;
  /** Routes are still to be selected that peers of a restarting speaker wait for (RFC 4724 §4.1): no End-of-RIB yet. */
  isIncomplete = false;
  readonly #readers: RibReader[] = [];

  constructor(
    family: FamilyKey,
    words: 1 | 4,
    attributes: AttributeStore,
    peers: PeerColumn,
    steps?: readonly DecisionStep[],
  ) {
    this.family = family;
    this.prefixes = new PrefixTable(words);
    this.routes = new RouteTable(this.prefixes, attributes, peers, steps);
  }

  addReader(reader: RibReader): void {
    this.#readers.push(reader);
  }

  removeReader(reader: RibReader): void {
    const at = this.#readers.indexOf(reader);
    if (at >= 0) this.#readers.splice(at, 1);
  }

  setPath(prefix: number, peer: number, generation: number, received: number, usable: number): void {
    if (this.routes.setPath(prefix, peer, generation, received, usable)) this.changed(prefix);
  }

  removePath(prefix: number, peer: number): void {
    if (this.routes.removePath(prefix, peer)) this.changed(prefix);
    this.reclaim(prefix);
  }

  /** Tells all readers. */
  changed(prefix: number): void {
    for (let index = 0; index < this.#readers.length; index++) this.#readers[index]?.changed(prefix);
  }

  /** Gives the number of a prefix back when it has no paths and nobody holds it. Readers call it when they are done. */
  reclaim(prefix: number): void {
    if (this.routes.first(prefix) !== NO_PATH) return;
    for (let index = 0; index < this.#readers.length; index++) {
      if (this.#readers[index]?.holds(prefix) === true) return;
    }
    this.prefixes.remove(prefix);
  }
}
