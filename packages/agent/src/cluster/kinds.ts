import type { Kind, KindMap } from './model.ts';
import { readNode } from './node.ts';

/** How one kind is found and read. */
export interface KindRow<K extends Kind> {
  readonly apiVersion: string;
  /** Path of the whole collection, all namespaces. */
  readonly path: string;
  readonly namespaced: boolean;
  /** Checks one raw object and takes from it what the model has. */
  read(raw: unknown): KindMap[K] | { readonly problem: string };
}

/** Every kind of the store, one row each. */
export const kinds: { readonly [K in Kind]: KindRow<K> } = {
  Node: { apiVersion: 'v1', path: '/api/v1/nodes', namespaced: false, read: readNode },
};

export const kindNames = Object.keys(kinds) as readonly Kind[];

export function isKind(name: unknown): name is Kind {
  return typeof name === 'string' && Object.hasOwn(kinds, name);
}
