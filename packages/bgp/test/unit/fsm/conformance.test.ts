/** The machine against RFC 4271 §8.2.2: the groups of a state hold every event once, so that no cell is left open. */
import t from 'tap';
import { eventNumber } from '../../../src/fsm/event.ts';
import { type FsmState, step } from '../../../src/fsm/machine.ts';
import type { FsmStateName } from '../../../src/fsm/state.ts';
import { allEvents, before, config, examples, show } from './conformance-events.ts';
import { type Row, table } from './conformance-table.ts';

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
