/**
 * Decides how our rules get into a chain that others use too. Rules that are not named in the plan are never touched,
 * so what another program writes between our reading and our writing survives.
 */
import { equalRules, formatRule, type Rule } from './rule.ts';

/** What we want of one chain of one table. */
export interface ChainGoal {
  readonly table: 'filter' | 'nat' | 'mangle' | 'raw';
  readonly chain: string;
  /** Rules that stand in this order, the first of them before the second and so on; put at the chain's head. */
  readonly head: readonly Rule[];
  /** Rules that stand anywhere in the chain; put at its end. */
  readonly tail: readonly Rule[];
  /** Rules that must not stand (what an earlier version made). */
  readonly absent: readonly Rule[];
}

/** A line of iptables-restore's input: `-D`, `-I CHAIN 1` or `-A`. */
export type ChainOperation =
  | { readonly kind: 'delete'; readonly rule: Rule }
  | { readonly kind: 'insert'; readonly rule: Rule }
  | { readonly kind: 'append'; readonly rule: Rule };

/**
 * The operations that make the chain as wanted, none when it is. When a head rule is missing, doubled or out of order,
 * all head rules are deleted and inserted again, the last first and each at position 1: no position of a foreign rule is
 * computed, and within one commit no packet sees the rules gone.
 */
export function planChain(goal: ChainGoal, actual: readonly Rule[]): ChainOperation[] {
  const operations: ChainOperation[] = [];
  for (const rule of goal.absent) deleteCopies(operations, rule, count(actual, rule));

  const standing = actual.filter((rule) => goal.head.some((wanted) => equalRules(wanted, rule)));
  const inOrder =
    standing.length === goal.head.length && standing.every((rule, i) => equalRules(rule, goal.head[i] ?? []));
  if (!inOrder) {
    for (const rule of standing) operations.push({ kind: 'delete', rule });
    for (const rule of goal.head.toReversed()) operations.push({ kind: 'insert', rule });
  }

  for (const rule of goal.tail) {
    const copies = count(actual, rule);
    if (copies === 0) operations.push({ kind: 'append', rule });
    else deleteCopies(operations, rule, copies - 1);
  }
  return operations;
}

function count(rules: readonly Rule[], rule: Rule): number {
  return rules.filter((other) => equalRules(other, rule)).length;
}

function deleteCopies(operations: ChainOperation[], rule: Rule, copies: number): void {
  for (let i = 0; i < copies; i++) operations.push({ kind: 'delete', rule });
}

/** One commit for each table, for `iptables-restore --noflush`; empty when there is nothing to do. */
export function formatRestore(
  plans: readonly { readonly goal: ChainGoal; readonly operations: readonly ChainOperation[] }[],
): string {
  const tables = new Map<string, string[]>();
  for (const { goal, operations } of plans) {
    for (const { kind, rule } of operations) {
      const lines = tables.get(goal.table) ?? [];
      tables.set(goal.table, lines);
      const head = { delete: `-D ${goal.chain}`, insert: `-I ${goal.chain} 1`, append: `-A ${goal.chain}` }[kind];
      lines.push(`${head} ${formatRule(rule)}`);
    }
  }
  return [...tables].map(([table, lines]) => `*${table}\n${lines.join('\n')}\nCOMMIT\n`).join('');
}
