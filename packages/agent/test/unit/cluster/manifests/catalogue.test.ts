import t from 'tap';
import { Catalogue } from '../../../../src/cluster/manifests/catalogue.ts';

const node = (name: string, cidr = '10.244.1.0/24') =>
  `{apiVersion: v1, kind: Node, metadata: {name: ${name}}, spec: {podCIDR: ${cidr}}}\n`;
const files = (entries: Readonly<Record<string, string>>) => new Map(Object.entries(entries));
const content = (catalogue: Catalogue) =>
  catalogue
    .objects()
    .flatMap((object) => (object.kind === 'Node' ? `${object.metadata.name} ${object.spec.podCIDR}` : []));

t.test('files come, change and go', (t) => {
  const catalogue = new Catalogue(['Node']);
  t.match(catalogue.update(files({ a: node('n1'), b: node('n2') })), { problems: [], changed: true });
  t.match(catalogue.update(files({ a: node('n1'), b: node('n2') })), { problems: [], changed: false });
  t.match(catalogue.update(files({ a: node('n1', '10.244.9.0/24') })), { problems: [], changed: true });
  t.same(content(catalogue), ['n1 10.244.9.0/24']);
  t.end();
});

t.test('a broken or unreadable file keeps its objects', (t) => {
  const catalogue = new Catalogue(['Node']);
  catalogue.update(files({ a: node('n1'), b: node('n2') }));
  const { problems } = catalogue.update(files({ a: `${node('n1')}---\n{`, b: node('n2') }));
  t.match(problems, [{ file: 'a', line: 3, text: /^expected YAML: / }]);
  t.same(content(catalogue), ['n1 10.244.1.0/24', 'n2 10.244.1.0/24']);
  t.same(catalogue.update(files({ a: `${node('n1')}---\n{`, b: node('n2') })).problems, [], 'said once');
  catalogue.update(files({ a: node('n3') }), new Set(['b']));
  t.same(content(catalogue), ['n3 10.244.1.0/24', 'n2 10.244.1.0/24'], 'mended, and b cannot be read');
  t.end();
});

t.test('a bad object keeps what it was, the others change', (t) => {
  const catalogue = new Catalogue(['Node']);
  catalogue.update(files({ a: `${node('n1')}---\n${node('n2')}` }));
  const { problems } = catalogue.update(files({ a: `${node('n1', 'oops')}---\n${node('n2', '10.244.9.0/24')}` }));
  t.match(problems, [{ file: 'a', line: 1, key: 'Node /n1' }]);
  t.same(content(catalogue).sort(), ['n1 10.244.1.0/24', 'n2 10.244.9.0/24']);
  catalogue.update(files({ a: node('n2') }));
  t.same(content(catalogue), ['n2 10.244.1.0/24'], 'taken out of the file, it goes');
  t.end();
});

t.test('duplicates are named and the first stays', (t) => {
  const catalogue = new Catalogue(['Node']);
  const { problems } = catalogue.update(
    files({ b: node('n1', '10.244.2.0/24'), a: `${node('n1')}---\n${node('n1', '10.244.3.0/24')}` }),
  );
  t.match(problems, [
    { file: 'a', line: 3, text: 'Node n1 is already given in a line 1, which stays' },
    { file: 'b', line: 1, text: 'Node n1 is already given in a line 1, which stays' },
  ]);
  t.same(content(catalogue), ['n1 10.244.1.0/24']);
  catalogue.update(files({ b: node('n1', '10.244.2.0/24') }));
  t.same(content(catalogue), ['n1 10.244.2.0/24'], 'with the first file gone the other one counts');
  t.end();
});
