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
  /** Other paths of a prefix than the best one count, too: `changed` is called for each change of any. */
  readonly followsAllPaths?: boolean;
  /** The best path of the prefix is another one now, or none. Must be cheap: it is called from inside an UPDATE. */
  changed(prefix: number): void;
  /** Still to do something about this prefix: its number must stay. */
  holds(prefix: number): boolean;
  /** The path's number is in use: it must stay, also when the path is gone. */
  holdsPath?(path: number): boolean;
}

export class Rib {
  readonly family: FamilyKey;
  readonly prefixes: PrefixTable;
  readonly routes: RouteTable;
  /** Routes are still to be selected that peers of a restarting speaker wait for (RFC 4724 §4.1): no End-of-RIB yet. */
  isIncomplete = false;
  readonly #readers: RibReader[] = [];
  readonly #followers: RibReader[] = [];

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
    if (reader.followsAllPaths === true) this.#followers.push(reader);
    this.#keepNumbers();
  }

  removeReader(reader: RibReader): void {
    for (const readers of [this.#readers, this.#followers]) {
      const at = readers.indexOf(reader);
      if (at >= 0) readers.splice(at, 1);
    }
    this.#keepNumbers();
  }

  setPath(prefix: number, peer: number, generation: number, received: number, usable: number, pathId = 0): void {
    if (this.routes.setPath(prefix, peer, generation, received, usable, pathId)) this.changed(prefix);
    else this.pathsChanged(prefix);
  }

  removePath(prefix: number, peer: number, pathId = 0): void {
    if (this.routes.removePath(prefix, peer, pathId)) this.changed(prefix);
    else this.pathsChanged(prefix);
    this.reclaim(prefix);
  }

  /** As `RouteTable.sweep`, and tells the readers. */
  sweep(paths: Parameters<RouteTable['sweep']>[0], from: number, to: number): void {
    this.routes.sweep(paths, from, to, this.#onChanged, this.#onRemoved);
  }

  /** Tells all readers that the best path is another one. */
  changed(prefix: number): void {
    for (let index = 0; index < this.#readers.length; index++) this.#readers[index]?.changed(prefix);
  }

  /** Tells the readers who look at all paths. */
  pathsChanged(prefix: number): void {
    for (let index = 0; index < this.#followers.length; index++) this.#followers[index]?.changed(prefix);
  }

  /** Gives the number of a prefix back when it has no paths and nobody holds it. Readers call it when they are done. */
  reclaim(prefix: number): void {
    if (this.routes.first(prefix) !== NO_PATH) return;
    for (let index = 0; index < this.#readers.length; index++) {
      if (this.#readers[index]?.holds(prefix) === true) return;
    }
    this.prefixes.remove(prefix);
  }

  readonly #onChanged = (prefix: number): void => this.changed(prefix);
  readonly #onRemoved = (prefix: number): void => {
    this.pathsChanged(prefix);
    this.reclaim(prefix);
  };

  #keepNumbers(): void {
    const holders = this.#readers.filter(({ holdsPath }) => holdsPath !== undefined);
    this.routes.isHeld =
      holders.length === 0 ? undefined : (path) => holders.some((reader) => reader.holdsPath?.(path) === true);
  }
}
