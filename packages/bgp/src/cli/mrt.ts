/** `bgp mrt`: an MRT file as lines of `bgpdump -m`, or as JSON with all that is in it. */

import { MrtError, plainRecord, readMrt, recordLines } from '../mrt/index.ts';
import { type Command, familiesFrom, parseCommandLine } from './command.ts';
import { readDecompressed } from './input.ts';
import { exitCode, type Terminal } from './terminal.ts';

const help = `bgp mrt [FILE] [options]

Prints the records of an MRT file (RFC 6396), plain or gzip, or of standard input: one line a route in the format of
bgpdump -m. Large communities, OTC and defects have no place in that format; --json has them.

  --json             one JSON object a record
  --add-path FAMILY  NLRI of the family carry path identifiers although the records do not say so (files written before
                     RFC 8050): ipv4-unicast or ipv6-unicast; may be repeated`;

async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = parseCommandLine(
    args,
    { json: { type: 'boolean', default: false }, 'add-path': { type: 'string', multiple: true, default: [] } },
    1,
  );
  const addPath = familiesFrom('--add-path', values['add-path']);
  let code: number = exitCode.ok;
  try {
    for await (const record of readMrt(readDecompressed(positionals[0], terminal), { addPath })) {
      if (terminal.signal.aborted) break;
      if (record.kind === 'malformed') {
        terminal.complain(record.error.message);
        code = exitCode.failed;
      }
      for (const line of values.json ? [JSON.stringify(plainRecord(record))] : recordLines(record)) {
        await terminal.print(line);
      }
    }
  } catch (error) {
    if (!(error instanceof MrtError)) throw error;
    terminal.complain(error.message);
    return exitCode.failed;
  }
  return code;
}

export const mrtCommand: Command = {
  name: 'mrt',
  summary: 'routes and messages in an MRT file, as lines of bgpdump -m or JSON',
  help,
  run,
};
