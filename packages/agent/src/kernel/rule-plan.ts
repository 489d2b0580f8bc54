/**
 * Decides how the rules of all our modules get into the tables that other programs use too: one order of ours at the head
 * of each shared chain, chains of our own with all they hold, and nothing left of what we once made. Rules that no module
 * claims are never touched, so what another program writes between our reading and our writing survives.
 */
import { equalRules, formatRule, type Rule } from './rule.ts';
import type { SavedTable } from './saved-table.ts';

export type Table = 'filter' | 'nat' | 'mangle' | 'raw';

/**
 * A rule in a chain that others use. `first`: at the very head, moved back when something comes before it. `head`: in
 * our order, put at the head when it is missing, but others may come before it. `tail`: anywhere, put at the end.
 */
export interface SharedRule {
  readonly table: Table;
  readonly chain: string;
  readonly place: 'first' | 'head' | 'tail';
  readonly rule: Rule;
}

/** A chain that is one module's alone, whole. */
export interface OwnChain {
  readonly table: Table;
  readonly chain: string;
  readonly rules: readonly Rule[];
}

/**
 * All that one module wants. Rules are written as `iptables-save` prints them: addresses with their length, matches in
 * order, defaults spelled out; another spelling would be written again with each pass.
 */
export interface RuleGoal {
  readonly shared: readonly SharedRule[];
  readonly chains: readonly OwnChain[];
}

/** A part of a module's goal that changes. */
export interface ChainChange {
  readonly written: readonly OwnChain[];
  readonly deleted: readonly Pick<OwnChain, 'table' | 'chain'>[];
}

/** How a module knows again what it made, also in an earlier life: what it claims and does not want is deleted. */
export interface RuleClaim {
  /** Tables that are read even while the module wants nothing there. */
  readonly tables: readonly Table[];
  /** A rule of a built-in chain. */
  readonly rule: (rule: Rule, table: Table, chain: string) => boolean;
  /** A chain by its name. */
  readonly chain: (chain: string, table: Table) => boolean;
}

export interface ModuleRules {
  readonly goal: RuleGoal;
  readonly claim: RuleClaim;
}

/** What changes in one table; lines of iptables-restore's input. */
export interface TablePlan {
  readonly table: Table;
  readonly lines: readonly string[];
  /** Chains that change. */
  readonly chains: readonly string[];
  /** Chains of ours that are not wanted any more but that a rule of somebody else still calls. */
  readonly held: readonly { readonly chain: string; readonly callers: readonly string[] }[];
}

/** `modules` in the order in which their rules stand at the head of a chain. No lines when all is as wanted. */
export function planTable(table: Table, modules: readonly ModuleRules[], actual: SavedTable): TablePlan {
  const ownChains = modules.flatMap(({ goal }) => goal.chains).filter((chain) => chain.table === table);
  const declared: string[] = [];
  const filled: string[] = [];
  const changed = new Set<string>();
  for (const { chain, rules } of ownChains) {
    if (actual.has(chain) && sameRules(actual.rules(chain), rules)) continue;
    changed.add(chain);
    declared.push(`:${chain} - [0:0]`);
    for (const rule of rules) filled.push(`-A ${chain} ${formatRule(rule)}`);
  }

  const moved: string[] = [];
  const shared = modules.flatMap(({ goal }) => goal.shared).filter((rule) => rule.table === table);
  for (const chain of new Set([...actual.builtIn, ...shared.map((rule) => rule.chain)])) {
    const lines = planShared(
      chain,
      shared.filter((rule) => rule.chain === chain),
      actual.rules(chain),
      (rule) => modules.some(({ claim }) => claim.rule(rule, table, chain)),
    );
    if (lines.length === 0) continue;
    changed.add(chain);
    moved.push(...lines);
  }

  const { flushed, deleted, held } = planStale(table, modules, actual, changed);
  for (const chain of deleted) changed.add(chain);
  const lines = [
    ...declared,
    ...filled,
    ...moved,
    ...flushed.map((chain) => `-F ${chain}`),
    ...deleted.map((chain) => `-X ${chain}`),
  ];
  return { table, lines, chains: [...changed], held };
}

/**
 * When a head rule is missing, doubled or out of order, all head rules are deleted and inserted again, the last first and
 * each at position 1: no position of a foreign rule is computed, and within one commit no packet sees the rules gone.
 */
function planShared(
  chain: string,
  wanted: readonly SharedRule[],
  actual: readonly Rule[],
  claimed: (rule: Rule) => boolean,
): string[] {
  const head = wanted.filter(({ place }) => place !== 'tail').map(({ rule }) => rule);
  const tail = wanted.filter(({ place }) => place === 'tail').map(({ rule }) => rule);
  const first = wanted.filter(({ place }) => place === 'first').length;
  const lines: string[] = [];
  for (const rule of actual) {
    const stale = claimed(rule) && !wanted.some((one) => equalRules(one.rule, rule));
    if (stale) lines.push(`-D ${chain} ${formatRule(rule)}`);
  }

  const standing = actual.filter((rule) => head.some((one) => equalRules(one, rule)));
  const inFront = head.slice(0, first).every((rule, i) => equalRules(rule, actual[i] ?? []));
  if (!inFront || !sameRules(standing, head)) {
    for (const rule of standing) lines.push(`-D ${chain} ${formatRule(rule)}`);
    for (const rule of head.toReversed()) lines.push(`-I ${chain} 1 ${formatRule(rule)}`);
  }

  for (const rule of tail) {
    const copies = actual.filter((one) => equalRules(one, rule)).length;
    if (copies === 0) lines.push(`-A ${chain} ${formatRule(rule)}`);
    for (let i = 1; i < copies; i++) lines.push(`-D ${chain} ${formatRule(rule)}`);
  }
  return lines;
}

/** Chains of ours that nobody wants. One that a foreign rule calls cannot be deleted, and the try would void the commit. */
function planStale(
  table: Table,
  modules: readonly ModuleRules[],
  actual: SavedTable,
  changed: ReadonlySet<string>,
): { flushed: string[]; deleted: string[]; held: { chain: string; callers: string[] }[] } {
  const wanted = new Set(
    modules.flatMap(({ goal }) => goal.chains).flatMap((one) => (one.table === table ? one.chain : [])),
  );
  const stale = [...actual.chains].filter(
    (chain) => !wanted.has(chain) && modules.some(({ claim }) => claim.chain(chain, table)),
  );
  const gone = new Set(stale);
  const ours = (caller: string, chain: string) =>
    gone.has(caller) ||
    (wanted.has(caller) && changed.has(caller)) ||
    (actual.builtIn.includes(caller) &&
      actual
        .rules(caller)
        .filter((rule) => rule.includes(chain))
        .every((rule) => modules.some(({ claim }) => claim.rule(rule, table, caller))));
  const held = stale.flatMap((chain) => {
    const callers = actual.callers(chain).filter((caller) => !ours(caller, chain));
    return callers.length > 0 ? [{ chain, callers }] : [];
  });
  const kept = new Set(held.map(({ chain }) => chain));
  const deleted = stale.filter((chain) => !kept.has(chain));
  return { flushed: stale.filter((chain) => !kept.has(chain) || actual.rules(chain).length > 0), deleted, held };
}

function sameRules(a: readonly Rule[], b: readonly Rule[]): boolean {
  return a.length === b.length && a.every((rule, i) => equalRules(rule, b[i] ?? []));
}

/** The goal after the change. */
export function changedGoal(goal: RuleGoal, { written, deleted }: ChainChange): RuleGoal {
  const keyOf = ({ table, chain }: Pick<OwnChain, 'table' | 'chain'>) => `${table} ${chain}`;
  const chains = new Map(goal.chains.map((one) => [keyOf(one), one]));
  for (const one of deleted) chains.delete(keyOf(one));
  for (const one of written) chains.set(keyOf(one), one);
  return { shared: goal.shared, chains: [...chains.values()] };
}

/** Rules that come and go one by one; with more of them a chain is written anew. */
const MOST_EDITS = 50;

/**
 * The change alone: a chain is made, or emptied and filled, before any is deleted. One of which a few rules differ from
 * `standing` has only these changed; where it does not stand so, the commit fails as a whole.
 */
export function planChange({ written, deleted }: ChainChange, standing: RuleGoal): TablePlan[] {
  const tables = new Set([...written, ...deleted].map(({ table }) => table));
  return [...tables].map((table) => {
    const [fill, drop] = [written.filter((one) => one.table === table), deleted.filter((one) => one.table === table)];
    const before = new Map(standing.chains.flatMap((one) => (one.table === table ? [[one.chain, one.rules]] : [])));
    const edits = fill.map(({ chain, rules }) => editLines(chain, before.get(chain), rules));
    const whole = fill.filter((_, i) => edits[i] === undefined);
    const lines = [
      ...whole.map(({ chain }) => `:${chain} - [0:0]`),
      ...whole.flatMap(({ chain, rules }) => rules.map((rule) => `-A ${chain} ${formatRule(rule)}`)),
      ...edits.flatMap((some) => some ?? []),
      ...drop.map(({ chain }) => `-F ${chain}`),
      ...drop.map(({ chain }) => `-X ${chain}`),
    ];
    return { table, lines, chains: [...fill, ...drop].map(({ chain }) => chain), held: [] };
  });
}

/** Undefined when the chain is to be written anew. Both are rules in order, none of them twice. */
function editLines(chain: string, before: readonly Rule[] | undefined, rules: readonly Rule[]): string[] | undefined {
  if (before === undefined || rules.length <= MOST_EDITS) return undefined;
  const [old, now] = [before.map((rule) => rule.join('\0')), rules.map((rule) => rule.join('\0'))];
  const [had, has] = [new Set(old), new Set(now)];
  if (had.size < old.length || has.size < now.length) return undefined;
  const kept = old.filter((key) => has.has(key));
  const gone = before.filter((_, i) => !has.has(old[i] ?? ''));
  const came = rules.flatMap((rule, i) => (had.has(now[i] ?? '') ? [] : [{ rule, number: i + 1 }]));
  const inOrder = now.filter((key) => had.has(key)).every((key, i) => key === kept[i]);
  if (!inOrder || gone.length + came.length > MOST_EDITS) return undefined;
  return [
    ...gone.map((rule) => `-D ${chain} ${formatRule(rule)}`),
    ...came.map(({ rule, number }) => `-I ${chain} ${number} ${formatRule(rule)}`),
  ];
}

/** One commit for each table, for `iptables-restore --noflush`; empty when there is nothing to do. */
export function formatRestore(plans: readonly TablePlan[]): string {
  return plans
    .filter(({ lines }) => lines.length > 0)
    .map(({ table, lines }) => `*${table}\n${lines.join('\n')}\nCOMMIT\n`)
    .join('');
}
