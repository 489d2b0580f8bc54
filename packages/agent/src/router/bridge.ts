/**
 * kube-bridge, the bridge that the CNI plugin attaches pods to: made when missing, up, with the wanted MTU. Its address is
 * the plugin's matter.
 */
import { IFF_UP, type Link, type LinkOperation, type LinkSettings } from '@routelet/netlink-wire';

export const BRIDGE = 'kube-bridge';

/** Operations in order; none when the bridge is as wanted. `mtu` undefined: left as it is. */
export function planBridge(links: readonly Link[], mtu: number | undefined): LinkOperation[] {
  const link = links.find(({ name }) => name === BRIDGE);
  const operation = (action: LinkOperation['action'], object: LinkSettings): LinkOperation => ({
    kind: 'link',
    action,
    object: { name: BRIDGE, ...object },
  });
  const operations: LinkOperation[] = [];
  if (!link) operations.push(operation('create', { kind: 'bridge' }));
  if (mtu !== undefined && link?.mtu !== mtu) operations.push(operation('set', { mtu }));
  if (!link || (link.flags & IFF_UP) === 0) operations.push(operation('set', { up: true }));
  return operations;
}
