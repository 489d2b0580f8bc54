/** Checks of plain data that tell where it is wrong: small functions that report to a list and go on. */
import { parseAddress } from '../address.ts';
import type { PolicyProblem } from './errors.ts';

/** Looks at a value that stands at `path`. */
export type Check = (value: unknown, path: string, problems: PolicyProblem[]) => void;

/** A value for which `holds`. */
export function that(expected: string, holds: (value: unknown) => boolean): Check {
  return (value, path, problems) => {
    if (!holds(value)) problems.push({ path, value, expected });
  };
}

/** A value that `read` takes; what it throws is the expectation. */
export function readable<T>(type: 'string' | 'object', read: (value: T) => unknown, expected: string): Check {
  return (value, path, problems) => {
    if (typeof value !== type || value === null) {
      problems.push({ path, value, expected });
      return;
    }
    try {
      read(value as T);
    } catch (error) {
      problems.push({
        path,
        value,
        expected: `${expected} (${error instanceof Error ? error.message : String(error)})`,
      });
    }
  };
}

export function list(item: Check): Check {
  return (value, path, problems) => {
    if (!Array.isArray(value)) {
      problems.push({ path, value, expected: 'a list' });
      return;
    }
    for (const [index, each] of value.entries()) item(each, `${path}[${index}]`, problems);
  };
}

/** One of several; the first that finds nothing wrong decides, else `expected` is reported. */
export function either(expected: string, ...checks: readonly Check[]): Check {
  return (value, path, problems) => {
    const found = checks.map((check) => {
      const own: PolicyProblem[] = [];
      check(value, path, own);
      return own;
    });
    if (found.some((own) => own.length === 0)) return;
    // What a text is missing says more than that a number would do.
    const [precise] = found.flat().filter((problem) => problem.expected.includes('('));
    problems.push(precise ?? { path, value, expected });
  };
}

export const integer = (least: number, most: number): Check =>
  that(`a whole number from ${least} to ${most}`, (value) => {
    return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most;
  });

export const u32 = integer(0, 0xffff_ffff);

export function oneOf(...values: readonly unknown[]): Check {
  return that(`one of ${values.map((value) => JSON.stringify(value)).join(', ')}`, (value) => values.includes(value));
}

export const text = that('a text that is not empty', (value) => typeof value === 'string' && value !== '');

export const address = readable<string>('string', parseAddress, 'an IP address');

export interface Fields {
  readonly [name: string]: { readonly check: Check; readonly optional?: boolean };
}

/** An object with these fields and no others. */
export function object(fields: Fields): Check {
  return (value, path, problems) => {
    if (!isRecord(value)) {
      problems.push({ path, value, expected: 'an object' });
      return;
    }
    for (const name of Object.keys(value)) {
      if (fields[name] === undefined) {
        const expected = `no such field; there are ${Object.keys(fields).join(', ')}`;
        problems.push({ path: fieldPath(path, name), value: value[name], expected });
      }
    }
    for (const [name, { check, optional }] of Object.entries(fields)) {
      const field = value[name];
      if (field === undefined && optional === true) continue;
      check(field, fieldPath(path, name), problems);
    }
  };
}

/** An object with names of the writer's choice. */
export function record(item: Check): Check {
  return (value, path, problems) => {
    if (!isRecord(value)) {
      problems.push({ path, value, expected: 'an object' });
      return;
    }
    for (const [name, each] of Object.entries(value)) item(each, `${path}[${JSON.stringify(name)}]`, problems);
  };
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fieldPath(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}
