/** Lists with commas: entries are read one by one, and the caller says what a bad one costs the others. */
import { type AnnotationProblem, type Parsed, show } from './problem.ts';

export function parseList<T>(
  annotation: string,
  text: string,
  parse: (item: string) => T | undefined,
  expected: string,
): Parsed<readonly T[]> {
  const value: T[] = [];
  const problems: AnnotationProblem[] = [];
  for (const [index, item] of text.split(',').entries()) {
    const parsed = parse(item.trim());
    if (parsed === undefined) problems.push({ annotation, path: `[${index}]`, value: show(item.trim()), expected });
    else value.push(parsed);
  }
  return { value, problems };
}
