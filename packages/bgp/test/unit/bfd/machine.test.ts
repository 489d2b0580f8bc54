/** RFC 5880 §6.8: the whole table of states and events, poll sequences, and what takes effect when. */
import t from 'tap';
import type { BfdChangeReason } from '../../../src/bfd/api.ts';
import type { ControlPacket } from '../../../src/bfd/control-packet.ts';
import { type BfdStateName, diagnostic, stateNames } from '../../../src/bfd/iana.ts';
import { controlPacket, step } from '../../../src/bfd/machine.ts';
import { type BfdEffect, type BfdEvent, type BfdState, initialState } from '../../../src/bfd/state.ts';
import { detectionTimeUs, jitteredUs, remoteDetectionTimeUs, transmitIntervalUs } from '../../../src/bfd/timing.ts';

const config = { desiredMinTxUs: 100_000, requiredMinRxUs: 150_000, detectMultiplier: 3 };

function packet(state: BfdStateName, changes: Partial<ControlPacket> = {}): ControlPacket {
  return {
    diagnostic: 0,
    state,
    poll: false,
    final: false,
    controlPlaneIndependent: false,
    demand: false,
    detectMultiplier: 5,
    myDiscriminator: 22,
    yourDiscriminator: 11,
    desiredMinTxUs: 200_000,
    requiredMinRxUs: 50_000,
    requiredMinEchoRxUs: 0,
    ...changes,
  };
}

const received = (state: BfdStateName, changes?: Partial<ControlPacket>): BfdEvent => ({
  name: 'packet-received',
  packet: packet(state, changes),
});

function play(state: BfdState, ...events: BfdEvent[]): BfdState {
  return events.reduce((current, event) => step(current, event).state, state);
}

const begun = play(initialState(config, 11), { name: 'enabled' });
/** A session in each state, with a neighbour that it has heard. */
const sessions: Readonly<Record<BfdStateName, BfdState>> = {
  AdminDown: play(begun, received('Down'), { name: 'disabled' }),
  Down: play(begun, received('AdminDown')),
  Init: play(begun, received('Down')),
  Up: play(begun, received('Down'), received('Up'), received('Up', { final: true }), received('Up')),
};

type Row = readonly [next: BfdStateName, reason?: BfdChangeReason, diagnostic?: number];
const {
  neighborSignaledSessionDown: signaled,
  controlDetectionTimeExpired: expired,
  administrativelyDown,
} = diagnostic;

const events: Readonly<Record<string, BfdEvent>> = {
  'received AdminDown': received('AdminDown'),
  'received Down': received('Down'),
  'received Init': received('Init'),
  'received Up': received('Up'),
  'received Up with Poll': received('Up', { poll: true }),
  'received Down with Poll': received('Down', { poll: true }),
  'received Up with Final': received('Up', { final: true }),
  'detection time expired': { name: 'detection-time-expired' },
  'transmit due': { name: 'transmit-due' },
  enabled: { name: 'enabled' },
  disabled: { name: 'disabled' },
  configured: { name: 'configured', config: { ...config, detectMultiplier: 4 } },
};

/** Event → our state → what becomes of it. RFC 5880 §6.2, §6.8.4, §6.8.6, §6.8.16. */
const table: Readonly<Record<string, Readonly<Record<BfdStateName, Row>>>> = {
  'received AdminDown': {
    AdminDown: ['AdminDown'],
    Down: ['Down'],
    Init: ['Down', 'neighbor-admin-down', signaled],
    Up: ['Down', 'neighbor-admin-down', signaled],
  },
  'received Down': {
    AdminDown: ['AdminDown'],
    Down: ['Init', 'handshake', 0],
    Init: ['Init'],
    Up: ['Down', 'neighbor-down', signaled],
  },
  'received Init': {
    AdminDown: ['AdminDown'],
    Down: ['Up', 'handshake', 0],
    Init: ['Up', 'handshake', 0],
    Up: ['Up'],
  },
  'received Up': {
    AdminDown: ['AdminDown'],
    Down: ['Down'],
    Init: ['Up', 'handshake', 0],
    Up: ['Up'],
  },
  'received Up with Poll': {
    AdminDown: ['AdminDown'],
    Down: ['Down'],
    Init: ['Up', 'handshake', 0],
    Up: ['Up'],
  },
  'received Down with Poll': {
    AdminDown: ['AdminDown'],
    Down: ['Init', 'handshake', 0],
    Init: ['Init'],
    Up: ['Down', 'neighbor-down', signaled],
  },
  'received Up with Final': {
    AdminDown: ['AdminDown'],
    Down: ['Down'],
    Init: ['Up', 'handshake', 0],
    Up: ['Up'],
  },
  'detection time expired': {
    AdminDown: ['AdminDown'],
    Down: ['Down'],
    Init: ['Down', 'detection-time-expired', expired],
    Up: ['Down', 'detection-time-expired', expired],
  },
  'transmit due': { AdminDown: ['AdminDown'], Down: ['Down'], Init: ['Init'], Up: ['Up'] },
  enabled: { AdminDown: ['Down', 'enabled', 0], Down: ['Down'], Init: ['Init'], Up: ['Up'] },
  disabled: {
    AdminDown: ['AdminDown'],
    Down: ['AdminDown', 'disabled', administrativelyDown],
    Init: ['AdminDown', 'disabled', administrativelyDown],
    Up: ['AdminDown', 'disabled', administrativelyDown],
  },
  configured: { AdminDown: ['AdminDown'], Down: ['Down'], Init: ['Init'], Up: ['Up'] },
};

function sends(effects: readonly BfdEffect[]): ControlPacket[] {
  return effects.flatMap((effect) => (effect.kind === 'send' ? [effect.packet] : []));
}

function effect<K extends BfdEffect['kind']>(effects: readonly BfdEffect[], kind: K) {
  return effects.filter((candidate): candidate is Extract<BfdEffect, { kind: K }> => candidate.kind === kind);
}

t.strictSame(Object.keys(table).sort(), Object.keys(events).sort(), 'every event has its rows');
for (const name of stateNames) t.equal(sessions[name].session, name, `a session in ${name}`);

for (const [name, rows] of Object.entries(table)) {
  const event = events[name];
  if (event === undefined) continue;
  for (const from of stateNames) {
    t.test(`${from}: ${name}`, async (test) => {
      const before = sessions[from];
      const [next, reason, diag] = rows[from];
      const { state, effects } = step(before, event);
      test.equal(state.session, next);
      test.equal(state.diagnostic, diag ?? before.diagnostic);
      const changes = effect(effects, 'changed').map(({ change }) => change);
      test.strictSame(
        changes.map(({ from: was, state: is, reason: why, pathDown }) => ({ was, is, why, pathDown })),
        reason === undefined
          ? []
          : [
              {
                was: from,
                is: next,
                why: reason,
                // RFC 5882 §3.2 and §3.3.
                pathDown: from === 'Up' && ['neighbor-down', 'detection-time-expired'].includes(reason),
              },
            ],
      );
      // A packet that is not discarded restarts the Detection Time; a change is told at once; a Poll gets its Final.
      const restarts = effect(effects, 'detection-time').filter(({ restart }) => restart);
      test.equal(restarts.length, event.name === 'packet-received' ? 1 : 0, 'restarts the detection time');
      const polled = event.name === 'packet-received' && event.packet.poll && from !== 'AdminDown';
      const sent = sends(effects);
      test.strictSame(
        sent.map(({ final }) => final),
        polled ? [true] : sent.length > 0 ? [false] : [],
      );
      if (polled || reason !== undefined || name === 'transmit due' || name === 'configured')
        test.equal(sent.length, 1, 'sends');
      for (const one of sent) {
        test.equal(one.state, next);
        test.notOk(one.poll && one.final, 'never Poll and Final');
        test.notOk(one.demand);
      }
      test.equal(sent[0]?.yourDiscriminator ?? 22, name === 'detection time expired' ? 0 : 22);
      // RFC 5880 §6.8.3.
      if (state.session !== 'Up') test.ok(controlPacket(state).desiredMinTxUs >= 1_000_000, 'slow while not Up');
      else test.equal(controlPacket(state).desiredMinTxUs, 100_000);
    });
  }
}

t.test('the first packet', async (test) => {
  const { state, effects } = step(initialState(config, 11), { name: 'enabled' });
  test.match(sends(effects), [{ state: 'Down', myDiscriminator: 11, yourDiscriminator: 0, desiredMinTxUs: 1_000_000 }]);
  test.notOk(sends(effects)[0]?.poll, 'nobody is there to answer a Poll');
  test.match(effect(effects, 'transmit-interval'), [{ us: 1_000_000 }]);
  test.equal(detectionTimeUs(state), 0, 'nothing is waited for');
});

t.test('timing that changes while nobody is heard', async (test) => {
  const { state, effects } = step(begun, { name: 'configured', config: { ...config, requiredMinRxUs: 50_000 } });
  test.match(sends(effects), [{ poll: false, requiredMinRxUs: 50_000 }], 'there is nobody to poll');
  test.strictSame(state.effective, state.advertised, 'and nothing to wait for');
});

t.test('silence makes the neighbour unknown, in every state', async (test) => {
  for (const name of stateNames) {
    const { state, effects } = step(sessions[name], { name: 'detection-time-expired' });
    test.equal(state.remote, undefined, name);
    test.match(effect(effects, 'detection-time'), [{ us: 0, restart: false }]);
    test.equal(transmitIntervalUs(state), 1_000_000);
  }
});

t.test('intervals, RFC 5880 §6.8.2, §6.8.4, §6.8.7', async (test) => {
  const up = sessions.Up;
  test.equal(transmitIntervalUs(up), 100_000, 'ours is the greater');
  test.equal(detectionTimeUs(up), 5 * 200_000, "the neighbour's multiplier, its interval being the greater");
  test.equal(remoteDetectionTimeUs(up), 3 * 100_000);
  const slower = play(up, received('Up', { requiredMinRxUs: 400_000, desiredMinTxUs: 20_000 }));
  test.equal(transmitIntervalUs(slower), 400_000);
  test.equal(detectionTimeUs(slower), 5 * 150_000, 'our required interval is the greater');
  const { effects } = step(slower, received('Up'));
  test.match(effect(effects, 'transmit-interval'), [{ us: 100_000 }], 'a reduced interval holds at once');
  const none = step(up, received('Up', { requiredMinRxUs: 0 }));
  test.match(effect(none.effects, 'transmit-interval'), [{ us: 0 }], 'a neighbour that wants no packets gets none');
  test.strictSame(sends(step(none.state, { name: 'transmit-due' }).effects), []);
  test.equal(
    sends(step(none.state, received('Up', { requiredMinRxUs: 0, poll: true })).effects).length,
    1,
    'but a Final',
  );
});

t.test('jitter, RFC 5880 §6.8.7', async (test) => {
  test.equal(jitteredUs(1000, 3, 0), 1000);
  test.equal(jitteredUs(1000, 3, 1), 750);
  test.equal(jitteredUs(1000, 1, 0), 750);
  test.equal(jitteredUs(1000, 1, 1), 900);
});

t.test('Demand mode of the neighbour stops our packets, RFC 5880 §6.8.7', async (test) => {
  const demand = received('Up', { demand: true });
  const { state, effects } = step(sessions.Up, demand);
  test.match(effect(effects, 'transmit-interval'), [{ us: 0 }]);
  test.match(effect(effects, 'detection-time'), [{ us: 1_000_000 }], 'ours it is not: the neighbour goes on sending');
  const polling = step(state, { name: 'configured', config: { ...config, desiredMinTxUs: 300_000 } });
  test.match(sends(polling.effects), [{ poll: true, desiredMinTxUs: 300_000 }], 'a Poll Sequence is sent all the same');
  test.ok(transmitIntervalUs(polling.state) > 0);
  const final = step(polling.state, received('Up', { demand: true, final: true }));
  test.match(effect(final.effects, 'transmit-interval'), [{ us: 0 }]);
  // Both must be Up for it.
  const ours = play(sessions.Down, received('Up', { demand: true }));
  test.match([ours.session, ours.remote?.state], ['Down', 'Up']);
  test.ok(transmitIntervalUs(ours) > 0);
  const theirs = play(sessions.Up, received('Init', { demand: true }));
  test.match([theirs.session, theirs.remote?.state], ['Up', 'Init']);
  test.ok(transmitIntervalUs(theirs) > 0);
});

t.test('a Poll Sequence when the session comes Up, RFC 5880 §6.8.3', async (test) => {
  const { state: up, effects } = step(sessions.Init, received('Up'));
  test.match(sends(effects), [{ state: 'Up', poll: true, desiredMinTxUs: 100_000 }]);
  test.equal(transmitIntervalUs(up), 100_000, 'a reduced interval holds at once');
  test.match(sends(step(up, { name: 'transmit-due' }).effects), [{ poll: true }], 'until there is a Final');
  const answered = step(up, received('Up', { poll: true }));
  test.match(sends(answered.effects), [{ final: true, poll: false }], "the neighbour's Poll is answered without ours");
  const done = play(up, received('Up', { final: true }));
  test.match(sends(step(done, { name: 'transmit-due' }).effects), [{ poll: false }]);
});

t.test('parameters of an Up session change by a Poll Sequence', async (test) => {
  const slower = { desiredMinTxUs: 500_000, requiredMinRxUs: 40_000, detectMultiplier: 7 };
  const { state, effects } = step(sessions.Up, { name: 'configured', config: slower });
  test.match(sends(effects), [{ poll: true, desiredMinTxUs: 500_000, requiredMinRxUs: 40_000, detectMultiplier: 7 }]);
  test.equal(transmitIntervalUs(state), 100_000, 'a longer interval waits for the Final');
  test.strictSame(
    state.effective,
    { desiredMinTxUs: 100_000, requiredMinRxUs: 150_000 },
    'so does a shorter Detection Time',
  );
  const final = step(state, received('Up', { final: true }));
  test.match(effect(final.effects, 'transmit-interval'), [{ us: 500_000 }]);
  test.strictSame(final.state.effective, final.state.advertised);

  const faster = { desiredMinTxUs: 60_000, requiredMinRxUs: 900_000, detectMultiplier: 3 };
  const eager = step(sessions.Up, { name: 'configured', config: faster });
  test.match(effect(eager.effects, 'transmit-interval'), [{ us: 60_000 }], 'a shorter interval holds at once');
  test.match(
    effect(eager.effects, 'detection-time'),
    [{ us: 5 * 900_000, restart: false }],
    'so does a longer Detection Time, counted from the last packet',
  );
});

t.test('one Poll Sequence at a time', async (test) => {
  const change = (desiredMinTxUs: number): BfdEvent => ({
    name: 'configured',
    config: { ...config, desiredMinTxUs },
  });
  const first = play(sessions.Up, change(500_000));
  const { state: second, effects } = step(first, change(700_000));
  test.strictSame(sends(effects), [], 'the second change waits');
  test.equal(controlPacket(second).desiredMinTxUs, 500_000);
  const settling = step(second, received('Up', { final: true }));
  test.match(effect(settling.effects, 'transmit-interval'), [{ us: 500_000 }]);
  test.equal(controlPacket(settling.state).desiredMinTxUs, 500_000, 'a late second Final would be mistaken');
  test.equal(controlPacket(settling.state).poll, false);
  const again = step(play(settling.state, received('Up', { final: true })), received('Up'));
  test.match(sends(again.effects), [{ poll: true, desiredMinTxUs: 700_000 }]);
  test.equal(transmitIntervalUs(again.state), 500_000);
  test.equal(transmitIntervalUs(play(again.state, received('Up', { final: true }))), 700_000);
});

t.test('a session that goes down is slow again at once', async (test) => {
  for (const event of [received('Down'), received('AdminDown'), events['disabled']]) {
    if (event === undefined) continue;
    const { state, effects } = step(
      play(sessions.Up, { name: 'configured', config: { ...config, desiredMinTxUs: 2_000_000 } }),
      event,
    );
    test.equal(controlPacket(state).desiredMinTxUs, 2_000_000);
    test.match(effect(effects, 'transmit-interval'), [{ us: 2_000_000 }]);
  }
});
