/**
 * Decides how sets get from what the kernel lists to what is wanted: by element where the set is of the right kind, by a
 * second set and a swap where only its options differ, so that a rule that uses the set never sees it gone. Pure.
 */
import {
  AF_INET,
  AF_INET6,
  formatAddress,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPSET_FLAG_NOMATCH,
  type ListedSet,
  type SetDefinition,
  type SetElement,
  type SetOperation,
} from '@routelet/netlink-wire';
import { addressBytes, parseAddress, parsePrefix } from '../annotations/prefix.ts';

export interface SetGoal {
  /** At most 31 characters (linux/netfilter/ipset/ip_set.h IPSET_MAXNAMELEN is 32 with the zero byte). */
  readonly name: string;
  readonly type: 'hash:ip' | 'hash:net' | 'hash:ip,port' | 'hash:ip,port,net';
  readonly family: 'inet' | 'inet6';
  /**
   * As the command ipset writes them: `10.0.0.1`, `10.0.0.0/24`, `10.0.0.1,tcp:80`, `10.0.0.1,tcp:80,192.0.2.0/24`. What is
   * none is left out: planners give only what was parsed.
   */
  readonly elements: readonly string[];
  /** What comes into it opens something: `shrink` makes it without elements. */
  readonly late?: true;
}

/** Operations in order. A step is only done when nothing of the one before it was refused. */
export type SetSteps = readonly (readonly SetOperation[])[];

/** What of the kernel's set is looked at. */
export type ActualSet = Pick<ListedSet, 'type' | 'family' | 'timeout' | 'maxElements' | 'elements'>;

/** All sets have a timeout of 0, as the original's: elements without an end, but one could be given. */
const TIMEOUT = 0;

const FAMILIES = { inet: AF_INET, inet6: AF_INET6 } as const;

/** linux/netfilter/ipset/ip_set_hash.h IPSET_DEFAULT_MAXELEM. */
const DEFAULT_CAPACITY = 65536;

/** Name of the set that is filled and swapped in: that of a long one ends before its last character. */
export function swapName(name: string): string {
  return `${name.slice(0, 30)}-`;
}

/** What a set of so many elements is made for, with room for as many again; undefined: what the kernel does by itself. */
function capacityFor(count: number): number | undefined {
  return count > DEFAULT_CAPACITY ? 2 ** Math.ceil(Math.log2(2 * count)) : undefined;
}

/** The steps to a goal; empty ones when the set is as wanted. `leftover`: the swap set of an interrupted run exists. */
export function planSet(goal: SetGoal, actual: ActualSet | undefined, leftover = false): SetSteps {
  const wanted = new Map(goal.elements.flatMap(elementOf));
  const swap = swapName(goal.name);
  const removed: SetOperation[] = leftover ? [{ action: 'destroy', name: swap }] : [];
  if (actual === undefined) return [removed, made(goal, goal.name, wanted)];
  if (!sameKind(goal, actual)) {
    return [[...removed, { action: 'destroy', name: goal.name }], made(goal, goal.name, wanted)];
  }
  // A set that is full takes no more: a larger one takes its place.
  if (actual.timeout !== TIMEOUT || wanted.size > (actual.maxElements ?? DEFAULT_CAPACITY)) {
    const exchange: SetOperation[] = [
      { action: 'swap', name: swap, other: goal.name },
      { action: 'destroy', name: swap },
    ];
    return [removed, made(goal, swap, wanted), exchange];
  }
  const standing = new Map(actual.elements.map((element) => [keyOf(element), element]));
  const added = [...wanted].filter(([key]) => !lasts(standing.get(key)));
  const gone = [...standing].filter(([key]) => !wanted.has(key));
  return [
    removed,
    [
      ...added.map(([, element]) => add(goal.name, element)),
      ...gone.map(([, { timeout, flags, comment, packets, bytes, ...element }]): SetOperation => {
        return { action: 'delete', name: goal.name, element };
      }),
    ],
  ];
}

/**
 * The part of a plan that takes addresses away and makes what is missing: what stands is then allowed before and after, by
 * whatever rules.
 */
export function shrinkOnly(steps: SetSteps, exists: boolean, { name, late }: Pick<SetGoal, 'name' | 'late'>): SetSteps {
  // One of another kind holds what nobody knows: it goes now, or says now that it cannot.
  if (steps.some((step) => step.some((one) => one.action === 'destroy' && one.name === name))) return steps;
  const keep = (action: SetOperation['action']) => (exists ? action === 'delete' : late !== true || action !== 'add');
  return steps.map((step) => step.filter(({ action }) => keep(action)));
}

/** Elements that come and go in a set that stands. */
export interface ElementChange {
  readonly name: string;
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

export function changeElements({ name, added, removed }: ElementChange): SetOperation[] {
  return [
    ...removed.flatMap(elementOf).map(([, element]): SetOperation => ({ action: 'delete', name, element })),
    ...added.flatMap(elementOf).map(([, element]) => add(name, element)),
  ];
}

/** The kernel swaps only sets of one type and family (IPSET_ERR_TYPE_MISMATCH); another one can only go if no rule uses it. */
function sameKind(goal: SetGoal, actual: ActualSet): boolean {
  return actual.type === goal.type && actual.family === FAMILIES[goal.family];
}

function made({ type, family }: SetGoal, name: string, elements: ReadonlyMap<string, SetElement>): SetOperation[] {
  const maxElements = capacityFor(elements.size);
  const set: SetDefinition = {
    ...{ name, type, family: FAMILIES[family], timeout: TIMEOUT },
    ...(maxElements !== undefined && { maxElements }),
  };
  return [{ action: 'create', set }, ...[...elements.values()].map((element) => add(name, element))];
}

/** An element that stands gets the timeout and flags that are given. */
function add(name: string, element: SetElement): SetOperation {
  return { action: 'add', name, element: { ...element, timeout: TIMEOUT } };
}

/** Of a goal's text: an address is the prefix of all its bits. */
function elementOf(text: string): [string, SetElement][] {
  const [first = '', port, net] = text.split(',');
  const [address, behind] = [hostOrPrefix(first), net === undefined ? undefined : hostOrPrefix(net)];
  const socket = port === undefined ? undefined : socketOf(port);
  if (!address || (port !== undefined && !socket) || (net !== undefined && !behind)) return [];
  const element: SetElement = {
    ip: address.ip,
    ...(address.prefixLength !== undefined && { prefixLength: address.prefixLength }),
    ...socket,
    ...(behind && {
      ip2: behind.ip,
      ...(behind.prefixLength !== undefined && { prefixLength2: behind.prefixLength }),
    }),
  };
  return [[keyOf(element), element]];
}

function hostOrPrefix(text: string): { readonly ip: Uint8Array; readonly prefixLength?: number } | undefined {
  const prefix = parsePrefix(text);
  const address = prefix ?? parseAddress(text);
  if (address === undefined) return undefined;
  const ip = addressBytes(address);
  return prefix === undefined || prefix.length === ip.length * 8 ? { ip } : { ip, prefixLength: prefix.length };
}

const protocols: Readonly<Record<string, number>> = { tcp: IPPROTO_TCP, udp: IPPROTO_UDP, sctp: IPPROTO_SCTP };

function socketOf(text: string): Pick<SetElement, 'protocol' | 'port'> | undefined {
  const [name = '', number] = text.split(':');
  const protocol = protocols[name];
  return protocol === undefined || number === undefined ? undefined : { protocol, port: Number(number) };
}

function keyOf(element: SetElement): string {
  const { ip = new Uint8Array(), prefixLength = ip.length * 8, protocol, port, ip2 } = element;
  const first = `${formatAddress(ip)}/${prefixLength}`;
  if (port === undefined) return first;
  const behind = ip2 === undefined ? '' : ` ${formatAddress(ip2)}/${element.prefixLength2 ?? ip2.length * 8}`;
  return `${first} ${protocol}:${port}${behind}`;
}

/** Somebody may have given it an end, or made an exception of it. */
function lasts(element: SetElement | undefined): boolean {
  if (element === undefined) return false;
  return (element.timeout ?? TIMEOUT) === TIMEOUT && ((element.flags ?? 0) & IPSET_FLAG_NOMATCH) === 0;
}

/** In the words of the command ipset, for people. */
export function describeOperation(operation: SetOperation): string {
  switch (operation.action) {
    case 'create': {
      const { name, type, family, timeout } = operation.set;
      return `create ${name} ${type} family ${family === AF_INET6 ? 'inet6' : 'inet'} timeout ${timeout}`;
    }
    case 'add':
      return `add ${operation.name} ${describeElement(operation.element)} timeout ${operation.element.timeout}`;
    case 'delete':
      return `del ${operation.name} ${describeElement(operation.element)}`;
    case 'swap':
    case 'rename':
      return `${operation.action} ${operation.name} ${operation.other}`;
    default:
      return `${operation.action} ${operation.name}`;
  }
}

function describeElement(element: SetElement): string {
  const { ip, prefixLength, protocol, port, ip2, prefixLength2 } = element;
  const first = describePrefix(ip, prefixLength);
  if (port === undefined) return first;
  const name = Object.keys(protocols).find((one) => protocols[one] === protocol) ?? String(protocol);
  const behind = ip2 === undefined ? '' : `,${describePrefix(ip2, prefixLength2)}`;
  return `${first},${name}:${port}${behind}`;
}

function describePrefix(ip: Uint8Array = new Uint8Array(), length = ip.length * 8): string {
  const address = formatAddress(ip);
  return length === ip.length * 8 ? address : `${address}/${length}`;
}
