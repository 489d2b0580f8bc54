/** A recording as text, back to its lines. A last line that was cut off is left out: what comes before it is whole. */
import { RecordingError } from './errors.ts';
import { type RecordingHeader, recordingFormat, recordingVersion, type Turn } from './model.ts';

export interface ReadRecording {
  readonly header: RecordingHeader;
  readonly turns: readonly Turn[];
  /** The last line was cut off. */
  readonly truncated: boolean;
}

/** Throws `RecordingError` when `text` is no recording, or of another version. */
export function readRecording(text: string): ReadRecording {
  const lines = text.split('\n');
  // Each line ends with a newline: what is behind the last one is empty, or a line that was cut off.
  const rest = lines.pop() ?? '';
  const header = readHeader(lines[0] ?? rest);
  const turns = lines.slice(1).map((line, index) => readTurn(line, index + 2));
  return { header, turns, truncated: rest !== '' };
}

function readHeader(line: string): RecordingHeader {
  const header = parse(line, 1);
  if (!isObject(header) || header['format'] !== recordingFormat)
    throw malformed(1, 'this is no recording of a speaker');
  const { version } = header;
  if (version !== recordingVersion) {
    const text = `its format has version ${String(version)}, this package reads version ${recordingVersion}`;
    throw new RecordingError('RECORDING_VERSION', 1, text);
  }
  if (!isObject(header['options'])) throw malformed(1, 'the options of the speaker are missing');
  return header as unknown as RecordingHeader;
}

function readTurn(line: string, number: number): Turn {
  const turn = parse(line, number);
  if (!isObject(turn) || typeof turn['at'] !== 'number' || !isObject(turn['in']))
    throw malformed(number, 'it is no turn');
  return turn as unknown as Turn;
}

function parse(line: string, number: number): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw malformed(number, 'it is no JSON');
  }
}

function malformed(line: number, text: string): RecordingError {
  return new RecordingError('RECORDING_MALFORMED', line, text);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
