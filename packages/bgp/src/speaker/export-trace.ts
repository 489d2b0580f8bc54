/**
 * Follows best paths to one peer by the same transformation that its export group uses, one path at a time and without
 * touching what was sent.
 */
import { formatAddress } from '../address.ts';
import { decodeAttributes } from '../attribute/decode.ts';
import type { FamilyName } from '../family/registry.ts';
import type { PolicyRoute } from '../policy/route.ts';
import { type AttributeStore, NO_ATTRIBUTES } from '../table/attribute-store.ts';
import type { ExportTransform } from '../table/export-transform.ts';
import { LOCAL_PEER, type PeerColumn } from '../table/peer-column.ts';
import { PrefixTable } from '../table/prefix-table.ts';
import type { Rib } from '../table/rib.ts';
import { NO_PATH } from '../table/route-table.ts';
import { decodeStored } from '../table/stored-attributes.ts';
import type { AdvertisedRoute, ExportedPath } from './api.ts';
import type { ExportGroups, ExportPeer } from './export-groups.ts';
import { familyName, prefixText, prefixWords } from './path-view.ts';

/** A path by its numbers: the attributes after import, and the peer it came from. */
export interface TracedPath {
  readonly attributes: number;
  readonly source: number;
}

export interface ExportTraceOptions {
  readonly store: AttributeStore;
  readonly peers: PeerColumn;
  readonly groups: ExportGroups;
  readonly addressOf: (peer: number) => string;
}

export class ExportTrace {
  readonly #options: ExportTraceOptions;
  readonly #peer: ExportPeer;
  /** Number of the peer; one that nobody has for a peer that is not there. */
  readonly #number: number;
  readonly #family: FamilyName;
  /** The prefix looked at, alone: it need not have a number in the real table. */
  readonly #prefixes: PrefixTable;
  readonly #transform: ExportTransform;

  constructor(options: ExportTraceOptions, rib: Rib, peer: ExportPeer, number: number) {
    this.#options = options;
    this.#peer = peer;
    this.#number = number;
    this.#family = familyName(rib);
    this.#prefixes = new PrefixTable(rib.prefixes.words);
    this.#transform = options.groups.transformOf(rib, peer, this.#prefixes);
  }

  /** The route as the peer would be told; undefined: it would not. */
  advertised(prefix: string, path: TracedPath | undefined): AdvertisedRoute | undefined {
    if (path === undefined || path.source === this.#number) return undefined;
    return this.#with(prefix, (id) => this.#told(prefix, id, path));
  }

  trace(prefix: string, path: TracedPath): ExportedPath {
    const head = { prefix, family: this.#family, from: this.#options.addressOf(path.source) };
    if (path.source === this.#number) return { ...head, withheld: 'it came from this peer' };
    return this.#with(prefix, (id) => {
      const advertised = this.#told(prefix, id, path);
      const { exportPolicy } = this.#peer;
      const { outcome, steps } = exportPolicy?.policy.trace(this.#routeOf(id, path)) ?? {};
      return {
        ...head,
        ...(exportPolicy !== undefined && steps !== undefined && { policy: { name: exportPolicy.policy.name, steps } }),
        ...(advertised !== undefined && { advertised }),
        ...(advertised === undefined && outcome?.accepted !== false && { withheld: this.#reason(path) }),
      };
    });
  }

  #with<T>(text: string, look: (id: number) => T): T {
    const { words } = prefixWords(text);
    const id = this.#prefixes.add(...words);
    this.#transform.begin();
    try {
      return look(id);
    } finally {
      this.#transform.end();
      this.#prefixes.remove(id);
    }
  }

  #told(prefix: string, id: number, { attributes, source }: TracedPath): AdvertisedRoute | undefined {
    const { store } = this.#options;
    const out = this.#transform.outgoing(id, attributes, source);
    const encoded = out === NO_ATTRIBUTES ? undefined : this.#transform.encode(store, out);
    if (encoded === undefined) return undefined;
    const { bytes, size, nextHop, nextHopSize } = encoded;
    const { attributes: sent } = decodeAttributes(bytes.slice(0, size), {
      fourOctetAs: this.#peer.negotiated.fourOctetAs,
      peerType: this.#peer.identity.type,
    });
    const first = nextHop.slice(0, nextHopSize === 4 ? 4 : 16);
    return { prefix, family: this.#family, nextHop: formatAddress(first), attributes: sent };
  }

  /** Of a path that policy would take. */
  #reason({ attributes, source }: TracedPath): string {
    const { store, peers } = this.#options;
    const { type } = this.#peer.identity;
    const reflects = this.#peer.options.routeReflectorClient === true || peers.isClient(source);
    if (type === 'ibgp' && peers.isSameAs(source) && !reflects) {
      return 'what one node told is not passed on to another one (RFC 4456 §6)';
    }
    const { communities = [] } = decodeStored(store.bytesOf(attributes)).attributes;
    if (communities.length > 0 && source !== LOCAL_PEER) return 'a community of the route, or its path, forbids it';
    return 'no next hop of the family can be given, or its path forbids it';
  }

  #routeOf(id: number, { attributes, source }: TracedPath): PolicyRoute {
    const { store, peers } = this.#options;
    const { attributes: decoded, nextHop } = decodeStored(store.bytesOf(attributes));
    return {
      words: this.#prefixes.words,
      length: this.#prefixes.lengthOf(id),
      word: (index) => this.#prefixes.wordOf(id, index),
      attributes: decoded,
      nextHop,
      neighbor: this.#peer.options.address,
      peerType: this.#peer.identity.type,
      source: peers.typeOf(source),
    };
  }
}

/** Best paths of a table by prefix in text. */
export function* bestPaths(rib: Rib): Generator<[string, TracedPath]> {
  for (let prefix = 0; prefix < rib.prefixes.limit; prefix++) {
    const path = rib.routes.best(prefix);
    if (path === NO_PATH) continue;
    yield [prefixText(rib.prefixes, prefix), tracedPath(rib, path)];
  }
}

export function tracedPath({ routes }: Rib, path: number): TracedPath {
  return { attributes: routes.usableOf(path), source: routes.peerOf(path) };
}
