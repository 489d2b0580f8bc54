#!/usr/bin/env node
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { flags } from '../options/registry.ts';
import { AskFailure, ask } from './client.ts';
import { type CommandRow, commands } from './commands.ts';
import type { AskName, PlanQuestion } from './model.ts';

/** The command `routelet`: asks the agent on this node. Exit codes: 0 answered, 1 no answer, 2 bad words, 3 see `why`. */

const EXIT_NO_ANSWER = 1;
const EXIT_USAGE = 2;

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

function readManifests(path: string): PlanQuestion['manifests'] {
  const files = statSync(path).isDirectory()
    ? readdirSync(path)
        .filter((name) => /^[^.].*\.(?:ya?ml|json)$/.test(name))
        .sort()
        .map((name) => join(path, name))
    : [path];
  return files.map((file) => ({ file, text: readFileSync(file, 'utf8') }));
}

function addCommand<K extends AskName>(program: Command, name: K, row: CommandRow<K>): void {
  const command = program.command(name).description(row.about);
  for (const [form, about] of row.arguments ?? []) command.argument(form, about);
  for (const [form, about] of row.options ?? []) command.option(form, about);
  command.option('--json', 'the answer as JSON, for scripts');
  command.option('--socket <path>', 'socket of the agent; the environment variable ROUTELET_SOCKET otherwise');
  command.action(async () => {
    const options = command.opts();
    const socket = String(options['socket'] ?? (process.env['ROUTELET_SOCKET'] || flags.askSocket.default));
    const question = row.question({ words: command.args, options, readManifests });
    const answer = await ask(socket, name, question);
    process.stdout.write(options['json'] === true ? `${JSON.stringify(answer, undefined, 2)}\n` : row.text(answer));
    process.exitCode = row.exitCode?.(answer) ?? 0;
  });
}

const program = new Command('routelet')
  .description('Asks the routelet agent on this node. Nothing here changes anything.')
  .version(version)
  .configureHelp({ helpWidth: 110 })
  .exitOverride();
for (const name of Object.keys(commands) as AskName[]) addCommand(program, name, commands[name] as never);
for (const command of program.commands) command.exitOverride();

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // Help and version are errors to commander, and no failure.
    process.exitCode = error.exitCode === 0 ? 0 : EXIT_USAGE;
  } else if (error instanceof AskFailure) {
    process.stderr.write(`routelet: ${error.message}\n`);
    process.exitCode = error.code === 'bad-question' ? EXIT_USAGE : EXIT_NO_ANSWER;
  } else if (error instanceof Error && 'syscall' in error) {
    process.stderr.write(`routelet: ${error.message}\n`);
    process.exitCode = EXIT_USAGE;
  } else {
    throw error;
  }
}
