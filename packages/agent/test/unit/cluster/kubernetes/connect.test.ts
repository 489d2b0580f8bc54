import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { ApiClient } from '../../../../src/cluster/kubernetes/api.ts';
import { connectKubernetes } from '../../../../src/cluster/kubernetes/connect.ts';
import { rawList, scriptedServer } from './api-server.ts';

async function kubeconfig(t: Test, text: string) {
  const folder = await mkdtemp(join(tmpdir(), 'routelet-kubeconfig-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const path = join(folder, 'config');
  await writeFile(path, text);
  return path;
}

const config = (server: string, user = '{token: abc}') => `apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "${server}"}}]
users: [{name: u, user: ${user}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
`;

t.test('a kubeconfig with a token', async (t) => {
  const server = await scriptedServer(t);
  const path = await kubeconfig(t, config(`${server.url}/prefix/`));
  const api = new ApiClient(await connectKubernetes({ kubeconfig: path, master: '' }, {}));
  const list = api.list('/api/v1/nodes', {}, new AbortController().signal);
  const asked = await server.next();
  t.equal(asked.authorization, 'Bearer abc');
  t.equal(asked.path, '/prefix/api/v1/nodes', 'a path of the server is kept');
  asked.json(200, rawList('1', []));
  t.match(await list, { resourceVersion: '1', items: [] });
});

t.test('a kubeconfig with a file of the token, beside it', async (t) => {
  const server = await scriptedServer(t);
  const path = await kubeconfig(t, config(server.url, '{tokenFile: token}'));
  await writeFile(join(dirname(path), 'token'), 'from-a-file');
  const api = new ApiClient(await connectKubernetes({ kubeconfig: path, master: '' }, {}));
  const list = api.list('/api/v1/nodes', {}, new AbortController().signal);
  const asked = await server.next();
  t.equal(asked.authorization, 'Bearer from-a-file');
  asked.json(200, rawList('1', []));
  await list;
});

t.test('--master wins over the kubeconfig and keeps its credentials', async (t) => {
  const server = await scriptedServer(t);
  const path = await kubeconfig(t, config('https://127.0.0.1:1'));
  const empty = await kubeconfig(t, 'apiVersion: v1\nkind: Config\n');
  for (const [options, authorization] of [
    [{ kubeconfig: empty, master: server.url }, undefined],
    [{ kubeconfig: path, master: server.url }, 'Bearer abc'],
    [{ kubeconfig: '', master: server.url }, undefined],
  ] as const) {
    const api = new ApiClient(await connectKubernetes(options, {}));
    const list = api.list('/api/v1/nodes', {}, new AbortController().signal);
    const asked = await server.next();
    t.equal(asked.authorization, authorization);
    asked.json(200, rawList('1', []));
    await list;
  }
});

t.test('in a pod: the files of the ServiceAccount, as they are at each request', async (t) => {
  const folder = t.testdir({ token: 'first\n', 'ca.crt': 'certificate' });
  const env = { KUBERNETES_SERVICE_HOST: 'fd00:10:96::1', KUBERNETES_SERVICE_PORT: '6443' };
  const endpoint = await connectKubernetes({ kubeconfig: '', master: '' }, env, folder);
  t.equal(endpoint.server, 'https://[fd00:10:96::1]:6443');
  const authorised = async () => {
    const options: RequestOptions = { headers: { accept: 'application/json' } };
    await endpoint.authorise(options);
    return options;
  };
  t.match(await authorised(), {
    ca: 'certificate',
    headers: { accept: 'application/json', authorization: 'Bearer first' },
  });
  await writeFile(join(folder, 'token'), 'renewed');
  t.match(await authorised(), { headers: { authorization: 'Bearer renewed' } });
  await t.rejects(connectKubernetes({ kubeconfig: '', master: '' }, env, '/nonexistent'), {
    code: 'kubeconfig',
    message: /^the ServiceAccount of this pod cannot be read: ENOENT.*\/nonexistent\/token/,
  });
});

t.test('no way to the cluster is one clear error', async (t) => {
  await t.rejects(connectKubernetes({ kubeconfig: '', master: '' }, {}), {
    code: 'kubeconfig',
    message: /^no way to the cluster: expected --kubeconfig, --master or --manifests/,
  });
  await t.rejects(connectKubernetes({ kubeconfig: '/nonexistent', master: '' }, {}), {
    code: 'kubeconfig',
    message: /^--kubeconfig "\/nonexistent" cannot be read: ENOENT/,
  });
  const empty = await kubeconfig(t, 'apiVersion: v1\nkind: Config\n');
  await t.rejects(connectKubernetes({ kubeconfig: empty, master: '' }, {}), {
    code: 'kubeconfig',
    message: /current-context/,
  });
});
