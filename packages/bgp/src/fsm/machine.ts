/**
 * The state machine of one BGP connection, RFC 4271 §8.2.2, as a pure function. DampPeerOscillations is always on,
 * DelayOpen and SendNOTIFICATIONwithoutOPEN never are. Two connections of one neighbour are two of these; what happens
 * between them is `neighbour.ts`.
 */
import { type NotificationContent, noBytes } from '../errors.ts';
import { ceaseSubcode, errorCode, finiteStateMachineSubcode, messageType } from '../iana.ts';
import { type Backoff, backoffMs, firstConnectRetryMs } from './backoff.ts';
import type { FsmEffect } from './effect.ts';
import type { FsmEvent } from './event.ts';
import { describeEnd } from './reason.ts';
import type { FsmStateName } from './state.ts';
import { largeHoldTimeMs, sendHoldTimeMs } from './timer.ts';

export interface FsmConfig {
  /** PassiveTcpEstablishment: never connect. */
  readonly passive: boolean;
  /** ConnectRetryTime: how long an attempt may take, and the longest wait for the next. */
  readonly connectRetryMs: number;
  readonly idleHold: Backoff;
}

export interface FsmState {
  readonly config: FsmConfig;
  readonly name: FsmStateName;
  readonly connectRetryCounter: number;
  /** Attempts in a row that did not bring an OPEN of the peer. */
  readonly failedAttempts: number;
  /** Negotiated; 0 before OpenConfirm. */
  readonly holdTimeMs: number;
  readonly keepaliveMs: number;
  /** Both OPENs carry the graceful restart capability with a family; false before OpenConfirm. */
  readonly gracefulRestart: boolean;
}

export interface Step {
  readonly state: FsmState;
  readonly effects: readonly FsmEffect[];
}

/** The state a configured neighbour begins in. */
export function initialState(config: FsmConfig): FsmState {
  return {
    config,
    name: 'Idle',
    connectRetryCounter: 0,
    failedAttempts: 0,
    holdTimeMs: 0,
    keepaliveMs: 0,
    gracefulRestart: false,
  };
}

/** One event in, the next state and what to do out. Never throws; every event is defined in every state. */
export function step(state: FsmState, event: FsmEvent): Step {
  return states[state.name](state, event);
}

const states: Readonly<Record<FsmStateName, (state: FsmState, event: FsmEvent) => Step>> = {
  Idle: idle,
  Connect: connect,
  Active: active,
  OpenSent: openSent,
  OpenConfirm: openConfirm,
  Established: established,
};

function idle(state: FsmState, event: FsmEvent): Step {
  switch (event.name) {
    case 'ManualStart':
      return enterConnect({ ...state, connectRetryCounter: 0 });
    case 'ManualStart_with_PassiveTcpEstablishment':
      return enterActive({ ...state, connectRetryCounter: 0 });
    // The counter is kept by the events of DampPeerOscillations: the next idle hold grows with it.
    case 'IdleHoldTimer_Expires':
      return state.config.passive ? enterActive(state) : enterConnect(state);
    case 'AutomaticStart_with_DampPeerOscillations_and_PassiveTcpEstablishment':
      return enterActive(state);
    // A stop while the idle hold runs ends the automatic restart. §8.2.2: "ignored in the Idle state" otherwise.
    case 'ManualStop':
      return { state: { ...state, connectRetryCounter: 0 }, effects: [{ kind: 'stop-timers' }] };
    default:
      return stay(state);
  }
}

function connect(state: FsmState, event: FsmEvent): Step {
  switch (event.name) {
    // "The start events (Events 1, 3-7) are ignored in the Connect state."
    case 'ManualStart':
    case 'ManualStart_with_PassiveTcpEstablishment':
    case 'AutomaticStart_with_DampPeerOscillations_and_PassiveTcpEstablishment':
      return stay(state);
    case 'ConnectRetryTimer_Expires':
      return { state, effects: [{ kind: 'drop' }, connectRetry(state), { kind: 'connect' }] };
    case 'Tcp_CR_Acked':
    case 'TcpConnectionConfirmed':
      return enterOpenSent(state);
    // Deviates from RFC 4271 §8.2.2 (Connect, event 18, DelayOpenTimer not running: Idle): a peer that is not up yet is
    // no oscillation. Active keeps listening and connects again when ConnectRetryTimer expires.
    case 'TcpConnectionFails':
      return enterActive({ ...state, failedAttempts: state.failedAttempts + 1 });
    default:
      return close(state, event);
  }
}

function active(state: FsmState, event: FsmEvent): Step {
  switch (event.name) {
    // "The start events (Events 1, 3-7) are ignored in the Active state."
    case 'ManualStart':
    case 'ManualStart_with_PassiveTcpEstablishment':
    case 'AutomaticStart_with_DampPeerOscillations_and_PassiveTcpEstablishment':
      return stay(state);
    case 'ConnectRetryTimer_Expires':
      return enterConnect(state);
    case 'Tcp_CR_Acked':
    case 'TcpConnectionConfirmed':
      return enterOpenSent(state);
    default:
      return close(state, event);
  }
}

function openSent(state: FsmState, event: FsmEvent): Step {
  switch (event.name) {
    case 'TcpConnectionFails': {
      const next = enterActive({ ...state, failedAttempts: state.failedAttempts + 1 });
      return {
        state: next.state,
        effects: [{ kind: 'stop-timers' }, { kind: 'drop' }, down(event), ...next.effects],
      };
    }
    case 'BGPOpen': {
      const { holdTimeMs, keepaliveMs, gracefulRestart } = event;
      return {
        state: { ...state, name: 'OpenConfirm', failedAttempts: 0, holdTimeMs, keepaliveMs, gracefulRestart },
        effects: [
          { kind: 'stop-timer', timer: 'ConnectRetryTimer' },
          { kind: 'send-keepalive' },
          // "If the negotiated hold time value is zero, then the HoldTimer and KeepaliveTimer are not started."
          ...(holdTimeMs === 0
            ? ([{ kind: 'stop-timer', timer: 'HoldTimer' }] as const)
            : ([
                { kind: 'start-timer', timer: 'KeepaliveTimer', ms: keepaliveMs },
                { kind: 'start-timer', timer: 'HoldTimer', ms: holdTimeMs },
              ] as const)),
        ],
      };
    }
    case 'BGPHeaderErr':
    case 'BGPOpenMsgErr':
    case 'RouteRefreshMsgErr':
      return close(state, event, event.notification);
    default:
      return closeOpened(state, event, finiteStateMachineSubcode.unexpectedMessageInOpenSent);
  }
}

function openConfirm(state: FsmState, event: FsmEvent): Step {
  switch (event.name) {
    case 'KeepaliveTimer_Expires':
      return sendKeepalive(state);
    case 'KeepAliveMsg':
      return {
        state: { ...state, name: 'Established' },
        effects: [
          ...restartHold(state),
          { kind: 'start-timer', timer: 'SendHoldTimer', ms: sendHoldTimeMs(state.holdTimeMs) },
          { kind: 'start-timer', timer: 'StableTimer', ms: state.config.idleHold.maximumMs },
          { kind: 'established' },
        ],
      };
    case 'BGPHeaderErr':
    case 'BGPOpenMsgErr':
    case 'RouteRefreshMsgErr':
      return close(state, event, event.notification);
    default:
      // Event 19 too: §8.2.2 speaks of the OPEN of another connection, which is that connection's event here.
      return closeOpened(state, event, finiteStateMachineSubcode.unexpectedMessageInOpenConfirm);
  }
}

function established(state: FsmState, event: FsmEvent): Step {
  switch (event.name) {
    case 'KeepaliveTimer_Expires':
      return sendKeepalive(state);
    case 'KeepAliveMsg':
      return { state, effects: restartHold(state) };
    case 'UpdateMsg': {
      const effects = restartHold(state);
      effects.push({ kind: 'deliver-update', body: event.body });
      return { state, effects };
    }
    case 'RouteRefreshMsg': {
      const { family, subtype } = event;
      return { state, effects: [...restartHold(state), { kind: 'deliver-route-refresh', family, subtype }] };
    }
    case 'StableTimer_Expires':
      return stay({ ...state, connectRetryCounter: 0 });
    // §8.2.2 counts event 21 among those answered with an FSM error; §6.1 is more exact: "All errors detected while
    // processing the Message Header MUST be indicated by sending the NOTIFICATION message with the Error Code Message
    // Header Error."
    case 'BGPHeaderErr':
    case 'UpdateMsgErr':
    case 'RouteRefreshMsgErr':
      return close(state, event, event.notification);
    case 'SendHoldTimer_Expires':
      // RFC 9687 §4.3 makes the NOTIFICATION optional: it stands behind what the peer does not take, and costs nothing.
      return close(state, event, { code: errorCode.sendHoldTimerExpired, subcode: 0, data: noBytes });
    default:
      return closeOpened(state, event, finiteStateMachineSubcode.unexpectedMessageInEstablished);
  }
}

/** Type of the message that an event stands for, for the data of an FSM error (RFC 6608 §4). */
const messageOfEvent: Partial<Record<FsmEvent['name'], number>> = {
  BGPOpen: messageType.open,
  BGPOpenMsgErr: messageType.open,
  UpdateMsg: messageType.update,
  UpdateMsgErr: messageType.update,
  KeepAliveMsg: messageType.keepalive,
  RouteRefreshMsg: messageType.routeRefresh,
};

/** What OpenSent, OpenConfirm and Established have in common. */
function closeOpened(state: FsmState, event: FsmEvent, unexpectedMessage: number): Step {
  switch (event.name) {
    // "The start events (Events 1, 3-7) are ignored."
    case 'ManualStart':
    case 'ManualStart_with_PassiveTcpEstablishment':
    case 'AutomaticStart_with_DampPeerOscillations_and_PassiveTcpEstablishment':
      return stay(state);
    case 'ManualStop':
    case 'AutomaticStop':
      return close(state, event, event.notification);
    case 'HoldTimer_Expires':
      return close(state, event, { code: errorCode.holdTimerExpired, subcode: 0, data: noBytes });
    case 'OpenCollisionDump':
      return close(state, event, {
        code: errorCode.cease,
        subcode: ceaseSubcode.connectionCollisionResolution,
        data: noBytes,
      });
    // Deviates from RFC 4271 §8.2.2 (OpenSent lists event 25 among those answered with an FSM error): §6.4 forbids to
    // answer a NOTIFICATION, and a peer that refuses our OPEN sends just that.
    case 'NotifMsg':
    case 'NotifMsgVerErr':
    case 'TcpConnectionFails':
      return close(state, event);
    case 'StableTimer_Expires':
    case 'SendHoldTimer_Expires':
      return stay(state);
    default: {
      const type = messageOfEvent[event.name];
      return close(state, event, {
        code: errorCode.finiteStateMachine,
        subcode: type === undefined ? finiteStateMachineSubcode.unspecified : unexpectedMessage,
        data: type === undefined ? noBytes : Uint8Array.of(type),
      });
    }
  }
}

/** To Idle: what is common to every end of §8.2.2, and the idle hold unless an operator asked for the stop. */
function close(state: FsmState, event: FsmEvent, notification?: NotificationContent): Step {
  const manual = event.name === 'ManualStop';
  // Event 24 does not count where an OPEN was just sent: the peer wants another version of it.
  const offered = state.name === 'OpenSent' || state.name === 'OpenConfirm';
  const counted = event.name === 'NotifMsgVerErr' && offered ? 0 : 1;
  const connectRetryCounter = manual ? 0 : state.connectRetryCounter + counted;
  const effects: FsmEffect[] = [{ kind: 'stop-timers' }];
  if (notification !== undefined) effects.push({ kind: 'notify', notification });
  effects.push({ kind: 'drop' }, down(event, notification));
  if (!manual) {
    const ms = backoffMs(connectRetryCounter, state.config.idleHold);
    effects.push({ kind: 'start-timer', timer: 'IdleHoldTimer', ms });
  }
  return { state: { ...initialState(state.config), connectRetryCounter }, effects };
}

function enterConnect(state: FsmState): Step {
  return { state: { ...state, name: 'Connect' }, effects: [connectRetry(state), { kind: 'connect' }] };
}

/** Deviates from RFC 4271 §8.2.2 for a passive peer: without ConnectRetryTimer, whose expiry would connect. */
function enterActive(state: FsmState): Step {
  const { passive, connectRetryMs } = state.config;
  const ms =
    state.failedAttempts === 0
      ? connectRetryMs
      : backoffMs(state.failedAttempts, { initialMs: firstConnectRetryMs, maximumMs: connectRetryMs });
  return {
    state: { ...state, name: 'Active' },
    effects: passive ? [] : [{ kind: 'start-timer', timer: 'ConnectRetryTimer', ms }],
  };
}

function enterOpenSent(state: FsmState): Step {
  return {
    state: { ...state, name: 'OpenSent' },
    effects: [
      { kind: 'stop-timer', timer: 'ConnectRetryTimer' },
      { kind: 'send-open' },
      { kind: 'start-timer', timer: 'HoldTimer', ms: largeHoldTimeMs },
    ],
  };
}

function sendKeepalive(state: FsmState): Step {
  return {
    state,
    effects: [{ kind: 'send-keepalive' }, { kind: 'start-timer', timer: 'KeepaliveTimer', ms: state.keepaliveMs }],
  };
}

function restartHold(state: FsmState): FsmEffect[] {
  return state.holdTimeMs === 0 ? [] : [{ kind: 'start-timer', timer: 'HoldTimer', ms: state.holdTimeMs }];
}

function connectRetry(state: FsmState): FsmEffect {
  return { kind: 'start-timer', timer: 'ConnectRetryTimer', ms: state.config.connectRetryMs };
}

function down(event: FsmEvent, notification?: NotificationContent): FsmEffect {
  return { kind: 'down', reason: describeEnd(event, notification) };
}

function stay(state: FsmState): Step {
  return { state, effects: [] };
}
