import t from 'tap';
import { hasRandomFully } from '../../../src/kernel/iptables.ts';
import { planSysctls } from '../../../src/kernel/sysctl.ts';

t.test('only what differs is written, what is not there is named', (t) => {
  const wanted = [
    { key: 'a', value: '1' },
    { key: 'b', value: '0' },
    { key: 'c', value: '1' },
  ];
  const actual = new Map([
    ['a', '1\n'],
    ['b', '1\n'],
    ['c', undefined],
  ]);
  t.strictSame(planSysctls(wanted, actual), { writes: [{ key: 'b', value: '0' }], missing: ['c'] });
  t.end();
});

const versions: readonly (readonly [text: string, randomFully: boolean])[] = [
  ['iptables v1.8.9 (nf_tables)', true],
  ['iptables v1.8.10 (legacy)', true],
  ['iptables v1.6.2', true],
  ['iptables v1.6.1', false],
  ['iptables v1.4.21', false],
  ['iptables v2.0', true],
  ['what?', false],
];

t.test('K-4: --random-fully from iptables 1.6.2', (t) => {
  t.ok(versions.length > 0);
  for (const [text, expected] of versions) t.equal(hasRandomFully(text), expected, text);
  t.end();
});
