import t from 'tap';
import { survivor } from '../../../src/fsm/collision.ts';
import type { OpenFacts } from '../../../src/fsm/event.ts';
import {
  initialNeighbour,
  type NeighbourConfig,
  type NeighbourEvent,
  type NeighbourState,
  stateName,
  stepNeighbour,
} from '../../../src/fsm/neighbour.ts';
import type { FsmStateName } from '../../../src/fsm/state.ts';

const config: NeighbourConfig = {
  passive: false,
  connectRetryMs: 120_000,
  idleHold: { initialMs: 1_000, maximumMs: 60_000 },
  localIdentifier: 5,
  localAsn: 65001,
};

const open = (peerIdentifier: number, extra: Partial<OpenFacts> = {}) =>
  ({
    name: 'BGPOpen',
    holdTimeMs: 90_000,
    keepaliveMs: 30_000,
    peerIdentifier,
    peerAsn: 65002,
    gracefulRestart: false,
    ...extra,
  }) as const;

const on = (id: number, event: Extract<NeighbourEvent, { kind: 'connection' }>['event']): NeighbourEvent => ({
  kind: 'connection',
  id,
  event,
});

/** Plays events and writes down the effects, one short word each. */
function play(events: readonly NeighbourEvent[], from: NeighbourState = initialNeighbour(config)) {
  let state = from;
  const done: string[] = [];
  for (const event of events) {
    const result = stepNeighbour(state, event);
    state = result.state;
    for (const effect of result.effects) {
      if (effect.kind !== 'connection') done.push('id' in effect ? `${effect.kind} ${effect.id}` : effect.kind);
      else if (effect.effect.kind === 'notify') {
        const { code, subcode } = effect.effect.notification;
        done.push(`${effect.id} notify ${code}/${subcode}`);
      } else if (!effect.effect.kind.includes('timer')) done.push(`${effect.id} ${effect.effect.kind}`);
    }
  }
  return { state, done };
}

/** Ours (0) and theirs (1) both up, OPENs sent on both. */
const collided: readonly NeighbourEvent[] = [{ kind: 'start' }, { kind: 'incoming' }, on(0, { name: 'Tcp_CR_Acked' })];

t.test('survivor: each case of §6.8', async (test) => {
  const who = { localIdentifier: 5, localAsn: 65001, peerIdentifier: 4, peerAsn: 65002 };
  const outgoing = { name: 'OpenSent', direction: 'outgoing' } as const;
  const incoming = { name: 'OpenSent', direction: 'incoming' } as const;
  const confirmed = (contender: typeof outgoing | typeof incoming) => ({ ...contender, name: 'OpenConfirm' }) as const;
  test.equal(survivor(outgoing, confirmed(incoming), who), 'opening', 'we are higher: ours stays');
  test.equal(survivor(incoming, confirmed(outgoing), who), 'other');
  const lower = { ...who, peerIdentifier: 6 };
  test.equal(survivor(outgoing, confirmed(incoming), lower), 'other', 'we are lower: theirs stays');
  test.equal(survivor(incoming, confirmed(outgoing), lower), 'opening');
  // Compared as unsigned numbers: 224.0.0.1 is higher than 10.0.0.1.
  test.equal(
    survivor(outgoing, confirmed(incoming), { ...who, localIdentifier: 0xe0000001, peerIdentifier: 0x0a000001 }),
    'opening',
  );
  const equal = { ...who, peerIdentifier: 5 };
  test.equal(survivor(outgoing, confirmed(incoming), equal), 'other', 'RFC 6286 §2.3: equal, the higher AS wins');
  test.equal(survivor(outgoing, confirmed(incoming), { ...equal, localAsn: 65003 }), 'opening');
  test.equal(survivor(outgoing, { ...incoming, name: 'Established' }, who), 'other', 'Established stays');
  for (const name of ['Idle', 'Connect', 'Active'] as FsmStateName[]) {
    test.equal(survivor(incoming, { name, direction: 'outgoing' }, lower), 'opening', `${name}: no connection yet`);
  }
  test.equal(survivor(incoming, confirmed(incoming), lower), 'opening', 'the peer came twice: the newer stays');
});

for (const [text, peerIdentifier, first, kept, dumped] of [
  ['we are higher, OPEN on theirs first', 4, 1, 0, 1],
  ['we are higher, OPEN on ours first', 4, 0, 0, 1],
  ['we are lower, OPEN on theirs first', 6, 1, 1, 0],
  ['we are lower, OPEN on ours first', 6, 0, 1, 0],
] as const) {
  t.test(`two connections: ${text}`, async (test) => {
    const begun = play(collided);
    test.equal(stateName(begun.state), 'OpenSent');
    const decided = play([on(first, open(peerIdentifier))], begun.state);
    test.match(decided.done, [`${dumped} notify 6/7`, `${dumped} drop`]);
    test.ok(decided.done.includes(`forget ${dumped}`));
    test.equal(decided.state.secondary, undefined);
    test.equal(decided.state.primary.id, kept);
    const rest = first === kept ? [] : [on(kept, open(peerIdentifier))];
    const late = play([...rest, on(dumped, open(peerIdentifier)), on(kept, { name: 'KeepAliveMsg' })], decided.state);
    test.equal(stateName(late.state), 'Established');
    test.ok(late.done.includes(`${kept} established`));
    test.notOk(
      late.done.some((word) => word.startsWith(`${dumped} `)),
      'events of the dumped one come too late',
    );
  });
}

t.test('an incoming connection in Active is the connection itself', async (test) => {
  const { state, done } = play([
    { kind: 'start' },
    on(0, { name: 'TcpConnectionFails', text: 'refused' }),
    { kind: 'incoming' },
  ]);
  test.same(done, ['0 connect', 'adopt 0', '0 send-open']);
  test.match(state, { primary: { id: 0, direction: 'incoming', fsm: { name: 'OpenSent' } } });
  test.equal(state.secondary, undefined);
});

t.test('their OPEN ends our attempt to connect', async (test) => {
  const { state, done } = play([{ kind: 'start' }, { kind: 'incoming' }, on(1, open(4))]);
  test.same(done, ['0 connect', 'adopt 1', '1 send-open', '0 drop', '0 down', 'forget 0', '1 send-keepalive']);
  test.equal(state.primary.id, 1);
});

t.test('our attempt fails while theirs lives: theirs goes on', async (test) => {
  const { state, done } = play([
    { kind: 'start' },
    { kind: 'incoming' },
    on(0, { name: 'TcpConnectionFails', text: 'refused' }),
  ]);
  test.ok(done.includes('forget 0'));
  test.match(state, { primary: { id: 1, fsm: { name: 'OpenSent' } } });
});

t.test('theirs fails while ours lives: nothing changes for ours', async (test) => {
  const begun = play(collided);
  const { state, done } = play([on(1, { name: 'TcpConnectionFails', text: 'gone' })], begun.state);
  test.ok(done.includes('forget 1'));
  test.match(state, { primary: { id: 0, fsm: { name: 'OpenSent', connectRetryCounter: 0 } } });
});

const establishedBy = (gracefulRestart: boolean): NeighbourState =>
  play([
    { kind: 'start' },
    on(0, { name: 'Tcp_CR_Acked' }),
    on(0, open(4, { gracefulRestart })),
    on(0, { name: 'KeepAliveMsg' }),
  ]).state;

t.test('a second connection in Established is tracked until its OPEN and then closed', async (test) => {
  const tracked = play([{ kind: 'incoming' }], establishedBy(false));
  test.same(tracked.done, ['adopt 1', '1 send-open']);
  test.equal(stateName(tracked.state), 'Established');
  const { state, done } = play([on(1, open(9))], tracked.state);
  test.match(done, ['1 notify 6/7', '1 drop']);
  test.match(state, { primary: { id: 0, fsm: { name: 'Established' } } });
});

t.test('a third connection replaces the second', async (test) => {
  const { state, done } = play([{ kind: 'incoming' }, { kind: 'incoming' }], establishedBy(false));
  test.same(done, ['adopt 1', '1 send-open', '1 notify 6/7', '1 drop', '1 down', 'forget 1', 'adopt 2', '2 send-open']);
  test.match(state, { primary: { id: 0 }, secondary: { id: 2 } });
});

t.test(
  'with graceful restart the new connection replaces Established, without a NOTIFICATION (RFC 4724 §5)',
  async (test) => {
    const { state, done } = play([{ kind: 'incoming' }], establishedBy(true));
    test.same(done, ['0 drop', '0 down', 'forget 0', 'adopt 1', '1 send-open']);
    test.equal(stateName(state), 'OpenSent');
    test.equal(state.secondary, undefined);
  },
);

t.test('a session that is shut down refuses; one that waits out its idle hold parks', async (test) => {
  test.same(play([{ kind: 'incoming' }]).done, ['refuse']);
  const held = play([
    { kind: 'start' },
    on(0, { name: 'Tcp_CR_Acked' }),
    on(0, { name: 'NotifMsg', code: 6, subcode: 4, text: 'x' }),
  ]);
  test.equal(stateName(held.state), 'Idle');
  const parked = play([{ kind: 'incoming' }], held.state);
  test.same(parked.done, ['park']);
  const taken = play([on(0, { name: 'IdleHoldTimer_Expires' })], parked.state);
  test.same(taken.done, ['adopt 0', '0 send-open']);
  test.match(taken.state, { parked: false, primary: { direction: 'incoming', fsm: { connectRetryCounter: 1 } } });
  test.same(play([{ kind: 'stop', event: { name: 'ManualStop', text: 'off' } }], parked.state).done, ['drop-parked']);
  test.same(play([{ kind: 'parked-lost' }, on(0, { name: 'IdleHoldTimer_Expires' })], parked.state).done, [
    '0 connect',
  ]);
});

t.test('a stop ends both connections', async (test) => {
  const begun = play(collided);
  const notification = { code: 6, subcode: 2, data: new Uint8Array(0) };
  const { state, done } = play(
    [{ kind: 'stop', event: { name: 'ManualStop', text: 'off', notification } }],
    begun.state,
  );
  test.ok(done.includes('0 notify 6/2') && done.includes('1 notify 6/2'));
  test.match(state, { started: false, primary: { fsm: { name: 'Idle' } } });
  test.equal(state.secondary, undefined);
});
