/** Whatever happened in whatever order: the meaning is that of the objects that are there, and the changes told add up to it. */
import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import t from 'tap';
import type { ClusterChange, Namespace, NetworkPolicy, Pod } from '../../../src/cluster/model.ts';
import { PolicyCompiler } from '../../../src/policy/compile/compiler.ts';
import { type CompiledPolicy, directions, type SetId, setKey } from '../../../src/policy/compile/model.ts';
import { NODE, namespace, pod, policy } from './objects.ts';

type Object = Pod | Namespace | NetworkPolicy;

const oneOf = <T>(...values: T[]) => fc.constantFrom(...values);
const labels = fc.dictionary(oneOf('a', 'b'), oneOf('1', '2'), { maxKeys: 2 });
const selector = fc.record({
  matchLabels: labels,
  matchExpressions: fc.array(
    oneOf(
      { key: 'a', operator: 'Exists' },
      { key: 'b', operator: 'DoesNotExist' },
      { key: 'a', operator: 'NotIn', values: ['1'] },
      { key: 'b', operator: 'In', values: ['1', '2'] },
    ),
    { maxLength: 1 },
  ),
});
const peer = fc.oneof(
  fc.record({ podSelector: selector }),
  fc.record({ namespaceSelector: selector }),
  fc.record({ podSelector: selector, namespaceSelector: selector }),
  oneOf({ ipBlock: { cidr: '10.0.0.0/29', except: ['10.0.0.2/31'] } }, { ipBlock: { cidr: '10.0.0.3/32' } }),
);
const port = oneOf({ port: 80 }, { port: 'http' }, { port: 'dns', protocol: 'UDP' }, { port: 1, endPort: 90 }, {});
const rules = (side: 'from' | 'to') =>
  fc.array(fc.record({ [side]: fc.array(peer, { maxLength: 2 }), ports: fc.array(port, { maxLength: 2 }) }), {
    maxLength: 2,
  });
const names = oneOf('p', 'q', 'r');
const spaces = oneOf('x', 'y');
const object: fc.Arbitrary<Object> = fc.oneof(
  { weight: 1, arbitrary: fc.tuple(spaces, labels).map(([name, given]) => namespace(name, given)) },
  {
    weight: 4,
    arbitrary: fc
      .record({
        name: names,
        host: fc.integer({ min: 0, max: 7 }),
        namespace: spaces,
        labels,
        node: oneOf(NODE, 'node-2'),
        phase: oneOf('Running', 'Running', 'Failed'),
        ports: fc.subarray(
          [
            ['http', 80],
            ['http', 8080],
            ['dns', 53, 'UDP'],
          ] as [string, number, string?][],
          { maxLength: 2 },
        ),
      })
      .map(({ name, host, ...sketch }) => pod(name, [`10.0.0.${host}`, `fd00::${host}`], sketch)),
  },
  {
    weight: 3,
    arbitrary: fc
      .record({ name: names, space: spaces, podSelector: selector, ingress: rules('from'), egress: rules('to') })
      .map(({ name, space, ...spec }) => policy(name, spec, space)),
  },
);
const event = fc.record({ object, type: oneOf('set', 'set', 'set', 'delete') });

const keyOf = ({ kind, metadata }: Object) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`;

function idsOf({ key, ...policy }: CompiledPolicy): SetId[] {
  const used = directions.flatMap((direction) =>
    (policy[direction] ?? []).flatMap(({ peers, targets }) => [
      ...(peers ? [peers] : []),
      ...(targets ? [targets] : []),
    ]),
  );
  return [{ policy: key, of: 'targets' }, ...used];
}

function meaning(compiler: PolicyCompiler) {
  const policies = [...compiler.policyKeys()].sort().flatMap((key) => compiler.policy(key) ?? []);
  const ids = new Map(policies.flatMap(idsOf).map((id) => [setKey(id), id]));
  return {
    policies,
    pods: compiler.localPods().sort((a, b) => (a.key < b.key ? -1 : 1)),
    sets: [...ids].sort().map(([key, id]) => [key, [...compiler.elements(id)].sort()]),
  };
}

t.test('changes add up to what is there', (t) => {
  let told = 0;
  fc.assert(
    fc.property(fc.array(event, { minLength: 10, maxLength: 40 }), (events) => {
      const there = new Map<string, Object>();
      const kept = new PolicyCompiler(NODE);
      const sets = new Map<string, Set<string>>();
      for (const { object, type } of events) {
        const key = keyOf(object);
        const old = there.get(key);
        if (type === 'delete' && old === undefined) continue;
        const change = (
          type === 'delete'
            ? { type: 'deleted', kind: object.kind, object: old }
            : { type: old === undefined ? 'added' : 'modified', kind: object.kind, object, old }
        ) as ClusterChange;
        if (type === 'delete') there.delete(key);
        else there.set(key, object);
        for (const [set, { added, removed }] of kept.apply([change]).sets) {
          const elements = sets.get(set) ?? new Set();
          sets.set(set, elements);
          for (const element of removed)
            if (!elements.delete(element)) throw new Error(`${set}: ${element} was not there`);
          for (const element of added) elements.add(element);
          told++;
        }
      }
      const fresh = new PolicyCompiler(NODE);
      fresh.apply(
        [...there.values()].reverse().map((object) => ({ type: 'added', kind: object.kind, object }) as ClusterChange),
      );
      const wanted = meaning(fresh);
      assert.deepStrictEqual(meaning(kept), wanted);
      for (const [key, elements] of wanted.sets) {
        const followed = [...(sets.get(String(key)) ?? [])].sort();
        if (JSON.stringify(followed) !== JSON.stringify(elements))
          throw new Error(`${key}: told ${followed}, is ${elements}`);
      }
    }),
    { numRuns: 300 },
  );
  t.ok(told > 1000, `${told} changes of sets were told`);
  t.end();
});
