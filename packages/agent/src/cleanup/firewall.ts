/** What the firewall module leaves on a node: rules and sets of iptables, tables of nftables. Rules go before the sets they name. */
import { runCommand } from '../kernel/command.ts';
import { Ipset } from '../kernel/ipset.ts';
import { Ruleset } from '../kernel/ruleset.ts';
import { firewallClaim, isFirewallSet } from '../policy/iptables-plan.ts';
import { NftablesBackend } from '../policy/nftables-backend.ts';
import type { Cleaned, Cleaner, CleanupContext } from './cleaner.ts';

export const firewallCleaners: readonly Cleaner[] = [
  { name: 'rules of policies', clean: cleanRules },
  { name: 'ipsets of policies', clean: cleanSets },
  { name: 'nftables of policies', clean: cleanNftables },
];

const families = [4, 6] as const;

async function cleanRules({ run }: CleanupContext): Promise<Cleaned> {
  const rules = new Ruleset(run).module('firewall', firewallClaim);
  const removed: string[] = [];
  const kept: string[] = [];
  for (const family of families) {
    const { changes, held } = await rules.apply(family, { shared: [], chains: [] });
    if (changes > 0) removed.push(`chains of IPv${family}`);
    kept.push(...held);
  }
  return { removed, kept };
}

async function cleanSets(): Promise<Cleaned> {
  const count = await new Ipset().sweep(isFirewallSet, new Set());
  return { removed: count > 0 ? [`${count} sets`] : [], kept: [] };
}

async function cleanNftables(): Promise<Cleaned> {
  const some = await new NftablesBackend(runCommand).remove(families);
  return { removed: some ? ['tables kube-router-filter-ipv4 and -ipv6'] : [], kept: [] };
}
