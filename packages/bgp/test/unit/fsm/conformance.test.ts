/**
 * RFC 4271 §8.2.2 as a table: for each state, the RFC's own groups of events and what it asks for, in the order of its
 * text. The test asserts that the groups of a state hold every event once, so that no cell is left open.
 */
import t from 'tap';
import type { FsmEffect } from '../../../src/fsm/effect.ts';
import { type EventName, eventNumber, type FsmEvent } from '../../../src/fsm/event.ts';
import { type FsmConfig, type FsmState, step } from '../../../src/fsm/machine.ts';
import type { FsmStateName } from '../../../src/fsm/state.ts';

const config: FsmConfig = {
  passive: false,
  connectRetryMs: 120_000,
  idleHold: { initialMs: 1_000, maximumMs: 60_000 },
};

const cease = { code: 6, subcode: 4, data: new Uint8Array(0) };
const body = Uint8Array.of(0, 0, 0, 0);

/** One example of each event. Typed by name, so that a new event does not compile without one. */
const examples: { readonly [Name in EventName]: Extract<FsmEvent, { name: Name }> } = {
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

const allEvents = Object.keys(eventNumber) as EventName[];

/** Every machine starts from this: two failures before. */
const before: FsmState = {
  config,
  name: 'Idle',
  connectRetryCounter: 2,
  failedAttempts: 1,
  holdTimeMs: 90_000,
  keepaliveMs: 30_000,
  gracefulRestart: false,
};

interface Row {
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

const table: Readonly<Record<FsmStateName, readonly Row[]>> = {
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

function show(effect: FsmEffect): string {
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

for (const [state, rows] of Object.entries(table) as [FsmStateName, readonly Row[]][]) {
  t.test(state, async (test) => {
    const listed = rows.flatMap(({ events }) => events);
    test.same([...listed].sort(), [...allEvents].sort(), 'every event has one row');
    for (const { text, events, to, counter, effects } of rows) {
      for (const name of events) {
        const result = step({ ...before, name: state, failedAttempts: state === 'Idle' ? 0 : 1 }, examples[name]);
        test.same(
          { to: result.state.name, counter: result.state.connectRetryCounter, effects: result.effects.map(show) },
          { to, counter, effects },
          `${name} (${eventNumber[name]}): ${text}`,
        );
      }
    }
  });
}

/** §8.1, in order: what is not in the table of events, and why. */
const leftOut: Readonly<Record<number, string>> = {
  3: 'AutomaticStart: a peer starts again by event 13',
  5: 'AutomaticStart_with_PassiveTcpEstablishment: by event 13 too',
  6: 'AutomaticStart_with_DampPeerOscillations: by event 13 too',
  12: 'DelayOpenTimer_Expires: DelayOpen is optional and not used',
  14: 'TcpConnection_Valid: a SYN is the business of the kernel',
  15: 'Tcp_CR_Invalid: so too',
  20: 'BGPOpen with DelayOpenTimer running: DelayOpen is not used',
};

t.test('the events of RFC 4271 §8.1 and RFC 9687 are all here, but for those left out on purpose', async (test) => {
  const numbers = Object.values(eventNumber).filter((number) => number > 0);
  const all = [...numbers, ...Object.keys(leftOut).map(Number)].sort((a, b) => a - b);
  test.same(
    all,
    Array.from({ length: 29 }, (_, index) => index + 1),
  );
});

t.test('a passive peer never connects', async (test) => {
  const passive: FsmState = { ...before, config: { ...config, passive: true } };
  for (const name of ['ManualStart_with_PassiveTcpEstablishment', 'IdleHoldTimer_Expires'] as const) {
    const { state, effects } = step(passive, { name });
    test.equal(state.name, 'Active');
    test.same(effects, []);
  }
});

t.test('a hold time of zero starts neither timer (§4.2, §8.2.2)', async (test) => {
  const open = { ...examples.BGPOpen, holdTimeMs: 0, keepaliveMs: 0 };
  const confirmed = step({ ...before, name: 'OpenSent' }, open);
  test.same(confirmed.effects.map(show), ['stop ConnectRetryTimer', 'send-keepalive', 'stop HoldTimer']);
  const up = step(confirmed.state, { name: 'KeepAliveMsg' });
  test.equal(up.state.name, 'Established');
  test.notOk(up.effects.map(show).some((effect) => /start (Hold|Keepalive)Timer/.test(effect)));
  for (const name of ['KeepAliveMsg', 'UpdateMsg'] as const) {
    test.notOk(
      step(up.state, examples[name])
        .effects.map(show)
        .some((effect) => effect.startsWith('start')),
    );
  }
});

t.test('a stop without a NOTIFICATION sends none', async (test) => {
  const { effects } = step({ ...before, name: 'Established' }, { name: 'ManualStop', text: 'restart' });
  test.same(effects.map(show), ['stop-timers', 'drop', 'down admin']);
});

t.test(
  'attempts to connect are paced from 0.5 s up to ConnectRetryTime, and an OPEN of the peer forgets them',
  async (test) => {
    let state: FsmState = { ...before, name: 'Connect', failedAttempts: 0 };
    const waits: number[] = [];
    const fail = () => {
      const failed = step({ ...state, name: 'Connect' }, examples.TcpConnectionFails);
      state = failed.state;
      waits.push(...failed.effects.flatMap((effect) => (effect.kind === 'start-timer' ? [effect.ms] : [])));
    };
    for (let i = 0; i < 10; i++) fail();
    test.same(waits, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 120_000, 120_000]);
    state = step({ ...state, name: 'OpenSent' }, examples.BGPOpen).state;
    fail();
    test.equal(waits.at(-1), 500);
  },
);
