/**
 * RFC 4271 §8.2.2 as a table: for each state, the RFC's own groups of events and what it asks for, in the order of its
 * text.
 */
import type { EventName } from '../../../src/fsm/event.ts';
import type { FsmStateName } from '../../../src/fsm/state.ts';

export interface Row {
  /** RFC 4271 §8.2.2 unless it says otherwise. */
  readonly text: string;
  readonly events: readonly EventName[];
  readonly to: FsmStateName;
  readonly counter: number;
  readonly effects: readonly string[];
}

const starts: readonly EventName[] = [
  'ManualStart',
  'ManualStart_with_PassiveTcpEstablishment',
  'AutomaticStart_with_DampPeerOscillations_and_PassiveTcpEstablishment',
];

/** "increments the ConnectRetryCounter by 1, (optionally) performs peer oscillation damping, changes its state to Idle". */
function toIdle(text: string, events: readonly EventName[], reason: string, notification?: string): Row {
  const notify = notification === undefined ? [] : [`notify ${notification}`];
  const effects = ['stop-timers', ...notify, 'drop', `down ${reason}`, 'start IdleHoldTimer 4000'];
  return { text, events, to: 'Idle', counter: 3, effects };
}

/** "sets ConnectRetryCounter to zero, changes its state to Idle": no restart by itself. */
function manualStop(notification?: string): Row {
  const notify = notification === undefined ? [] : [`notify ${notification}`];
  const code = notification === undefined ? '' : ' 6/4';
  return {
    text: 'In response to a ManualStop event (Event 2)',
    events: ['ManualStop'],
    to: 'Idle',
    counter: 0,
    effects: ['stop-timers', ...notify, 'drop', `down admin${code}`],
  };
}

const openSentEffects = ['stop ConnectRetryTimer', 'send-open', 'start HoldTimer 240000'];

function ignored(state: FsmStateName, text: string, events: readonly EventName[], counter = 2): Row {
  return { text, events, to: state, counter, effects: [] };
}

export const table: Readonly<Record<FsmStateName, readonly Row[]>> = {
  Idle: [
    {
      text: 'sets ConnectRetryCounter to zero, starts the ConnectRetryTimer, initiates a TCP connection, changes its state to Connect',
      events: ['ManualStart'],
      to: 'Connect',
      counter: 0,
      effects: ['start ConnectRetryTimer 120000', 'connect'],
    },
    {
      text: 'sets the ConnectRetryCounter to zero, starts the ConnectRetryTimer, listens, changes its state to Active',
      events: ['ManualStart_with_PassiveTcpEstablishment'],
      to: 'Active',
      counter: 0,
      effects: ['start ConnectRetryTimer 120000'],
    },
    {
      text: 'Upon receiving these 3 events, the local system will use these events to prevent peer oscillations (13)',
      events: ['IdleHoldTimer_Expires'],
      to: 'Connect',
      counter: 2,
      effects: ['start ConnectRetryTimer 120000', 'connect'],
    },
    {
      text: 'Upon receiving these 3 events, the local system will use these events to prevent peer oscillations (7)',
      events: ['AutomaticStart_with_DampPeerOscillations_and_PassiveTcpEstablishment'],
      to: 'Active',
      counter: 2,
      effects: ['start ConnectRetryTimer 120000'],
    },
    {
      text: 'The ManualStop event (Event 2) is ignored in the Idle state; the idle hold of our damping ends',
      events: ['ManualStop'],
      to: 'Idle',
      counter: 0,
      effects: ['stop-timers'],
    },
    ignored(
      'Idle',
      'AutomaticStop (Event 8) ignored; any other event (Events 9-12, 15-28) does not cause change in the state',
      [
        'AutomaticStop',
        'ConnectRetryTimer_Expires',
        'HoldTimer_Expires',
        'KeepaliveTimer_Expires',
        'Tcp_CR_Acked',
        'TcpConnectionConfirmed',
        'TcpConnectionFails',
        'BGPOpen',
        'BGPHeaderErr',
        'BGPOpenMsgErr',
        'OpenCollisionDump',
        'NotifMsgVerErr',
        'NotifMsg',
        'KeepAliveMsg',
        'UpdateMsg',
        'UpdateMsgErr',
        'SendHoldTimer_Expires',
        'RouteRefreshMsg',
        'RouteRefreshMsgErr',
        'StableTimer_Expires',
      ],
    ),
  ],
  Connect: [
    ignored('Connect', 'The start events (Events 1, 3-7) are ignored in the Connect state', starts),
    manualStop(),
    {
      text: 'In response to the ConnectRetryTimer_Expires event (Event 9): drops the TCP connection, restarts the ConnectRetryTimer, initiates a TCP connection, stays in the Connect state',
      events: ['ConnectRetryTimer_Expires'],
      to: 'Connect',
      counter: 2,
      effects: ['drop', 'start ConnectRetryTimer 120000', 'connect'],
    },
    {
      text: 'If the TCP connection succeeds (Event 16 or Event 17): stops the ConnectRetryTimer, sends an OPEN message, sets the HoldTimer to a large value, changes its state to OpenSent',
      events: ['Tcp_CR_Acked', 'TcpConnectionConfirmed'],
      to: 'OpenSent',
      counter: 2,
      effects: openSentEffects,
    },
    {
      text: 'If the TCP connection fails (Event 18): restarts the ConnectRetryTimer, continues to listen, changes its state to Active (the branch with DelayOpenTimer running; declared in machine.ts)',
      events: ['TcpConnectionFails'],
      to: 'Active',
      counter: 2,
      effects: ['start ConnectRetryTimer 1000'],
    },
    toIdle('If BGP message header checking (Event 21)', ['BGPHeaderErr'], 'connection-lost'),
    toIdle('or OPEN message checking detects an error (Event 22)', ['BGPOpenMsgErr'], 'connection-lost'),
    toIdle(
      'DelayOpenTimer is not running: increments the ConnectRetryCounter (Event 24)',
      ['NotifMsgVerErr'],
      'notification-received 2/1',
    ),
    toIdle('any other events (8)', ['AutomaticStop'], 'admin'),
    toIdle('any other events (10)', ['HoldTimer_Expires', 'SendHoldTimer_Expires'], 'hold-timer'),
    toIdle('any other events (25)', ['NotifMsg'], 'notification-received 6/2'),
    toIdle(
      'any other events (11, 13, 19, 23, 26-28)',
      [
        'KeepaliveTimer_Expires',
        'IdleHoldTimer_Expires',
        'BGPOpen',
        'OpenCollisionDump',
        'KeepAliveMsg',
        'UpdateMsg',
        'UpdateMsgErr',
        'RouteRefreshMsg',
        'RouteRefreshMsgErr',
        'StableTimer_Expires',
      ],
      'connection-lost',
    ),
  ],
  Active: [
    ignored('Active', 'The start events (Events 1, 3-7) are ignored in the Active state', starts),
    manualStop(),
    {
      text: 'In response to a ConnectRetryTimer_Expires event (Event 9): restarts the ConnectRetryTimer, initiates a TCP connection, changes its state to Connect',
      events: ['ConnectRetryTimer_Expires'],
      to: 'Connect',
      counter: 2,
      effects: ['start ConnectRetryTimer 120000', 'connect'],
    },
    {
      text: 'In response to the success of a TCP connection (Event 16 or Event 17): sets the ConnectRetryTimer to zero, sends the OPEN message, sets its HoldTimer to a large value, changes its state to OpenSent',
      events: ['Tcp_CR_Acked', 'TcpConnectionConfirmed'],
      to: 'OpenSent',
      counter: 2,
      effects: openSentEffects,
    },
    toIdle(
      'If the local system receives a TcpConnectionFails event (Event 18)',
      ['TcpConnectionFails'],
      'connection-lost',
    ),
    toIdle(
      'If BGP message header checking (Event 21) or OPEN message checking (Event 22)',
      ['BGPHeaderErr', 'BGPOpenMsgErr'],
      'connection-lost',
    ),
    toIdle(
      'DelayOpenTimer is not running: increments the ConnectRetryCounter (Event 24)',
      ['NotifMsgVerErr'],
      'notification-received 2/1',
    ),
    toIdle('any other event (8)', ['AutomaticStop'], 'admin'),
    toIdle('any other event (10)', ['HoldTimer_Expires', 'SendHoldTimer_Expires'], 'hold-timer'),
    toIdle('any other event (25)', ['NotifMsg'], 'notification-received 6/2'),
    toIdle(
      'any other event (11, 13, 19, 23, 26-28)',
      [
        'KeepaliveTimer_Expires',
        'IdleHoldTimer_Expires',
        'BGPOpen',
        'OpenCollisionDump',
        'KeepAliveMsg',
        'UpdateMsg',
        'UpdateMsgErr',
        'RouteRefreshMsg',
        'RouteRefreshMsgErr',
        'StableTimer_Expires',
      ],
      'connection-lost',
    ),
  ],
  OpenSent: [
    ignored('OpenSent', 'The start events (Events 1, 3-7) are ignored in the OpenSent state', starts),
    manualStop('6/4'),
    toIdle('If an AutomaticStop event (Event 8) is issued', ['AutomaticStop'], 'admin 6/4', '6/4'),
    toIdle('If the HoldTimer_Expires (Event 10)', ['HoldTimer_Expires'], 'hold-timer 4/0', '4/0'),
    {
      text: 'If a TcpConnectionFails event (Event 18) is received: closes the BGP connection, restarts the ConnectRetryTimer, continues to listen, changes its state to Active',
      events: ['TcpConnectionFails'],
      to: 'Active',
      counter: 2,
      effects: ['stop-timers', 'drop', 'down connection-lost', 'start ConnectRetryTimer 1000'],
    },
    {
      text: 'When an OPEN message is received without errors (Event 19): sets the BGP ConnectRetryTimer to zero, sends a KEEPALIVE message, sets a KeepaliveTimer, sets the HoldTimer according to the negotiated value, changes its state to OpenConfirm',
      events: ['BGPOpen'],
      to: 'OpenConfirm',
      counter: 2,
      effects: ['stop ConnectRetryTimer', 'send-keepalive', 'start KeepaliveTimer 30000', 'start HoldTimer 90000'],
    },
    toIdle(
      'If the BGP message header checking detects an error (Event 21)',
      ['BGPHeaderErr'],
      'notification-sent 1/1',
      '1/1 00000000',
    ),
    toIdle(
      'or OPEN message checking detects an error (Event 22)',
      ['BGPOpenMsgErr'],
      'notification-sent 2/2',
      '2/2 00000000',
    ),
    toIdle('If the OpenCollisionDump event (Event 23) occurs', ['OpenCollisionDump'], 'notification-sent 6/7', '6/7'),
    {
      ...toIdle('If a NOTIFICATION message is received with a version error (Event 24)', ['NotifMsgVerErr'], ''),
      counter: 2,
      effects: ['stop-timers', 'drop', 'down notification-received 2/1', 'start IdleHoldTimer 2000'],
    },
    toIdle(
      'any other event (25): declared in machine.ts, for §6.4 forbids to answer it',
      ['NotifMsg'],
      'notification-received 6/2',
    ),
    toIdle(
      'any other event (9, 11, 13, 16, 17): FSM Error',
      [
        'ConnectRetryTimer_Expires',
        'KeepaliveTimer_Expires',
        'IdleHoldTimer_Expires',
        'Tcp_CR_Acked',
        'TcpConnectionConfirmed',
      ],
      'notification-sent 5/0',
      '5/0',
    ),
    toIdle(
      'any other event (26); RFC 6608 §4: subcode 1 and the type of the message',
      ['KeepAliveMsg'],
      'notification-sent 5/1',
      '5/1 04',
    ),
    toIdle('any other event (27, 28); RFC 6608 §4', ['UpdateMsg', 'UpdateMsgErr'], 'notification-sent 5/1', '5/1 02'),
    toIdle('RFC 6608 §4: ROUTE-REFRESH', ['RouteRefreshMsg'], 'notification-sent 5/1', '5/1 05'),
    toIdle('RFC 7313 §5', ['RouteRefreshMsgErr'], 'notification-sent 7/1', '7/1 00000000'),
    ignored('OpenSent', 'timers that run in Established only', ['SendHoldTimer_Expires', 'StableTimer_Expires']),
  ],
  OpenConfirm: [
    ignored('OpenConfirm', 'Any start event (Events 1, 3-7) is ignored in the OpenConfirm state', starts),
    manualStop('6/4'),
    toIdle('In response to the AutomaticStop event (Event 8)', ['AutomaticStop'], 'admin 6/4', '6/4'),
    toIdle('If the HoldTimer_Expires event (Event 10) occurs', ['HoldTimer_Expires'], 'hold-timer 4/0', '4/0'),
    {
      text: 'If the local system receives a KeepaliveTimer_Expires event (Event 11): sends a KEEPALIVE message, restarts the KeepaliveTimer, remains in the OpenConfirmed state',
      events: ['KeepaliveTimer_Expires'],
      to: 'OpenConfirm',
      counter: 2,
      effects: ['send-keepalive', 'start KeepaliveTimer 30000'],
    },
    toIdle(
      'If the local system receives a TcpConnectionFails event (Event 18)',
      ['TcpConnectionFails'],
      'connection-lost',
    ),
    toIdle('or a NOTIFICATION message (NotifMsg (Event 25))', ['NotifMsg'], 'notification-received 6/2'),
    {
      ...toIdle(
        'If the local system receives a NOTIFICATION message with a version error (Event 24)',
        ['NotifMsgVerErr'],
        '',
      ),
      counter: 2,
      effects: ['stop-timers', 'drop', 'down notification-received 2/1', 'start IdleHoldTimer 2000'],
    },
    toIdle('RFC 6608 §4: a second OPEN on the connection (Event 19)', ['BGPOpen'], 'notification-sent 5/2', '5/2 01'),
    toIdle(
      'If an OPEN message is received with a header error (Event 21)',
      ['BGPHeaderErr'],
      'notification-sent 1/1',
      '1/1 00000000',
    ),
    toIdle(
      'or OPEN message checking detects an error (Event 22)',
      ['BGPOpenMsgErr'],
      'notification-sent 2/2',
      '2/2 00000000',
    ),
    toIdle(
      'If during the processing of another OPEN message: OpenCollisionDump (Event 23)',
      ['OpenCollisionDump'],
      'notification-sent 6/7',
      '6/7',
    ),
    {
      text: 'If the local system receives a KEEPALIVE message (Event 26): restarts the HoldTimer, changes its state to Established; RFC 9687: starts the SendHoldTimer',
      events: ['KeepAliveMsg'],
      to: 'Established',
      counter: 2,
      effects: ['start HoldTimer 90000', 'start SendHoldTimer 480000', 'start StableTimer 60000', 'established'],
    },
    toIdle(
      'any other event (9, 13, 16, 17): FSM Error',
      ['ConnectRetryTimer_Expires', 'IdleHoldTimer_Expires', 'Tcp_CR_Acked', 'TcpConnectionConfirmed'],
      'notification-sent 5/0',
      '5/0',
    ),
    toIdle('any other event (27, 28); RFC 6608 §4', ['UpdateMsg', 'UpdateMsgErr'], 'notification-sent 5/2', '5/2 02'),
    toIdle('RFC 6608 §4: ROUTE-REFRESH', ['RouteRefreshMsg'], 'notification-sent 5/2', '5/2 05'),
    toIdle('RFC 7313 §5', ['RouteRefreshMsgErr'], 'notification-sent 7/1', '7/1 00000000'),
    ignored('OpenConfirm', 'timers that run in Established only', ['SendHoldTimer_Expires', 'StableTimer_Expires']),
  ],
  Established: [
    ignored('Established', 'Any Start event (Events 1, 3-7) is ignored in the Established state', starts),
    manualStop('6/4'),
    toIdle('In response to an AutomaticStop event (Event 8)', ['AutomaticStop'], 'admin 6/4', '6/4'),
    toIdle('If the HoldTimer_Expires event occurs (Event 10)', ['HoldTimer_Expires'], 'hold-timer 4/0', '4/0'),
    {
      text: 'If the KeepaliveTimer_Expires event occurs (Event 11): sends a KEEPALIVE message, restarts its KeepaliveTimer',
      events: ['KeepaliveTimer_Expires'],
      to: 'Established',
      counter: 2,
      effects: ['send-keepalive', 'start KeepaliveTimer 30000'],
    },
    toIdle('or a TcpConnectionFails (Event 18)', ['TcpConnectionFails'], 'connection-lost'),
    toIdle('If the local system receives a NOTIFICATION message (Event 25)', ['NotifMsg'], 'notification-received 6/2'),
    toIdle(
      'If the local system receives a NOTIFICATION message (Event 24)',
      ['NotifMsgVerErr'],
      'notification-received 2/1',
    ),
    toIdle('OpenCollisionDump event (Event 23)', ['OpenCollisionDump'], 'notification-sent 6/7', '6/7'),
    {
      text: 'If the local system receives a KEEPALIVE message (Event 26): restarts its HoldTimer, if the negotiated HoldTime value is non-zero, and remains in the Established state',
      events: ['KeepAliveMsg'],
      to: 'Established',
      counter: 2,
      effects: ['start HoldTimer 90000'],
    },
    {
      text: 'If the local system receives an UPDATE message (Event 27): processes the message, restarts its HoldTimer, remains in the Established state',
      events: ['UpdateMsg'],
      to: 'Established',
      counter: 2,
      effects: ['start HoldTimer 90000', 'deliver-update'],
    },
    {
      text: 'RFC 2918 §4: ROUTE-REFRESH',
      events: ['RouteRefreshMsg'],
      to: 'Established',
      counter: 2,
      effects: ['start HoldTimer 90000', 'deliver-route-refresh'],
    },
    toIdle('UpdateMsgErr (Event 28)', ['UpdateMsgErr'], 'notification-sent 3/1', '3/1 00000000'),
    toIdle(
      '§6.1: errors of the header are indicated as Message Header Error (Event 21)',
      ['BGPHeaderErr'],
      'notification-sent 1/1',
      '1/1 00000000',
    ),
    toIdle(
      'any other event (9, 13, 16, 17): FSM Error',
      ['ConnectRetryTimer_Expires', 'IdleHoldTimer_Expires', 'Tcp_CR_Acked', 'TcpConnectionConfirmed'],
      'notification-sent 5/0',
      '5/0',
    ),
    toIdle(
      'any other event (19, 22); RFC 6608 §4: an OPEN',
      ['BGPOpen', 'BGPOpenMsgErr'],
      'notification-sent 5/3',
      '5/3 01',
    ),
    toIdle('RFC 7313 §5', ['RouteRefreshMsgErr'], 'notification-sent 7/1', '7/1 00000000'),
    toIdle('RFC 9687 §4.3: SendHoldTimer_Expires (Event 29)', ['SendHoldTimer_Expires'], 'hold-timer 8/0', '8/0'),
    ignored('Established', 'the peer stayed: damping begins anew', ['StableTimer_Expires'], 0),
  ],
};
