import { AF_INET, AF_INET6, IPSET_FLAG_NOMATCH, type SetElement, type SetOperation } from '@routelet/netlink-wire';
import t from 'tap';
import { type ActualSet, planSet, type SetGoal, type SetSteps } from '../../../src/kernel/ipset-plan.ts';

const bytes = (...values: number[]) => new Uint8Array(values);
const subnet: SetElement = { ip: bytes(10, 1, 0, 0), prefixLength: 16 };
const host: SetElement = { ip: bytes(10, 2, 3, 4) };
const other: SetElement = { ip: bytes(10, 9, 0, 0), prefixLength: 16 };

const goal: SetGoal = { name: 'pods', type: 'hash:net', family: 'inet', elements: ['10.1.0.0/16', '10.2.3.4/32'] };
const standing: ActualSet = {
  type: 'hash:net',
  family: AF_INET,
  timeout: 0,
  elements: [
    { ...subnet, timeout: 0 },
    { ...host, prefixLength: 32, timeout: 0 },
  ],
};

const add = (name: string, element: SetElement): SetOperation => ({
  action: 'add',
  name,
  element: { ...element, timeout: 0 },
});
const made = (name: string): SetOperation[] => [
  { action: 'create', set: { name, type: 'hash:net', family: AF_INET, timeout: 0 } },
  add(name, subnet),
  add(name, host),
];
const destroy = (name: string): SetOperation => ({ action: 'destroy', name });

const { timeout, ...withoutTimeout } = standing;
const cases: readonly (readonly [what: string, actual: ActualSet | undefined, leftover: boolean, steps: SetSteps])[] = [
  ['as wanted', standing, false, [[], []]],
  ['missing', undefined, false, [[], made('pods')]],
  [
    'other elements',
    { ...standing, elements: [{ ...other, timeout: 0 }, ...standing.elements.slice(1)] },
    false,
    [[], [add('pods', subnet), { action: 'delete', name: 'pods', element: other }]],
  ],
  [
    'an element that will end, and an exception',
    {
      ...standing,
      elements: [
        { ...subnet, timeout: 60 },
        { ...host, timeout: 0, flags: IPSET_FLAG_NOMATCH },
      ],
    },
    false,
    [[], [add('pods', subnet), add('pods', host)]],
  ],
  ['another type: cannot be swapped', { ...standing, type: 'hash:ip' }, false, [[destroy('pods')], made('pods')]],
  ['another family', { ...standing, family: AF_INET6 }, false, [[destroy('pods')], made('pods')]],
  [
    'without timeouts: filled beside and swapped',
    withoutTimeout,
    true,
    [[destroy('pods-')], made('pods-'), [{ action: 'swap', name: 'pods-', other: 'pods' }, destroy('pods-')]],
  ],
  ['left over from an interrupted swap', standing, true, [[destroy('pods-')], []]],
];

t.test('K-2, K-3, K-6: by element where the set fits, by swap where not', async (t) => {
  t.ok(cases.length > 0);
  for (const [what, actual, leftover, steps] of cases) t.strictSame(planSet(goal, actual, leftover), steps, what);
  const ipv6: SetGoal = { name: 'n', type: 'hash:ip', family: 'inet6', elements: ['fd00::1/128', 'fd00::1'] };
  const ip = new Uint8Array(16).fill(0xfd, 0, 1).fill(1, 15);
  t.strictSame(planSet(ipv6, { type: 'hash:ip', family: AF_INET6, timeout: 0, elements: [{ ip, timeout: 0 }] }), [
    [],
    [],
  ]);
});
