/** The kinds of rtnetlink objects, one row each: their messages, groups, codec and dump. All that is generic reads this. */
import {
  RTM_DELADDR,
  RTM_DELLINK,
  RTM_DELNEIGH,
  RTM_DELROUTE,
  RTM_DELRULE,
  RTM_GETADDR,
  RTM_GETLINK,
  RTM_GETNEIGH,
  RTM_GETROUTE,
  RTM_GETRULE,
  RTM_NEWADDR,
  RTM_NEWLINK,
  RTM_NEWNEIGH,
  RTM_NEWROUTE,
  RTM_NEWRULE,
  RTNLGRP_IPV4_IFADDR,
  RTNLGRP_IPV4_ROUTE,
  RTNLGRP_IPV4_RULE,
  RTNLGRP_IPV6_IFADDR,
  RTNLGRP_IPV6_ROUTE,
  RTNLGRP_IPV6_RULE,
  RTNLGRP_LINK,
  RTNLGRP_NEIGH,
} from '../constants/rtnetlink.ts';
import type { BodyEncoder } from '../message/request.ts';
import type { Reader } from '../wire/reader.ts';
import { addressBody, decodeAddress } from './address.ts';
import { decodeLink, linkBody } from './link.ts';
import { decodeNeighbour, neighbourBody } from './neighbour.ts';
import type { ObjectByKind, ObjectKind } from './operation.ts';
import { decodeRoute, routeBody } from './route.ts';
import { decodeRule, ruleBody } from './rule.ts';

export interface ObjectFamily<T> {
  readonly newType: number;
  readonly deleteType: number;
  readonly getType: number;
  /** RTNLGRP_* */
  readonly groups: readonly number[];
  decode(body: Reader): T;
  /** The form in which the kernel sends it. */
  readonly body: BodyEncoder<T>;
}

export const families: { readonly [K in ObjectKind]: ObjectFamily<ObjectByKind[K]> } = {
  link: {
    newType: RTM_NEWLINK,
    deleteType: RTM_DELLINK,
    getType: RTM_GETLINK,
    groups: [RTNLGRP_LINK],
    decode: decodeLink,
    body: linkBody,
  },
  address: {
    newType: RTM_NEWADDR,
    deleteType: RTM_DELADDR,
    getType: RTM_GETADDR,
    groups: [RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR],
    decode: decodeAddress,
    body: addressBody,
  },
  route: {
    newType: RTM_NEWROUTE,
    deleteType: RTM_DELROUTE,
    getType: RTM_GETROUTE,
    groups: [RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE],
    decode: decodeRoute,
    body: routeBody,
  },
  rule: {
    newType: RTM_NEWRULE,
    deleteType: RTM_DELRULE,
    getType: RTM_GETRULE,
    groups: [RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE],
    decode: decodeRule,
    body: ruleBody,
  },
  neighbour: {
    newType: RTM_NEWNEIGH,
    deleteType: RTM_DELNEIGH,
    getType: RTM_GETNEIGH,
    groups: [RTNLGRP_NEIGH],
    decode: decodeNeighbour,
    body: neighbourBody,
  },
};

export const objectKinds = Object.keys(families) as readonly ObjectKind[];
