import t from 'tap';
import { NodeTable } from '../../../src/router/node-table.ts';
import { node } from './fixture.ts';

const n1 = node('n1', { addresses: ['10.0.0.1'], podCidrs: ['10.244.1.0/24'] });
const n2 = node('n2', { addresses: ['10.0.0.2'], podCidrs: ['10.244.2.0/24'] });

t.test('what a change touches', (t) => {
  const changed = (old: typeof n1, object: typeof n1) =>
    new NodeTable('n1', [n1, n2]).apply([{ type: 'modified', kind: 'Node', object, old }]);
  const labels = { ...n1.metadata, labels: { zone: 'a' }, resourceVersion: '2' };
  const foreign = { ...n1.metadata, annotations: { 'other.io/x': '1' } };
  const peers = { ...n1.metadata, annotations: { 'kube-router.io/peers': '[]' } };
  t.strictSame(changed(n1, { ...n1, metadata: labels }), { own: false, facts: false }, 'a label');
  t.strictSame(changed(n1, { ...n1, metadata: foreign }), { own: false, facts: false }, 'an annotation of others');
  t.strictSame(changed(n1, { ...n1, metadata: peers }), { own: true, facts: false }, 'an own annotation');
  t.strictSame(
    changed(n1, node('n1', { addresses: ['10.0.0.9'], podCidrs: ['10.244.1.0/24'] })),
    { own: true, facts: true },
    'an own address',
  );
  t.strictSame(
    changed(n2, node('n2', { addresses: ['10.0.0.2'] })),
    { own: false, facts: true },
    'a pod CIDR of another',
  );
  t.strictSame(
    changed(n2, { ...n2, metadata: { ...n2.metadata, annotations: { 'kube-router.io/peers': '[]' } } }),
    { own: false, facts: false },
    'peers of another',
  );
  t.end();
});

t.test('nodes come and go', (t) => {
  const table = new NodeTable('n1', []);
  t.equal(table.own, undefined);
  t.strictSame(table.apply([{ type: 'added', kind: 'Node', object: n2 }]), { own: false, facts: true });
  t.strictSame(table.apply([{ type: 'added', kind: 'Node', object: n1 }]), { own: true, facts: true });
  t.equal(table.own, n1);
  t.strictSame([...table.facts.keys()], ['n2', 'n1']);
  t.strictSame(table.apply([{ type: 'deleted', kind: 'Node', object: n1 }]), { own: true, facts: true });
  t.equal(table.own, undefined);
  t.strictSame([...table.facts.keys()], ['n2']);
  t.end();
});
