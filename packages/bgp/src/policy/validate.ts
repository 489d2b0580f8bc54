/** Whether a value is a policy chain that can be compiled; says everything that is wrong with it. */
import { actions } from './actions.ts';
import { type Check, type Fields, isRecord, list, object, oneOf, record, text } from './check.ts';
import { conditions, prefixRanges } from './conditions.ts';
import type { PolicyProblem } from './errors.ts';
import type { PolicyAction } from './model.ts';

const verdict = { check: oneOf('accept', 'reject'), optional: true };

const match = object(
  Object.fromEntries(Object.entries(conditions).map(([name, { check }]) => [name, { check, optional: true }])),
);

const action: Check = (value, path, problems) => {
  const kinds = Object.keys(actions);
  const kind = isRecord(value) ? value['kind'] : undefined;
  if (typeof kind !== 'string' || !Object.hasOwn(actions, kind)) {
    oneOf(...kinds)(kind, `${path}.kind`, problems);
    return;
  }
  const fields: Fields = { kind: { check: oneOf(kind) }, ...actions[kind as PolicyAction['kind']].fields };
  object(fields)(value, path, problems);
};

const statements = list(
  object({
    name: { check: text },
    match: { check: match },
    actions: { check: list(action), optional: true },
    jump: { check: text, optional: true },
    verdict,
  }),
);

const chain = object({
  name: { check: text },
  statements: { check: statements },
  defaultVerdict: { check: oneOf('accept', 'reject') },
  prefixSets: { check: record(prefixRanges), optional: true },
  subchains: {
    check: record(object({ statements: { check: statements }, defaultVerdict: verdict })),
    optional: true,
  },
});

/** Everything that is wrong with `value` as a `PolicyChain`; empty when it can be compiled. */
export function validatePolicy(value: unknown): readonly PolicyProblem[] {
  const problems: PolicyProblem[] = [];
  chain(value, '', problems);
  if (problems.length === 0 && isRecord(value)) checkNames(value, problems);
  return problems;
}

interface NamedStatements {
  readonly path: string;
  readonly statements: readonly { readonly match: { readonly prefixSet?: string }; readonly jump?: string }[];
}

/** Names must mean something, and nobody may jump in a circle. */
function checkNames(value: Readonly<Record<string, unknown>>, problems: PolicyProblem[]): void {
  const sets = Object.keys(isRecord(value['prefixSets']) ? value['prefixSets'] : {});
  const subchains = isRecord(value['subchains']) ? value['subchains'] : {};
  const all = new Map<string, NamedStatements>();
  const add = (name: string, path: string, holder: unknown): void => {
    // The shape has been checked.
    const { statements: own } = holder as Pick<NamedStatements, 'statements'>;
    all.set(name, { path, statements: own });
  };
  add('', 'statements', value);
  for (const [name, subchain] of Object.entries(subchains)) {
    add(name, `subchains[${JSON.stringify(name)}].statements`, subchain);
  }
  for (const { path, statements: own } of all.values()) {
    for (const [index, statement] of own.entries()) {
      const { prefixSet } = statement.match;
      if (prefixSet !== undefined && !sets.includes(prefixSet)) {
        const expected = `one of the prefix sets: ${sets.join(', ') || 'there are none'}`;
        problems.push({ path: `${path}[${index}].match.prefixSet`, value: prefixSet, expected });
      }
      if (statement.jump !== undefined) checkJump(all, path, index, statement.jump, problems);
    }
  }
}

function checkJump(
  all: ReadonlyMap<string, NamedStatements>,
  path: string,
  index: number,
  jump: string,
  problems: PolicyProblem[],
): void {
  const at = `${path}[${index}].jump`;
  if (jump === '' || !all.has(jump)) {
    const names = [...all.keys()].filter((name) => name !== '');
    problems.push({ path: at, value: jump, expected: `one of the subchains: ${names.join(', ') || 'there are none'}` });
    return;
  }
  const reached = new Set([jump]);
  for (const name of reached) for (const next of all.get(name)?.statements ?? []) if (next.jump) reached.add(next.jump);
  const origin = [...all].find(([, each]) => each.path === path)?.[0];
  if (origin !== undefined && reached.has(origin)) {
    problems.push({ path: at, value: jump, expected: 'a subchain that does not lead back here' });
  }
}
