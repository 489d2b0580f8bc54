/**
 * The guest by hand: `exec COMMAND` runs a shell command in it, `run FILE...` test files, one after the other, as the
 * level does. Output and status are those of the command or the files; what is said of the guest goes to standard error.
 */
import { relative, resolve } from 'node:path';
import { projectRoot } from '../levels/needs.ts';
import type { RunningFile } from '../levels/run-file.ts';
import { Guest } from './guest.ts';
import { GuestFiles } from './guest-files.ts';
import { buildGuestKernel } from './kernel.ts';

const USAGE = `usage: node lab/src/emulated/main.ts exec COMMAND
       node lab/src/emulated/main.ts run FILE.test.ts...`;

const [command, ...words] = process.argv.slice(2);
if ((command !== 'exec' && command !== 'run') || words.length === 0) {
  console.error(USAGE);
  process.exit(2);
}
process.exitCode = command === 'exec' ? await execute(words.join(' ')) : await runFiles(words);

async function execute(script: string): Promise<number> {
  const kernel = await buildGuestKernel((line) => console.error(`... ${line}`));
  const started = performance.now();
  const guest = await Guest.boot(kernel);
  console.error(`... booted in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  try {
    return await shown(guest.start(script));
  } finally {
    await guest.stop();
  }
}

async function runFiles(names: readonly string[]): Promise<number> {
  await buildGuestKernel((line) => console.error(`... ${line}`));
  const files = names.map((name) => relative(projectRoot, resolve(name)));
  const guest = await GuestFiles.boot(files, { jobs: 1 });
  console.error(`... booted in ${guest.bootSeconds.toFixed(1)} s`);
  try {
    let worst = 0;
    for (const file of files) worst = Math.max(worst, await shown(guest.start(file)));
    return worst;
  } finally {
    await guest.stop();
  }
}

async function shown({ stdout, stderr, exit }: RunningFile): Promise<number> {
  stdout.pipe(process.stdout, { end: false });
  stderr.pipe(process.stderr, { end: false });
  const status = await exit;
  if (typeof status === 'number') return status;
  console.error(status);
  return 1;
}
