/**
 * Answers questions over a Unix socket, HTTP with JSON bodies: `POST /v1/NAME` with a question. The socket is the
 * owner's alone (mode 0600). One that a dead process left behind is replaced; one that answers is somebody else's, which
 * is named and tried again.
 */
import { once } from 'node:events';
import { chmod, lstat, mkdir, unlink } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import type { Log } from '../log.ts';
import { type Answerers, ASK_VERSION, AskError, type AskName, type Asks } from './model.ts';
import { isAskName, readQuestion } from './questions.ts';

/** Time between attempts for a socket that cannot be had. */
const RETRY_MS = 10_000;
/** A plan carries whole manifests. */
const MAX_QUESTION_BYTES = 32 * 1024 * 1024;
/** More people and scripts than this do not ask at once. */
const MAX_CONNECTIONS = 32;

export interface AskServer {
  stop(): Promise<void>;
}

export interface AskServerOptions {
  /** Empty: there is no socket. */
  readonly path: string;
  /** Asked at each question: modules come one after the other. */
  readonly answerers: () => readonly Answerers[];
  readonly log: Log;
}

/** Resolves when the first attempt is over. A socket that cannot be had is logged: nothing else depends on it. */
export async function startAskServer({ path, answerers, log }: AskServerOptions): Promise<AskServer> {
  let server: Server | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let complaint = '';
  const open = async () => {
    try {
      const opened = await listen(path, (request, response) => void handle(request, response, answerers()));
      if (stopped) await close(opened);
      else server = opened;
      if (complaint !== '') log.info('the socket for questions answers now', { path });
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      if (text !== complaint) log.error(`no socket for questions (--ask-socket): ${text}`, { path });
      complaint = text;
      if (!stopped) timer = setTimeout(() => void open(), RETRY_MS).unref();
    }
  };
  if (path !== '') await open();
  return {
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      if (server !== undefined) await close(server);
    },
  };
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

async function listen(
  path: string,
  handler: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Server> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  if (await isAnswered(path))
    throw new Error(`another process answers on ${path}: is another agent running on this node?`);
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  const server = createServer(handler);
  server.maxConnections = MAX_CONNECTIONS;
  // Whoever connects between bind and chmod must find it closed already.
  const mask = process.umask(0o177);
  try {
    server.listen(path);
  } finally {
    process.umask(mask);
  }
  await once(server, 'listening');
  server.on('error', () => {});
  await chmod(path, 0o600);
  return server;
}

/** Whether a living process has the socket. Rejects for a file that is no socket: it is not ours to remove. */
export async function isAnswered(path: string): Promise<boolean> {
  const file = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  if (file === undefined) return false;
  if (!file.isSocket()) throw new Error(`${path} is no socket, and stays`);
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const socket = connect(path);
  socket.on('connect', () => resolve(true));
  socket.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(false);
    else reject(error);
  });
  return promise.finally(() => socket.destroy());
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  answerers: readonly Answerers[],
): Promise<void> {
  const reply = (status: number, body: object) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
  try {
    const [, version, name] = /^\/v(\d+)\/([a-z-]+)$/.exec(request.url ?? '') ?? [];
    if (version !== String(ASK_VERSION) || request.method !== 'POST') {
      reply(404, {
        code: 'version',
        error: `expected POST /v${ASK_VERSION}/NAME, got ${request.method} ${request.url}`,
      });
      return;
    }
    const answerer = isAskName(name) ? answererOf(answerers, name) : undefined;
    if (!isAskName(name) || answerer === undefined) {
      const known = [...new Set(answerers.flatMap((each) => Object.keys(each)))].sort().join(', ');
      reply(404, { code: 'unknown', error: `no module of this agent answers "${name}" (it answers ${known})` });
      return;
    }
    const question = readQuestion(name, JSON.parse((await read(request)) || '{}'));
    reply(200, { version: ASK_VERSION, answer: await answerer(question) });
  } catch (error) {
    const code = error instanceof AskError ? error.code : error instanceof SyntaxError ? 'bad-question' : 'failed';
    reply(code === 'failed' ? 500 : 400, { code, error: error instanceof Error ? error.message : String(error) });
  }
}

type Answerer = (question: Asks[AskName]['question']) => Promise<Asks[AskName]['answer']>;

/** The name and the question were read together, so that they fit. */
function answererOf(answerers: readonly Answerers[], name: AskName): Answerer | undefined {
  return answerers.map((each) => each[name]).find((each) => each !== undefined) as Answerer | undefined;
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_QUESTION_BYTES)
      throw new AskError('bad-question', `a question of more than ${MAX_QUESTION_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
