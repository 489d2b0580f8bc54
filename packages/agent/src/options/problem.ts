/** What can be wrong with a command line. Every problem is found, not just the first; none of their texts holds a secret. */
export type OptionProblem =
  | { readonly code: 'unknown-flag'; readonly flag: string }
  | { readonly code: 'positional'; readonly words: readonly string[] }
  | { readonly code: 'no-value'; readonly flag: string; readonly expected: string }
  | { readonly code: 'bad-value'; readonly flag: string; readonly value: string; readonly expected: string }
  | { readonly code: 'not-built'; readonly flag: string; readonly part: string; readonly off: readonly string[] }
  | { readonly code: 'conflict'; readonly flags: readonly string[]; readonly expected: string };

/** One line of text for a person. */
export function describeProblem(problem: OptionProblem): string {
  switch (problem.code) {
    case 'unknown-flag':
      return `unknown flag: ${problem.flag}`;
    case 'positional':
      return `unrecognized positional argument(s): ${problem.words.join(' ')}`;
    case 'no-value':
      return `--${problem.flag} needs a value: expected ${problem.expected}`;
    case 'bad-value':
      return `--${problem.flag}: bad value "${problem.value}": expected ${problem.expected}`;
    case 'not-built': {
      const accepted = problem.off.map((value) => `--${problem.flag}=${value}`).join(' or ');
      return `--${problem.flag}: ${problem.part} is not built yet${accepted && `; only ${accepted} is accepted`}`;
    }
    case 'conflict':
      return `${problem.flags.map((flag) => `--${flag}`).join(', ')}: expected ${problem.expected}`;
  }
}
