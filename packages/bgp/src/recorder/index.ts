/** Recordings of speakers: every input and output of a live one as lines of JSON, and their replay as a test. */
export { RecordingError, type RecordingErrorCode } from './errors.ts';
export type * from './model.ts';
export { recordToFile } from './node-record-to-file.ts';
export type { Plain } from './plain-value.ts';
export { type ReadRecording, readRecording } from './reader.ts';
export { type RecordedSpeaker, recordSpeaker } from './record-speaker.ts';
export { type Replay, type ReplayOptions, replay } from './replay.ts';
export type { Difference } from './script.ts';
