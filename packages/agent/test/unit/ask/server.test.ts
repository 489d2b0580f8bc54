import { once } from 'node:events';
import { access, chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { AskFailure, ask } from '../../../src/ask/client.ts';
import { type Answerers, AskError } from '../../../src/ask/model.ts';
import { startAskServer } from '../../../src/ask/server.ts';
import { capturedLog } from '../captured-log.ts';

const folder = await mkdtemp(join(tmpdir(), 'routelet-ask-'));
t.teardown(() => rm(folder, { recursive: true }));

const answers: Answerers = {
  why: async ({ about }) => {
    if (about === 'nothing') throw new AskError('bad-question', `"${about}" is nothing`);
    if (about === 'fault') throw new TypeError('a fault of ours');
    return { about, steps: [], verdict: 'so' };
  },
};

async function serve(name: string) {
  const path = join(folder, name);
  const { log, lines } = capturedLog();
  const server = await startAskServer({ path, answerers: () => [answers], log });
  t.teardown(() => server.stop());
  return { path, lines, server };
}

/** A question as a program of somebody else may put it. */
async function raw(
  socketPath: string,
  method: string,
  path: string,
  body = '',
): Promise<{ status: number; text: string }> {
  const outgoing = request({ socketPath, method, path });
  outgoing.end(body);
  const [response] = await once(outgoing, 'response');
  let text = '';
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode, text };
}

t.test('a question is answered, on a socket that is the owner’s alone', async (t) => {
  const { path } = await serve('a/b/agent.sock');
  t.equal((await stat(path)).mode & 0o777, 0o600);
  t.equal((await stat(join(folder, 'a/b'))).mode & 0o777, 0o700);
  t.strictSame(await ask(path, 'why', { about: 'x' }), { about: 'x', steps: [], verdict: 'so' });
});

t.test('what cannot be answered says why', async (t) => {
  const { path } = await serve('errors.sock');
  await t.rejects(ask(path, 'why', { about: 'nothing' }), { code: 'bad-question', message: '"nothing" is nothing' });
  await t.rejects(ask(path, 'why', { about: 'fault' }), { code: 'failed', message: 'a fault of ours' });
  await t.rejects(ask(path, 'peers', {}), {
    code: 'unknown',
    message: /no module .* answers "peers" \(it answers why\)/,
  });
  await t.rejects(ask(path, 'why', {} as never), { code: 'bad-question', message: /question why at about/ });
  t.match(await raw(path, 'POST', '/v2/why', '{}'), {
    status: 404,
    text: /expected POST \/v1\/NAME, got POST \/v2\/why/,
  });
  t.match(await raw(path, 'GET', '/v1/why'), { status: 404 });
  t.match(await raw(path, 'POST', '/v1/why', '{'), { status: 400, text: /bad-question/ });
  t.match(await raw(path, 'POST', '/v1/toString', '{}'), { status: 404 });
});

t.test('a socket without a process is replaced, one with a process stays', async (t) => {
  const path = join(folder, 'dead.sock');
  const dead = createServer();
  dead.listen(path);
  await once(dead, 'listening');
  const { lines } = await serve('dead.sock');
  t.match(lines.join(''), /another process answers on .*dead\.sock: is another agent running on this node\?/);
  dead.close();
  await once(dead, 'close');
  // Node removes the socket of a server that closes; a process that is killed leaves it.
  await t.rejects(access(path), { code: 'ENOENT' });
});

t.test('the socket of a killed process is replaced', async (t) => {
  const path = join(folder, 'killed.sock');
  const { spawn } = await import('node:child_process');
  const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => console.log('up'))`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  await access(path);
  await t.rejects(ask(path, 'why', { about: 'x' }), { code: 'no-agent', message: /the process that made it is gone/ });
  const { lines } = await serve('killed.sock');
  t.strictSame(lines, []);
  t.equal((await ask(path, 'why', { about: 'x' })).verdict, 'so');
});

t.test('a file in the place is not removed', async (t) => {
  const path = join(folder, 'file');
  await writeFile(path, 'mine');
  await chmod(path, 0o644);
  const { lines } = await serve('file');
  t.match(lines.join(''), /no socket for questions \(--ask-socket\)/);
  t.equal((await stat(path)).size, 4);
  await t.rejects(ask(path, 'why', { about: 'x' }), AskFailure);
});

t.test('without a path there is no socket', async (t) => {
  const { log, lines } = capturedLog();
  const server = await startAskServer({ path: '', answerers: () => [], log });
  await server.stop();
  t.strictSame(lines, []);
  await t.rejects(ask(join(folder, 'none'), 'status', {}), { code: 'no-agent', message: /there is no socket/ });
});
