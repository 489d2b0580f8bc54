/**
 * The changes a client can ask of the kernel, as values: an action of `ip` and the object it is done to. The order of
 * a list is the order in which the kernel does them.
 */
import { NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from '../constants/netlink.ts';
import {
  RTM_DELADDR,
  RTM_DELLINK,
  RTM_DELNEIGH,
  RTM_DELROUTE,
  RTM_DELRULE,
  RTM_NEWADDR,
  RTM_NEWLINK,
  RTM_NEWNEIGH,
  RTM_NEWROUTE,
  RTM_NEWRULE,
} from '../constants/rtnetlink.ts';
import { type Request, request } from '../message/request.ts';
import { addressBody } from './address.ts';
import { linkSettings } from './link.ts';
import type { Address, Link, LinkSettings, Neighbour, Route, Rule } from './model.ts';
import { neighbourBody } from './neighbour.ts';
import { routeBody } from './route.ts';
import { ruleBody } from './rule.ts';

/**
 * `add` fails with EEXIST where a route with the same (table, destination, tos, priority) stands, `change` fails with
 * ENOENT where none stands, `replace` does either. `append` puts an IPv4 route behind its equals and makes a next hop
 * more of an IPv6 route. `delete` fails with ESRCH where no route matches all that was given.
 */
export interface RouteOperation {
  readonly kind: 'route';
  readonly action: 'add' | 'replace' | 'change' | 'append' | 'delete';
  readonly object: Route;
}

/** `delete` removes the first rule that matches all that was given. */
export interface RuleOperation {
  readonly kind: 'rule';
  readonly action: 'add' | 'delete';
  readonly object: Rule;
}

/** `replace` also changes the flags of an address that stands. */
export interface AddressOperation {
  readonly kind: 'address';
  readonly action: 'add' | 'replace' | 'delete';
  readonly object: Address;
}

/** `create` needs `kind` and `name`; `set` and `delete` need `index` or `name`. A kernel without the kind answers EOPNOTSUPP. */
export interface LinkOperation {
  readonly kind: 'link';
  readonly action: 'create' | 'set' | 'delete';
  readonly object: LinkSettings;
}

export interface NeighbourOperation {
  readonly kind: 'neighbour';
  readonly action: 'add' | 'replace' | 'delete';
  readonly object: Neighbour;
}

export type Operation = RouteOperation | RuleOperation | AddressOperation | LinkOperation | NeighbourOperation;

/** What the kernel tells of, by kind. */
export interface ObjectByKind {
  readonly link: Link;
  readonly address: Address;
  readonly route: Route;
  readonly rule: Rule;
  readonly neighbour: Neighbour;
}

export type ObjectKind = keyof ObjectByKind;

/** The flags of a request that makes something, as `ip` sets them for its own words. */
const NEW_FLAGS = {
  add: NLM_F_CREATE | NLM_F_EXCL,
  create: NLM_F_CREATE | NLM_F_EXCL,
  replace: NLM_F_CREATE | NLM_F_REPLACE,
  change: NLM_F_REPLACE,
  append: NLM_F_CREATE | NLM_F_APPEND,
  set: 0,
} as const;

/** The request that does an operation. */
export function operationRequest(operation: Operation): Request {
  const { kind, action } = operation;
  const flags = action === 'delete' ? 0 : NEW_FLAGS[action];
  const verb = `${kind} ${action}`;
  const made = action !== 'delete';
  switch (kind) {
    case 'route':
      return request(made ? RTM_NEWROUTE : RTM_DELROUTE, flags, verb, routeBody, operation.object);
    case 'rule':
      return request(made ? RTM_NEWRULE : RTM_DELRULE, flags, verb, ruleBody, operation.object);
    case 'address':
      return request(made ? RTM_NEWADDR : RTM_DELADDR, flags, verb, addressBody, operation.object);
    case 'link':
      return request(made ? RTM_NEWLINK : RTM_DELLINK, flags, verb, linkSettings(operation.object), operation.object);
    case 'neighbour':
      return request(made ? RTM_NEWNEIGH : RTM_DELNEIGH, flags, verb, neighbourBody, operation.object);
  }
}
