/** Good messages to mutate: what other daemons sent, and lines of JSON with a `hex` field from a folder that the caller has. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const fixtures = join(import.meta.dirname, '../fixtures');

export function fixtureMessages(): Uint8Array[] {
  const files = readdirSync(fixtures).filter((file) => file.endsWith('.json'));
  const hex = files.flatMap((file) =>
    Object.values<string[]>(JSON.parse(readFileSync(join(fixtures, file), 'utf8'))).flat(),
  );
  return hex.map((text) => Uint8Array.from(Buffer.from(text, 'hex')));
}

/** Of every `*.jsonl` below `folder`. */
export function jsonLinesMessages(folder: string): Uint8Array[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.jsonl'));
  return files
    .flatMap((file) => readFileSync(join(folder, file), 'utf8').split('\n'))
    .filter((line) => line !== '')
    .map((line) => Uint8Array.from(Buffer.from(String(JSON.parse(line).hex), 'hex')))
    .filter(({ length }) => length < 5000);
}
