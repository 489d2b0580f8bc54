/**
 * The way to the API server from inside of a pod: its address from the environment, token and certificate from the files
 * that the kubelet mounts and renews. The official client can do it too, but costs 80 MB of memory once it is loaded.
 */
import { readFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import type { ApiEndpoint } from './api.ts';

/** Where every pod has them (Kubernetes documentation, "Accessing the Kubernetes API from a Pod"). */
export const serviceAccountFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Rejects with the error of the file system when the pod has no ServiceAccount. Files are read for each request. */
export async function serviceAccountEndpoint(host: string, port: string, folder: string): Promise<ApiEndpoint> {
  const read = async () => {
    const [token, ca] = await Promise.all(['token', 'ca.crt'].map((name) => readFile(join(folder, name), 'utf8')));
    return { token: token?.trim(), ca };
  };
  await read();
  return {
    server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
    authorise: async (options) => {
      const { token, ca } = await read();
      // A connection of its own for each request: none is taken up that the server gave up meanwhile.
      Object.assign(options, { ca, agent: false, headers: { ...options.headers, authorization: `Bearer ${token}` } });
    },
  };
}
