/** The client of IP sets against the running kernel, the command `ipset` the judge in both directions. */
import { execFileSync } from 'node:child_process';
import t from 'tap';
import {
  AF_INET,
  AF_INET6,
  AF_UNSPEC,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPSET_FLAG_NOMATCH,
  Ipset,
  type SetElement,
  type SetOperation,
} from '../../src/index.ts';
import { bytesOf } from '../fixtures/captures.ts';

function ipset(words: string, input?: string): string {
  return execFileSync('ipset', words.split(' '), { encoding: 'utf8', ...(input !== undefined && { input }) });
}

const ip = (address: string): SetElement => ({ ip: bytesOf(address) });
const add = (name: string, element: SetElement, exclusive = false): SetOperation => ({
  action: 'add',
  name,
  element,
  exclusive,
});
const numbered = (number: number): SetElement =>
  ip(`10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`);
const lines = (text: string) => text.trim().split('\n').sort();

for (const native of [true, false]) {
  await t.test(native ? 'with koffi' : 'without koffi', async (t) => {
    const client = await Ipset.open({ native });
    t.teardown(() => client.close());
    t.teardown(() => ipset('destroy'));
    const done = async (...operations: SetOperation[]): Promise<void> => {
      const errors = (await client.apply(operations)).filter((error) => error !== undefined);
      if (errors.length > 0) throw new AggregateError(errors, errors.map(String).join('; '));
    };

    await t.test('what we make, ipset saves', async (t) => {
      const port = { port: 80, protocol: IPPROTO_TCP };
      await done(
        { action: 'create', set: { name: 'ip', type: 'hash:ip', family: AF_INET, timeout: 0 } },
        { action: 'create', set: { name: 'net', type: 'hash:net', family: AF_INET, hashSize: 64, maxElements: 9 } },
        { action: 'create', set: { name: 'net6', type: 'hash:net', family: AF_INET6 } },
        { action: 'create', set: { name: 'ip,port', type: 'hash:ip,port', family: AF_INET } },
        { action: 'create', set: { name: 'net,port', type: 'hash:net,port', family: AF_INET6 } },
        { action: 'create', set: { name: 'list', type: 'list:set', family: AF_UNSPEC, size: 8 } },
        add('ip', ip('10.0.0.1')),
        add('ip', { ...ip('10.0.0.2'), timeout: 1_000_000 }),
        add('net', { ...ip('10.1.0.0'), prefixLength: 16 }),
        add('net', { ...ip('10.1.2.0'), prefixLength: 24, flags: IPSET_FLAG_NOMATCH }),
        add('net6', { ...ip('fd00::'), prefixLength: 64 }),
        add('ip,port', { ...ip('10.0.0.1'), ...port }),
        add('net,port', { ...ip('fd00::'), prefixLength: 64, port: 53, protocol: IPPROTO_UDP }),
        add('list', { set: 'ip' }),
        add('list', { set: 'net' }),
      );
      const saved = ipset('save')
        .replaceAll(/ (bucketsize|initval) \S+/g, '')
        .replaceAll(/timeout 99\d{4}/g, 'timeout 99');
      t.strictSame(lines(saved), [
        'add ip 10.0.0.1 timeout 0',
        'add ip 10.0.0.2 timeout 99',
        'add ip,port 10.0.0.1,tcp:80',
        'add list ip',
        'add list net',
        'add net 10.1.0.0/16',
        'add net 10.1.2.0/24 nomatch',
        'add net,port fd00::/64,udp:53',
        'add net6 fd00::/64',
        'create ip hash:ip family inet hashsize 1024 maxelem 65536 timeout 0',
        'create ip,port hash:ip,port family inet hashsize 1024 maxelem 65536',
        'create list list:set size 8',
        'create net hash:net family inet hashsize 64 maxelem 9',
        'create net,port hash:net,port family inet6 hashsize 1024 maxelem 65536',
        'create net6 hash:net family inet6 hashsize 1024 maxelem 65536',
      ]);
      t.equal(await client.test('net', ip('10.1.9.9')), true);
      t.equal(await client.test('net', ip('10.1.2.9')), false, 'an exception from the prefix');
      await t.rejects(client.test('nothing', ip('10.0.0.1')), { code: 'ENOENT' });
    });

    await t.test('what ipset makes, we list', async (t) => {
      ipset(
        'restore',
        'create theirs hash:ip,port timeout 60 counters comment\nadd theirs 10.7.0.1,udp:53 comment "x"\n',
      );
      const [theirs] = await client.sets('theirs');
      t.match(theirs, {
        type: 'hash:ip,port',
        timeout: 60,
        elementCount: 1,
        elements: [{ ...ip('10.7.0.1'), port: 53, protocol: IPPROTO_UDP, comment: 'x', packets: 0n }],
      });
      t.ok((theirs?.elements[0]?.timeout ?? 0) > 0);
      t.strictSame((await client.headers()).map(({ name }) => name).sort(), [
        'ip',
        'ip,port',
        'list',
        'net',
        'net,port',
        'net6',
        'theirs',
      ]);
      t.match(await client.headers('ip'), [{ references: 1, elementCount: 2 }]);
      await t.rejects(client.sets('nothing'), { code: 'ENOENT', request: 'ipset list nothing' });
      await done({ action: 'destroy', name: 'theirs' });
    });

    await t.test('refusals stand at their operations, the rest is done', async (t) => {
      const results = await client.apply([
        { action: 'create', set: { name: 'ip', type: 'hash:ip', family: AF_INET } },
        { action: 'create', set: { name: 'x', type: 'hash:nothing', family: AF_INET } },
        { action: 'create', set: { name: 'x'.repeat(32), type: 'hash:ip', family: AF_INET } },
        { action: 'create', set: { name: 'full', type: 'hash:ip', family: AF_INET, maxElements: 2, hashSize: 64 } },
        add('ip', ip('10.0.0.1'), true),
        add('ip', ip('10.0.0.3'), true),
        add('ip', ip('fd00::1'), true),
        add('ip', ip('10.0.0.4'), true),
        add('nothing', ip('10.0.0.1')),
        add('nothing', ip('10.0.0.2')),
        { action: 'delete', name: 'ip', element: ip('10.0.0.9') },
        { action: 'delete', name: 'ip', element: ip('10.0.0.9'), exclusive: true },
        add('ip,port', { ...ip('10.0.0.1'), port: 70_000, protocol: IPPROTO_TCP }),
        add('ip,port', { ...ip('10.0.0.1'), port: 81, protocol: IPPROTO_TCP }),
        add('list', { set: 'nothing' }),
        { action: 'destroy', name: 'ip' },
        { action: 'swap', name: 'ip', other: 'net' },
        { action: 'rename', name: 'net6', other: 'net' },
      ]);
      t.strictSame(
        results.map((error) => error?.code),
        [
          'EEXIST',
          'IPSET_ERR_FIND_TYPE',
          results[2]?.code,
          undefined,
          'IPSET_ERR_EXIST',
          undefined,
          'IPSET_ERR_PROTOCOL',
          undefined,
          'ENOENT',
          'ENOENT',
          undefined,
          'IPSET_ERR_EXIST',
          'EINVAL',
          undefined,
          'IPSET_ERR_NAME',
          'IPSET_ERR_BUSY',
          'IPSET_ERR_TYPE_MISMATCH',
          'IPSET_ERR_EXIST_SETNAME2',
        ],
      );
      t.ok(results[2] !== undefined, 'a name of 32 bytes');
      t.equal(results[6]?.request, 'ipset add ip fd00::1');
      t.equal(results[1]?.request, 'ipset create x hash:nothing');
      t.match(ipset('list ip'), '10.0.0.4');
      t.match(ipset('list ip,port'), '10.0.0.1,tcp:81');
      const full = await client.apply([1, 2, 3, 4, 5].map((last) => add('full', numbered(last))));
      t.strictSame(full.map((error) => error?.code).slice(2), Array(3).fill('IPSET_ERR_HASH_FULL'));
    });

    await t.test('swap, rename, flush', async (t) => {
      await done(
        { action: 'create', set: { name: 'ip-', type: 'hash:ip', family: AF_INET } },
        add('ip-', ip('10.5.5.5')),
        { action: 'swap', name: 'ip-', other: 'ip' },
        { action: 'rename', name: 'ip-', other: 'was-ip' },
        { action: 'flush', name: 'was-ip' },
        { action: 'flush', name: 'list' },
      );
      t.match(await client.sets('ip'), [{ elements: [ip('10.5.5.5')] }]);
      t.strictSame((await client.sets('was-ip'))[0]?.elements, []);
      await done({ action: 'destroy', name: 'was-ip' });
    });

    await t.test('10,000 elements, some of them refused', async (t) => {
      await done({ action: 'create', set: { name: 'big', type: 'hash:ip', family: AF_INET } });
      const started = performance.now();
      await done(...Array.from({ length: 10_000 }, (_, number) => add('big', numbered(number + 1))));
      t.comment(`| 10,000 elements added in ${Math.round(performance.now() - started)} ms`);
      t.equal((await client.sets('big'))[0]?.elements.length, 10_000, 'a dump of many parts');
      const again = await client.apply(
        Array.from({ length: 1000 }, (_, number) =>
          add('big', numbered(number % 2 === 0 ? number : 20_000 + number), true),
        ),
      );
      t.strictSame(
        again.map((error) => error?.code),
        Array.from({ length: 1000 }, (_, number) => (number > 0 && number % 2 === 0 ? 'IPSET_ERR_EXIST' : undefined)),
      );
      t.match(again[2]?.request, 'ipset add big 10.0.0.2');
      t.match(ipset('-terse list big'), /entries: 10501/);
      await done(
        ...Array.from(
          { length: 10_000 },
          (_, number): SetOperation => ({ action: 'delete', name: 'big', element: numbered(number + 1) }),
        ),
      );
      t.match(ipset('-terse list big'), /entries: 501/);
    });
  });
}
