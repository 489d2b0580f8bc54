/** The client against the running kernel, with koffi's socket options and without. */
import { execFileSync } from 'node:child_process';
import t from 'tap';
import {
  type Address,
  AF_INET,
  AF_INET6,
  FR_ACT_TO_TBL,
  IFA_F_NODAD,
  IFF_UP,
  type Notification,
  NTF_SELF,
  NUD_PERMANENT,
  type Operation,
  type Route,
  RT_SCOPE_UNIVERSE,
  RT_TABLE_MAIN,
  RTN_UNICAST,
  Rtnetlink,
  type Rule,
  type SubscriptionEvent,
} from '../../src/index.ts';
import { bytesOf } from '../fixtures/captures.ts';
import { until } from './until.ts';

function ip(words: string): string {
  return execFileSync('ip', words.split(' '), { encoding: 'utf8' });
}

function route(destination: string, destinationLength: number, more: Partial<Route> = {}): Route {
  const address = bytesOf(destination);
  return {
    family: address.length === 4 ? AF_INET : AF_INET6,
    destination: address,
    destinationLength,
    tos: 0,
    table: RT_TABLE_MAIN,
    protocol: 17,
    scope: RT_SCOPE_UNIVERSE,
    type: RTN_UNICAST,
    flags: 0,
    nextHops: [],
    ...more,
  };
}

function address(index: number, local: string, prefixLength: number): Address {
  const bytes = bytesOf(local);
  const family = bytes.length === 4 ? AF_INET : AF_INET6;
  return { family, index, prefixLength, scope: 0, flags: family === AF_INET6 ? IFA_F_NODAD : 0, local: bytes };
}

const rule: Rule = {
  family: AF_INET,
  source: bytesOf('10.1.0.0'),
  sourceLength: 16,
  destinationLength: 0,
  tos: 0,
  table: 1000,
  action: FR_ACT_TO_TBL,
  flags: 0,
  priority: 100,
};

for (const native of [true, false]) {
  const client = await Rtnetlink.open({ native });
  t.teardown(() => client.close());
  const name = native ? 'rk0' : 'rp0';
  const subnet = native ? '10.0.0' : '10.0.1';
  const prefix = native ? 'fd00' : 'fd01';

  const done = async (...operations: Operation[]): Promise<void> => {
    const errors = (await client.apply(operations)).filter((error) => error !== undefined);
    if (errors.length > 0) throw new AggregateError(errors, errors.map(String).join('; '));
  };
  const linkNamed = async (wanted: string) => {
    const found = (await client.links()).find((link) => link.name === wanted);
    if (found === undefined) throw new Error(`no link ${wanted}`);
    return found;
  };

  await t.test(native ? 'with koffi' : 'without koffi', async (t) => {
    t.equal(client.extendedAck, native);
    const events: SubscriptionEvent[] = [];
    const foreign: SubscriptionEvent[] = [];
    if (native) {
      await client.subscribe(['link', 'address', 'route', 'rule', 'neighbour'], (event) => events.push(event));
      await client.subscribe(['route'], (event) => foreign.push(event), { own: false });
    }

    await done({ kind: 'link', action: 'create', object: { name, kind: 'bridge', mtu: 1400, up: true } });
    const { index } = await linkNamed(name);
    const hop = (last: number) => ({ gateway: bytesOf(`${subnet}.${last}`), index });
    const hop6 = (last: number) => ({ gateway: bytesOf(`${prefix}::${last}`), index });

    await t.test('links', async (t) => {
      const link = await linkNamed(name);
      t.match(link, { kind: 'bridge', mtu: 1400 });
      t.ok((link.flags & IFF_UP) !== 0);
      await done({
        kind: 'link',
        action: 'create',
        object: { name: `v${name}`, kind: 'veth', mtu: 1400, peer: { name: `w${name}`, mtu: 1350 } },
      });
      const veth = await linkNamed(`v${name}`);
      t.match(veth, { kind: 'veth', mtu: 1400, link: (await linkNamed(`w${name}`)).index });
      t.match(ip(`link show w${name}`), `mtu 1350`);
      await done({ kind: 'link', action: 'set', object: { index: veth.index, master: index, up: true } });
      t.equal((await linkNamed(`v${name}`)).master, index);
      await done({ kind: 'link', action: 'set', object: { name: `v${name}`, master: 0, mtu: 1300 } });
      const after = await linkNamed(`v${name}`);
      t.equal(after.master, undefined);
      t.equal(after.mtu, 1300);
      await done({ kind: 'link', action: 'delete', object: { name: `v${name}` } });
      const [error] = await client.apply([{ kind: 'link', action: 'delete', object: { name: `v${name}` } }]);
      t.equal(error?.code, 'ENODEV');
    });

    await t.test('addresses', async (t) => {
      const four = address(index, `${subnet}.1`, 24);
      const six = address(index, `${prefix}::1`, 64);
      const other = address(index, '192.0.2.1', 32);
      await done(
        { kind: 'address', action: 'add', object: four },
        { kind: 'address', action: 'add', object: six },
        { kind: 'address', action: 'add', object: other },
        { kind: 'address', action: 'delete', object: other },
      );
      const found = (await client.addresses()).filter((one) => one.index === index);
      t.ok(found.some((one) => one.local.join() === four.local.join() && one.prefixLength === 24));
      t.ok(found.some((one) => one.local.join() === six.local.join() && one.prefixLength === 64));
      t.notOk(found.some((one) => one.local.join() === other.local.join()));
      const [error] = await client.apply([{ kind: 'address', action: 'add', object: four }]);
      t.equal(error?.code, 'EEXIST');
      t.equal(error?.kernelText, native ? 'ipv4: Address already assigned' : undefined);
    });

    await t.test('routes', async (t) => {
      const wanted: readonly Route[] = [
        route('10.10.0.0', 16, { nextHops: [hop(2)] }),
        route('10.11.0.0', 16, {
          nextHops: [hop(2)],
          table: 100_000,
          priority: 7,
          preferredSource: bytesOf(`${subnet}.1`),
        }),
        route('10.12.0.0', 16, {
          nextHops: [
            { ...hop(2), weight: 1 },
            { ...hop(3), weight: 3 },
          ],
        }),
        route('10.13.0.0', 16, { nextHops: [hop(2)], metrics: { mtu: 1300, advmss: 1200 } }),
        route('10.14.0.0', 16, { nextHops: [hop6(2)] }),
        route('fd10::', 64, { nextHops: [hop6(2)], priority: 1024 }),
        route('fd11::', 64, {
          nextHops: [
            { ...hop6(2), weight: 1 },
            { ...hop6(3), weight: 2 },
          ],
          priority: 1024,
        }),
      ];
      await done(...wanted.map((object): Operation => ({ kind: 'route', action: 'add', object })));
      const found = await client.routes({ protocol: 17 });
      const plain = found.map((one) => ({
        ...one,
        flags: 0,
        nextHops: one.nextHops.map(({ flags, ...rest }) => rest),
      }));
      for (const object of wanted) {
        const same = plain.find((one) => one.destination?.join() === object.destination?.join());
        t.strictSame(same, object, 'as asked for');
      }
      t.equal((await client.routes({ table: 100_000 })).length, 1);
      t.equal((await client.routes({ table: 4_000_000_000 })).length, 0, 'a table that is not there');
      t.match(await client.getRoute(bytesOf('10.10.1.1')), { nextHops: [hop(2)] });

      const [first] = wanted;
      if (first === undefined) throw new Error('no routes');
      const results = await client.apply([
        { kind: 'route', action: 'add', object: first },
        { kind: 'route', action: 'change', object: { ...first, nextHops: [hop(4)] } },
        {
          kind: 'route',
          action: 'add',
          object: route('10.20.0.0', 16, { nextHops: [{ gateway: bytesOf('203.0.113.1'), index }] }),
        },
        { kind: 'route', action: 'change', object: route('10.21.0.0', 16, { nextHops: [hop(2)] }) },
        { kind: 'route', action: 'replace', object: { ...first, nextHops: [hop(5)] } },
        { kind: 'route', action: 'delete', object: route('10.22.0.0', 16) },
      ]);
      t.strictSame(
        results.map((error) => error?.code),
        ['EEXIST', undefined, 'ENETUNREACH', 'ENOENT', undefined, 'ESRCH'],
      );
      t.equal(results[2]?.kernelText, native ? 'Nexthop has invalid gateway' : undefined);
      t.match(results[2]?.request, /route add 10\.20\.0\.0\/16 via 203\.0\.113\.1/);
      t.match(ip('route show 10.10.0.0/16'), `via ${subnet}.5`, 'ip sees the last');
      await done(
        ...wanted.map(
          (object): Operation => ({ kind: 'route', action: 'delete', object: { ...object, nextHops: [] } }),
        ),
      );
      t.equal((await client.routes({ protocol: 17 })).length, 0);
    });

    await t.test('rules and neighbours', async (t) => {
      await done({ kind: 'rule', action: 'add', object: rule });
      const [again] = await client.apply([{ kind: 'rule', action: 'add', object: rule }]);
      t.equal(again?.code, 'EEXIST');
      t.match(
        (await client.rules(AF_INET)).filter(({ priority }) => priority === 100),
        [rule],
      );
      await done({ kind: 'rule', action: 'delete', object: rule });
      t.notOk((await client.rules()).some(({ priority }) => priority === 100));
      const neighbour = {
        family: AF_INET,
        index,
        state: NUD_PERMANENT,
        flags: 0,
        type: 0,
        destination: bytesOf(`${subnet}.2`),
        linkAddress: new Uint8Array([2, 0, 0, 0, 0, 2]),
      };
      await done({ kind: 'neighbour', action: 'add', object: neighbour });
      const found = (await client.neighbours()).filter(({ state }) => state === NUD_PERMANENT);
      t.ok(
        found.some(
          ({ destination, flags }) => destination?.join() === neighbour.destination.join() && flags !== NTF_SELF,
        ),
      );
    });

    if (!native) return;
    await t.test('notifications', async (t) => {
      ip(`route add 10.30.0.0/16 via ${subnet}.2 proto 17`);
      const ofIp = () => foreign.filter((event) => event.kind === 'route' && event.object.protocol === 17);
      await until(() => ofIp().length > 0, 'the route of ip');
      t.match(ofIp(), [{ kind: 'route', type: 'new', own: false, object: { destination: bytesOf('10.30.0.0') } }]);
      const own = events.filter((event): event is Notification => event.kind === 'route' && event.own);
      t.ok(own.length >= 8, 'our own routes');
      t.ok(own.every(({ portId }) => portId === client.portId));
      const kinds = new Set(events.map(({ kind }) => kind));
      t.strictSame([...kinds].sort(), ['address', 'link', 'neighbour', 'route', 'rule']);
      ip('route del 10.30.0.0/16');
    });
  });
  await done({ kind: 'link', action: 'delete', object: { name } });
}
