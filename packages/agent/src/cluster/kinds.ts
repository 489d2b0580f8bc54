import { readEndpointSlice, serviceOf } from './endpoint-slice.ts';
import type { Kind, KindMap } from './model.ts';
import { readNamespace } from './namespace.ts';
import { readNetworkPolicy } from './network-policy.ts';
import { readNode } from './node.ts';
import { readPod } from './pod.ts';
import { readService } from './service.ts';

/** How one kind is found and read. */
export interface KindRow<K extends Kind> {
  readonly apiVersion: string;
  /** Path of the whole collection, all namespaces. */
  readonly path: string;
  readonly namespaced: boolean;
  /** Checks one raw object and takes from it what the model has. */
  read(raw: unknown): KindMap[K] | { readonly problem: string };
  /** Key under which `listBy` finds the object. */
  index?(object: KindMap[K]): string | undefined;
}

const core = { apiVersion: 'v1' } as const;

/** Every kind of the store, one row each. Only those that a module asks for are watched. */
export const kinds: { readonly [K in Kind]: KindRow<K> } = {
  Node: { ...core, path: '/api/v1/nodes', namespaced: false, read: readNode },
  Service: { ...core, path: '/api/v1/services', namespaced: true, read: readService },
  EndpointSlice: {
    apiVersion: 'discovery.k8s.io/v1',
    path: '/apis/discovery.k8s.io/v1/endpointslices',
    namespaced: true,
    read: readEndpointSlice,
    index: serviceOf,
  },
  Pod: { ...core, path: '/api/v1/pods', namespaced: true, read: readPod },
  Namespace: { ...core, path: '/api/v1/namespaces', namespaced: false, read: readNamespace },
  NetworkPolicy: {
    apiVersion: 'networking.k8s.io/v1',
    path: '/apis/networking.k8s.io/v1/networkpolicies',
    namespaced: true,
    read: readNetworkPolicy,
  },
};

export const kindNames = Object.keys(kinds) as readonly Kind[];

export function isKind(name: unknown): name is Kind {
  return typeof name === 'string' && Object.hasOwn(kinds, name);
}
