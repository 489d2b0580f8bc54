/** The shell over a client that refuses what it is told to: what depends on a refused step is not done. */
import { AF_INET, type ListedSet, NetlinkError, type SetOperation } from '@routelet/netlink-wire';
import t from 'tap';
import { Ipset, type SetClient } from '../../../src/kernel/ipset.ts';

function kernel(sets: readonly ListedSet[], refuse: (operation: SetOperation) => string | undefined) {
  const done: string[] = [];
  let open = 0;
  const client: SetClient = {
    headers: async () => sets.map(({ elements, ...header }) => header),
    sets: async (name) => sets.filter((set) => set.name === name),
    apply: async (operations) =>
      operations.map((operation) => {
        const name = operation.action === 'create' ? operation.set.name : operation.name;
        const code = refuse(operation);
        if (code !== undefined)
          return new NetlinkError({ code, errno: 0, request: `ipset ${operation.action} ${name}` });
        done.push(`${operation.action} ${name}`);
        return undefined;
      }),
    close: () => {
      open--;
    },
  };
  const ipset = new Ipset(async () => {
    open++;
    return client;
  });
  return { ipset, done, left: () => open };
}

const set = (name: string, type: string, timeout?: number): ListedSet => ({
  name,
  type,
  family: AF_INET,
  revision: 6,
  flags: 0,
  elementCount: 0,
  references: 0,
  memoryBytes: 0,
  elements: [],
  ...(timeout !== undefined && { timeout }),
});
const goal = (name: string, ...elements: string[]) => ({ name, type: 'hash:ip', family: 'inet', elements }) as const;

t.test('nothing to do is nothing done', async (t) => {
  const { ipset, done, left } = kernel([set('a', 'hash:ip', 0)], () => undefined);
  t.equal(await ipset.apply([goal('a')]), 0);
  t.strictSame(done, []);
  t.equal(left(), 0, 'the socket is closed');
});

t.test('a set of another type that is in use: named, not filled, and the others go on', async (t) => {
  const { ipset, done, left } = kernel([set('a', 'hash:net', 0)], ({ action }) =>
    action === 'destroy' ? 'IPSET_ERR_BUSY' : undefined,
  );
  await t.rejects(ipset.apply([goal('a', '10.0.0.1'), goal('b', '10.0.0.1')]), {
    message: 'ipset destroy a: IPSET_ERR_BUSY, a rule or another set uses it',
  });
  t.strictSame(done, ['create b', 'add b']);
  t.equal(left(), 0);
});

t.test('a second set that could not be filled is not swapped in', async (t) => {
  const { ipset, done } = kernel([set('a', 'hash:ip')], ({ action }) =>
    action === 'add' ? 'IPSET_ERR_HASH_FULL' : undefined,
  );
  const addresses = Array.from({ length: 9 }, (_, last) => `10.0.0.${last}`);
  await t.rejects(ipset.apply([goal('a', ...addresses)]), {
    message: /^ipset add a-: IPSET_ERR_HASH_FULL, it is full; .*; 4 more$/,
  });
  t.strictSame(done, ['create a-']);
});

t.test('a plan says what would be done, and does nothing', async (t) => {
  const { ipset, done, left } = kernel([set('a', 'hash:ip'), set('b', 'hash:ip', 0)], () => undefined);
  t.strictSame(await ipset.plan([goal('a', '10.0.0.1'), goal('b', '10.0.0.2/32'), goal('c')]), [
    'create a- hash:ip family inet timeout 0',
    'add a- 10.0.0.1 timeout 0',
    'swap a- a',
    'destroy a-',
    'add b 10.0.0.2 timeout 0',
    'create c hash:ip family inet timeout 0',
  ]);
  t.strictSame(done, []);
  t.equal(left(), 0);
});
