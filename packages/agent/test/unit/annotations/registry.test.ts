import t from 'tap';
import {
  parseCommunities,
  parseImportReject,
  parseLocalAddresses,
  parseNodeAsn,
  parsePathPrepend,
  parsePodCidrs,
  parseReflection,
} from '../../../src/annotations/node.ts';
import { parsePeers } from '../../../src/annotations/peers.ts';
import { type AnnotationRow, annotations } from '../../../src/annotations/registry.ts';
import { parseServiceSettings } from '../../../src/annotations/service.ts';

type Annotations = Readonly<Record<string, string>>;

const rows: readonly AnnotationRow[] = Object.values(annotations);

/** What all parsers of Nodes complain of, as names of annotations. */
function complaints(given: Annotations): string[] {
  const parsers = [
    parseCommunities,
    parseImportReject,
    parseLocalAddresses,
    parseNodeAsn,
    parsePathPrepend,
    parsePeers,
    parsePodCidrs,
    parseReflection,
  ];
  return parsers.flatMap((parse) => parse(given).problems.map(({ annotation }) => annotation));
}

/** Whether any parser makes something else of the annotations than of none. */
function isRead(given: Annotations, without: Annotations): boolean {
  const values = (from: Annotations) =>
    JSON.stringify(
      [
        parseCommunities(from).value,
        parseImportReject(from).value,
        parseLocalAddresses(from).value,
        parseNodeAsn(from).value,
        parsePathPrepend(from).value,
        parsePeers(from).value?.map((peer) => ({ ...peer, password: peer.password?.reveal() })),
        parsePodCidrs(from).value,
        parseReflection(from).value,
      ],
      (_, part) => (typeof part === 'bigint' ? `${part}` : part),
    );
  return values(given) !== values(without);
}

t.test('T-2: every annotation of section 2 of the reference has its row', async (t) => {
  const reference = [
    ...['node.asn', 'node.bgp.communities', 'node.bgp.customimportreject', 'path-prepend.as', 'path-prepend.repeat-n'],
    ...['peers', 'peer.ips', 'peer.asns', 'peer.passwords', 'peer.ports', 'peer.localips', 'rr.server', 'rr.client'],
    ...['bgp-local-addresses', 'pod-cidr', 'pod-cidrs'],
  ].map((name) => `kube-router.io/${name}`);
  const ofNodes = rows.filter(({ object }) => object === 'Node').map(({ name }) => name);
  for (const name of reference) t.ok(ofNodes.includes(name), name);
  t.equal(new Set(rows.map(({ name }) => name)).size, rows.length, 'no name twice');
});

t.test('the examples of the table are read, the bad ones are named', async (t) => {
  const nodes = rows.filter(({ object }) => object === 'Node');
  t.ok(nodes.length >= 16);
  for (const { name, example, bad, beside = {} } of nodes) {
    t.strictSame(complaints({ ...beside, [name]: example }), [], `${name}: ${example}`);
    t.ok(isRead({ ...beside, [name]: example }, beside), `${name} means something`);
    t.ok(bad !== undefined && complaints({ ...beside, [name]: bad }).includes(name), `${name}: ${bad} is named`);
  }
});

t.test('T-2: every annotation of section 3 of the reference has its row, and is read', async (t) => {
  const reference = [
    ...['advertise.clusterip', 'advertise.externalip', 'advertise.loadbalancerip', 'skiplbips', 'local', 'dsr'],
    ...['scheduler', 'schedflags', 'hairpin', 'hairpin.externalips'],
  ].map((name) => `kube-router.io/service.${name}`);
  const services = rows.filter(({ object }) => object === 'Service');
  for (const name of reference)
    t.ok(
      services.some((row) => row.name === name),
      name,
    );
  const named = (given: Annotations) => parseServiceSettings(given).problems.map(({ annotation }) => annotation);
  for (const { name, example, bad, beside = {} } of services) {
    t.strictSame(named({ ...beside, [name]: example }), [], `${name}: ${example}`);
    t.notSame(
      parseServiceSettings({ ...beside, [name]: example }),
      parseServiceSettings(beside),
      `${name} means something`,
    );
    if (bad !== undefined) t.ok(named({ ...beside, [name]: bad }).includes(name), `${name}: ${bad} is named`);
  }
});
