/** What a subscription delivers: changes of the kernel's tables, and the word that some of them were lost. */
import type { MessageHeader } from '../message/header.ts';
import type { Reader } from '../wire/reader.ts';
import { families, type ObjectFamily, objectKinds } from './families.ts';
import type { ObjectByKind, ObjectKind } from './operation.ts';

interface NotificationOf<K extends ObjectKind> {
  readonly kind: K;
  readonly type: 'new' | 'del';
  readonly object: ObjectByKind[K];
  /** nlmsg_flags: NLM_F_REPLACE, NLM_F_APPEND … as the kernel repeats them. */
  readonly flags: number;
  /** nlmsg_pid: port id of the socket whose request made the change, 0 for the kernel itself. */
  readonly portId: number;
  /** The change was asked for by the client that subscribed. */
  readonly own: boolean;
}

/** One change. A route that replaced another comes as one `new` with NLM_F_REPLACE in `flags`. */
export type Notification = { [K in ObjectKind]: NotificationOf<K> }[ObjectKind];

/** Notifications were lost; whoever keeps a view must read the tables again. */
export interface ResyncNeeded {
  readonly kind: 'resync-needed';
  /** `overrun`: the receive buffer was full (ENOBUFS). `malformed`: a message could not be read. */
  readonly reason: 'overrun' | 'malformed';
}

export type SubscriptionEvent = Notification | ResyncNeeded;

/**
 * Reads a message of a multicast group.
 *
 * @param own Whether a port id is the subscriber's.
 * @returns undefined for a message type that is none of the kinds'.
 * @throws WireError
 */
export function decodeNotification(
  header: MessageHeader,
  body: Reader,
  own: (portId: number) => boolean,
): Notification | undefined {
  for (const kind of objectKinds) {
    const family: ObjectFamily<ObjectByKind[ObjectKind]> = families[kind];
    if (header.type !== family.newType && header.type !== family.deleteType) continue;
    return {
      kind,
      type: header.type === family.newType ? 'new' : 'del',
      object: family.decode(body),
      flags: header.flags,
      portId: header.portId,
      own: own(header.portId),
      // The table pairs each kind with the decoder of its object.
    } as Notification;
  }
  return undefined;
}
