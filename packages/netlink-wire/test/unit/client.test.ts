/** The client over the fake kernel: what the real one does rarely, done on demand. */
import t from 'tap';
import { FakeKernel, sink } from '../../src/fake/index.ts';
import {
  AF_INET,
  AF_INET6,
  IFF_UP,
  NetlinkError,
  type Route,
  type RouteOperation,
  RT_TABLE_MAIN,
  RTN_UNICAST,
  Rtnetlink,
  type SubscriptionEvent,
} from '../../src/index.ts';

const gateway = new Uint8Array([10, 0, 0, 2]);

function route(number: number, more: Partial<Route> = {}): Route {
  return {
    family: AF_INET,
    destination: new Uint8Array([10, (number >> 16) & 255, (number >> 8) & 255, number & 255]),
    destinationLength: 32,
    tos: 0,
    table: RT_TABLE_MAIN,
    protocol: 17,
    scope: 0,
    type: RTN_UNICAST,
    flags: 0,
    nextHops: [{ gateway, index: 2 }],
    ...more,
  };
}

const add = (number: number): RouteOperation => ({ kind: 'route', action: 'add', object: route(number) });
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

async function setUp(kernel: FakeKernel, stallMs = 5000) {
  return Rtnetlink.open({ dial: kernel.dial, stallMs });
}

/** Lets everything that is queued for this and the next turns happen. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((done) => setImmediate(done));
}

async function refusal(promise: Promise<unknown>): Promise<NetlinkError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof NetlinkError)) throw new Error(`not refused: ${String(error)}`);
  return error;
}

t.test('a dump split anywhere is the same dump', async (t) => {
  for (const messagesPerPart of [1, 2, 3, 7, 1000]) {
    const kernel = new FakeKernel({ messagesPerPart });
    for (const number of numbers(21)) kernel.change('route', 'new', route(number));
    const client = await setUp(kernel);
    t.strictSame(
      await client.routes(),
      numbers(21).map((number) => route(number)),
      `${messagesPerPart} a part`,
    );
    t.strictSame(await client.rules(), [], 'an empty table');
    client.close();
  }
});

t.test('filters hold without the kernel’s help', async (t) => {
  const kernel = new FakeKernel();
  kernel.change('route', 'new', route(1));
  kernel.change('route', 'new', route(2, { table: 1000 }));
  kernel.change('route', 'new', route(3, { protocol: 4 }));
  const sixteen = new Uint8Array(16);
  kernel.change('route', 'new', route(4, { family: AF_INET6, destination: sixteen, nextHops: [{ index: 2 }] }));
  const client = await setUp(kernel);
  t.equal((await client.routes({ table: 1000 })).length, 1);
  t.equal((await client.routes({ protocol: 4 })).length, 1);
  t.equal((await client.routes({ family: AF_INET6 })).length, 1);
  t.equal((await client.routes({ family: AF_INET })).length, 3);
  client.close();
});

t.test('an interrupted dump is done again, five times and no more', async (t) => {
  const kernel = new FakeKernel();
  for (const number of numbers(5)) kernel.change('route', 'new', route(number));
  const client = await setUp(kernel);
  kernel.interruptDumps(4);
  t.equal((await client.routes({ family: AF_INET })).length, 5, 'no route twice');
  kernel.interruptDumps(5);
  t.equal((await refusal(client.routes({ family: AF_INET }))).code, 'EDUMPINTR');
  t.equal((await client.routes({ family: AF_INET })).length, 5, 'and the next works');
  client.close();
});

t.test('a batch: each error stands at its operation', async (t) => {
  for (const extendedAck of [true, false]) {
    const kernel = new FakeKernel({ extendedAck });
    const client = await setUp(kernel);
    const count = 3000;
    const refused = new Set([0, 1, 77, 1500, count - 1]);
    kernel.refuseWhen(({ kind, object }) => {
      if (kind !== 'route' || !('destination' in object) || object.destination === undefined) return undefined;
      const [, , high = 0, low = 0] = object.destination;
      return refused.has((high << 8) | low) ? { code: 'ENETUNREACH', text: 'Nexthop has invalid gateway' } : undefined;
    });
    const results = await client.apply(numbers(count).map(add));
    t.equal(results.length, count);
    t.strictSame(
      results.flatMap((error, place) => (error === undefined ? [] : [place])),
      [...refused],
    );
    t.match(results[77], {
      code: 'ENETUNREACH',
      errno: 101,
      kernelText: extendedAck ? 'Nexthop has invalid gateway' : undefined,
      request: 'route add 10.0.0.77/32 via 10.0.0.2 dev 2 table 254',
    });
    t.equal(kernel.objects('route').length, count - refused.size);
    client.close();
  }
});

t.test('all refused, none refused, nothing asked', async (t) => {
  const kernel = new FakeKernel();
  const client = await setUp(kernel);
  t.strictSame(await client.apply([]), []);
  t.ok((await client.apply(numbers(2000).map(add))).every((error) => error === undefined));
  const again = await client.apply(numbers(2000).map(add));
  t.ok(again.every((error) => error?.code === 'EEXIST'));
  client.close();
});

t.test('the attribute that the kernel points at is named', async (t) => {
  const kernel = new FakeKernel();
  kernel.refuseWhen(() => ({ code: 'EINVAL', offset: 36 }));
  const client = await setUp(kernel);
  const [error] = await client.apply([add(1)]);
  t.equal(error?.attribute, 'RTA_GATEWAY');
  t.match(error?.message, /EINVAL \(attribute RTA_GATEWAY\)/);
  client.close();
});

t.test('an object that has no netlink form fails alone', async (t) => {
  const kernel = new FakeKernel();
  const client = await setUp(kernel);
  const bad: RouteOperation = { kind: 'route', action: 'add', object: route(2, { tos: 300 }) };
  for (const operations of [[bad], [bad, add(1)], [add(3), bad], [add(4), bad, add(5)]]) {
    const results = await client.apply(operations);
    t.strictSame(
      results.map((error) => error?.code),
      operations.map((operation) => (operation === bad ? 'EINVAL' : undefined)),
    );
  }
  t.equal(kernel.objects('route').length, 4);
  client.close();
});

t.test('a lost answer is an error, and the client goes on', async (t) => {
  const kernel = new FakeKernel();
  const client = await setUp(kernel);
  const lost = client.apply([add(1)]);
  kernel.overrun('requests');
  kernel.mangleDatagrams(() => undefined);
  const second = refusal(client.routes());
  await turns();
  kernel.overrun('requests');
  kernel.mangleDatagrams((datagram) => datagram);
  t.equal((await lost)[0], undefined, 'its answer had come before');
  t.equal((await second).code, 'ENOBUFS');
  t.equal((await client.routes()).length, 1);
  client.close();
});

t.test('a cut datagram is an error, wherever it is cut', async (t) => {
  const kernel = new FakeKernel({ messagesPerPart: 2 });
  for (const number of numbers(2)) kernel.change('route', 'new', route(number));
  const client = await setUp(kernel);
  let lengths: number[] = [];
  kernel.mangleDatagrams((datagram) => {
    lengths.push(datagram.length);
    return datagram;
  });
  await client.routes({ family: AF_INET });
  const [first = 0] = lengths;
  t.ok(first > 32, 'there is something to cut');
  for (let length = 1; length < first; length++) {
    lengths = [];
    kernel.mangleDatagrams((datagram) => (lengths.push(length) === 1 ? datagram.subarray(0, length) : datagram));
    const outcome = await client.routes({ family: AF_INET }).catch((error: unknown) => error);
    // A cut between two messages cannot be seen.
    const whole = length === first / 2;
    t.equal(outcome instanceof NetlinkError ? outcome.code : 'read', whole ? 'read' : 'EBADREPLY', `${length} bytes`);
  }
  client.close();
});

t.test('a kernel that never takes the send does not hang us', async (t) => {
  const kernel = new FakeKernel();
  const client = await setUp(kernel, 20);
  kernel.stopTakingSends();
  const [error] = await client.apply([add(1)]);
  t.equal(error?.code, 'ESTALLED');
  t.equal((await refusal(client.routes())).code, 'ESTALLED');
  client.close();
});

t.test('closing rejects what is under way and what comes later', async (t) => {
  const kernel = new FakeKernel();
  const client = await setUp(kernel);
  kernel.stopTakingSends();
  const pending = refusal(client.links());
  const waiting = refusal(client.links());
  const batch = client.apply(numbers(2000).map(add));
  client.close();
  t.equal((await pending).code, 'ECLOSED');
  t.equal((await waiting).code, 'ECLOSED');
  t.ok((await batch).every((error) => error?.code === 'ECLOSED'));
  t.equal((await refusal(client.rules())).code, 'ECLOSED');
  t.equal((await client.apply([add(1)]))[0]?.code, 'ECLOSED');
  client.close();
});

t.test('subscriptions: changes, whose they are, and losses', async (t) => {
  const kernel = new FakeKernel();
  const client = await setUp(kernel);
  const all: SubscriptionEvent[] = [];
  const foreign: SubscriptionEvent[] = [];
  const subscription = await client.subscribe(['route'], (event) => all.push(event));
  await client.subscribe(['route'], (event) => foreign.push(event), { own: false });
  await client.apply([add(1)]);
  kernel.change('route', 'del', route(1));
  kernel.change('link', 'new', { index: 9, name: 'x', type: 1, flags: 0, mtu: 1500 });
  await turns();
  t.match(all, [
    { kind: 'route', type: 'new', own: true, portId: client.portId, object: route(1) },
    { kind: 'route', type: 'del', own: false, portId: 0 },
  ]);
  t.match(foreign, [{ kind: 'route', type: 'del' }]);
  kernel.overrun('notifications');
  await turns();
  t.strictSame(all.at(-1), { kind: 'resync-needed', reason: 'overrun' });
  kernel.change('route', 'new', route(2));
  await turns();
  t.match(all.at(-1), { kind: 'route', type: 'new' }, 'the new port has joined the groups');
  kernel.mangleDatagrams((datagram) => datagram.subarray(0, datagram.length - 1));
  kernel.change('route', 'new', route(3));
  await turns();
  t.strictSame(all.at(-1), { kind: 'resync-needed', reason: 'malformed' });
  const seen = all.length;
  subscription.close();
  kernel.mangleDatagrams((datagram) => datagram);
  kernel.change('route', 'new', route(4));
  await turns();
  t.equal(all.length, seen, 'nothing after close');
  client.close();
});

t.test('a batch is packed, and asks for one acknowledgement a datagram', async (t) => {
  const { dial, counts } = sink();
  const client = await Rtnetlink.open({ dial });
  const results = await client.apply(numbers(10_000).map(add));
  t.ok(results.every((error) => error === undefined));
  t.equal(counts.messages, 10_000);
  t.ok(counts.datagrams < 25, `${counts.datagrams} datagrams`);
  t.ok(counts.bytes / counts.datagrams < 40_000, 'below SO_SNDBUF');
  client.close();
});

t.test('a small receive buffer bounds what is under way', async (t) => {
  const { dial, counts } = sink(0);
  let most = 0;
  let before = 0;
  const client = await Rtnetlink.open({
    dial: (listener, use) =>
      dial(
        {
          ...listener,
          datagram: (bytes) => {
            most = Math.max(most, counts.messages - before);
            before = counts.messages;
            listener.datagram(bytes);
          },
        },
        use,
      ),
  });
  await client.apply(numbers(1000).map(add));
  t.equal(counts.messages, 1000);
  t.ok(most > 0 && most < 64, `${most} messages at once`);
  client.close();
});

t.test(
  'the fake kernel’s links: an index of their own, changed by what is said, removed by index or name',
  async (t) => {
    const kernel = new FakeKernel();
    const client = await setUp(kernel);
    t.teardown(() => client.close());
    const local = new Uint8Array([10, 0, 0, 1]);
    const remote = new Uint8Array([10, 0, 0, 2]);
    const tunnel = { local, remote, ttl: 64, encap: { type: 2, flags: 0, sourcePort: 0, destinationPort: 5555 } };
    const results = await client.apply([
      { kind: 'link', action: 'create', object: { name: 'br0', kind: 'bridge' } },
      { kind: 'link', action: 'create', object: { name: 'tun0', kind: 'ipip', tunnel, mtu: 1400 } },
      { kind: 'link', action: 'create', object: { name: 'tun0', kind: 'ipip', tunnel } },
      { kind: 'link', action: 'set', object: { name: 'tun0', up: true } },
      { kind: 'link', action: 'set', object: { index: 2, master: 1 } },
      { kind: 'link', action: 'set', object: { name: 'none', up: true } },
    ]);
    t.strictSame(
      results.map((error) => error?.code),
      [undefined, undefined, 'EEXIST', undefined, undefined, 'ENODEV'],
    );
    const link = { index: 2, name: 'tun0', type: 0, flags: IFF_UP, mtu: 1400, kind: 'ipip', tunnel, master: 1 };
    t.strictSame((await client.links())[1], link);
    await client.apply([{ kind: 'link', action: 'set', object: { index: 2, master: 0, up: false } }]);
    const { master, ...free } = link;
    t.strictSame((await client.links())[1], { ...free, flags: 0 });
    await client.apply([{ kind: 'link', action: 'delete', object: { index: 2 } }]);
    t.strictSame(
      (await client.links()).map(({ name }) => name),
      ['br0'],
    );
  },
);
