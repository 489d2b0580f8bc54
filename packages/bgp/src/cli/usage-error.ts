/** What is wrong with a command line: one line that names the argument, its value and what was expected. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
