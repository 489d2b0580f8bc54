/**
 * Label selectors (apimachinery labels.Requirement): checked once, then asked for each object. An absent label meets
 * NotIn and DoesNotExist. Equal selectors have equal texts, so that each is kept once.
 */
import type { LabelSelector } from '../../cluster/model.ts';

type Labels = Readonly<Record<string, string>>;

export interface Selector {
  /** Equal for selectors that say the same in another order. */
  readonly text: string;
  /** One label that whatever is selected must have, as `key=value`; undefined when no single one is. */
  readonly required: string | undefined;
  matches(labels: Labels): boolean;
}

/** What is wrong with a selector. */
export interface SelectorProblem {
  /** Place inside of the selector. */
  readonly path: string;
  readonly text: string;
}

export const everything: Selector = { text: '', required: undefined, matches: () => true };

interface Requirement {
  readonly text: string;
  meets(labels: Labels): boolean;
}

/** Pure; a wrong operator or wrong values are problems, and the selector is of no use then. */
export function readSelector({ matchLabels, matchExpressions }: LabelSelector): Selector | readonly SelectorProblem[] {
  const requirements: Requirement[] = [];
  const problems: SelectorProblem[] = [];
  for (const [key, value] of Object.entries(matchLabels)) requirements.push(isIn(key, [value]));
  for (const [index, { key, operator, values }] of matchExpressions.entries()) {
    const path = `matchExpressions[${index}]`;
    const needsValues = operator === 'In' || operator === 'NotIn';
    if (needsValues !== values.length > 0 && (needsValues || operator === 'Exists' || operator === 'DoesNotExist')) {
      const text = `operator ${operator} ${needsValues ? 'needs values, got none' : `takes no values, got ${values.length}`}`;
      problems.push({ path: `${path}.values`, text });
    } else if (operator === 'In') {
      requirements.push(isIn(key, values));
    } else if (operator === 'NotIn') {
      const among = isIn(key, values);
      requirements.push({ text: `!(${among.text})`, meets: (labels) => !among.meets(labels) });
    } else if (operator === 'Exists') {
      requirements.push({ text: key, meets: (labels) => Object.hasOwn(labels, key) });
    } else if (operator === 'DoesNotExist') {
      requirements.push({ text: `!${key}`, meets: (labels) => !Object.hasOwn(labels, key) });
    } else {
      const text = `unknown operator ${JSON.stringify(operator)}, expected In, NotIn, Exists or DoesNotExist`;
      problems.push({ path: `${path}.operator`, text });
    }
  }
  if (problems.length > 0) return problems;
  const single = [
    ...Object.entries(matchLabels),
    ...matchExpressions.flatMap(({ key, operator, values: [first, ...more] }) =>
      operator === 'In' && first !== undefined && more.length === 0 ? [[key, first] as const] : [],
    ),
  ][0];
  return {
    text: [...new Set(requirements.map(({ text }) => text))].sort().join(','),
    required: single && labelText(single[0], single[1]),
    matches: (labels) => requirements.every((requirement) => requirement.meets(labels)),
  };
}

function isIn(key: string, values: readonly string[]): Requirement {
  const wanted = new Set(values);
  return {
    text: `${key} in ${JSON.stringify([...wanted].sort())}`,
    meets: (labels) => {
      const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
      return value !== undefined && wanted.has(value);
    },
  };
}

/** One label as the index of selectors knows it. */
export function labelText(key: string, value: string): string {
  return `${key}=${value}`;
}
