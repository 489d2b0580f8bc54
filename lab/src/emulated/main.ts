/**
 * The guest by hand: `exec COMMAND` runs a shell command in it, `run FILE...` test files, one after the other, as the
 * level does. Output and status are those of the command or the files; what is said of the guest goes to standard error.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { projectRoot } from '../levels/needs.ts';
import { bundle } from './bundle.ts';
import { Guest } from './guest.ts';
import { buildGuestKernel } from './kernel.ts';
import { fileScript } from './test-file.ts';

const USAGE = `usage: node lab/src/emulated/main.ts exec COMMAND
       node lab/src/emulated/main.ts run FILE.test.ts...`;

const [command, ...words] = process.argv.slice(2);
if ((command !== 'exec' && command !== 'run') || words.length === 0) {
  console.error(USAGE);
  process.exit(2);
}
process.exitCode = command === 'exec' ? await withGuest([words.join(' ')]) : await runFiles(words);

async function withGuest(scripts: readonly string[]): Promise<number> {
  const kernel = await buildGuestKernel((line) => console.error(`... ${line}`));
  const started = performance.now();
  const guest = await Guest.boot(kernel);
  console.error(`... booted in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  // Ctrl-C ends this process, and the emulator with it; the rest is a temporary folder.
  let worst = 0;
  try {
    for (const script of scripts) {
      const job = guest.start(script);
      job.stdout.pipe(process.stdout, { end: false });
      job.stderr.pipe(process.stderr, { end: false });
      const status = await job.exit;
      if (typeof status === 'string') console.error(status);
      worst = Math.max(worst, typeof status === 'number' ? status : 1);
    }
  } finally {
    await guest.stop();
  }
  return worst;
}

async function runFiles(names: readonly string[]): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'routelet-bundle-'));
  try {
    const files = names.map((name) => relative(projectRoot, resolve(name)));
    const bundles = await bundle(files, folder);
    return await withGuest([...bundles.values()].map(fileScript));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
