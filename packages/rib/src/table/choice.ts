/**
 * Sources of routes and the one choice for each place: the smallest administrative distance, then the smallest metric,
 * then the source made first. Incremental: a change costs the look at one place in each source, and nothing is kept
 * beside the sources' own tables. Says what changed; knows neither kernel nor time.
 */
import type { NextHop, NodeRoute } from '../model.ts';
import { parsePrefix } from './address.ts';
import { type Place, placeOf, shownMetric } from './key.ts';

/** The choice for a place became `after`; undefined where there is no route. */
export type Chosen = (place: Place, before: NodeRoute | undefined, after: NodeRoute | undefined) => void;

/** Starts the place of a destination that is no prefix, so that it can never be taken for a real one. */
const NO_PREFIX = '! ';

interface Source {
  readonly name: string;
  readonly distance: number;
  readonly routes: Map<Place, NodeRoute>;
}

export class Choice {
  /** By distance; sources of the same distance in the order they were made. */
  readonly #sources: Source[] = [];
  readonly #chosen: Chosen;

  constructor(chosen: Chosen) {
    this.#chosen = chosen;
  }

  /** Makes a source unless there is one of that name. Its distance stays as it was made. */
  addSource(name: string, distance: number): void {
    if (this.#sources.some((source) => source.name === name)) return;
    const at = this.#sources.findIndex((source) => source.distance > distance);
    this.#sources.splice(at < 0 ? this.#sources.length : at, 0, { name, distance, routes: new Map() });
  }

  set(name: string, given: NodeRoute): void {
    const routes = this.#routesOf(name);
    const route = canonical(given);
    const place = route === undefined ? noPlaceOf(given) : placeOf(route.destination, route.table);
    this.#put(routes, place, route ?? given);
  }

  delete(name: string, destination: string, table?: number): void {
    const route = { destination, nextHops: [], ...(table !== undefined && { table }) };
    const found = canonical(route);
    this.#remove(this.#routesOf(name), found === undefined ? noPlaceOf(route) : placeOf(found.destination, table));
  }

  /** Of two routes for one place the later counts. */
  replaceAll(name: string, wanted: Iterable<NodeRoute>): void {
    const routes = this.#routesOf(name);
    const old = routes.size === 0 ? undefined : new Set(routes.keys());
    for (const given of wanted) {
      const route = canonical(given);
      const place = route === undefined ? noPlaceOf(given) : placeOf(route.destination, route.table);
      old?.delete(place);
      this.#put(routes, place, route ?? given);
    }
    for (const place of old ?? []) this.#remove(routes, place);
  }

  best(place: Place): NodeRoute | undefined {
    let best: NodeRoute | undefined;
    let distance = Number.POSITIVE_INFINITY;
    for (const source of this.#sources) {
      if (source.distance > distance) break;
      const route = source.routes.get(place);
      if (route === undefined || (best !== undefined && metricOf(route) >= metricOf(best))) continue;
      best = route;
      distance = source.distance;
    }
    return best;
  }

  /** All routes for a place with their sources, the choice first. */
  candidates(place: Place): { source: string; distance: number; route: NodeRoute }[] {
    const best = this.best(place);
    return this.#sources
      .flatMap(({ name, distance, routes }) => {
        const route = routes.get(place);
        return route === undefined ? [] : [{ source: name, distance, route }];
      })
      .sort((a, b) => Number(b.route === best) - Number(a.route === best));
  }

  /** Each place with its choice. */
  *entries(): Generator<[Place, NodeRoute]> {
    for (const { routes } of this.#sources) {
      for (const [place, route] of routes) if (this.best(place) === route) yield [place, route];
    }
  }

  #put(routes: Map<Place, NodeRoute>, place: Place, route: NodeRoute): void {
    const old = routes.get(place);
    if (old !== undefined && sameNodeRoute(old, route)) return;
    const before = this.best(place);
    routes.set(place, route);
    const after = this.best(place);
    if (before !== after) this.#chosen(place, before, after);
  }

  #remove(routes: Map<Place, NodeRoute>, place: Place): void {
    const before = this.best(place);
    if (!routes.delete(place)) return;
    const after = this.best(place);
    if (before !== after) this.#chosen(place, before, after);
  }

  #routesOf(name: string): Map<Place, NodeRoute> {
    const source = this.#sources.find((candidate) => candidate.name === name);
    if (source === undefined) throw new RangeError(`no source "${name}"`);
    return source.routes;
  }
}

export function isIpv6(route: NodeRoute): boolean {
  return route.destination.includes(':');
}

/** A destination that is no prefix has no place in any table. */
export function isPlaceless(place: Place): boolean {
  return place.startsWith(NO_PREFIX);
}

export function metricOf(route: NodeRoute): number {
  return shownMetric(route.metric, isIpv6(route));
}

function noPlaceOf(route: NodeRoute): Place {
  return `${NO_PREFIX}${placeOf(route.destination, route.table)}`;
}

/** The route with its destination in canonical text; undefined when that is no prefix. */
function canonical(route: NodeRoute): NodeRoute | undefined {
  try {
    const { text } = parsePrefix(route.destination);
    return text === route.destination ? route : { ...route, destination: text };
  } catch {
    return undefined;
  }
}

export function sameNodeRoute(a: NodeRoute, b: NodeRoute): boolean {
  return a === b || (a.destination === b.destination && a.table === b.table && a.metric === b.metric && sameWay(a, b));
}

/** The two differ in nothing but where they stand. */
export function sameWay(a: NodeRoute, b: NodeRoute): boolean {
  return a.source === b.source && a.mtu === b.mtu && sameNextHops(a.nextHops, b.nextHops);
}

function sameNextHops(a: readonly NextHop[], b: readonly NextHop[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) {
    const one = a[index];
    const other = b[index];
    if (one?.gateway !== other?.gateway || one?.interface !== other?.interface || one?.weight !== other?.weight) {
      return false;
    }
  }
  return true;
}
