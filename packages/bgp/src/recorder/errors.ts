/** What can be wrong with a recording as text; that a replay goes another way is no error but its result. */

export type RecordingErrorCode =
  /** No recording at all, or a line inside it is not one of a recording. */
  | 'RECORDING_MALFORMED'
  /** A recording of another version of the format. */
  | 'RECORDING_VERSION';

export class RecordingError extends Error {
  override readonly name = 'RecordingError';
  readonly code: RecordingErrorCode;
  /** Of the recording, from 1. */
  readonly line: number;

  constructor(code: RecordingErrorCode, line: number, text: string) {
    super(`line ${line} of the recording: ${text}`);
    this.code = code;
    this.line = line;
  }
}
