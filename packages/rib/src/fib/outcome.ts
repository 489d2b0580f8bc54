/**
 * What the kernel's answer to one operation means: how the view changes, and whether something is left to do. The error
 * codes are those of net/ipv4/fib_trie.c fib_table_insert and fib_table_delete, net/ipv6/ip6_fib.c fib6_add and
 * net/ipv6/route.c ip6_route_del.
 */
import type { NetlinkError } from '@routelet/netlink-wire';
import type { RouteProblem } from '../model.ts';
import { hasSeveralObjects } from './body.ts';
import type { FibOperation } from './plan.ts';
import type { KernelView } from './view.ts';

export type Outcome =
  | { readonly kind: 'done' }
  /** The view was behind and is right now: plan the key again. */
  | { readonly kind: 'again' }
  /** Only a dump can tell what stands there. */
  | { readonly kind: 'doubt' }
  /** Try again later. `doubt` says that a dump is needed first. */
  | { readonly kind: 'refused'; readonly problem: Omit<RouteProblem, 'route'>; readonly doubt: boolean };

/** The answer was lost or never came: the operation may have been done. */
const UNKNOWN = new Set(['ENOBUFS', 'ECLOSED', 'ESTALLED', 'EBADREPLY']);

export function takeAnswer(operation: FibOperation, error: NetlinkError | undefined, view: KernelView): Outcome {
  const { action, key, body } = operation;
  if (error === undefined) {
    if (action === 'delete') view.forget(key);
    else view.put(key, body);
    return { kind: 'done' };
  }
  if (action === 'add' && error.code === 'EEXIST') return { kind: 'doubt' };
  if (action === 'change' && error.code === 'ENOENT') {
    view.lose(key);
    return { kind: 'again' };
  }
  if (action === 'delete' && error.code === 'ESRCH') {
    view.lose(key);
    return { kind: 'doubt' };
  }
  // An IPv6 multipath request is done a next hop at a time and undone after a failure, the replaced route excepted.
  const doubt = UNKNOWN.has(error.code) || (action === 'change' && hasSeveralObjects(body));
  return { kind: 'refused', doubt, problem: { kind: 'kernel', code: error.code, text: textOf(error) } };
}

function textOf(error: NetlinkError): string {
  return error.kernelText === undefined ? error.message : `${error.code}: ${error.kernelText}`;
}
