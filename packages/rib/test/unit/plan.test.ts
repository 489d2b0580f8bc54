/** The planner's decisions at one key, as a table: what is wanted, what stands, what is done. */
import { AF_INET, AF_INET6, type Route, RTN_UNICAST, RTPROT_STATIC } from '@routelet/netlink-wire';
import t from 'tap';
import type { RouteBody } from '../../src/fib/body.ts';
import { planFib, requestOf } from '../../src/fib/plan.ts';
import type { FibActual } from '../../src/fib/view.ts';

const KEY = '10.1.0.0/24';

function body(...hosts: number[]): RouteBody {
  const nextHops = hosts.map((host) => ({ gateway: new Uint8Array([10, 9, 0, host]), index: 5 }));
  return { family: AF_INET, type: RTN_UNICAST, scope: 0, protocol: 17, nextHops };
}

const foreign: Route = {
  ...body(9),
  protocol: RTPROT_STATIC,
  destination: new Uint8Array([10, 1, 0, 0]),
  destinationLength: 24,
  tos: 0,
  table: 254,
  flags: 0,
};

interface Case {
  readonly name: string;
  readonly wanted?: RouteBody;
  readonly ours?: RouteBody;
  readonly foreign?: boolean;
  readonly unproven?: boolean;
  readonly suspect?: boolean;
  readonly held?: boolean;
  readonly does: readonly string[];
  readonly problem?: 'foreign';
}

const cases: readonly Case[] = [
  { name: 'nothing wanted, nothing there', does: [] },
  { name: 'wanted and missing', wanted: body(2), does: ['add 2'] },
  { name: 'wanted and there', wanted: body(2), ours: body(2), does: [] },
  { name: 'wanted otherwise', wanted: body(3), ours: body(2), does: ['change 3'] },
  { name: 'not wanted any more', ours: body(2), does: ['delete 2'] },
  { name: 'not wanted, but held', ours: body(2), held: true, does: [] },
  { name: 'wanted otherwise while held', wanted: body(3), ours: body(2), held: true, does: ['change 3'] },
  { name: 'foreign in the way', wanted: body(2), foreign: true, does: [], problem: 'foreign' },
  { name: 'foreign beside ours', wanted: body(2), ours: body(2), foreign: true, does: [], problem: 'foreign' },
  {
    name: 'foreign beside ours, which is wrong',
    wanted: body(3),
    ours: body(2),
    foreign: true,
    does: ['delete 2'],
    problem: 'foreign',
  },
  { name: 'foreign beside ours, not wanted any more', ours: body(2), foreign: true, does: ['delete 2'] },
  { name: 'foreign only, not wanted', foreign: true, does: [] },
  {
    name: 'not proven ours, and wrong',
    wanted: body(3),
    ours: body(2, 4),
    unproven: true,
    does: ['delete 2,4', 'add 3'],
  },
  {
    name: 'as wanted, but not surely ours all of it',
    wanted: body(2, 3),
    ours: body(2, 3),
    suspect: true,
    does: ['delete 2,3', 'add 2,3'],
  },
  { name: 'several next hops in another order', wanted: body(2, 3), ours: body(3, 2), does: [] },
];
t.ok(cases.length > 0);

for (const { name, wanted, ours, foreign: blocked, unproven, suspect, held, does, problem } of cases) {
  t.test(name, async (t) => {
    const actual: FibActual = {
      ours: () => ours,
      claimed: () => ours !== undefined,
      proven: () => unproven !== true,
      suspect: () => suspect === true,
      foreign: () => (blocked === true ? [foreign] : []),
    };
    const desire = { wanted: () => wanted && { body: wanted }, held: () => held === true };
    const plan = planFib([KEY], desire, actual);
    const words = plan.operations.map(
      ({ action, body }) => `${action} ${body.nextHops.map((hop) => hop.gateway?.at(-1))}`,
    );
    t.strictSame(words, does);
    t.equal(plan.problems.get(KEY)?.kind, problem);
  });
}

t.test('a delete names all that makes a route ours', async (t) => {
  const ipv6 = { ...body(2), family: AF_INET6, nextHops: [{ gateway: new Uint8Array(16).fill(1), index: 5 }] };
  t.match(requestOf({ action: 'delete', key: 'fd01::/64 table 77', body: ipv6 }), {
    kind: 'route',
    action: 'delete',
    object: {
      protocol: 17,
      priority: 1024,
      table: 77,
      type: RTN_UNICAST,
      nextHops: ipv6.nextHops,
      destinationLength: 64,
    },
  });
});

t.test('routes that gateways stand on are made first and removed last, the new before the old', async (t) => {
  const direct: RouteBody = { ...body(), nextHops: [{ index: 5 }] };
  const wanted = new Map(
    [
      ['a', body(2)],
      ['b', direct],
    ].map(([key, one]) => [key as string, { body: one as RouteBody }]),
  );
  const stands = new Map<string, RouteBody>([
    ['c', direct],
    ['d', body(2)],
  ]);
  const plan = planFib(
    ['a', 'b', 'c', 'd'],
    { wanted: (key) => wanted.get(key), held: () => false },
    {
      ours: (key) => stands.get(key),
      claimed: (key) => stands.has(key),
      proven: () => true,
      suspect: () => false,
      foreign: () => [],
    },
  );
  t.strictSame(
    plan.operations.map(({ action, key }) => `${action} ${key}`),
    ['add b', 'add a', 'delete d', 'delete c'],
  );
});
