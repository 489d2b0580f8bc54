import t from 'tap';
import { parseAddress } from '../../../src/annotations/prefix.ts';
import { VipRoutes } from '../../../src/router/announcements.ts';
import type { Vip } from '../../../src/router/vip-table.ts';
import { facts, identity } from './fixture.ts';

const own = identity(facts('n1', { addresses: ['10.0.0.1', 'fd00::1'] }));

function vip(text: string, ...communities: readonly number[]): Vip {
  const address = parseAddress(text);
  if (!address) throw new Error(text);
  return { address, communities };
}

const vips = (...all: readonly Vip[]) => new Map(all.map((one) => [one.address.text, one]));
const none = new Map<string, string>();

t.test('B-30: host routes by the best address of the family', (t) => {
  const plan = new VipRoutes();
  plan.planAll(vips(vip('10.96.0.10'), vip('fd00:96::a', 1, 2)), own, none);
  t.strictSame(
    [...plan.routes.values()],
    [
      { prefix: '10.96.0.10/32', nextHop: '10.0.0.1' },
      { prefix: 'fd00:96::a/128', nextHop: 'fd00::1', attributes: { communities: [1, 2] } },
    ],
  );
  t.strictSame(plan.problems, []);
  t.end();
});

t.test('B-55: what is as it was is the same object and no change', (t) => {
  const plan = new VipRoutes();
  plan.planAll(vips(vip('10.96.0.10', 1), vip('10.96.0.11')), own, none);
  const before = new Map(plan.routes);
  const both = ['10.96.0.10', '10.96.0.11'];
  const changes = plan.plan(both, vips(vip('10.96.0.10', 2), vip('10.96.0.11')), own, none);
  t.strictSame([...changes.keys()], ['10.96.0.10/32']);
  t.equal(plan.routes.get('10.96.0.11/32'), before.get('10.96.0.11/32'));
  t.strictSame([...plan.plan(both, vips(vip('10.96.0.11')), own, none)], [['10.96.0.10/32', undefined]]);
  const moved = identity(facts('n1', { addresses: ['10.0.0.2'] }), { enableIpv6: false });
  plan.planAll(vips(vip('10.96.0.12'), vip('fd00:96::a')), moved, none);
  t.strictSame([...plan.routes.values()], [{ prefix: '10.96.0.12/32', nextHop: '10.0.0.2' }]);
  t.end();
});

t.test("a node's address is not announced, and the others are; when the node is gone it is", (t) => {
  const plan = new VipRoutes();
  const all = vips(vip('10.0.0.2'), vip('10.96.0.10'));
  plan.planAll(all, own, new Map([['10.0.0.2', 'n2']]));
  t.strictSame([...plan.routes.keys()], ['10.96.0.10/32']);
  t.match(plan.problems, [
    { code: 'vip-refused', text: 'address 10.0.0.2 of a service is not announced: it is the address of node n2' },
  ]);
  plan.planAll(all, own, none);
  t.strictSame([...plan.routes.keys()].sort(), ['10.0.0.2/32', '10.96.0.10/32']);
  t.strictSame(plan.problems, []);
  plan.planAll(vips(), own, none);
  t.equal(plan.routes.size, 0);
  t.end();
});
