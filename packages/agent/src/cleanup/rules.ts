/** Takes away the iptables rules and chains that a module claims. */

import type { RuleClaim } from '../kernel/rule-plan.ts';
import { type RuleModule, Ruleset } from '../kernel/ruleset.ts';
import type { Cleaner } from './cleaner.ts';

export function rulesOf(module: RuleModule, claim: RuleClaim): Cleaner['clean'] {
  return async ({ run }) => {
    const rules = new Ruleset(run).module(module, claim);
    const nothing = { shared: [], chains: [] };
    const removed: string[] = [];
    const kept: string[] = [];
    for (const family of [4, 6] as const) {
      let table = '';
      for (const line of (await rules.plan(family, nothing)).split('\n')) {
        if (line.startsWith('*')) table = line.slice(1);
        else if (line !== '' && line !== 'COMMIT') removed.push(`IPv${family} ${table} ${line.replace(/^-D /, '')}`);
      }
      kept.push(...(await rules.apply(family, nothing)).held);
    }
    return { removed, kept };
  };
}
