/**
 * Calls CNI plugins the way a container runtime does: the node's own configuration file as it stands at that moment,
 * one plugin after the other, each given the result of the one before (CNI specification 0.4.0, "ADD", "DEL" and
 * "Network Configuration Lists").
 */
import { readFile } from 'node:fs/promises';
import { LabError } from './errors.ts';
import type { NetNamespace } from './namespace.ts';

/** Where Debian's containernetworking-plugins puts them. */
const CNI_PATH = '/usr/lib/cni';

interface PluginConf {
  readonly type: string;
  readonly [key: string]: unknown;
}

interface ConfList {
  readonly cniVersion: string;
  readonly name: string;
  readonly plugins: readonly PluginConf[];
}

export interface CniResult {
  readonly ips?: readonly { readonly address: string; readonly gateway?: string }[];
  readonly [key: string]: unknown;
}

export interface CniCall {
  /** The namespace in which the plugins run: the node's. */
  readonly node: NetNamespace;
  readonly configFile: string;
  readonly containerId: string;
  /** Path of the pod's network namespace. */
  readonly netns: string;
}

/** A `.conf` file is one plugin, a `.conflist` a list of them. */
async function readConf(file: string): Promise<ConfList> {
  try {
    const conf = JSON.parse(await readFile(file, 'utf8'));
    return file.endsWith('.conflist') ? conf : { cniVersion: conf.cniVersion, name: conf.name, plugins: [conf] };
  } catch (cause) {
    throw new LabError('cni', `cannot use the CNI configuration ${file}: ${cause}`, { cause });
  }
}

async function callPlugin(command: 'ADD' | 'DEL', call: CniCall, conf: PluginConf): Promise<string> {
  const env = {
    CNI_COMMAND: command,
    CNI_CONTAINERID: call.containerId,
    CNI_NETNS: call.netns,
    CNI_IFNAME: 'eth0',
    CNI_PATH,
  };
  const { code, stdout, stderr } = await call.node.tryExec([`${CNI_PATH}/${conf.type}`], {
    env,
    input: JSON.stringify(conf),
  });
  if (code === 0) return stdout;
  throw new LabError(
    'cni',
    `CNI ${command} by plugin ${conf.type} on ${call.node.name} for ${call.containerId}: ${stdout || stderr}`,
  );
}

/** Attaches a pod and returns the last plugin's result. */
export async function cniAdd(call: CniCall): Promise<CniResult> {
  const { cniVersion, name, plugins } = await readConf(call.configFile);
  let result: CniResult | undefined;
  for (const plugin of plugins) {
    const conf = { ...plugin, cniVersion, name, ...(result === undefined ? {} : { prevResult: result }) };
    result = JSON.parse(await callPlugin('ADD', call, conf));
  }
  if (result === undefined) throw new LabError('cni', `${call.configFile} lists no plugin`);
  return result;
}

/** Detaches a pod: the plugins in reverse order. `added` is what cniAdd returned. */
export async function cniDelete(call: CniCall, added: CniResult): Promise<void> {
  const { cniVersion, name, plugins } = await readConf(call.configFile);
  for (const plugin of plugins.toReversed()) {
    await callPlugin('DEL', call, { ...plugin, cniVersion, name, prevResult: added });
  }
}
