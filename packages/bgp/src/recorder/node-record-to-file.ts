/** Records a speaker of a real process into a file, with Node's own clock, random source and sockets. */
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { nodeClock, nodeRandom } from '../session/node-clock.ts';
import { nodeTransport } from '../session/node-transport.ts';
import type { Speaker, SpeakerOptions } from '../speaker/api.ts';
import { nodeBfd } from '../speaker/create-speaker.ts';
import { recordSpeaker } from './record-speaker.ts';

/**
 * A speaker like that of `createSpeaker`, and `close`, which ends the recording and resolves when the file has all of it; it
 * rejects when the file could not be written, which does not disturb the speaker.
 */
export function recordToFile(options: SpeakerOptions, path: string): { speaker: Speaker; close(): Promise<void> } {
  const { clock = nodeClock, random = nodeRandom, transport = nodeTransport, bfd = nodeBfd } = options;
  const file = createWriteStream(path, { mode: 0o600 });
  const written = finished(file);
  written.catch(() => {});
  const { speaker, end } = recordSpeaker(options, { clock, random, transport, bfd }, (line) => void file.write(line));
  return {
    speaker,
    close() {
      end();
      file.end();
      return written;
    },
  };
}
