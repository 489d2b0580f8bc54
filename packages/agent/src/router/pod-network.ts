/**
 * Keeps what the kernel and the CNI plugin need for pods as planned: sysctls, kube-bridge, the CNI file, the sets and the
 * rules. Each part is read first and written only where it differs; a part that fails is a problem and the others go on.
 */
import type { Rtnetlink } from '@routelet/netlink-wire';
import { describeMixedBackends } from '../kernel/backend-plan.ts';
import type { Command } from '../kernel/command.ts';
import { Ipset } from '../kernel/ipset.ts';
import { ensureModule } from '../kernel/module.ts';
import type { ModuleRuleset, Ruleset } from '../kernel/ruleset.ts';
import { applySysctls } from '../kernel/sysctl.ts';
import type { Log } from '../log.ts';
import type { AgentOptions } from '../options/options.ts';
import type { Problem } from '../problem.ts';
import { BRIDGE, planBridge } from './bridge.ts';
import { planCni } from './cni.ts';
import { readCniFile, writeCniFile } from './cni-file.ts';
import { planForwardingSysctls, planRules, planSets, routerClaim } from './forwarding.ts';
import type { HostFacts } from './host.ts';
import type { Identity } from './identity.ts';
import type { NodeFacts } from './node-facts.ts';
import { type MtuOptions, podMtu } from './pod-mtu.ts';

/** In the order in which they are done: the CNI file needs the bridge's MTU, rules need the sets. */
export const networkParts = ['sysctls', 'bridge', 'cni', 'sets', 'chains'] as const;
export type NetworkPart = (typeof networkParts)[number];

export interface NetworkState {
  readonly identity: Identity;
  readonly nodes: readonly NodeFacts[];
  readonly host: HostFacts;
}

export interface PodNetworkDependencies {
  readonly options: MtuOptions & Pick<AgentOptions, 'enableCni' | 'enablePodEgress'>;
  readonly cniPath: string;
  readonly netlink: Pick<Rtnetlink, 'links' | 'apply'>;
  readonly run: Command;
  readonly ruleset: Ruleset;
  readonly log: Log;
}

export class PodNetwork {
  readonly #options: PodNetworkDependencies['options'];
  readonly #cniPath: string;
  readonly #netlink: PodNetworkDependencies['netlink'];
  readonly #run: Command;
  readonly #log: Log;
  readonly #ipset: Ipset;
  readonly #ruleset: Ruleset;
  /** What this module has of the owner of rules. */
  readonly rules: ModuleRuleset;
  /** Set while the bridge does not take the wanted MTU: the pods get the one it has. */
  #bridgeMtu: number | undefined;

  constructor({ options, cniPath, netlink, run, ruleset, log }: PodNetworkDependencies) {
    this.#options = options;
    this.#cniPath = cniPath;
    this.#netlink = netlink;
    this.#run = run;
    this.#log = log;
    this.#ipset = new Ipset();
    this.#ruleset = ruleset;
    this.rules = ruleset.module('router', routerClaim);
  }

  /** Resolves with the problems of the part, those of the kernel's refusal included. */
  async apply(part: NetworkPart, state: NetworkState): Promise<Problem[]> {
    const act = {
      sysctls: () => this.#applySysctls(state),
      bridge: () => this.#applyBridge(state),
      cni: () => this.#applyCni(state),
      sets: () => this.#applySets(state),
      chains: () => this.#applyChains(state),
    }[part];
    try {
      return await act();
    } catch (error) {
      return [kernelProblem(part, error instanceof Error ? error.message : String(error))];
    }
  }

  async #applySysctls({ identity }: NetworkState): Promise<Problem[]> {
    const failure = await ensureModule('br_netfilter', '/proc/sys/net/bridge', this.#run);
    const problems =
      failure === undefined ? [] : [kernelProblem('br_netfilter', `kernel module br_netfilter: ${failure}`)];
    const wanted = planForwardingSysctls({ enableIpv6: identity.families.includes('ipv6-unicast') });
    const { writes, missing } = await applySysctls(wanted);
    for (const { key, value } of writes) this.#log.info('sysctl set', { key, value });
    return [...problems, ...missing.map((key) => kernelProblem(key, `sysctl ${key} is not there, expected to set it`))];
  }

  async #applyBridge({ identity, host }: NetworkState): Promise<Problem[]> {
    const mtu = podMtu(this.#options, host, identity);
    const operations = planBridge(await this.#netlink.links(), mtu);
    const results = await this.#netlink.apply(operations);
    const problems: Problem[] = [];
    this.#bridgeMtu = undefined;
    for (const [i, { action, object }] of operations.entries()) {
      const error = results[i];
      if (!error) {
        this.#log.info(`interface ${action}`, { ...object });
      } else if (action === 'create' && error.code === 'EEXIST') {
        // Somebody else made it since the dump.
      } else {
        problems.push(kernelProblem(BRIDGE, error.message));
        if (object.mtu !== undefined) this.#bridgeMtu = await this.#readBridgeMtu();
      }
    }
    return problems;
  }

  async #readBridgeMtu(): Promise<number | undefined> {
    return (await this.#netlink.links()).find(({ name }) => name === BRIDGE)?.mtu;
  }

  async #applyCni({ identity, host }: NetworkState): Promise<Problem[]> {
    const path = this.#cniPath;
    if (!this.#options.enableCni || identity.podCidrs.length === 0) return [];
    const problem = (text: string): Problem[] => [{ code: 'cni', subject: path, text }];
    const text = await readCniFile(path);
    if (text === undefined) {
      return problem(`CNI configuration ${path}: no such file, expected one with a plugin of type bridge`);
    }
    try {
      const mtu = this.#options.autoMtu ? (this.#bridgeMtu ?? podMtu(this.#options, host, identity)) : undefined;
      const plan = planCni(text, path, { podCidrs: identity.podCidrs, mtu });
      if (plan.text !== undefined) {
        await writeCniFile(path, plan.text);
        this.#log.info('CNI configuration written', {
          path,
          podCidrs: identity.podCidrs.map((cidr) => cidr.text),
          mtu,
        });
      }
      if (plan.strayRanges.length === 0) return [];
      const stray = plan.strayRanges.join(', ');
      return problem(
        `CNI configuration ${path}: pods also get addresses of ${stray}, which is no pod CIDR of this node`,
      );
    } catch (error) {
      return problem(error instanceof Error ? error.message : String(error));
    }
  }

  async #applySets({ identity, nodes }: NetworkState): Promise<Problem[]> {
    const changes = await this.#ipset.apply(families(identity).flatMap((family) => planSets(nodes, family)));
    if (changes > 0) this.#log.info('ipsets changed', { changes });
    return [];
  }

  async #applyChains({ identity, host }: NetworkState): Promise<Problem[]> {
    if (!host.interface) {
      return [
        kernelProblem('interface', `no interface holds ${identity.primary}, the address of node ${identity.name}`),
      ];
    }
    const problems = await this.#backendProblems();
    for (const family of families(identity)) {
      try {
        problems.push(...(await this.#applyFamilyRules(family, host.interface.name)));
      } catch (error) {
        problems.push(kernelProblem(`chains IPv${family}`, error instanceof Error ? error.message : String(error)));
      }
    }
    return problems;
  }

  async #applyFamilyRules(family: 4 | 6, nodeInterface: string): Promise<Problem[]> {
    const randomFully = await this.rules.randomFully(family);
    const { enablePodEgress } = this.#options;
    const goal = planRules({ family, nodeInterface, enablePodEgress, randomFully });
    const { changes, drifted, held } = await this.rules.apply(family, goal);
    if (drifted.length > 0)
      this.#log.warn('iptables rules were changed by others and are put back', { family, chains: drifted });
    if (changes > 0) this.#log.info('iptables rules changed', { family, changes });
    return held.map((text) => ({ code: 'rules', subject: text, text }));
  }

  /** Rules in both backends: who comes before whom cannot be said any more. */
  async #backendProblems(): Promise<Problem[]> {
    const text = describeMixedBackends(await this.#ruleset.backend());
    return text === undefined ? [] : [{ code: 'rules', subject: 'backend', text }];
  }
}

export function families({ ipv4, ipv6 }: Identity): (4 | 6)[] {
  return [...(ipv4 ? [4 as const] : []), ...(ipv6 ? [6 as const] : [])];
}

function kernelProblem(subject: string, text: string): Problem {
  return { code: 'kernel', subject, text };
}
