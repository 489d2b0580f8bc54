/** What is wrong with a policy as data: every defect at once, each with where it stands and the value found there. */

export interface PolicyProblem {
  /** As one would write it in JavaScript: `statements[2].match.asPath[0]`. */
  readonly path: string;
  readonly value: unknown;
  readonly expected: string;
}

/** A policy that cannot be compiled. */
export class PolicyError extends Error {
  override readonly name = 'PolicyError';
  readonly code = 'BGP_POLICY';
  readonly problems: readonly PolicyProblem[];

  constructor(policy: string, problems: readonly PolicyProblem[]) {
    super(`policy ${policy}: ${problems.map(describePolicyProblem).join('; ')}`);
    this.problems = problems;
  }
}

export function describePolicyProblem({ path, value, expected }: PolicyProblem): string {
  return `${path} is ${shown(value)}, expected ${expected}`;
}

function shown(value: unknown): string {
  if (value === undefined) return 'missing';
  if (typeof value === 'bigint') return `${value}n`;
  const text = JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part));
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
