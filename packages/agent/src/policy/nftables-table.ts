/**
 * A table of nftables as values: what it should hold, what it holds, and the commands that lead from one to the other in
 * one transaction. Rules are known again by their comments, each of which ends in a hash of what the rule says, so neither
 * the spelling of a version of nft nor a counter makes a difference. Pure.
 */
import type { IpFamily } from '../annotations/prefix.ts';

/** What a set holds: addresses, prefixes without overlap, or what to do with the packets of an address. */
export type SetKind = 'addresses' | 'prefixes' | 'verdicts';

export interface NftRule {
  readonly text: string;
  /** Ends in a hash of the chain and the text. */
  readonly comment: string;
}

export interface NftChain {
  readonly name: string;
  readonly rules: readonly NftRule[];
  /** `input`, for one that the kernel calls. */
  readonly hook?: string;
  /** The policy or pod that is closed when the kernel refuses it. */
  readonly owner?: string;
}

export interface NftSet {
  readonly name: string;
  readonly kind: SetKind;
  /** `10.1.0.1`, `10.1.0.0/24` or `10.1.0.1 : jump CHAIN`. */
  readonly elements: readonly string[];
  readonly owner?: string;
}

/** What a family's table should hold. */
export interface NftTable {
  readonly chains: readonly NftChain[];
  readonly sets: readonly NftSet[];
}

export interface StandingChain {
  /** `filter input 0 accept`: type, hook, priority and policy of one that the kernel calls. */
  readonly hook?: string;
  /** Comments of the rules; empty for a rule that has none. */
  readonly comments: readonly string[];
}

export interface StandingSet {
  /** Undefined: nothing that is made here. */
  readonly kind?: SetKind;
  readonly digest: Digest;
  /** As far as it is known: what is listed does not say it. */
  readonly owner?: string;
}

/** What a family's table holds, without the elements: of those only the digest is kept between two full passes. */
export interface StandingTable {
  readonly chains: Map<string, StandingChain>;
  readonly sets: Map<string, StandingSet>;
}

/** As read from the kernel. */
export interface ListedTable extends StandingTable {
  readonly elements: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Equal for equal elements in whatever order, and kept up with each that comes or goes. */
export interface Digest {
  readonly size: number;
  readonly sum: number;
}

export interface ElementChange {
  readonly set: string;
  readonly removed: readonly string[];
  readonly added: readonly string[];
  readonly owner?: string;
}

/** Writing it is one transaction; it names everything that it changes. */
export interface TableChange {
  /** Chains whose rules are written anew. */
  readonly chains: readonly NftChain[];
  /** Those of them that are not there yet. */
  readonly newChains: ReadonlySet<string>;
  readonly newSets: readonly NftSet[];
  /** Of sets that are there. */
  readonly elements: readonly ElementChange[];
  readonly staleChains: readonly string[];
  readonly staleSets: readonly string[];
}

/** One command of nft, on one line. */
export interface NftCommand {
  readonly text: string;
  readonly owner?: string;
}

/** `ip kube-router-filter-ipv4`, as nft names a table (N-60). */
export function tableName(family: IpFamily): string {
  return family === 4 ? 'ip kube-router-filter-ipv4' : 'ip6 kube-router-filter-ipv6';
}

const hookText = (hook: string) => `filter ${hook} 0 accept`;

/** Undefined when the table has to be made anew: what differs cannot be changed in place. */
export function planDifference(listed: ListedTable, wanted: NftTable): TableChange | undefined {
  const chains = wanted.chains.filter((chain) => !hasRules(listed, chain));
  for (const { name, hook } of wanted.chains) {
    const standing = listed.chains.get(name);
    if (standing !== undefined && standing.hook !== (hook && hookText(hook))) return undefined;
  }
  const elements: ElementChange[] = [];
  for (const { name, kind, elements: all, owner } of wanted.sets) {
    const standing = listed.sets.get(name);
    if (standing === undefined) continue;
    if (standing.kind !== kind) return undefined;
    const [now, before] = [new Set(all), listed.elements.get(name) ?? new Set<string>()];
    const change = { set: name, removed: [...before.difference(now)], added: [...now.difference(before)] };
    if (change.removed.length + change.added.length > 0) elements.push({ ...change, ...(owner && { owner }) });
  }
  const names = {
    chains: new Set(wanted.chains.map(({ name }) => name)),
    sets: new Set(wanted.sets.map(({ name }) => name)),
  };
  const staleSets = [...listed.sets.keys()].filter((name) => !names.sets.has(name));
  // `delete set` is not for maps and meters.
  if (staleSets.some((name) => !deletable(listed.sets.get(name)?.kind))) return undefined;
  return {
    chains,
    newChains: new Set(chains.map(({ name }) => name).filter((name) => !listed.chains.has(name))),
    newSets: wanted.sets.filter(({ name }) => !listed.sets.has(name)),
    elements,
    staleChains: [...listed.chains.keys()].filter((name) => !names.chains.has(name)),
    staleSets,
  };
}

function deletable(kind: SetKind | undefined): boolean {
  return kind === 'addresses' || kind === 'prefixes';
}

/** Whether the chain stands with these rules. */
export function hasRules({ chains }: StandingTable, { name, rules }: NftChain): boolean {
  const comments = chains.get(name)?.comments;
  return comments?.length === rules.length && rules.every(({ comment }, index) => comment === comments[index]);
}

/**
 * The commands of a change. Elements leave before others come, as intervals may not overlap; what is referred to comes
 * before what refers to it, and goes after it.
 */
export function formatChange(change: TableChange, family: IpFamily): NftCommand[] {
  const table = tableName(family);
  const { chains, newChains, newSets, elements, staleChains, staleSets } = change;
  return [
    ...chains.map((chain) => (newChains.has(chain.name) ? addChain(table, chain) : flushChain(table, chain))),
    ...newSets.flatMap((set) => addSet(table, set, family)),
    ...elements.flatMap(({ set, removed, added, owner }) => [
      ...elementCommands('delete', table, set, removed, owner),
      ...elementCommands('add', table, set, added, owner),
    ]),
    ...chains.flatMap((chain) => fillChain(table, chain)),
    ...staleChains.map((name) => ({ text: `flush chain ${table} ${name}` })),
    ...staleChains.map((name) => ({ text: `delete chain ${table} ${name}` })),
    ...staleSets.map((name) => ({ text: `delete set ${table} ${name}` })),
  ];
}

/** The commands that make the table anew, whatever stands there; no packet passes between the old one and the new one. */
export function formatTable({ chains, sets }: NftTable, family: IpFamily): NftCommand[] {
  const table = tableName(family);
  return [
    // A table that is not there cannot be deleted.
    ...['add', 'delete', 'add'].map((action) => ({ text: `${action} table ${table}` })),
    ...chains.map((chain) => addChain(table, chain)),
    ...sets.flatMap((set) => addSet(table, set, family)),
    ...chains.flatMap((chain) => fillChain(table, chain)),
  ];
}

function addChain(table: string, { name, hook, owner }: NftChain): NftCommand {
  const body = hook === undefined ? '' : ` { type filter hook ${hook} priority 0 ; policy accept ; }`;
  return owned(`add chain ${table} ${name}${body}`, owner);
}

function flushChain(table: string, { name, owner }: NftChain): NftCommand {
  return owned(`flush chain ${table} ${name}`, owner);
}

function fillChain(table: string, { name, rules, owner }: NftChain): NftCommand[] {
  return rules.map(({ text, comment }) => owned(`add rule ${table} ${name} ${text} comment "${comment}"`, owner));
}

function addSet(table: string, { name, kind, elements, owner }: NftSet, family: IpFamily): NftCommand[] {
  const type = family === 4 ? 'ipv4_addr' : 'ipv6_addr';
  const bodies: Readonly<Record<SetKind, string>> = {
    addresses: `set ${table} ${name} { type ${type} ; }`,
    prefixes: `set ${table} ${name} { type ${type} ; flags interval ; }`,
    verdicts: `map ${table} ${name} { type ${type} : verdict ; }`,
  };
  return [owned(`add ${bodies[kind]}`, owner), ...elementCommands('add', table, name, elements, owner)];
}

function elementCommands(
  action: 'add' | 'delete',
  table: string,
  set: string,
  elements: readonly string[],
  owner: string | undefined,
): NftCommand[] {
  return elements.length === 0 ? [] : [owned(`${action} element ${table} ${set} { ${elements.join(', ')} }`, owner)];
}

function owned(text: string, owner: string | undefined): NftCommand {
  return owner === undefined ? { text } : { text, owner };
}

/** What stands once the table was made. */
export function standingOf({ chains, sets }: NftTable): StandingTable {
  return {
    chains: new Map(chains.map((chain) => [chain.name, standingChain(chain)])),
    sets: new Map(sets.map((set) => [set.name, standingSet(set)])),
  };
}

function standingSet({ kind, elements, owner }: NftSet): StandingSet {
  return { kind, digest: digestOf(elements), ...(owner && { owner }) };
}

function standingChain({ rules, hook }: NftChain): StandingChain {
  return { comments: rules.map(({ comment }) => comment), ...(hook && { hook: hookText(hook) }) };
}

/** Keeps `standing` up with a change that was written. */
export function noteChange(standing: StandingTable, change: TableChange): void {
  for (const chain of change.chains) standing.chains.set(chain.name, standingChain(chain));
  for (const name of change.staleChains) standing.chains.delete(name);
  for (const name of change.staleSets) standing.sets.delete(name);
  for (const set of change.newSets) standing.sets.set(set.name, standingSet(set));
  for (const { set, removed, added } of change.elements) {
    const before = standing.sets.get(set);
    if (before === undefined) continue;
    const [less, more] = [digestOf(removed), digestOf(added)];
    const size = before.digest.size - less.size + more.size;
    standing.sets.set(set, { ...before, digest: { size, sum: (before.digest.sum - less.sum + more.sum) | 0 } });
  }
}

/** Names of what does not stand as it was left. */
export function planDrift(left: StandingTable, listed: ListedTable): string[] {
  const chains = differing(left.chains, listed.chains, (a, b) => {
    return (
      a.hook === b.hook && a.comments.length === b.comments.length && a.comments.every((c, i) => c === b.comments[i])
    );
  });
  const sets = differing(left.sets, listed.sets, (a, b) => {
    return a.kind === b.kind && a.digest.size === b.digest.size && a.digest.sum === b.digest.sum;
  });
  return [...chains.map((name) => `chain ${name}`), ...sets.map((name) => `set ${name}`)];
}

function differing<V>(a: ReadonlyMap<string, V>, b: ReadonlyMap<string, V>, same: (a: V, b: V) => boolean): string[] {
  return [...new Set([...a.keys(), ...b.keys()])].filter((name) => {
    const [one, other] = [a.get(name), b.get(name)];
    return one === undefined || other === undefined || !same(one, other);
  });
}

export function digestOf(elements: Iterable<string>): Digest {
  let size = 0;
  let sum = 0;
  for (const element of elements) {
    size++;
    // FNV-1a.
    let hash = 0x811c9dc5;
    for (let i = 0; i < element.length; i++) hash = Math.imul(hash ^ element.charCodeAt(i), 0x01000193);
    sum = (sum + hash) | 0;
  }
  return { size, sum };
}
