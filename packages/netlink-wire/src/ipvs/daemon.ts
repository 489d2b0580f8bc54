/** Daemons of IPVS between the model and IPVS_DAEMON_ATTR_*. */
import { WireError } from '../errors.ts';
import type { DaemonValues } from './attributes.ts';
import type { IpvsDaemon } from './model.ts';

/** @throws WireError when its state is missing. */
export function decodeDaemon(values: DaemonValues): IpvsDaemon {
  const state = values.IPVS_DAEMON_ATTR_STATE;
  if (state === undefined) throw new WireError('value', 'a daemon without IPVS_DAEMON_ATTR_STATE', 0);
  const group = values.IPVS_DAEMON_ATTR_MCAST_GROUP ?? values.IPVS_DAEMON_ATTR_MCAST_GROUP6;
  return {
    state,
    multicastInterface: values.IPVS_DAEMON_ATTR_MCAST_IFN ?? '',
    syncId: values.IPVS_DAEMON_ATTR_SYNC_ID ?? 0,
    ...(values.IPVS_DAEMON_ATTR_SYNC_MAXLEN !== undefined && { syncMaxLength: values.IPVS_DAEMON_ATTR_SYNC_MAXLEN }),
    ...(group !== undefined && { multicastGroup: group }),
    ...(values.IPVS_DAEMON_ATTR_MCAST_PORT !== undefined && { multicastPort: values.IPVS_DAEMON_ATTR_MCAST_PORT }),
    ...(values.IPVS_DAEMON_ATTR_MCAST_TTL !== undefined && { multicastTtl: values.IPVS_DAEMON_ATTR_MCAST_TTL }),
  };
}

export function encodeDaemon(daemon: IpvsDaemon): DaemonValues {
  const group = daemon.multicastGroup;
  return {
    IPVS_DAEMON_ATTR_STATE: daemon.state,
    IPVS_DAEMON_ATTR_MCAST_IFN: daemon.multicastInterface,
    IPVS_DAEMON_ATTR_SYNC_ID: daemon.syncId,
    IPVS_DAEMON_ATTR_SYNC_MAXLEN: daemon.syncMaxLength,
    [group?.length === 16 ? 'IPVS_DAEMON_ATTR_MCAST_GROUP6' : 'IPVS_DAEMON_ATTR_MCAST_GROUP']: group,
    IPVS_DAEMON_ATTR_MCAST_PORT: daemon.multicastPort,
    IPVS_DAEMON_ATTR_MCAST_TTL: daemon.multicastTtl,
  };
}
