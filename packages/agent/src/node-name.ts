import type { AgentOptions } from './options/options.ts';

/**
 * Name of this node's Node object (P-7): --hostname-override, then the environment variable NODE_NAME, then the host
 * name. Lower case, as the kubelet registers a host name.
 */
export function resolveNodeName(
  options: Pick<AgentOptions, 'hostnameOverride'>,
  env: Readonly<Record<string, string | undefined>>,
  hostname: string,
): string {
  return options.hostnameOverride || env['NODE_NAME'] || hostname.trim().toLowerCase();
}
