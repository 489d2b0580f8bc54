import t from 'tap';
import { parseManifest as parse } from '../../../../src/cluster/manifests/document.ts';
import type { Kind } from '../../../../src/cluster/model.ts';

const parseManifest = (text: string, kinds: readonly Kind[] = ['Node']) => parse(text, new Set(kinds));

const node = (name: string, cidr = '10.244.1.0/24') => `apiVersion: v1
kind: Node
metadata:
  name: ${name}
spec:
  podCIDR: ${cidr}
`;

function names(text: string) {
  const manifest = parseManifest(text);
  if (manifest.kind === 'broken') throw new Error(manifest.text);
  t.same(manifest.problems, []);
  return manifest.objects.map(({ object, line }) => `${object.metadata.name}:${line}`);
}

t.test('documents, lists, other kinds, JSON', (t) => {
  t.same(names(`# a comment\n${node('a')}---\n${node('b')}---\n# empty\n---\n`), ['a:2', 'b:9']);
  t.same(names(''), []);
  t.same(names('---\n'), []);
  t.same(names('apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n'), []);
  const items =
    '  - apiVersion: v1\n    kind: Node\n    metadata: {name: a}\n  - apiVersion: v1\n    kind: Node\n    metadata: {name: b}\n';
  t.same(names(`apiVersion: v1\nkind: List\nitems:\n${items}`), ['a:4', 'b:7']);
  t.same(names(`apiVersion: v1\nkind: NodeList\nmetadata: {resourceVersion: "1"}\nitems:\n${items}`), ['a:5', 'b:8']);
  t.same(names('{"apiVersion":"v1","kind":"Node","metadata":{"name":"a"}}'), ['a:1']);
  t.end();
});

t.test('one bad object does not stop the others', (t) => {
  const manifest = parseManifest(
    `${node('a')}---\n${node('b', '10.244.0.0')}---\nkind: Node\nmetadata: {name: c}\n---\njust text\n---\n${node('d')}`,
  );
  if (manifest.kind === 'broken') throw new Error(manifest.text);
  t.same(
    manifest.objects.map(({ key }) => key),
    ['Node /a', 'Node /d'],
  );
  t.match(manifest.problems, [
    { line: 8, key: 'Node /b', text: /^Node b: spec\.podCIDR: "10\.244\.0\.0" is no prefix/ },
    { line: 15, text: 'Node: apiVersion undefined, expected "v1"' },
    { line: 18, text: 'expected a Kubernetes object with apiVersion, kind and metadata' },
  ]);
  t.end();
});

t.test('what is no YAML breaks the file, at its line', (t) => {
  const cases: readonly (readonly [text: string, line: number])[] = [
    [`${node('a')}---\nkind: Node\nmetadata: {name: b\n`, 10],
    ['a: 1\na: 2\n', 2],
    ['\tkind: Node\n', 1],
    ['a: *unknown\n', 1],
    ['"never closed\n', 2],
  ];
  t.ok(cases.length > 0);
  for (const [text, line] of cases) t.match(parseManifest(text), { kind: 'broken', line }, JSON.stringify(text));
  t.end();
});

t.test('aliases do not blow up', (t) => {
  const levels = Array.from({ length: 12 }, (_, n) => `a${n + 1}: &a${n + 1} [${Array(9).fill(`*a${n}`)}]`);
  t.match(parseManifest(`a0: &a0 x\n${levels.join('\n')}\n`), { kind: 'broken', text: /alias/i });
  t.end();
});

t.test('namespaced kinds: the default namespace, and only the kinds asked for', (t) => {
  const text = `${node('a')}---
{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {clusterIP: 10.96.0.1}}
---
{apiVersion: v1, kind: Service, metadata: {name: s, namespace: x}, spec: {clusterIP: nine}}
---
{apiVersion: v1, kind: Pod, metadata: {name: p}}
`;
  const manifest = parseManifest(text, ['Node', 'Service']);
  if (manifest.kind === 'broken') throw new Error(manifest.text);
  t.same(
    manifest.objects.map(({ key }) => key),
    ['Node /a', 'Service default/s'],
  );
  t.match(manifest.problems, [{ line: 10, key: 'Service x/s', text: /^Service s: spec\.clusterIP: "nine"/ }]);
  t.end();
});
