import type { Readable } from 'node:stream';
import { ApiError } from './api-error.ts';

/** A single object of the API is at most a few MB (etcd's request limit); more without a line end is no watch. */
const MAX_LINE_CHARS = 32 * 1024 * 1024;

/**
 * Splits a stream of bytes at line ends and parses each line as JSON, all lines of one chunk at once. A last line without
 * its end was cut off and is dropped. Throws `ApiError` with code `garbage` at a line that is no JSON.
 */
export async function* readJsonLines(stream: Readable): AsyncGenerator<readonly unknown[]> {
  stream.setEncoding('utf8');
  let rest: string[] = [];
  let restChars = 0;
  for await (const chunk of stream as AsyncIterable<string>) {
    const lines = chunk.split('\n');
    const last = lines.pop() ?? '';
    const [first, ...others] = lines;
    const whole = first === undefined ? [] : [rest.join('') + first, ...others];
    if (first !== undefined) {
      rest = [];
      restChars = 0;
    }
    rest.push(last);
    restChars += last.length;
    if (restChars > MAX_LINE_CHARS)
      throw new ApiError('garbage', `a watch line of more than ${MAX_LINE_CHARS} characters`);
    const values = whole.filter((line) => line.trim() !== '').map(parseLine);
    if (values.length > 0) yield values;
  }
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new ApiError('garbage', `expected a line of JSON, not "${line.slice(0, 60)}"`, { cause });
  }
}
