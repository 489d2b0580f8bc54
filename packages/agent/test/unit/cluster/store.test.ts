import t from 'tap';
import { readEndpointSlice } from '../../../src/cluster/endpoint-slice.ts';
import type { ClusterChange, EndpointSlice, Node } from '../../../src/cluster/model.ts';
import { ClusterStore } from '../../../src/cluster/store.ts';

function node(name: string, podCIDR = '10.244.1.0/24', resourceVersion = '1'): Node {
  return {
    kind: 'Node',
    metadata: { name, resourceVersion, labels: {}, annotations: {} },
    spec: { podCIDR, podCIDRs: [podCIDR] },
    status: { addresses: [] },
  };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

function watched() {
  const store = new ClusterStore();
  const turns: (readonly ClusterChange[])[] = [];
  const stop = store.subscribe((changes) => turns.push(changes));
  const said = () =>
    turns.splice(0).map((changes) => changes.map(({ type, object }) => `${type} ${object.metadata.name}`));
  return { store, turns, said, stop };
}

t.test('one notification a turn, changes in order', async (t) => {
  const { store, said } = watched();
  store.set(node('a'));
  store.set(node('b'));
  store.set(node('a', '10.244.9.0/24'));
  store.delete('Node', 'b');
  t.same(said(), [], 'nothing inside of the call');
  await turn();
  t.same(said(), [['added a', 'added b', 'modified a', 'deleted b']]);
  store.set(node('c'));
  await turn();
  t.same(said(), [['added c']]);
});

t.test('a change hands over the old object', async (t) => {
  const { store, turns } = watched();
  store.set(node('a'));
  await turn();
  store.set(node('a', '10.244.9.0/24'));
  await turn();
  t.match(turns[1], [
    { type: 'modified', object: { spec: { podCIDR: '10.244.9.0/24' } }, old: { spec: { podCIDR: '10.244.1.0/24' } } },
  ]);
});

t.test('the same content is no change', async (t) => {
  const { store, said } = watched();
  store.set(node('a', '10.244.1.0/24', '1'));
  await turn();
  said();
  store.set(node('a', '10.244.1.0/24', '2'));
  store.replaceAll('Node', [node('a', '10.244.1.0/24', '3')]);
  store.delete('Node', 'unknown');
  await turn();
  t.same(said(), [], 'a heartbeat of the kubelet raises the version only');
});

t.test('a full list is applied by its differences', async (t) => {
  const { store, said } = watched();
  for (const name of ['a', 'b', 'c', 'd']) store.set(node(name));
  await turn();
  said();
  store.replaceAll('Node', [node('b'), node('c', '10.244.9.0/24'), node('e')], new Set(['/d']));
  await turn();
  t.same(said(), [['deleted a', 'modified c', 'added e']], 'd is kept because it could not be read');
  t.same(
    store.list('Node').map(({ metadata }) => metadata.name),
    ['b', 'c', 'd', 'e'],
  );
});

t.test('objects are frozen', (t) => {
  const { store } = watched();
  store.set(node('a'));
  const found = store.get('Node', 'a');
  if (found === undefined) throw new Error('not found');
  t.throws(() => Object.assign(found.metadata.labels, { x: 'y' }), TypeError);
  t.throws(() => (found.spec.podCIDRs as string[]).push('x'), TypeError);
  t.equal(store.get('Node', 'b'), undefined);
  t.end();
});

t.test('a listener that left hears nothing', async (t) => {
  const { store, said, stop } = watched();
  stop();
  store.set(node('a'));
  await turn();
  t.same(said(), []);
});

t.test('slices are found by their Service, also after they moved to another one', (t) => {
  const slice = (name: string, service: string | undefined, port = 80): EndpointSlice => ({
    kind: 'EndpointSlice',
    metadata: {
      name,
      namespace: 'shop',
      labels: service === undefined ? {} : { 'kubernetes.io/service-name': service },
      annotations: {},
    },
    addressType: 'IPv4',
    endpoints: [],
    ports: [{ name: '', protocol: 'TCP', port }],
  });
  const store = new ClusterStore();
  const of = (service: string) => store.listBy('EndpointSlice', `shop/${service}`).map((one) => one.ports[0]?.port);
  store.replaceAll('EndpointSlice', [slice('a', 'web'), slice('b', 'web', 81), slice('c', undefined)]);
  t.same([of('web'), of('api')], [[80, 81], []]);
  store.set(slice('a', 'web', 90));
  t.same(of('web'), [90, 81], 'a change is in the index');
  store.set(slice('b', 'api', 81));
  t.same([of('web'), of('api')], [[90], [81]]);
  store.delete('EndpointSlice', 'a', 'shop');
  store.set(slice('b', undefined));
  t.same([of('web'), of('api')], [[], []]);
  t.end();
});

t.test('objects of one name in two namespaces are two', (t) => {
  const store = new ClusterStore();
  const slice = (namespace: string): EndpointSlice => ({
    kind: 'EndpointSlice',
    metadata: { name: 'a', namespace, labels: {}, annotations: {} },
    addressType: 'IPv4',
    endpoints: [],
    ports: [],
  });
  store.replaceAll('EndpointSlice', [slice('x'), slice('y')]);
  t.equal(store.list('EndpointSlice').length, 2);
  store.replaceAll('EndpointSlice', [slice('y')]);
  t.equal(store.get('EndpointSlice', 'a', 'x'), undefined);
  t.ok(store.get('EndpointSlice', 'a', 'y'));
  t.end();
});

t.test('B-54: a lease renewed in the annotations of a slice is no change', async (t) => {
  const { store, turns } = watched();
  for (const renewTime of ['1', '2']) {
    const annotations = { 'control-plane.alpha.kubernetes.io/leader': `{"renewTime":${renewTime}}` };
    const metadata = { name: 'scheduler', namespace: 'kube-system', resourceVersion: renewTime, annotations };
    const slice = readEndpointSlice({ metadata, addressType: 'IPv4', endpoints: [] });
    if ('problem' in slice) throw new Error(slice.problem);
    store.set(slice);
    await turn();
  }
  t.equal(turns.length, 1);
});
