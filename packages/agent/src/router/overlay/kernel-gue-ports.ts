/** GUE ports of the kernel, by the generic netlink family "fou". A socket is open only while something is asked. */
import { AF_INET, AF_INET6, FOU_ENCAP_GUE, Fou, type FouOperation, NetlinkError } from '@routelet/netlink-wire';
import type { GuePort } from './gue-ports.ts';
import type { GuePorts } from './overlay.ts';

export const kernelGuePorts: GuePorts = {
  list: () =>
    withFou(async (fou) => {
      const ports = await fou.ports().catch(noneWithoutFamily);
      // A port of one address, peer or interface is not the one that tunnels of ours need.
      const open = ports.filter(({ type, local, peer, peerPort, index }) => {
        return type === FOU_ENCAP_GUE && [local, peer, peerPort, index].every((value) => value === undefined);
      });
      return open.map(({ family, port }): GuePort => ({ family: family === AF_INET6 ? 6 : 4, port }));
    }),
  add: (port) => change('add', port),
  remove: (port) => change('delete', port),
};

function change(action: FouOperation['action'], { family, port }: GuePort): Promise<void> {
  const object = { family: family === 4 ? AF_INET : AF_INET6, port, type: FOU_ENCAP_GUE };
  return withFou(async (fou) => {
    const [error] = await fou.apply([{ action, object }]);
    if (error) throw error;
  });
}

async function withFou<T>(work: (fou: Fou) => Promise<T>): Promise<T> {
  const fou = await Fou.open();
  try {
    return await work(fou);
  } finally {
    fou.close();
  }
}

/** A kernel without fou has no ports. */
function noneWithoutFamily(error: unknown): never[] {
  if (error instanceof NetlinkError && error.code === 'ENOFAMILY') return [];
  throw error;
}
