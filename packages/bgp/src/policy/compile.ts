/**
 * Turns a policy chain, which is plain data, into a function of a route. Compiling checks the data; evaluating has no
 * effects and gives for equal routes the same outcome object, so that callers can remember what an outcome made of an
 * attribute set.
 */
import { compileAction, type Edit, type EditedRoute } from './actions.ts';
import { conditions } from './conditions.ts';
import { PolicyError } from './errors.ts';
import type { PolicyAction, PolicyChain, PolicyMatch, PolicyStatement } from './model.ts';
import { PrefixSet } from './prefix-set.ts';
import type { PolicyPeer, PolicyRoute } from './route.ts';
import { validatePolicy } from './validate.ts';

export interface PolicyOutcome {
  readonly accepted: boolean;
  /** Of all statements that matched, in order. Empty when the route was rejected. */
  readonly actions: readonly PolicyAction[];
  /** What the actions make of a route. */
  edit(route: EditedRoute): EditedRoute;
}

/** One statement looked at. */
export interface PolicyTraceStep {
  /** The subchain it stands in; left out for the chain's own. */
  readonly subchain?: string;
  readonly statement: string;
  /** The condition that did not hold; without it the statement matched. */
  readonly failed?: keyof PolicyMatch;
  /** What the condition asked for and what the route has, in words. */
  readonly why?: string;
  readonly jump?: string;
  readonly verdict?: 'accept' | 'reject';
}

export interface CompiledPolicy {
  readonly name: string;
  /** Whether the outcome can differ between prefixes with the same attributes, peer and source. */
  readonly readsPrefix: boolean;
  /** The outcome of every route, when the chain has no conditions to look at. */
  readonly constant?: PolicyOutcome;
  /** Peers of one class get the same outcome for every route. */
  classOf(peer: PolicyPeer): string;
  evaluate(route: PolicyRoute): PolicyOutcome;
  /** The same evaluation with every statement looked at; the last entry is the default when no statement decided. */
  trace(route: PolicyRoute): { readonly outcome: PolicyOutcome; readonly steps: readonly PolicyTraceStep[] };
}

interface CompiledCondition {
  readonly name: keyof PolicyMatch;
  readonly holds: (route: PolicyRoute) => boolean;
}

interface CompiledStatement {
  readonly id: number;
  readonly subchain: string | undefined;
  readonly statement: PolicyStatement;
  readonly conditions: readonly CompiledCondition[];
  readonly ofPeer: readonly ((peer: PolicyPeer) => boolean)[];
  readonly edits: readonly Edit[];
  readonly jump: CompiledList | undefined;
}

interface CompiledList {
  readonly statements: readonly CompiledStatement[];
  readonly defaultVerdict: 'accept' | 'reject' | undefined;
}

type Verdict = 'accept' | 'reject' | undefined;

/** One evaluation. */
interface Run {
  readonly route: PolicyRoute;
  /** Ids of statements with actions that matched. */
  matched: string;
  readonly steps: PolicyTraceStep[] | undefined;
}

const unchanged = (route: EditedRoute): EditedRoute => route;
const rejected: PolicyOutcome = { accepted: false, actions: [], edit: unchanged };
const accepted: PolicyOutcome = { accepted: true, actions: [], edit: unchanged };

/** Throws `PolicyError` with everything that is wrong with the data. */
export function compilePolicy(chain: PolicyChain): CompiledPolicy {
  const problems = validatePolicy(chain);
  if (problems.length > 0) throw new PolicyError(String(chain?.name), problems);
  const compiler = new ChainCompiler(chain);
  const main = compiler.list(undefined, chain);
  const all = compiler.statements;
  const outcomes = new Map<string, PolicyOutcome>();

  function decide(run: Run): PolicyOutcome {
    if (through(main, run) === 'reject') return rejected;
    if (run.matched === '') return accepted;
    let outcome = outcomes.get(run.matched);
    if (outcome === undefined) {
      const matched = run.matched.split(',').flatMap((id) => all[Number(id)] ?? []);
      const edits = matched.flatMap(({ edits: own }) => own);
      outcome = {
        accepted: true,
        actions: matched.flatMap(({ statement }) => statement.actions ?? []),
        edit: (route) => edits.reduce((edited, edit) => edit(edited), route),
      };
      outcomes.set(run.matched, outcome);
    }
    return outcome;
  }

  return {
    name: chain.name,
    readsPrefix: all.some((each) => each.conditions.some(({ name }) => conditions[name].readsPrefix === true)),
    ...(all.length === 0 && { constant: chain.defaultVerdict === 'accept' ? accepted : rejected }),
    classOf: (peer) => all.map(({ ofPeer }) => (ofPeer.every((holds) => holds(peer)) ? '1' : '0')).join(''),
    evaluate: (route) => decide({ route, matched: '', steps: undefined }),
    trace(route) {
      const steps: PolicyTraceStep[] = [];
      return { outcome: decide({ route, matched: '', steps }), steps };
    },
  };
}

function through({ statements, defaultVerdict }: CompiledList, run: Run): Verdict {
  for (const each of statements) {
    const failed = firstFailed(each.conditions, run.route);
    run.steps?.push(traceStep(each, failed, run.route));
    if (failed !== undefined) continue;
    if (each.edits.length > 0) run.matched += run.matched === '' ? each.id : `,${each.id}`;
    const verdict = (each.jump === undefined ? undefined : through(each.jump, run)) ?? each.statement.verdict;
    if (verdict !== undefined) return verdict;
  }
  if (defaultVerdict !== undefined) run.steps?.push({ statement: 'default', verdict: defaultVerdict });
  return defaultVerdict;
}

function firstFailed(list: readonly CompiledCondition[], route: PolicyRoute): CompiledCondition | undefined {
  for (const condition of list) if (!condition.holds(route)) return condition;
  return undefined;
}

class ChainCompiler {
  /** By id. */
  readonly statements: CompiledStatement[] = [];
  readonly #chain: PolicyChain;
  readonly #sets: ReadonlyMap<string, PrefixSet>;
  readonly #subchains = new Map<string, CompiledList>();

  constructor(chain: PolicyChain) {
    this.#chain = chain;
    this.#sets = new Map(Object.entries(chain.prefixSets ?? {}).map(([name, ranges]) => [name, new PrefixSet(ranges)]));
  }

  list(subchain: string | undefined, from: Pick<PolicyChain, 'statements'> & Partial<PolicyChain>): CompiledList {
    return {
      statements: from.statements.map((statement) => this.#statement(subchain, statement)),
      defaultVerdict: from.defaultVerdict,
    };
  }

  #statement(subchain: string | undefined, statement: PolicyStatement): CompiledStatement {
    const jump = statement.jump === undefined ? undefined : this.#subchain(statement.jump);
    const names = (Object.keys(conditions) as (keyof PolicyMatch)[]).filter(
      (name) => statement.match[name] !== undefined,
    );
    const compiled: CompiledStatement = {
      id: this.statements.length,
      subchain,
      statement,
      conditions: names.map((name) => ({ name, holds: this.#holds(name, statement.match) })),
      ofPeer: names.flatMap((name) => ofPeer(name, statement.match) ?? []),
      edits: (statement.actions ?? []).map((action) => compileAction(action)),
      jump,
    };
    this.statements.push(compiled);
    return compiled;
  }

  /** Each once, however many jump there. */
  #subchain(name: string): CompiledList {
    let compiled = this.#subchains.get(name);
    if (compiled === undefined) {
      compiled = this.list(name, this.#chain.subchains?.[name] ?? { statements: [] });
      this.#subchains.set(name, compiled);
    }
    return compiled;
  }

  #holds<K extends keyof PolicyMatch>(name: K, match: PolicyMatch): (route: PolicyRoute) => boolean {
    const value = match[name];
    return value === undefined ? () => true : conditions[name].make(value, this.#sets);
  }
}

function ofPeer<K extends keyof PolicyMatch>(name: K, match: PolicyMatch): ((peer: PolicyPeer) => boolean) | undefined {
  const value = match[name];
  return value === undefined ? undefined : conditions[name].ofPeer?.(value);
}

function traceStep(
  { subchain, statement }: CompiledStatement,
  failed: CompiledCondition | undefined,
  route: PolicyRoute,
): PolicyTraceStep {
  const step = { ...(subchain !== undefined && { subchain }), statement: statement.name };
  if (failed !== undefined) {
    const { name } = failed;
    const wanted = JSON.stringify(statement.match[name], (_key, part: unknown) =>
      typeof part === 'bigint' ? `0x${part.toString(16).padStart(16, '0')}` : part,
    );
    return { ...step, failed: name, why: `${name}: the route has ${conditions[name].shown(route)}, wanted ${wanted}` };
  }
  const { jump, verdict } = statement;
  return { ...step, ...(jump !== undefined && { jump }), ...(verdict !== undefined && { verdict }) };
}
