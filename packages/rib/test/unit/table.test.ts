/** The choice between sources, and the FIB keys it touches. */
import t from 'tap';
import { Agenda } from '../../src/fib/agenda.ts';
import { decodeState, encodeState } from '../../src/fib/state.ts';
import { Desire } from '../../src/table/desire.ts';
import { fibKeyOf, parseFibKey, placeOf } from '../../src/table/key.ts';

function via(destination: string, gateway: string, more: { metric?: number; table?: number } = {}) {
  return { destination, nextHops: [{ gateway }], ...more };
}

t.test('distance, then metric, then the older source', async (t) => {
  const touched: string[] = [];
  const desire = new Desire((key) => touched.push(key));
  const { sources } = desire;
  sources.addSource('bgp', 20);
  sources.addSource('ospf', 20);
  sources.addSource('static', 1);
  const gatewayAt = (key: string): string | undefined => desire.at(key)?.nextHops[0]?.gateway;
  sources.set('bgp', via('10.1.0.0/24', 'bgp'));
  sources.set('ospf', via('10.1.0.0/24', 'ospf'));
  t.equal(gatewayAt('10.1.0.0/24'), 'bgp');
  sources.set('ospf', via('10.1.0.0/24', 'ospf', { metric: 0 }));
  t.equal(gatewayAt('10.1.0.0/24'), 'bgp', 'equal in all: the older source');
  t.strictSame(touched.splice(0), ['10.1.0.0/24'], 'what changes no choice touches nothing');
  sources.set('static', via('10.1.0.0/24', 'static', { metric: 9 }));
  t.equal(gatewayAt('10.1.0.0/24 metric 9'), 'static', 'distance before metric');
  t.equal(gatewayAt('10.1.0.0/24'), undefined);
  t.strictSame(touched.splice(0), ['10.1.0.0/24', '10.1.0.0/24 metric 9']);
  sources.delete('static', '10.1.0.0/24');
  t.equal(gatewayAt('10.1.0.0/24'), 'bgp');
  t.strictSame(touched.splice(0), ['10.1.0.0/24 metric 9', '10.1.0.0/24']);
  sources.set('bgp', via('10.1.0.0/24', 'bgp'));
  t.strictSame(touched, [], 'the same again touches nothing');
  t.equal(desire.size, 1);
});

t.test('replaceAll touches just the differences', async (t) => {
  const touched: string[] = [];
  const desire = new Desire((key) => touched.push(key));
  desire.sources.addSource('bgp', 20);
  desire.sources.replaceAll('bgp', [
    via('10.1.0.0/24', 'a'),
    via('10.2.0.0/24', 'a'),
    via('FD01::/64', 'a'),
    via('nonsense', 'a'),
  ]);
  t.strictSame(touched.splice(0), ['10.1.0.0/24', '10.2.0.0/24', 'fd01::/64', '! nonsense']);
  desire.sources.replaceAll('bgp', [via('10.1.0.0/24', 'a'), via('10.2.0.0/24', 'b')]);
  t.strictSame(touched.splice(0), ['10.2.0.0/24', 'fd01::/64', '! nonsense']);
  t.strictSame(
    [...desire.entries()].map(([key]) => key),
    ['10.1.0.0/24', '10.2.0.0/24'],
  );
});

t.test('keys are read back', async (t) => {
  for (const [destination, table, metric] of [
    ['10.0.0.0/8', 254, 0],
    ['10.0.0.0/8', 77, 5],
    ['fd00::/8', 254, 1024],
    ['fd00::/8', 1000, 1],
  ] as const) {
    const key = fibKeyOf(placeOf(destination, table), metric, destination.includes(':'));
    t.match(parseFibKey(key), { table, metric, tos: 0, destinationLength: 8 }, key);
  }
  t.equal(fibKeyOf(placeOf('10.0.0.0/8'), 0, false), '10.0.0.0/8');
});

t.test('the state file is read back, and refused when it is another', async (t) => {
  const state = { protocol: 17, routes: ['10.1.0.0/24', 'fd01::/64 table 77 metric 5'] };
  t.strictSame(decodeState(encodeState(state)), state);
  const broken = [
    '',
    'null',
    '[]',
    '{}',
    '{"version":2,"protocol":17,"routes":[]}',
    '{"version":1,"routes":[]}',
    '{"version":1,"protocol":17,"routes":[5]}',
    '{"version":1,"protocol":17,"routes":["x"]}',
  ];
  for (const text of broken) t.throws(() => decodeState(text), SyntaxError, text);
});

t.test('the agenda: failures wait longer each time, doubts wait for a dump', async (t) => {
  const agenda = new Agenda();
  agenda.mark('a', 5);
  agenda.mark('b', 6);
  agenda.mark('a', 7);
  agenda.doubt('b');
  t.strictSame(agenda.takeKeys(10, 8), { keys: ['a'], markedMs: 5 });
  const reading = agenda.takeReading(8);
  t.strictSame(reading?.doubtful, ['b']);
  if (reading !== undefined) agenda.finishReading(reading, 18);
  t.strictSame(agenda.takeKeys(10, 18).keys, ['b']);
  agenda.doubt('b');
  t.equal(agenda.takeReading(18), undefined, 'dumps for doubts keep a distance');
  t.equal(agenda.nextMs(), 58);
  agenda.ask('links');
  t.ok(agenda.takeReading(18), 'others do not wait');
  const delays: number[] = [];
  let nowMs = 1000;
  for (let count = 0; count < 12; count++) {
    agenda.retry.fail('a', nowMs);
    const dueMs = agenda.nextMs() ?? Number.NaN;
    delays.push(dueMs - nowMs);
    nowMs = dueMs;
    t.strictSame(agenda.takeKeys(10, nowMs).keys, ['a']);
  }
  t.strictSame(delays.slice(0, 4), [100, 200, 400, 800]);
  t.equal(delays.at(-1), 30_000);
});
