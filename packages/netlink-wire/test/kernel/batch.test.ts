/** Batches and dumps of the size of a full routing table, and what happens when buffers are too small. */
import t from 'tap';
import {
  AF_INET,
  type Operation,
  type Route,
  RT_SCOPE_UNIVERSE,
  RT_TABLE_MAIN,
  RTN_UNICAST,
  Rtnetlink,
  type SubscriptionEvent,
} from '../../src/index.ts';
import { bytesOf } from '../fixtures/captures.ts';
import { until } from './until.ts';

const COUNT = 100_000;

const setUp = await Rtnetlink.open();
t.teardown(() => setUp.close());
await setUp.apply([{ kind: 'link', action: 'create', object: { name: 'rt0', kind: 'bridge', up: true } }]);
const index = (await setUp.links()).find(({ name }) => name === 'rt0')?.index ?? 0;
await setUp.apply([
  {
    kind: 'address',
    action: 'add',
    object: { family: AF_INET, index, prefixLength: 24, scope: 0, flags: 0, local: bytesOf('10.0.0.1') },
  },
]);

function route(number: number, gateway = '10.0.0.2'): Route {
  return {
    family: AF_INET,
    destination: new Uint8Array([11, (number >> 16) & 255, (number >> 8) & 255, number & 255]),
    destinationLength: 32,
    tos: 0,
    table: RT_TABLE_MAIN,
    protocol: 17,
    scope: RT_SCOPE_UNIVERSE,
    type: RTN_UNICAST,
    flags: 0,
    nextHops: [{ gateway: bytesOf(gateway), index }],
  };
}

function operations(action: 'add' | 'delete', count: number): Operation[] {
  return Array.from({ length: count }, (_, number): Operation => ({ kind: 'route', action, object: route(number) }));
}

for (const native of [true, false]) {
  await t.test(native ? 'with koffi' : 'without koffi', async (t) => {
    const client = await Rtnetlink.open({ native });
    t.teardown(() => client.close());
    const batch = operations('add', COUNT);
    const middle = COUNT / 2;
    // One that the kernel refuses, one that stands already, one after the other, in the middle of a hundred thousand.
    batch[middle] = { kind: 'route', action: 'add', object: route(middle, '203.0.113.1') };
    batch[middle + 1] = { kind: 'route', action: 'add', object: route(7) };
    const started = performance.now();
    const results = await client.apply(batch);
    t.comment(`| ${COUNT} routes added in ${Math.round(performance.now() - started)} ms`);
    t.equal(results.length, COUNT);
    t.strictSame(
      results.flatMap((error, place) => (error === undefined ? [] : [`${place} ${error.code}`])),
      [`${middle} ENETUNREACH`, `${middle + 1} EEXIST`],
    );
    const found = await client.routes({ protocol: 17, family: AF_INET });
    t.equal(found.length, COUNT - 2, 'a dump of many parts');
    t.equal(new Set(found.map(({ destination }) => destination?.join('.'))).size, COUNT - 2, 'none twice');

    const again = await client.apply(operations('add', 20_000));
    t.ok(
      again.every((error) => error?.code === 'EEXIST'),
      'each error of a batch of errors',
    );
    t.equal(again.length, 20_000);

    const removed = await client.apply(operations('delete', COUNT));
    t.strictSame(
      removed.flatMap((error, place) => (error === undefined ? [] : [`${place} ${error.code}`])),
      [`${middle} ESRCH`, `${middle + 1} ESRCH`],
    );
  });

  await t.test(`a small receive buffer holds the answers ${native ? 'with' : 'without'} koffi`, async (t) => {
    const client = await Rtnetlink.open({ native, receiveBufferBytes: 128 * 1024 });
    t.teardown(() => client.close());
    await client.apply(operations('add', 5000));
    const again = await client.apply(operations('add', 5000));
    t.ok(
      again.every((error) => error?.code === 'EEXIST'),
      'no answer is lost',
    );
    t.equal((await client.routes({ protocol: 17 })).length, 5000, 'and a dump goes through');
    await client.apply(operations('delete', 5000));
  });
}

await t.test('an overrun subscription says so', async (t) => {
  const watcher = await Rtnetlink.open({ receiveBufferBytes: 4096 });
  t.teardown(() => watcher.close());
  const events: SubscriptionEvent[] = [];
  await watcher.subscribe(['route'], (event) => events.push(event));
  await setUp.apply(operations('add', 3000));
  const lost = () => events.some((event) => event.kind === 'resync-needed');
  await until(lost, 'resync-needed');
  t.match(
    events.find((event) => event.kind === 'resync-needed'),
    { reason: 'overrun' },
  );
  const seen = events.length;
  await setUp.apply([{ kind: 'route', action: 'add', object: route(99_999) }]);
  await until(() => events.slice(seen).some((event) => event.kind === 'route'), 'the next change');
  t.equal((await watcher.routes({ protocol: 17 })).length, 3001, 'the table can be read again');
  await setUp.apply([...operations('delete', 3000), { kind: 'route', action: 'delete', object: route(99_999) }]);
});

await t.test('without koffi a subscription is refused: an overrun would end the process', async (t) => {
  const client = await Rtnetlink.open({ native: false });
  t.teardown(() => client.close());
  await t.rejects(
    client.subscribe(['route'], () => undefined),
    { code: 'ENOTSUP' },
  );
  t.ok((await client.links()).length > 0, 'the rest works');
});
