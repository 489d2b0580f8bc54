/** The command line of `bgp` from its arguments to its exit code, with everything outside given by the caller. */

import { PcapError } from '../pcap/index.ts';
import type { Command } from './command.ts';
import { decodeCommand } from './decode.ts';
import { InputError } from './input.ts';
import { listenCommand } from './listen.ts';
import { mrtCommand } from './mrt.ts';
import { exitCode, type Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

const commands: readonly Command[] = [decodeCommand, mrtCommand, listenCommand];

const overview = `bgp COMMAND [options]

${commands.map(({ name, summary }) => `  ${name.padEnd(8)}${summary}`).join('\n')}

bgp COMMAND --help tells more.`;

/** Returns the exit code; every failure is one line. */
export async function runCommandLine(args: readonly string[], terminal: Terminal): Promise<number> {
  const [name, ...rest] = args;
  if (name === '--help' || name === '-h' || name === 'help') {
    await terminal.print(overview);
    return exitCode.ok;
  }
  const command = commands.find((candidate) => candidate.name === name);
  if (command === undefined) {
    const known = commands.map((candidate) => candidate.name).join(', ');
    terminal.complain(
      `bgp: ${name === undefined ? 'no command' : `${JSON.stringify(name)} is no command`}: expected ${known}`,
    );
    return exitCode.usage;
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    await terminal.print(command.help);
    return exitCode.ok;
  }
  try {
    return await command.run(rest, terminal);
  } catch (error) {
    if (error instanceof UsageError) {
      terminal.complain(`bgp ${command.name}: ${error.message}`);
      return exitCode.usage;
    }
    if (error instanceof InputError || error instanceof PcapError) {
      terminal.complain(`bgp ${command.name}: ${error.message}`);
      return exitCode.failed;
    }
    throw error;
  }
}
