/** Puts a question to the agent on this node. */
import { request } from 'node:http';
import { ASK_VERSION, type AskName, type Asks } from './model.ts';

/** Nobody answers, or the agent cannot answer: `text` is for the user. */
export class AskFailure extends Error {
  override readonly name = 'AskFailure';
  /** `no-agent`, or the code of the agent. */
  readonly code: string;

  constructor(code: string, text: string) {
    super(text);
    this.code = code;
  }
}

/** Planning a large change takes a while; an agent that hangs does not answer at all. */
const TIMEOUT_MS = 60_000;

export async function ask<K extends AskName>(
  path: string,
  name: K,
  question: Asks[K]['question'],
): Promise<Asks[K]['answer']> {
  const { status, body } = await post(path, `/v${ASK_VERSION}/${name}`, JSON.stringify(question));
  let answer: { readonly answer?: Asks[K]['answer']; readonly code?: string; readonly error?: string };
  try {
    answer = JSON.parse(body);
  } catch {
    throw new AskFailure('no-agent', `what answers on ${path} is no agent`);
  }
  if (status !== 200 || answer.answer === undefined) {
    throw new AskFailure(answer.code ?? 'failed', answer.error ?? `the agent answered ${status}`);
  }
  return answer.answer;
}

function post(
  socketPath: string,
  path: string,
  body: string,
): Promise<{ readonly status: number; readonly body: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>();
  const outgoing = request({ socketPath, path, method: 'POST', timeout: TIMEOUT_MS }, (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('end', () =>
      resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }),
    );
    response.on('error', reject);
  });
  outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
  outgoing.on('error', (error: NodeJS.ErrnoException) =>
    reject(new AskFailure('no-agent', whyNobody(socketPath, error))),
  );
  outgoing.end(body);
  return promise;
}

function whyNobody(path: string, error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'ENOENT':
      return `no agent answers: there is no socket ${path}; is routelet-agent running here, and with this --ask-socket?`;
    case 'ECONNREFUSED':
      return `no agent answers on ${path}: the process that made it is gone`;
    case 'EACCES':
      return `${path} may be used by root alone`;
    default:
      return `no agent answers on ${path}: ${error.message}`;
  }
}
