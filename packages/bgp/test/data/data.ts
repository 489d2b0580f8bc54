/** Where the public data files are, and the lines of one. Levels are skipped by the runner when the folder is absent. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const projectRoot = join(import.meta.dirname, '../../../..');

export function dataPath(path: string): string {
  return join(process.env['ROUTELET_DATA'] ?? join(projectRoot, '../shared/data'), path);
}

export function readLines(path: string): string[] {
  return readFileSync(dataPath(path), 'utf8')
    .split('\n')
    .filter((line) => line !== '');
}
