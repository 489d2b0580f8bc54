import t from 'tap';
import type { PrefixLimit } from '../../../src/speaker/api.ts';
import { Bench } from './pair.ts';

const prefixes = (count: number) => Array.from({ length: count }, (_, index) => ({ prefix: `10.${index}.0.0/16` }));

async function pair(limit: PrefixLimit, family: 'ipv4-unicast' | 'ipv6-unicast' = 'ipv4-unicast') {
  const bench = new Bench();
  const a = bench.node('10.0.0.1', 65001);
  const b = bench.node('10.0.0.2', 65000);
  const warnings: string[] = [];
  b.speaker.on('warning', ({ text }) => {
    if (text.includes('prefixes')) warnings.push(text);
  });
  const ceases: number[][] = [];
  bench.simulation.trace.onEvent = ({ from, bytes }) => {
    if (from === b.address && bytes?.[18] === 3) ceases.push([...bytes.subarray(19)]);
  };
  bench.peer(a, b, {}, { prefixLimits: { [family]: limit } });
  const announce = (count: number) => {
    a.speaker.setAnnouncements(prefixes(count));
    bench.simulation.run(1_000);
  };
  const state = () => b.speaker.peers()[0]?.state;
  announce(1);
  for (const { speaker } of [a, b]) await speaker.start();
  bench.simulation.run(20_000);
  return { bench, a, b, warnings, ceases, announce, state };
}

t.test('RFC 4486 §4: over the limit the session ends, with the limit in the CEASE', async (t) => {
  const { bench, b, warnings, ceases, announce, state } = await pair({ maximum: 4 });
  t.equal(state(), 'Established');
  announce(3);
  t.strictSame(warnings, [], 'three quarters are no news');
  announce(4);
  t.strictSame(warnings, ['4 prefixes of ipv4-unicast, 4 are allowed']);
  announce(2);
  announce(4);
  t.equal(warnings.length, 2, 'told again when it came back');
  announce(5);
  t.equal(state(), 'Idle');
  t.match(b.speaker.peers()[0]?.lastDown, { kind: 'admin', code: 6, subcode: 1 });
  t.strictSame(bench.table(b), [], 'its routes are gone');
  t.strictSame(
    ceases.filter(([, subcode]) => subcode === 1),
    [[6, 1, 0, 1, 1, 0, 0, 0, 4]],
    'AFI, SAFI, limit',
  );
  bench.simulation.run(3_600_000);
  t.equal(state(), 'Idle', 'for good');
  b.speaker.setPeers([
    { address: '10.0.0.1', asn: 65001, localAddress: '10.0.0.2', prefixLimits: { 'ipv4-unicast': { maximum: 5 } } },
  ]);
  bench.simulation.run(60_000);
  t.equal(state(), 'Established', 'until the limit is another one');
  t.equal(warnings.filter((text) => text === 'more than 4 prefixes of ipv4-unicast').length, 1);
});

t.test('restart after a while', async (t) => {
  const { bench, announce, state } = await pair({ maximum: 4, action: 'restart', restartAfterMs: 30_000 });
  announce(5);
  t.equal(state(), 'Idle');
  announce(2);
  bench.simulation.run(20_000);
  t.equal(state(), 'Idle');
  bench.simulation.run(120_000);
  t.equal(state(), 'Established');
});

t.test('only a warning; a limit that is changed in place', async (t) => {
  const { b, warnings, announce, state } = await pair({ maximum: 4, warnPercent: 100, action: 'warn' });
  announce(4);
  t.strictSame(warnings, []);
  announce(6);
  announce(7);
  t.strictSame(warnings, ['more than 4 prefixes of ipv4-unicast'], 'once');
  t.equal(state(), 'Established');
  const peer = { address: '10.0.0.1', asn: 65001, localAddress: '10.0.0.2' };
  t.strictSame(b.speaker.setPeers([{ ...peer, prefixLimits: { 'ipv4-unicast': { maximum: 7 } } }]), [
    { address: '10.0.0.1', action: 'updated' },
  ]);
  t.equal(state(), 'Established');
  b.speaker.setPeers([{ ...peer, prefixLimits: { 'ipv4-unicast': { maximum: 6 } } }]);
  t.equal(state(), 'Idle', 'a smaller one holds at once');
});

t.test('limits are for a family each', async (t) => {
  const { announce, state } = await pair({ maximum: 1 }, 'ipv6-unicast');
  announce(5);
  t.equal(state(), 'Established');
});
