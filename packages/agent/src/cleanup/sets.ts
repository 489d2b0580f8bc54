/** Takes away sets by their names, those of both families and those that an interrupted swap left. */
import { Ipset as NetlinkIpset } from '@routelet/netlink-wire';
import { swapName } from '../kernel/ipset-plan.ts';
import { setName } from '../router/forwarding.ts';
import type { Cleaner } from './cleaner.ts';

export function setsOf(bases: readonly string[]): Cleaner['clean'] {
  return async () => {
    const ours = ([4, 6] as const).flatMap((family) =>
      bases.map((name) => setName(name, family)).flatMap((name) => [name, swapName(name)]),
    );
    const client = await NetlinkIpset.open();
    try {
      const standing = new Set((await client.headers()).map(({ name }) => name));
      const names = ours.filter((name) => standing.has(name));
      const results = await client.apply(names.map((name) => ({ action: 'destroy', name })));
      return {
        removed: names.filter((_, index) => results[index] === undefined),
        kept: names.flatMap((name, index) => {
          const error = results[index];
          if (error === undefined) return [];
          return [
            error.code === 'IPSET_ERR_BUSY' ? `${name}: a rule or a set that is not ours uses it` : error.message,
          ];
        }),
      };
    } finally {
      client.close();
    }
  };
}
