import t from 'tap';
import { type MtuOptions, podMtu } from '../../../src/router/pod-mtu.ts';

const on: MtuOptions = { autoMtu: true, autoMtuOverlay: true, enableOverlay: true, overlayEncap: 'ipip' };
const four = { ipv4: '10.0.0.1', ipv6: undefined };
const both = { ipv4: '10.0.0.1', ipv6: 'fd00::1' };

const cases: readonly (readonly [
  options: Partial<MtuOptions>,
  node: typeof four | typeof both,
  mtu: number | undefined,
])[] = [
  [{ autoMtuOverlay: false }, both, 1500],
  [{ autoMtuOverlay: false, overlayEncap: 'fou' }, four, 1500],
  [{ enableOverlay: false }, both, 1500],
  [{ autoMtu: false }, four, undefined],
  [{}, four, 1480],
  [{}, both, 1452],
  [{ overlayEncap: 'fou' }, four, 1468],
  [{ overlayEncap: 'fou' }, both, 1440],
];

t.test('C-3, and what the tunnels add where that is asked for', (t) => {
  t.ok(cases.length > 0);
  for (const [options, node, mtu] of cases) {
    t.equal(
      podMtu({ ...on, ...options }, { interface: { index: 2, name: 'eth0', mtu: 1500 } }, node),
      mtu,
      JSON.stringify(options),
    );
  }
  t.equal(podMtu(on, { interface: undefined }, four), undefined);
  t.end();
});
