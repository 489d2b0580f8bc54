import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { parse } from 'yaml';
import type { ApiEndpoint } from './api.ts';
import { serviceAccountEndpoint, serviceAccountFolder } from './service-account.ts';

/** The way to the API server is not known, or its description cannot be read. */
export class ConnectError extends Error {
  readonly code = 'kubeconfig';

  constructor(text: string, cause?: unknown) {
    super(text, { cause });
    this.name = 'ConnectError';
  }
}

/** As the flags of the same names; both empty: the ServiceAccount of the pod this runs in. */
export interface ConnectOptions {
  readonly kubeconfig: string;
  readonly master: string;
}

/**
 * Reads how to reach the API server. A kubeconfig is read with the official client, which knows all forms of credentials
 * and renews them; it is loaded for that only (it takes half a second and 80 MB).
 */
export async function connectKubernetes(
  { kubeconfig, master }: ConnectOptions,
  env: Readonly<Record<string, string | undefined>>,
  accountFolder = serviceAccountFolder,
): Promise<ApiEndpoint> {
  if (kubeconfig === '') return master === '' ? fromPod(env, accountFolder) : withoutCredentials(master);
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  try {
    config.loadFromFile(kubeconfig);
    useTokenFiles(config, kubeconfig);
  } catch (cause) {
    throw unreadable(`--kubeconfig "${kubeconfig}"`, cause);
  }
  if (master !== '') setServer(config, master);
  const cluster = config.getCurrentCluster();
  if (cluster === null) {
    if (master !== '') return withoutCredentials(master);
    throw new ConnectError(
      `--kubeconfig "${kubeconfig}": expected a current-context that names a context with a cluster`,
    );
  }
  if (cluster.server.startsWith('http:')) setServer(config, cluster.server);
  const { server } = config.getCurrentCluster() ?? cluster;
  return { server, authorise: (options) => config.applyToHTTPSOptions(options) };
}

function withoutCredentials(server: string): ApiEndpoint {
  return { server, authorise: async () => {} };
}

async function fromPod(env: Readonly<Record<string, string | undefined>>, folder: string): Promise<ApiEndpoint> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = env;
  if (!host) {
    throw new ConnectError(
      'no way to the cluster: expected --kubeconfig, --master or --manifests, or to run in a pod (KUBERNETES_SERVICE_HOST is not set)',
    );
  }
  try {
    return await serviceAccountEndpoint(host, port, folder);
  } catch (cause) {
    throw unreadable('the ServiceAccount of this pod', cause);
  }
}

function unreadable(what: string, cause: unknown): ConnectError {
  return new ConnectError(`${what} cannot be read: ${cause instanceof Error ? cause.message : cause}`, cause);
}

/**
 * Lets users with a `tokenFile` (client-go's clientcmd/api/v1 AuthInfo) log in by that file: the client knows the key by
 * another name only. The file is read again as it is renewed.
 */
function useTokenFiles(config: KubeConfig, path: string): void {
  const { users = [] } = parse(readFileSync(path, 'utf8')) ?? {};
  const files = new Map<string, string>();
  for (const entry of Array.isArray(users) ? users : []) {
    const file = entry?.user?.tokenFile;
    if (typeof file === 'string' && !entry.user.token) files.set(entry.name, resolve(dirname(path), file));
  }
  config.users = config.users.map((user) => {
    const tokenFile = files.get(user.name);
    return tokenFile === undefined ? user : { ...user, authProvider: { name: 'tokenFile', config: { tokenFile } } };
  });
}

/** Puts another URL in the place of the current cluster's. */
function setServer(config: KubeConfig, server: string): void {
  const current = config.getCurrentCluster();
  if (current === null) return;
  // The client refuses plain HTTP unless it is told that there is no certificate to verify.
  const skipTLSVerify = server.startsWith('http:') || current.skipTLSVerify;
  const clusters = config
    .getClusters()
    .map((cluster) => (cluster === current ? { ...cluster, server, skipTLSVerify } : cluster));
  config.loadFromOptions({
    clusters,
    users: config.getUsers(),
    contexts: config.getContexts(),
    currentContext: config.getCurrentContext(),
  });
}
