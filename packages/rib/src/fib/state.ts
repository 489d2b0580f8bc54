/**
 * The state file: which routes were ours when we last looked, so that a next life can remove them although nothing
 * accounts for them any more. JSON with a format version; only names, for the kernel holds the rest.
 */
import { type FibKey, parseFibKey } from '../table/key.ts';

const VERSION = 1;

export interface FibState {
  /** rtm_protocol that the routes were made with. */
  readonly protocol: number;
  readonly routes: readonly FibKey[];
}

export function encodeState(state: FibState): string {
  return `${JSON.stringify({ version: VERSION, protocol: state.protocol, routes: state.routes })}\n`;
}

/** Reads what `encodeState` made; throws `SyntaxError` with the reason for anything else. */
export function decodeState(text: string): FibState {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null) throw new SyntaxError('not an object');
  const { version, protocol, routes } = value as Record<string, unknown>;
  if (version !== VERSION) throw new SyntaxError(`version ${String(version)} is not ${VERSION}`);
  if (typeof protocol !== 'number') throw new SyntaxError('no protocol');
  if (!Array.isArray(routes)) throw new SyntaxError('no list of routes');
  return { protocol, routes: routes.map(readKey) };
}

function readKey(value: unknown): FibKey {
  if (typeof value !== 'string') throw new SyntaxError(`route ${JSON.stringify(value)} is not a text`);
  try {
    parseFibKey(value);
  } catch {
    throw new SyntaxError(`route ${JSON.stringify(value)} is not one`);
  }
  return value;
}
