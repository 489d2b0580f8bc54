/**
 * What is wanted in the kernel, by FIB key: the choice of each place at the key of its metric. Tells which keys to look
 * at again; a change of metric touches two.
 */
import type { NodeRoute } from '../model.ts';
import { Choice, isIpv6, metricOf } from './choice.ts';
import { type FibKey, fibKeyOf, type Place } from './key.ts';

export class Desire {
  readonly sources: Choice;
  readonly #touched: (key: FibKey) => void;
  /** The places of keys that are not just the place: of routes with a metric of their own. */
  readonly #places = new Map<FibKey, Place>();
  #size = 0;

  constructor(touched: (key: FibKey) => void) {
    this.#touched = touched;
    this.sources = new Choice((place, before, after) => this.#choose(place, before, after));
  }

  get size(): number {
    return this.#size;
  }

  at(key: FibKey): NodeRoute | undefined {
    const route = this.sources.best(this.#places.get(key) ?? key);
    // The place may have a route at another metric.
    return route !== undefined && (this.#places.has(key) || keyOf(key, route) === key) ? route : undefined;
  }

  /** All routes for the place of a key, the choice first. */
  candidates(key: FibKey): ReturnType<Choice['candidates']> {
    return this.at(key) === undefined ? [] : this.sources.candidates(this.#places.get(key) ?? key);
  }

  /** The key of a place's choice; undefined when there is none. */
  keyAt(place: Place): FibKey | undefined {
    const route = this.sources.best(place);
    return route && keyOf(place, route);
  }

  *entries(): Generator<[FibKey, NodeRoute]> {
    for (const [place, route] of this.sources.entries()) yield [keyOf(place, route), route];
  }

  #choose(place: Place, before: NodeRoute | undefined, after: NodeRoute | undefined): void {
    this.#size += Number(after !== undefined) - Number(before !== undefined);
    const oldKey = before === undefined ? undefined : keyOf(place, before);
    const key = after === undefined ? undefined : keyOf(place, after);
    if (oldKey !== undefined && oldKey !== key) {
      this.#places.delete(oldKey);
      this.#touched(oldKey);
    }
    if (key === undefined) return;
    if (key !== place) this.#places.set(key, place);
    this.#touched(key);
  }
}

function keyOf(place: Place, route: NodeRoute): FibKey {
  return route.metric === undefined ? place : fibKeyOf(place, metricOf(route), isIpv6(route));
}
