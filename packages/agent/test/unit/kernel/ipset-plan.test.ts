import t from 'tap';
import { type ActualSet, parseSave, planSet, type SetGoal } from '../../../src/kernel/ipset-plan.ts';

/** Output of `ipset save` (7.17, protocol 7). */
const SAVE = `create kube-router-pod-subnets hash:net family inet hashsize 1024 maxelem 65536 timeout 0 bucketsize 12 initval 0x017ba3d7
add kube-router-pod-subnets 10.1.0.0/16 timeout 0
add kube-router-pod-subnets 10.2.3.4 timeout 0
create inet6:kube-router-node-ips hash:ip family inet6 hashsize 1024 maxelem 65536 timeout 0 bucketsize 12 initval 0xa7c6ce65
add inet6:kube-router-node-ips fd00::1 timeout 0
`;

t.test('ipset save is read', (t) => {
  t.strictSame(
    [...parseSave(SAVE)],
    [
      [
        'kube-router-pod-subnets',
        { type: 'hash:net', family: 'inet', timeout: '0', elements: ['10.1.0.0/16', '10.2.3.4'] },
      ],
      ['inet6:kube-router-node-ips', { type: 'hash:ip', family: 'inet6', timeout: '0', elements: ['fd00::1'] }],
    ],
  );
  t.strictSame([...parseSave('')], []);
  t.end();
});

const goal: SetGoal = { name: 'pods', type: 'hash:net', family: 'inet', elements: ['10.1.0.0/16', '10.2.3.4/32'] };
const standing: ActualSet = { type: 'hash:net', family: 'inet', timeout: '0', elements: ['10.1.0.0/16', '10.2.3.4'] };

const cases: readonly (readonly [
  what: string,
  actual: ActualSet | undefined,
  leftover: boolean,
  lines: readonly string[],
])[] = [
  ['as wanted', standing, false, []],
  [
    'missing',
    undefined,
    false,
    ['create pods hash:net family inet timeout 0', 'add pods 10.1.0.0/16 timeout 0', 'add pods 10.2.3.4 timeout 0'],
  ],
  [
    'other elements',
    { ...standing, elements: ['10.9.0.0/16', '10.2.3.4'] },
    false,
    ['add pods 10.1.0.0/16 timeout 0', 'del pods 10.9.0.0/16'],
  ],
  [
    'another type: cannot be swapped',
    { ...standing, type: 'hash:ip' },
    false,
    [
      'destroy pods',
      'create pods hash:net family inet timeout 0',
      'add pods 10.1.0.0/16 timeout 0',
      'add pods 10.2.3.4 timeout 0',
    ],
  ],
  [
    'without timeouts: filled beside and swapped',
    { ...standing, timeout: undefined },
    true,
    [
      'destroy pods-',
      'create pods- hash:net family inet timeout 0',
      'add pods- 10.1.0.0/16 timeout 0',
      'add pods- 10.2.3.4 timeout 0',
      'swap pods- pods',
      'destroy pods-',
    ],
  ],
  ['left over from an interrupted swap', standing, true, ['destroy pods-']],
];

t.test('K-2, K-3, K-6: by element where the set fits, by swap where not', (t) => {
  t.ok(cases.length > 0);
  for (const [what, actual, leftover, lines] of cases) t.strictSame(planSet(goal, actual, leftover), lines, what);
  const ipv6: SetGoal = { name: 'n', type: 'hash:ip', family: 'inet6', elements: ['fd00::1/128'] };
  t.strictSame(planSet(ipv6, { type: 'hash:ip', family: 'inet6', timeout: '0', elements: ['fd00::1'] }), []);
  t.end();
});
