/**
 * Turns a policy chain, which is plain data, into a function of a route. Compiling checks the data; evaluating has no
 * effects and gives for equal routes the same outcome object, so that callers can remember what an outcome made of an
 * attribute set.
 */
import type { PathAttributes } from '../attribute/registry.ts';
import type { PolicyAction, PolicyChain, PolicyMatch, PolicyStatement } from './model.ts';
import { PrefixSet, type PrefixWords } from './prefix-set.ts';

/** A route as policy sees it: on its way from (import) or to (export) the peer `neighbor`. */
export interface PolicyRoute extends PrefixWords {
  readonly attributes: PathAttributes;
  readonly neighbor: string;
  readonly peerType: 'ibgp' | 'ebgp';
  readonly source: 'local' | 'ibgp' | 'ebgp';
}

export interface PolicyOutcome {
  readonly accepted: boolean;
  /** Of all statements that matched, in order. Empty when the route was rejected. */
  readonly actions: readonly PolicyAction[];
}

/** One statement looked at. `failed` names the condition that did not hold; without it the statement matched. */
export interface PolicyTraceStep {
  readonly statement: string;
  readonly failed?: keyof PolicyMatch;
  readonly verdict?: 'accept' | 'reject';
}

export interface CompiledPolicy {
  readonly name: string;
  /** Whether the outcome can differ between prefixes with the same attributes, peer and source. */
  readonly readsPrefix: boolean;
  /** The outcome of every route, when the chain has no conditions to look at. */
  readonly constant?: PolicyOutcome;
  /** Peers of one class get the same outcome for every route. */
  classOf(peer: Pick<PolicyRoute, 'neighbor' | 'peerType'>): string;
  evaluate(route: PolicyRoute): PolicyOutcome;
  /** The same evaluation with every statement looked at; the last entry is the default when no statement decided. */
  trace(route: PolicyRoute): { readonly outcome: PolicyOutcome; readonly steps: readonly PolicyTraceStep[] };
}

interface Condition {
  readonly name: keyof PolicyMatch;
  readonly holds: (route: PolicyRoute) => boolean;
}

/** Conditions about the peer alone. */
const peerConditions = {
  neighbors: (addresses: readonly string[]) => {
    const set = new Set(addresses);
    return (peer: Pick<PolicyRoute, 'neighbor' | 'peerType'>) => set.has(peer.neighbor);
  },
  peerType: (type: PolicyRoute['peerType']) => (peer: Pick<PolicyRoute, 'neighbor' | 'peerType'>) =>
    peer.peerType === type,
};

interface CompiledStatement {
  readonly statement: PolicyStatement;
  readonly conditions: readonly Condition[];
  readonly ofPeer: readonly ((peer: Pick<PolicyRoute, 'neighbor' | 'peerType'>) => boolean)[];
}

const rejected: PolicyOutcome = { accepted: false, actions: [] };
const accepted: PolicyOutcome = { accepted: true, actions: [] };

/** One row a condition; a new one is a field of `PolicyMatch` and a row here. */
const conditionMakers: {
  [K in keyof Required<PolicyMatch>]: (value: NonNullable<PolicyMatch[K]>) => Condition['holds'];
} = {
  prefixes: (ranges) => {
    const set = new PrefixSet(ranges);
    return (route) => set.has(route);
  },
  ...peerConditions,
  source: (source) => (route) => route.source === source,
  communities: (communities) => {
    const set = new Set(communities);
    return (route) => route.attributes.communities?.some((community) => set.has(community)) === true;
  },
  largeCommunities: (communities) => {
    const set = new Set(communities.map((community) => community.join(':')));
    return (route) => route.attributes.largeCommunities?.some((community) => set.has(community.join(':'))) === true;
  },
  extendedCommunities: (communities) => {
    const set = new Set(communities);
    return (route) => route.attributes.extendedCommunities?.some((community) => set.has(community)) === true;
  },
};

/** Throws `RangeError` for a prefix range that is none. */
export function compilePolicy(chain: PolicyChain): CompiledPolicy {
  const statements = chain.statements.map(compileStatement);
  const outcomes = new Map<string, PolicyOutcome>();

  function run(route: PolicyRoute, steps?: PolicyTraceStep[]): PolicyOutcome {
    let matched = '';
    let verdict = chain.defaultVerdict;
    for (const [index, { statement, conditions }] of statements.entries()) {
      const failed = conditions.find((condition) => !condition.holds(route));
      steps?.push(traceStep(statement, failed));
      if (failed !== undefined) continue;
      if (statement.actions !== undefined && statement.actions.length > 0) matched += `${index},`;
      if (statement.verdict === undefined) continue;
      verdict = statement.verdict;
      break;
    }
    if (verdict === 'reject') return rejected;
    if (matched === '') return accepted;
    let outcome = outcomes.get(matched);
    if (outcome === undefined) {
      const indexes = matched.split(',').slice(0, -1).map(Number);
      outcome = { accepted: true, actions: indexes.flatMap((index) => chain.statements[index]?.actions ?? []) };
      outcomes.set(matched, outcome);
    }
    return outcome;
  }

  return {
    name: chain.name,
    readsPrefix: chain.statements.some(({ match }) => match.prefixes !== undefined),
    ...(statements.length === 0 && { constant: chain.defaultVerdict === 'accept' ? accepted : rejected }),
    classOf: (peer) => statements.map(({ ofPeer }) => (ofPeer.every((holds) => holds(peer)) ? '1' : '0')).join(''),
    evaluate: (route) => run(route),
    trace(route) {
      const steps: PolicyTraceStep[] = [];
      const outcome = run(route, steps);
      if (!steps.some(({ failed, verdict }) => failed === undefined && verdict !== undefined)) {
        steps.push({ statement: 'default', verdict: chain.defaultVerdict });
      }
      return { outcome, steps };
    },
  };
}

function compileStatement(statement: PolicyStatement): CompiledStatement {
  const conditions: Condition[] = [];
  for (const name of Object.keys(conditionMakers) as (keyof PolicyMatch)[]) {
    const holds = compileCondition(name, statement.match);
    if (holds !== undefined) conditions.push({ name, holds });
  }
  const { neighbors, peerType } = statement.match;
  const ofPeer = [
    ...(neighbors === undefined ? [] : [peerConditions.neighbors(neighbors)]),
    ...(peerType === undefined ? [] : [peerConditions.peerType(peerType)]),
  ];
  return { statement, conditions, ofPeer };
}

function compileCondition<K extends keyof PolicyMatch>(name: K, match: PolicyMatch): Condition['holds'] | undefined {
  const value = match[name];
  return value === undefined ? undefined : conditionMakers[name](value);
}

function traceStep(statement: PolicyStatement, failed: Condition | undefined): PolicyTraceStep {
  if (failed !== undefined) return { statement: statement.name, failed: failed.name };
  return { statement: statement.name, ...(statement.verdict !== undefined && { verdict: statement.verdict }) };
}
