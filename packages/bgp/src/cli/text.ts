/** Plain values as indented text: one line a field, lists of short values on one line. */

import type { Plain } from '../wire/plain.ts';

/** Lines of the fields of `value`, without those in `except`. */
export function textLines(
  value: Readonly<Record<string, Plain>>,
  except: readonly string[] = [],
  indent = '  ',
): string[] {
  return Object.entries(value).flatMap(([name, field]) =>
    except.includes(name) ? [] : fieldLines(name, field, indent),
  );
}

function fieldLines(name: string, field: Plain, indent: string): string[] {
  if (typeof field !== 'object') return [`${indent}${words(name)} ${field}`];
  if (!isList(field)) return [`${indent}${words(name)}`, ...textLines(field, [], `${indent}  `)];
  if (field.every((item) => typeof item !== 'object')) return [`${indent}${words(name)} ${field.join(' ') || 'none'}`];
  return [`${indent}${words(name)}`, ...field.map((item) => `${indent}  ${inline(item)}`)];
}

/** On one line: `{ kind: 'add-path', send: true }` is "add-path, send true". */
function inline(value: Plain): string {
  if (typeof value !== 'object') return value === '' ? '""' : String(value);
  if (isList(value)) return value.map(inline).join('; ') || 'none';
  return Object.entries(value)
    .map(([name, field]) => (name === 'kind' ? inline(field) : `${words(name)} ${inline(field)}`))
    .join(', ');
}

function isList(value: Plain): value is readonly Plain[] {
  return Array.isArray(value);
}

/** "holdTimeSeconds" as "hold time seconds". */
function words(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
