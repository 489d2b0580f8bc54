/** Connection tracking of the running kernel, the command `conntrack` the judge. */
import { execFileSync } from 'node:child_process';
import t from 'tap';
import { AF_INET, AF_INET6, Conntrack, type ConntrackFilter, IPPROTO_TCP, IPPROTO_UDP } from '../../src/index.ts';
import { bytesOf } from '../fixtures/captures.ts';

function conntrack(words: string): string {
  return execFileSync('conntrack', words.split(' '), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}

const vip = bytesOf('10.96.0.10');

for (const native of [true, false]) {
  await t.test(native ? 'with koffi' : 'without koffi', async (t) => {
    for (const port of [4001, 4002, 4003]) {
      conntrack(
        `-I -p udp -s 10.0.0.1 -d 10.96.0.10 --sport ${port} --dport 53 -r 10.244.1.${port - 4000} -q 10.0.0.1 --reply-port-src 53 --reply-port-dst ${port} -t 100`,
      );
    }
    conntrack('-I -p udp -s 10.0.0.1 -d 10.96.0.11 --sport 4001 --dport 53 -t 100 -m 6');
    conntrack('-I -p tcp -s 10.0.0.1 -d 10.96.0.10 --sport 4001 --dport 53 --state ESTABLISHED -t 100');
    conntrack('-I -p udp -s fd00::1 -d fd00:96::a --sport 4001 --dport 53 -t 100');
    const client = await Conntrack.open({ native });
    t.teardown(() => client.close());

    await t.test('lists', async (t) => {
      const cases: readonly (readonly [ConntrackFilter, number])[] = [
        [{ family: AF_INET }, 5],
        [{ family: AF_INET6 }, 1],
        [{ family: AF_INET, protocol: IPPROTO_TCP }, 1],
        [{ family: AF_INET, protocol: IPPROTO_UDP, original: { destination: vip, destinationPort: 53 } }, 3],
        [{ family: AF_INET, original: { destination: vip } }, 4],
        [{ family: AF_INET, original: { destinationPort: 53 } }, 5],
        [{ family: AF_INET, protocol: IPPROTO_UDP, reply: { source: bytesOf('10.244.1.2') } }, 1],
        [{ family: AF_INET, mark: 6 }, 1],
        [{ family: AF_INET, mark: 2, markMask: 2 }, 1],
        [{ family: AF_INET6, original: { destination: bytesOf('fd00:96::a') } }, 1],
        [{ family: AF_INET, protocol: IPPROTO_UDP, original: { sourcePort: 9 } }, 0],
      ];
      for (const [filter, count] of cases)
        t.equal((await client.entries(filter)).length, count, JSON.stringify(filter));
    });

    await t.test('forgets what it is told to, and nothing else', async (t) => {
      const filter = { family: AF_INET, protocol: IPPROTO_UDP, original: { destination: vip } };
      const [first, second, ...rest] = await client.entries(filter);
      if (first === undefined || second === undefined) throw new Error('no entries');
      const results = await client.apply([
        { action: 'delete', original: first.original, ...(first.id !== undefined && { id: first.id }) },
        { action: 'delete', original: first.original },
        { action: 'delete', original: second.original, id: ((second.id ?? 0) ^ 1) >>> 0 },
      ]);
      t.strictSame(
        results.map((error) => error?.code),
        [undefined, 'ENOENT', 'ENOENT'],
        'the second is another one than was seen',
      );
      t.equal((await client.entries(filter)).length, 1 + rest.length);
      t.equal(conntrack('-L -p udp -d 10.96.0.10').trim().split('\n').length, 2);
      const left = await client.entries({ family: AF_INET });
      const six = await client.entries({ family: AF_INET6 });
      const all = [...left, ...six].map(({ original }) => ({ action: 'delete', original }) as const);
      t.strictSame(
        await client.apply(all),
        all.map(() => undefined),
      );
      t.equal(conntrack('-L'), '');
      t.equal(conntrack('-L -f ipv6'), '');
    });
  });
}
