import { createLogger, format, type Logform, transports } from 'winston';
import { RepeatFilter } from './repeat-filter.ts';

/**
 * The log of the daemon: winston, one line an event, JSON or for people, on one stream. Promises that no password is
 * written (values of telling names and `Secret`s are hidden) and that a warning or an error that repeats is said once in
 * a while only.
 */

/** Values that go with a line: text, numbers, lists and plain objects; an Error is written as its message and its causes'. */
export type LogFields = Readonly<Record<string, unknown>> & { readonly [K in (typeof RESERVED)[number]]?: never };

/** What a module logs to. A child names its module in each of its lines. */
export interface Log {
  error(text: string, fields?: LogFields): void;
  warn(text: string, fields?: LogFields): void;
  info(text: string, fields?: LogFields): void;
  /** Shown from `-v 1`. */
  debug(text: string, fields?: LogFields): void;
  child(module: string): Log;
}

export interface LogOptions {
  /** As -v: 0 up to info, from 1 also debug. */
  readonly verbosity: number;
  readonly format: 'json' | 'human';
  readonly stream: NodeJS.WritableStream;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** Names that each line has itself. */
const RESERVED = ['time', 'level', 'module', 'message', 'repeated'] as const;
const REPEAT_WINDOW_MS = 30_000;

/**
 * Fields that hold passwords, and the node annotations that do: their YAML and lists carry them in base64, and kubectl
 * keeps a copy of everything that was applied.
 */
const TELLING_NAME = /passw|secret|token|authorization|kube-router\.io\/peers$|\/last-applied-configuration$/i;
const HIDDEN = '[secret]';

export function createLog(options: LogOptions): Log {
  const now = options.now ?? Date.now;
  const repeats = new RepeatFilter(REPEAT_WINDOW_MS);
  const logger = createLogger({
    level: options.verbosity > 0 ? 'debug' : 'info',
    format: options.format === 'json' ? json : human,
    transports: [new transports.Stream({ stream: options.stream })],
  });
  const write = (module: string, level: string, message: string, fields: LogFields = {}) => {
    if (!logger.isLevelEnabled(level)) return;
    const shown = toPlain(fields) as object;
    const nowMs = now();
    const mayRepeat = level !== 'warn' && level !== 'error';
    const held = mayRepeat ? 0 : repeats.admit(JSON.stringify([module, message, shown]), nowMs);
    if (held === undefined) return;
    const time = new Date(nowMs).toISOString();
    logger.log({ ...shown, time, level, module, message, ...(held > 0 && { repeated: held }) });
  };
  const childOf = (module: string): Log => ({
    error: (text, fields) => write(module, 'error', text, fields),
    warn: (text, fields) => write(module, 'warn', text, fields),
    info: (text, fields) => write(module, 'info', text, fields),
    debug: (text, fields) => write(module, 'debug', text, fields),
    child: childOf,
  });
  return childOf('agent');
}

const json = format.printf(({ time, level, module, message, ...rest }) =>
  JSON.stringify({ time, level, module, message, ...rest }),
);

const human = format.printf(({ time, level, module, message, ...rest }: Logform.TransformableInfo) => {
  const fields = Object.entries(rest).map(([name, value]) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    return ` ${name}=${/^[^\s"=]+$/.test(text) ? text : JSON.stringify(text)}`;
  });
  const clock = String(time).slice(11, -1);
  return `${clock} ${level.toUpperCase().padEnd(5)} ${String(module).padEnd(8)} ${String(message)}${fields.join('')}`;
});

/** A copy without secrets that JSON can carry. */
function toPlain(value: unknown, depth = 0): unknown {
  if (value instanceof Error) return errorToPlain(value);
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if ('toJSON' in value && typeof value.toJSON === 'function') return value.toJSON();
  if (depth > 8) return '…';
  if (value instanceof Map) return toPlain(Object.fromEntries(value), depth);
  if (Array.isArray(value) || value instanceof Set) return [...value].map((one) => toPlain(one, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, TELLING_NAME.test(name) ? HIDDEN : toPlain(one, depth + 1)]),
  );
}

function errorToPlain({ message, cause }: Error): string {
  if (!(cause instanceof Error)) return message;
  const text = errorToPlain(cause);
  return message.includes(text) ? message : `${message}: ${text}`;
}
