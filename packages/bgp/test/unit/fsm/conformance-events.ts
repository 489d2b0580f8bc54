/** An example of each event of RFC 4271 §8.1, the state that each is tried in, and effects in words. */
import type { FsmEffect } from '../../../src/fsm/effect.ts';
import { type EventName, eventNumber, type FsmEvent } from '../../../src/fsm/event.ts';
import type { FsmConfig, FsmState } from '../../../src/fsm/machine.ts';

export const config: FsmConfig = {
  passive: false,
  connectRetryMs: 120_000,
  idleHold: { initialMs: 1_000, maximumMs: 60_000 },
};

const cease = { code: 6, subcode: 4, data: new Uint8Array(0) };
const body = Uint8Array.of(0, 0, 0, 0);

/** One example of each event. Typed by name, so that a new event does not compile without one. */
export const examples: { readonly [Name in EventName]: Extract<FsmEvent, { name: Name }> } = {
  ManualStart: { name: 'ManualStart' },
  ManualStop: { name: 'ManualStop', text: 'stop', notification: cease },
  ManualStart_with_PassiveTcpEstablishment: { name: 'ManualStart_with_PassiveTcpEstablishment' },
  AutomaticStart_with_DampPeerOscillations_and_PassiveTcpEstablishment: {
    name: 'AutomaticStart_with_DampPeerOscillations_and_PassiveTcpEstablishment',
  },
  AutomaticStop: { name: 'AutomaticStop', text: 'reset', notification: cease },
  ConnectRetryTimer_Expires: { name: 'ConnectRetryTimer_Expires' },
  HoldTimer_Expires: { name: 'HoldTimer_Expires' },
  KeepaliveTimer_Expires: { name: 'KeepaliveTimer_Expires' },
  IdleHoldTimer_Expires: { name: 'IdleHoldTimer_Expires' },
  Tcp_CR_Acked: { name: 'Tcp_CR_Acked' },
  TcpConnectionConfirmed: { name: 'TcpConnectionConfirmed' },
  TcpConnectionFails: { name: 'TcpConnectionFails', text: 'gone' },
  BGPOpen: {
    name: 'BGPOpen',
    holdTimeMs: 90_000,
    keepaliveMs: 30_000,
    peerIdentifier: 2,
    peerAsn: 65002,
    gracefulRestart: false,
  },
  BGPHeaderErr: { name: 'BGPHeaderErr', notification: { code: 1, subcode: 1, data: body }, text: 'marker' },
  BGPOpenMsgErr: { name: 'BGPOpenMsgErr', notification: { code: 2, subcode: 2, data: body }, text: 'AS' },
  OpenCollisionDump: { name: 'OpenCollisionDump' },
  NotifMsgVerErr: { name: 'NotifMsgVerErr', text: 'version' },
  NotifMsg: { name: 'NotifMsg', code: 6, subcode: 2, text: 'bye' },
  KeepAliveMsg: { name: 'KeepAliveMsg' },
  UpdateMsg: { name: 'UpdateMsg', body },
  UpdateMsgErr: { name: 'UpdateMsgErr', notification: { code: 3, subcode: 1, data: body }, text: 'attributes' },
  SendHoldTimer_Expires: { name: 'SendHoldTimer_Expires' },
  RouteRefreshMsg: { name: 'RouteRefreshMsg', family: 257, subtype: 0 },
  RouteRefreshMsgErr: { name: 'RouteRefreshMsgErr', notification: { code: 7, subcode: 1, data: body }, text: 'length' },
  StableTimer_Expires: { name: 'StableTimer_Expires' },
};

export const allEvents = Object.keys(eventNumber) as EventName[];

/** Every machine starts from this: two failures before. */
export const before: FsmState = {
  config,
  name: 'Idle',
  connectRetryCounter: 2,
  failedAttempts: 1,
  holdTimeMs: 90_000,
  keepaliveMs: 30_000,
  gracefulRestart: false,
};

export function show(effect: FsmEffect): string {
  switch (effect.kind) {
    case 'notify': {
      const { code, subcode, data } = effect.notification;
      return `notify ${code}/${subcode} ${Buffer.from(data).toString('hex')}`.trimEnd();
    }
    case 'start-timer':
      return `start ${effect.timer} ${effect.ms}`;
    case 'stop-timer':
      return `stop ${effect.timer}`;
    case 'down': {
      const { kind, code, subcode } = effect.reason;
      return code === undefined ? `down ${kind}` : `down ${kind} ${code}/${subcode}`;
    }
    default:
      return effect.kind;
  }
}
