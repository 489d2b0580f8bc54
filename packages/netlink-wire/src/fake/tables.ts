/** The tables of the fake kernel: the kernel's rules of what may be added and what is found, without routing anything. */
import { NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from '../constants/netlink.ts';
import type { Address, Link, Neighbour, Route, Rule } from '../rtnetlink/model.ts';
import type { ObjectByKind, ObjectKind } from '../rtnetlink/operation.ts';
import { formatAddress } from '../wire/address-text.ts';

/** What a kind of object is known by, and the errors of its own. */
interface TableRules<T> {
  key(object: T): string;
  /** errno name when there is nothing to delete. */
  readonly missing: string;
  /** errno name when there is nothing to change; ENOENT when left out. */
  readonly unknown?: string;
}

const rules: { readonly [K in ObjectKind]: TableRules<ObjectByKind[K]> } = {
  link: {
    key: (link: Link) => (link.name === '' ? `#${link.index}` : link.name),
    missing: 'ENODEV',
    unknown: 'ENODEV',
  },
  address: {
    key: (address: Address) => `${address.index} ${formatAddress(address.local)}/${address.prefixLength}`,
    missing: 'EADDRNOTAVAIL',
  },
  // net/ipv4/fib_trie.c fib_table_insert: the prefix, tos and priority make a route the same.
  route: { key: routeKey, missing: 'ESRCH' },
  rule: { key: (rule: Rule) => JSON.stringify({ ...rule, flags: 0 }), missing: 'ENOENT' },
  neighbour: {
    key: ({ index, destination, linkAddress }: Neighbour) =>
      `${index} ${formatAddress(destination ?? linkAddress ?? new Uint8Array())}`,
    missing: 'ENOENT',
  },
};

function routeKey(route: Route): string {
  const destination = route.destination === undefined ? 'default' : formatAddress(route.destination);
  return [route.family, route.table, destination, route.destinationLength, route.tos, route.priority ?? 0].join(' ');
}

/** One table. Objects stay in the order in which they came. */
export class FakeTable<K extends ObjectKind> {
  readonly #rules: TableRules<ObjectByKind[K]>;
  readonly #objects = new Map<string, ObjectByKind[K]>();

  constructor(kind: K) {
    this.#rules = rules[kind];
  }

  get objects(): readonly ObjectByKind[K][] {
    return [...this.#objects.values()];
  }

  /** RTM_NEW*. @returns the errno name of a refusal. */
  add(object: ObjectByKind[K], flags: number): string | undefined {
    const key = this.#rules.key(object);
    const stands = this.#objects.has(key);
    if (stands && (flags & NLM_F_EXCL) !== 0) return 'EEXIST';
    if (!stands && (flags & NLM_F_CREATE) === 0) return this.#rules.unknown ?? 'ENOENT';
    if (stands && (flags & (NLM_F_REPLACE | NLM_F_APPEND)) === 0) return 'EEXIST';
    this.#objects.set(key, object);
    return undefined;
  }

  /** RTM_DEL*. @returns the errno name of a refusal. */
  delete(object: ObjectByKind[K]): string | undefined {
    return this.#objects.delete(this.#rules.key(object)) ? undefined : this.#rules.missing;
  }
}
