export * from './constants/index.ts';
export * from './errors.ts';
export { formatAddress } from './rtnetlink/address-text.ts';
export { Rtnetlink, type RtnetlinkOptions, type SubscribeOptions, type Subscription } from './rtnetlink/client.ts';
export type * from './rtnetlink/model.ts';
export type { Notification, ResyncNeeded, SubscriptionEvent } from './rtnetlink/notification.ts';
export type {
  AddressOperation,
  LinkOperation,
  NeighbourOperation,
  ObjectKind,
  Operation,
  RouteOperation,
  RuleOperation,
} from './rtnetlink/operation.ts';
export type { RouteFilter } from './rtnetlink/route.ts';
export type { Dial, Port, PortListener, PortUse } from './socket/port.ts';
