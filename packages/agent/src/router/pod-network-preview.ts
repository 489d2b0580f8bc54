/**
 * What `PodNetwork` would do, in lines for people: the same planners over the same readings, without the writing. A part
 * of the pod network that is added has its row here too.
 */
import type { Rtnetlink } from '@routelet/netlink-wire';
import { Ipset } from '../kernel/ipset.ts';
import type { ModuleRuleset } from '../kernel/ruleset.ts';
import { readSysctls } from '../kernel/sysctl.ts';
import type { AgentOptions } from '../options/options.ts';
import { planBridge } from './bridge.ts';
import { planCni } from './cni.ts';
import { readCniFile } from './cni-file.ts';
import { planForwardingSysctls, planRules, planSets } from './forwarding.ts';
import { type MtuOptions, podMtu } from './pod-mtu.ts';
import { families, type NetworkPart, type NetworkState, networkParts } from './pod-network.ts';

export interface NodeChangesState extends NetworkState {
  readonly options: MtuOptions & Pick<AgentOptions, 'enableCni' | 'enablePodEgress'>;
}

export interface NodeChanges {
  readonly part: NetworkPart;
  /** One line a change; empty when all is as it should be. */
  readonly changes: readonly string[];
}

export interface PodNetworkPreviewDependencies {
  readonly cniPath: string;
  readonly netlink: Pick<Rtnetlink, 'links'>;
  readonly rules: Pick<ModuleRuleset, 'plan' | 'randomFully'>;
}

export class PodNetworkPreview {
  readonly #cniPath: string;
  readonly #netlink: PodNetworkPreviewDependencies['netlink'];
  readonly #ipset: Ipset;
  readonly #rules: PodNetworkPreviewDependencies['rules'];
  readonly #parts: Readonly<Record<NetworkPart, (state: NodeChangesState) => Promise<readonly string[]>>>;

  constructor({ cniPath, netlink, rules }: PodNetworkPreviewDependencies) {
    this.#cniPath = cniPath;
    this.#netlink = netlink;
    this.#ipset = new Ipset();
    this.#rules = rules;
    this.#parts = {
      sysctls: (state) => this.#sysctls(state),
      bridge: (state) => this.#bridge(state),
      cni: (state) => this.#cni(state),
      sets: ({ identity, nodes }) => this.#ipset.plan(families(identity).flatMap((family) => planSets(nodes, family))),
      chains: (state) => this.#chains(state),
    };
  }

  async changes(state: NodeChangesState): Promise<readonly NodeChanges[]> {
    const all: NodeChanges[] = [];
    for (const part of networkParts) {
      const changes = await this.#parts[part](state).catch((error: Error) => [`cannot be told: ${error.message}`]);
      all.push({ part, changes });
    }
    return all;
  }

  async #sysctls({ identity }: NodeChangesState): Promise<string[]> {
    const wanted = planForwardingSysctls({ enableIpv6: identity.families.includes('ipv6-unicast') });
    const { writes } = await readSysctls(wanted);
    return writes.map(({ key, value }) => `${key} = ${value}`);
  }

  async #bridge({ identity, host, options }: NodeChangesState): Promise<string[]> {
    const mtu = podMtu(options, host, identity);
    const operations = planBridge(await this.#netlink.links(), mtu);
    return operations.map(({ action, object: { name, ...settings } }) =>
      [action, name, ...Object.entries(settings).map(([key, value]) => `${key} ${value}`)].join(' '),
    );
  }

  async #cni({ identity, host, options }: NodeChangesState): Promise<string[]> {
    if (!options.enableCni || identity.podCidrs.length === 0) return [];
    const text = await readCniFile(this.#cniPath);
    if (text === undefined) return [];
    const mtu = podMtu(options, host, identity);
    const plan = planCni(text, this.#cniPath, { podCidrs: identity.podCidrs, mtu });
    return plan.text === undefined ? [] : changedLines(text, plan.text).map((line) => `${this.#cniPath}: ${line}`);
  }

  async #chains({ identity, host, options }: NodeChangesState): Promise<string[]> {
    const nodeInterface = host.interface?.name;
    if (nodeInterface === undefined) return [];
    const lines: string[] = [];
    for (const family of families(identity)) {
      const randomFully = await this.#rules.randomFully(family);
      const { enablePodEgress } = options;
      const goal = planRules({ family, nodeInterface, enablePodEgress, randomFully });
      const restore = await this.#rules.plan(family, goal);
      const program = family === 4 ? 'iptables' : 'ip6tables';
      let table = '';
      for (const line of restore.split('\n')) {
        if (line.startsWith('*')) table = line.slice(1);
        else if (line !== '' && line !== 'COMMIT') lines.push(`${program} -t ${table} ${line}`);
      }
    }
    return lines;
  }
}

/** `- ` and `+ ` lines of two texts that differ in one place. */
function changedLines(before: string, after: string): string[] {
  const [old, now] = [before.split('\n'), after.split('\n')];
  let start = 0;
  while (start < old.length && old[start] === now[start]) start++;
  let end = 0;
  while (end < old.length - start && end < now.length - start && old.at(-1 - end) === now.at(-1 - end)) end++;
  return [
    ...old.slice(start, old.length - end).map((line) => `- ${line.trim()}`),
    ...now.slice(start, now.length - end).map((line) => `+ ${line.trim()}`),
  ];
}
