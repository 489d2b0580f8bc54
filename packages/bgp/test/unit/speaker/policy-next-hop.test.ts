import t from 'tap';
import type { PolicyAction, PolicyChain } from '../../../src/policy/model.ts';
import { Bench } from './pair.ts';

const doing = (...actions: PolicyAction[]): PolicyChain => ({
  name: 'one',
  statements: [{ name: 'one', match: {}, actions, verdict: 'accept' }],
  defaultVerdict: 'reject',
});

t.test('the next hop that policy chooses goes to another AS as it is (RFC 4271 §5.1.3)', async (t) => {
  const cases: [actions: PolicyAction[], external: string, internal: string][] = [
    [[], '10.0.0.2', '10.0.0.1'],
    [[{ kind: 'next-hop-unchanged' }], '10.0.0.1', '10.0.0.1'],
    [[{ kind: 'set-next-hop', address: '192.0.2.7' }], '192.0.2.7', '192.0.2.7'],
    [[{ kind: 'set-next-hop', address: '2001:db8::7' }], '10.0.0.2', '10.0.0.1'],
    [[{ kind: 'next-hop-self' }], '10.0.0.2', '10.0.0.2'],
    [[{ kind: 'set-next-hop', address: '192.0.2.7' }, { kind: 'next-hop-self' }], '10.0.0.2', '10.0.0.2'],
  ];
  t.ok(cases.length > 0);
  for (const [actions, external, internal] of cases) {
    for (const direction of ['importPolicy', 'exportPolicy'] as const) {
      const bench = new Bench();
      const source = bench.node('10.0.0.1', 65001);
      const us = bench.node('10.0.0.2', 65000, { [direction]: doing(...actions) });
      const outside = bench.node('10.0.0.3', 65003);
      const inside = bench.node('10.0.0.4', 65000);
      for (const other of [source, outside, inside]) bench.peer(us, other);
      source.speaker.announce({ prefix: '198.51.100.0/24' });
      await bench.start(source, us, outside, inside);
      t.strictSame(
        [outside, inside].map(({ speaker }) => speaker.bestPath('198.51.100.0/24')?.nextHop),
        [external, internal],
        `${direction} ${JSON.stringify(actions)}`,
      );
    }
  }
});

t.test('MULTI_EXIT_DISC of policy goes to another AS, a received one does not (RFC 4271 §5.1.4)', async (t) => {
  const cases: [actions: PolicyAction[], med: number | undefined][] = [
    [[], undefined],
    [[{ kind: 'set-med', value: 9 }], 9],
    [[{ kind: 'delete-med' }], undefined],
  ];
  for (const [actions, med] of cases) {
    const bench = new Bench();
    const source = bench.node('10.0.0.1', 65001);
    const us = bench.node('10.0.0.2', 65000, { exportPolicy: doing(...actions) });
    const outside = bench.node('10.0.0.3', 65003);
    bench.peer(us, source);
    bench.peer(us, outside);
    source.speaker.announce({ prefix: '198.51.100.0/24', attributes: { multiExitDisc: 7 } });
    await bench.start(source, us, outside);
    t.equal(outside.speaker.bestPath('198.51.100.0/24')?.attributes.multiExitDisc, med);
  }
});
