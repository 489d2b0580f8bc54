import t from 'tap';
import { parseAddress } from '../../../src/annotations/prefix.ts';
import { planVipAnnouncements } from '../../../src/router/announcements.ts';
import type { Vip } from '../../../src/router/vip-table.ts';
import { facts, identity } from './fixture.ts';

const own = identity(facts('n1', { addresses: ['10.0.0.1', 'fd00::1'] }));

function vip(text: string, ...communities: readonly number[]): Vip {
  const address = parseAddress(text);
  if (!address) throw new Error(text);
  return { address, communities };
}

t.test('B-30: host routes by the best address of the family', (t) => {
  const vips = [vip('10.96.0.10'), vip('fd00:96::a', 1, 2)];
  const { announcements, problems } = planVipAnnouncements(vips, own, new Map(), new Map());
  t.strictSame(
    [...announcements.values()],
    [
      { prefix: '10.96.0.10/32', nextHop: '10.0.0.1' },
      { prefix: 'fd00:96::a/128', nextHop: 'fd00::1', attributes: { communities: [1, 2] } },
    ],
  );
  t.strictSame(problems, []);
  t.end();
});

t.test('B-55: what is as it was is the same object', (t) => {
  const first = planVipAnnouncements(
    [vip('10.96.0.10', 1), vip('10.96.0.11')],
    own,
    new Map(),
    new Map(),
  ).announcements;
  const second = planVipAnnouncements([vip('10.96.0.10', 2), vip('10.96.0.11')], own, new Map(), first).announcements;
  t.equal(second.get('10.96.0.11/32'), first.get('10.96.0.11/32'));
  t.not(second.get('10.96.0.10/32'), first.get('10.96.0.10/32'));
  const moved = identity(facts('n1', { addresses: ['10.0.0.2'] }), { enableIpv6: false });
  const third = planVipAnnouncements([vip('10.96.0.11'), vip('fd00:96::a')], moved, new Map(), second).announcements;
  t.strictSame([...third.values()], [{ prefix: '10.96.0.11/32', nextHop: '10.0.0.2' }]);
  t.end();
});

t.test("a node's address is not announced, and the others are", (t) => {
  const nodes = new Map([['10.0.0.2', 'n2']]);
  const { announcements, problems } = planVipAnnouncements([vip('10.0.0.2'), vip('10.96.0.10')], own, nodes, new Map());
  t.strictSame([...announcements.keys()], ['10.96.0.10/32']);
  t.match(problems, [
    { code: 'vip-refused', text: 'address 10.0.0.2 of a service is not announced: it is the address of node n2' },
  ]);
  t.end();
});
