/**
 * The hashes are those of `sha256sum | base32` over the texts of the original's formulas; those of the jumps were read from
 * rules of clusters that run the original.
 */
import t from 'tap';
import type { SetId } from '../../../src/policy/compile/model.ts';
import { ipsetName, logPrefix, Names, placedComment, ruleComment } from '../../../src/policy/names.ts';

const policy = 'default/allow-web';

t.test('chains', (t) => {
  const names = new Names();
  t.equal(names.podChain('default/web-0'), 'KUBE-POD-FW-ADP45DXKP4DNEUMF');
  t.equal(names.policyChain(policy, 'ingress', 4), 'KUBE-NWPLCY-M6PZR535OW6JMOTI');
  t.equal(names.policyChain(policy, 'ingress', 6), 'KUBE-NWPLCY-R4D7VKDQJGX2LC2M');
  t.equal(names.policyChain(policy, 'egress', 4), 'KUBE-NWPLCY-6JNTPDCUR6RJYSVV');
  t.end();
});

t.test('sets', (t) => {
  const names = new Names();
  const rule = (of: 'pods' | 'blocks', direction: 'ingress' | 'egress', index: number): SetId => ({
    ...{ policy, of, direction, rule: index },
  });
  t.equal(names.set({ policy, of: 'targets' }, 'ingress', 4), 'KUBE-DST-M6PZR535OW6JMOTI');
  t.equal(names.set({ policy, of: 'targets' }, 'egress', 4), 'KUBE-SRC-M6PZR535OW6JMOTI');
  t.equal(names.set(rule('pods', 'ingress', 0), 'ingress', 4), 'KUBE-SRC-FKHFCEK6N6YXDOWU');
  t.equal(names.set(rule('pods', 'egress', 1), 'egress', 6), 'KUBE-DST-YQGTYDIVCMXDANXW');
  t.equal(names.set(rule('blocks', 'ingress', 0), 'ingress', 4), 'KUBE-SRC-CU76QFNSNUG3W6VX');
  const named: SetId = { policy, of: 'named-port', direction: 'ingress', rule: 0, protocol: 'TCP', port: 8080 };
  t.equal(names.set(named, 'ingress', 4), 'KUBE-DST-OKAQ3PLSSJ3MRZJQ');
  t.equal(ipsetName('KUBE-DST-YQGTYDIVCMXDANXW', 6), 'inet6:KUBE-DST-YQGTYDIVCMXDANXW');
  t.ok(ipsetName('KUBE-DST-YQGTYDIVCMXDANXW', 6).length <= 31);
  t.end();
});

t.test('two objects whose names run together to one text', (t) => {
  const names = new Names();
  const [first, second] = [names.podChain('team/a-web'), names.podChain('teama/-web')];
  t.not(first, second);
  t.equal(names.podChain('team/a-web'), first, 'and both keep theirs');
  t.equal(names.podChain('teama/-web'), second);
  t.end();
});

t.test('comments', (t) => {
  const words = (target: string) => ['-m', 'comment', '--comment', 'kube-router netpol', '-j', target];
  const jump = (chain: string) => placedComment(chain, words(`KUBE-ROUTER-${chain}`), 'kube-router netpol');
  t.equal(jump('INPUT'), 'kube-router netpol - 4IA2OSFRMVNDXBVV');
  t.equal(jump('FORWARD'), 'kube-router netpol - TEMCG2JMHZYE7H7T');
  t.equal(jump('OUTPUT'), 'kube-router netpol - VEAAIY32XVBHCSCY');
  t.equal(ruleComment('x/y\n"z', 'policy'), 'x/yz policy');
  t.equal(ruleComment(`${'n'.repeat(63)}/${'p'.repeat(253)}`, 'in').length, 120);
  t.equal(logPrefix(`pod ${'n'.repeat(63)}/p`).length, 63);
  t.end();
});
