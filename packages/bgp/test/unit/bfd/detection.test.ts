/** Two sides on a virtual clock: how they come up, how fast they notice, and what a lossy link does to them. */
import t from 'tap';
import type { Bfd, BfdChange, BfdSession, BfdSessionOptions } from '../../../src/bfd/api.ts';
import { MemoryNetwork, timing } from './memory-network.ts';

interface Side {
  readonly bfd: Bfd;
  readonly session: BfdSession;
  readonly changes: (BfdChange & { readonly at: number })[];
}

function side(network: MemoryNetwork, own: string, other: string, options: Partial<BfdSessionOptions> = {}): Side {
  const bfd = network.machine(own);
  const session = bfd.session({ address: other, ...timing, ...options });
  const changes: Side['changes'] = [];
  session.onChange = (change) => void changes.push({ ...change, at: network.clock.now() });
  return { bfd, session, changes };
}

function pair(seed = 1, a: Partial<BfdSessionOptions> = {}, b: Partial<BfdSessionOptions> = {}) {
  const network = new MemoryNetwork(seed);
  return { network, a: side(network, '10.0.0.1', '10.0.0.2', a), b: side(network, '10.0.0.2', '10.0.0.1', b) };
}

const bothUp = ({ a, b }: ReturnType<typeof pair>): boolean => a.session.state === 'Up' && b.session.state === 'Up';

t.test('both come Up and agree on their timing', async (test) => {
  const link = pair(1, { desiredMinTxMs: 50, requiredMinRxMs: 300, detectMultiplier: 4 }, { desiredMinTxMs: 200 });
  test.ok(link.network.advanceUntil(() => bothUp(link), 3_000));
  link.network.advance(2_000);
  test.match(link.a.session.status, { transmitIntervalMs: 100, detectionTimeMs: 3 * 300, polling: false, users: 1 });
  test.match(link.b.session.status, { transmitIntervalMs: 300, detectionTimeMs: 4 * 100, polling: false });
  test.strictSame(
    link.a.changes.map(({ state, pathDown }) => [state, pathDown]),
    link.a.changes.length === 2
      ? [
          ['Init', false],
          ['Up', false],
        ]
      : [['Up', false]],
  );
});

t.test('not more often than once a second before the neighbour is Up, RFC 5880 §6.8.3', async (test) => {
  const network = new MemoryNetwork();
  side(network, '10.0.0.1', '10.0.0.2');
  network.advance(20_000);
  const gaps = network.sent.slice(1).map(({ at }, index) => at - (network.sent[index]?.at ?? 0));
  test.ok(gaps.length >= 20, `${gaps.length} packets`);
  test.ok(
    gaps.every((gap) => gap >= 750 && gap <= 1_000),
    'jitter within 25%',
  );
  test.ok(new Set(gaps).size > 10, 'it is random');
});

t.test('between periodic packets 75% to 100% of the interval, with a multiplier of 1 75% to 90%', async (test) => {
  for (const [detectMultiplier, most] of [
    [3, 100],
    [1, 90],
  ] as const) {
    const link = pair(2, { detectMultiplier });
    link.network.advanceUntil(() => bothUp(link));
    link.network.advance(3_000);
    const from = link.network.sent.length;
    link.network.advance(10_000);
    const own = link.network.sent.slice(from).filter((sent) => sent.from === '10.0.0.1');
    const gaps = own.slice(1).map(({ at }, index) => at - (own[index]?.at ?? 0));
    test.ok(gaps.length > 90, `${gaps.length} packets`);
    test.ok(
      gaps.every((gap) => gap >= 75 - 1e-6 && gap <= most + 1e-6),
      `up to ${most} ms`,
    );
  }
});

t.test('a silent neighbour is noticed after exactly the Detection Time, RFC 5880 §6.8.4', async (test) => {
  for (let seed = 1; seed <= 20; seed++) {
    const link = pair(seed, { requiredMinRxMs: 40 }, { desiredMinTxMs: 70, detectMultiplier: 5 });
    link.network.advanceUntil(() => bothUp(link));
    link.network.advance(3_000 + seed * 13);
    link.network.passes = (from) => from !== '10.0.0.2';
    const heard = link.network.sent.findLast(({ from, delivered }) => from === '10.0.0.2' && delivered)?.at ?? 0;
    const before = link.a.changes.length;
    link.network.advance(1_000);
    const change = link.a.changes[before];
    test.match(change, { from: 'Up', state: 'Down', reason: 'detection-time-expired', pathDown: true, diagnostic: 1 });
    test.equal(Math.round((change?.at ?? 0) - heard), 5 * 70 + link.network.delayMs, `seed ${seed}`);
    const told = link.b.changes.find(({ reason }) => reason === 'neighbor-down');
    test.match(told, { pathDown: true, remoteDiagnostic: 1, diagnostic: 3 });
    test.ok((told?.at ?? Number.POSITIVE_INFINITY) - (change?.at ?? 0) <= 2, 'and the other is told at once');
  }
});

t.test('other wishes during the silence hold from the last packet on', async (test) => {
  for (const [first, then, detectionTimeMs] of [
    [100, 200, 3 * 200],
    // A shorter Detection Time waits for the end of a Poll Sequence, which the neighbour does not answer.
    [200, 100, 3 * 200],
  ] as const) {
    const link = pair(5, { requiredMinRxMs: 200 });
    const eager = link.a.bfd.session({ address: '10.0.0.2', ...timing, requiredMinRxMs: first });
    link.network.advanceUntil(() => bothUp(link));
    link.network.advance(3_000);
    link.network.passes = (from) => from !== '10.0.0.2';
    const heard = link.network.sent.findLast(({ from, delivered }) => from === '10.0.0.2' && delivered)?.at ?? 0;
    link.network.advance(150);
    link.a.bfd.session({ address: '10.0.0.2', ...timing, requiredMinRxMs: then });
    eager.close();
    link.network.advance(1_000);
    const change = link.a.changes.find(({ pathDown }) => pathDown);
    test.equal(
      Math.round((change?.at ?? 0) - heard),
      detectionTimeMs + link.network.delayMs,
      `${first} ms, then ${then}`,
    );
  }
});

t.test('a shorter interval counts from the last packet, RFC 5880 §6.8.3', async (test) => {
  const link = pair(6, {}, { requiredMinRxMs: 2_000 });
  const { network } = link;
  network.advanceUntil(() => bothUp(link));
  network.advance(10_000);
  const before = network.sent.length;
  network.advanceUntil(() => network.sent.slice(before).some(({ from }) => from === '10.0.0.1'));
  network.advance(900);
  const from = network.sent.length;
  link.b.bfd.session({ address: '10.0.0.1', ...timing });
  const askedAt = network.clock.now();
  network.advance(20);
  const answers = network.sent.slice(from).filter((sent) => sent.from === '10.0.0.1');
  test.strictSame(
    answers.map(({ at, packet }) => [at - askedAt, packet.final]),
    [
      [network.delayMs, true],
      [network.delayMs, false],
    ],
    'a Final, and the periodic packet that is overdue by then',
  );
});

t.test('it comes back when the link does', async (test) => {
  const link = pair(3);
  link.network.advanceUntil(() => bothUp(link));
  link.network.advance(1_000);
  link.network.passes = () => false;
  link.network.advance(5_000);
  test.equal(link.a.session.state, 'Down');
  test.match(link.a.session.status, { remoteDiscriminator: 0, detectionTimeMs: 0, transmitIntervalMs: 1_000 });
  test.equal(link.a.changes.filter(({ pathDown }) => pathDown).length, 1);
  link.network.passes = () => true;
  test.ok(link.network.advanceUntil(() => bothUp(link), 3_100));
});

t.test('single losses do no harm, and a Poll Sequence gets through in the end', async (test) => {
  for (let seed = 1; seed <= 10; seed++) {
    const link = pair(seed, { detectMultiplier: 5 }, { detectMultiplier: 5 });
    let lost = 0;
    let row = new Map<string, number>();
    link.network.passes = (from) => {
      // Three of ten are lost, but never four of one side in a row.
      const inRow = row.get(from) ?? 0;
      const pass = inRow >= 3 || link.network.random.next() >= 0.3;
      row = row.set(from, pass ? 0 : inRow + 1);
      if (!pass) lost += 1;
      return pass;
    };
    test.ok(
      link.network.advanceUntil(() => bothUp(link), 60_000),
      `seed ${seed}`,
    );
    const second = link.a.bfd.session({ address: '10.0.0.2', ...timing, desiredMinTxMs: 30, detectMultiplier: 5 });
    link.network.advance(60_000);
    test.ok(lost > 100, `${lost} lost`);
    test.equal(link.a.changes.filter(({ pathDown }) => pathDown).length, 0);
    test.equal(link.b.changes.filter(({ pathDown }) => pathDown).length, 0);
    test.match(link.a.session.status, { polling: false, transmitIntervalMs: 100 });
    test.equal(second.state, 'Up');
  }
});

t.test('changed timing of an Up session never makes the neighbour miss packets', async (test) => {
  for (let seed = 1; seed <= 10; seed++) {
    const link = pair(seed, { desiredMinTxMs: 1_500 }, { desiredMinTxMs: 1_500 });
    const fast = link.a.bfd.session({ address: '10.0.0.2', ...timing, desiredMinTxMs: 20 });
    link.network.advanceUntil(() => bothUp(link));
    link.network.delayMs = 15;
    link.network.advance(3_000);
    test.equal(link.b.session.status.detectionTimeMs, 3 * 100);
    // From 20 ms (100 by the neighbour's wish) to 1,500: the neighbour must know before we are slow.
    fast.close();
    link.network.advance(20_000);
    test.equal(link.b.session.status.detectionTimeMs, 3 * 1_500);
    test.equal(link.a.session.status.transmitIntervalMs, 1_500);
    const again = link.a.bfd.session({ address: '10.0.0.2', ...timing, desiredMinTxMs: 20 });
    link.network.advance(20_000);
    test.equal(link.b.session.status.detectionTimeMs, 3 * 100);
    test.ok(bothUp(link) && again.state === 'Up');
    test.equal([...link.a.changes, ...link.b.changes].filter(({ pathDown }) => pathDown).length, 0, `seed ${seed}`);
  }
});

t.test('a process that was held up reads what came before it calls the neighbour silent', async (test) => {
  const link = pair(4);
  link.network.advanceUntil(() => bothUp(link));
  link.network.advance(2_000);
  // The packets wait in the socket while the clock goes on; they are read in the same turn that the timer fires.
  const waiting: { bytes: Uint8Array; from: string; to: string; port: number; ttl: number }[] = [];
  const deliver = link.network.deliver.bind(link.network);
  link.network.deliver = (bytes, from, to, port, ttl = 255) => {
    if (to === '10.0.0.1') waiting.push({ bytes, from, to, port, ttl });
    else deliver(bytes, from, to, port, ttl);
  };
  const heard = link.network.clock.now();
  const flush = (): void => {
    link.network.deliver = deliver;
    for (const { bytes, from, to, port, ttl } of waiting) deliver(bytes, from, to, port, ttl);
  };
  // Between the expiry of the Detection Time and the second look at it.
  const limit = heard + 301;
  while (link.network.clock.now() < heard + 199) link.network.clock.step(heard + 199);
  const originalAfter = link.network.clock.after.bind(link.network.clock);
  link.network.clock.after = (delayMs, run) => {
    if (delayMs === 0) {
      link.network.clock.after = originalAfter;
      originalAfter(0, flush);
    }
    return originalAfter(delayMs, run);
  };
  while (link.network.clock.step(limit));
  test.ok(waiting.length > 0, `${waiting.length} packets were late`);
  test.equal(link.a.session.state, 'Up');
  test.strictSame(
    link.a.changes.filter(({ pathDown }) => pathDown),
    [],
  );
});
