import { once } from 'node:events';
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { type RequestOptions, request as requestHttps } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { ApiError } from './api-error.ts';
import { readJsonLines } from './json-lines.ts';

/** Where the API server is and how a request proves who it comes from. */
export interface ApiEndpoint {
  /** Base URL; a path in it is kept. */
  readonly server: string;
  /** Adds credentials, certificates and proxy to the options of one request. */
  authorise(options: RequestOptions): Promise<void>;
}

export type Query = Readonly<Record<string, string>>;

/** Time to get a connection: lost packets to a server that was away are not sent again by the kernel for up to a minute. */
const CONNECT_TIMEOUT_MS = 10_000;
/** Silence after which an answer is given up. */
const ANSWER_TIMEOUT_MS = 30_000;
/** First probe of an idle connection; Linux then probes each second, ten times, as libuv asks it to. */
const KEEP_ALIVE_MS = 30_000;
const MAX_STATUS_BYTES = 64 * 1024;

const listShape = z.object({
  metadata: z.object({ resourceVersion: z.string(), continue: z.string().nullish() }),
  items: z.array(z.unknown()).nullish(),
});

const eventShape = z.object({
  type: z.enum(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']),
  object: z.looseObject({}),
});

const statusShape = z.object({ message: z.string().optional(), code: z.number().optional() });

export interface ObjectList {
  readonly resourceVersion: string;
  readonly continue: string | undefined;
  readonly items: readonly unknown[];
}

export type WatchEvent = z.output<typeof eventShape>;

/** The two requests that a cache needs. Both reject with `ApiError`, or as the signal says. */
export class ApiClient {
  readonly #endpoint: ApiEndpoint;

  constructor(endpoint: ApiEndpoint) {
    this.#endpoint = endpoint;
  }

  /** One page of a collection. */
  async list(path: string, query: Query, signal: AbortSignal): Promise<ObjectList> {
    const response = await this.#get(path, query, signal);
    const parsed = listShape.safeParse(parseJson(await readText(response)));
    if (!parsed.success) throw new ApiError('garbage', `${path}: expected a list: ${z.prettifyError(parsed.error)}`);
    const { metadata, items } = parsed.data;
    return { resourceVersion: metadata.resourceVersion, continue: metadata.continue || undefined, items: items ?? [] };
  }

  /**
   * Changes after `query.resourceVersion`, each array what came in one piece, the first one empty: the server has taken the
   * request. Ends when the server ends it, after `timeoutSeconds`; a server that does not is cut off.
   */
  async *watch(
    path: string,
    query: Query,
    timeoutSeconds: number,
    signal: AbortSignal,
  ): AsyncGenerator<readonly WatchEvent[]> {
    const cutOff = AbortSignal.timeout(timeoutSeconds * 1000 + ANSWER_TIMEOUT_MS);
    const asked = { ...query, watch: 'true', timeoutSeconds: String(timeoutSeconds) };
    const response = await this.#get(path, asked, AbortSignal.any([signal, cutOff]));
    response.socket.setTimeout(0);
    try {
      yield [];
      for await (const lines of readJsonLines(response)) yield lines.map((line) => readEvent(path, line));
    } catch (error) {
      if (error instanceof ApiError || signal.aborted) throw error;
      throw new ApiError('unreachable', `${path}: the watch broke off`, { cause: error });
    } finally {
      response.destroy();
    }
  }

  async #get(path: string, query: Query, signal: AbortSignal): Promise<IncomingMessage> {
    const url = new URL(this.#endpoint.server.replace(/\/$/, '') + path);
    url.search = String(new URLSearchParams(query));
    const options: RequestOptions = { headers: { accept: 'application/json' }, signal };
    let response: IncomingMessage;
    try {
      await this.#endpoint.authorise(options);
      const request = (url.protocol === 'http:' ? requestHttp : requestHttps)(url, options);
      const giveUp = (what: string, ms: number) => () => request.destroy(new Error(`no ${what} within ${ms / 1000} s`));
      const connecting = setTimeout(giveUp('connection', CONNECT_TIMEOUT_MS), CONNECT_TIMEOUT_MS);
      request.once('close', () => clearTimeout(connecting));
      request.once('socket', (socket) => {
        socket.setKeepAlive(true, KEEP_ALIVE_MS);
        if (socket.connecting) socket.once('connect', () => clearTimeout(connecting));
        else clearTimeout(connecting);
      });
      request.setTimeout(ANSWER_TIMEOUT_MS, giveUp('answer', ANSWER_TIMEOUT_MS));
      request.end();
      [response] = (await once(request, 'response')) as [IncomingMessage];
      // From here on errors come through the response.
      request.on('error', () => {});
    } catch (cause) {
      signal.throwIfAborted();
      throw new ApiError('unreachable', `${url.origin}${path} cannot be reached`, { cause });
    }
    if (response.statusCode === 200) return response;
    throw await readStatus(`${url.origin}${path}`, response);
  }
}

function readEvent(path: string, line: unknown): WatchEvent {
  const parsed = eventShape.safeParse(line);
  if (!parsed.success)
    throw new ApiError('garbage', `${path}: expected a watch event: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** The error that an ERROR event carries. */
export function errorOfEvent(path: string, event: WatchEvent): ApiError {
  const { message = 'unknown error', code } = statusShape.safeParse(event.object).data ?? {};
  return new ApiError('status', `${path}: ${message}`, code === undefined ? {} : { status: code });
}

async function readStatus(what: string, response: IncomingMessage): Promise<ApiError> {
  const status = response.statusCode ?? 0;
  const text = await Promise.race([
    readText(response, MAX_STATUS_BYTES).catch(() => ''),
    sleep(1000, '', { ref: false }),
  ]);
  response.destroy();
  let message = text.trim().slice(0, 200) || (response.statusMessage ?? '');
  try {
    message = statusShape.parse(parseJson(text)).message ?? message;
  } catch {
    // Not a Status object, as of a proxy in between: its text is all there is.
  }
  return new ApiError('status', `${what} answered ${status}: ${message}`, { status });
}

async function readText(response: IncomingMessage, maxBytes: number = Number.POSITIVE_INFINITY): Promise<string> {
  response.setEncoding('utf8');
  let text = '';
  try {
    for await (const chunk of response) {
      text += chunk;
      if (text.length > maxBytes) break;
    }
  } catch (cause) {
    throw new ApiError('unreachable', 'the answer broke off', { cause });
  }
  return text;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ApiError('garbage', `expected JSON, not "${text.slice(0, 60)}"`, { cause });
  }
}
