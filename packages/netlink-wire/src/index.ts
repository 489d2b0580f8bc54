export { Conntrack } from './client/conntrack.ts';
export { Fou } from './client/fou.ts';
export { Ipset } from './client/ipset.ts';
export { Ipvs } from './client/ipvs.ts';
export { Rtnetlink, type SubscribeOptions, type Subscription } from './client/rtnetlink.ts';
export type * from './conntrack/model.ts';
export * from './constants/index.ts';
export * from './errors.ts';
export type { FouOperation, FouPort } from './generic/fou.ts';
export type * from './ipset/model.ts';
export type { ChangeElement, CreateSet, ExchangeSets, RemoveSet, SetOperation } from './ipset/operation.ts';
export type { ProtocolVersions } from './ipset/query.ts';
export type * from './ipvs/model.ts';
export type {
  IpvsDaemonOperation,
  IpvsDestinationOperation,
  IpvsOperation,
  IpvsServiceOperation,
  IpvsTimeoutsOperation,
} from './ipvs/operation.ts';
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
export type { NetlinkOptions } from './socket/open.ts';
export type { Dial, Port, PortListener, PortUse } from './socket/port.ts';
export { formatAddress } from './wire/address-text.ts';
