/** What the options of one peer make of the chains of its class, run by the policy engine on routes. */
import { compilePolicy, type PathAttributes, type PolicyChain, type PolicyRoute } from '@routelet/bgp';
import t from 'tap';
import type { ExternalPeer } from '../../../src/annotations/external-peer.ts';
import { parsePeers } from '../../../src/annotations/peers.ts';
import { parsePrefix } from '../../../src/annotations/prefix.ts';
import { planPeerPolicies } from '../../../src/router/peer-policies.ts';
import { type Policies, planPolicies } from '../../../src/router/policies.ts';
import { options } from './fixture.ts';

const podCidrs = [parsePrefix('10.244.1.0/24')].filter((prefix) => prefix !== undefined);
const policies: Policies = planPolicies(
  {
    podCidrs,
    vips: [],
    importReject: [],
    communities: [65000 * 65536 + 1],
    prepend: { asn: 64512, count: 1 },
    reflects: false,
  },
  { ...options, overrideNextHop: true },
);

/** The peer of an annotation with these keys. */
function peer(keys: string): ExternalPeer {
  const { value, problems } = parsePeers({
    'kube-router.io/peers': `[{remoteip: 192.0.2.1, remoteasn: 65001${keys}}]`,
  });
  t.strictSame(problems, []);
  if (!value?.[0]) throw new Error('no peer');
  return value[0];
}

function route(prefix: string, source: PolicyRoute['source'], attributes: PathAttributes = {}): PolicyRoute {
  const parsed = parsePrefix(prefix);
  if (parsed?.family !== 4) throw new Error(prefix);
  return {
    words: 1,
    length: parsed.length,
    word: () => Number(parsed.value),
    neighbor: '192.0.2.1',
    peerType: 'ebgp',
    attributes,
    nextHop: undefined,
    source,
  };
}

const path = (...asns: number[]): PathAttributes => ({ asPath: [{ kind: 'sequence', asns }] });
const accepted = (chain: PolicyChain, ...of: readonly PolicyRoute[]) =>
  of.map((one) => compilePolicy(chain).evaluate(one).accepted);
const actions = (keys: string) => {
  const { exportPolicy } = planPeerPolicies(peer(keys), policies);
  return compilePolicy(exportPolicy).evaluate(route('10.244.1.0/24', 'local')).actions;
};

t.test('a peer without options of its own has the chains of its class', (t) => {
  const { importPolicy, exportPolicy } = planPeerPolicies(peer(''), policies);
  t.equal(importPolicy, policies.import);
  t.equal(exportPolicy, policies.exportToExternal);
  t.end();
});

t.test('import: the first rule decides, what none names is taken, default routes never are', (t) => {
  const rules = `, importFilter: [
    {action: accept, prefixes: [{prefix: 198.51.100.0/24, le: 28}, 0.0.0.0/0]},
    {action: reject, prefixes: [{prefix: 198.51.0.0/16, ge: 16}]},
    {action: reject, communities: ["65001:*"]},
    {action: reject, asPath: ["^65001 65002"]}]`;
  const { importPolicy } = planPeerPolicies(peer(rules), policies);
  const routes = [
    route('198.51.100.0/24', 'ebgp'),
    route('198.51.100.64/28', 'ebgp'),
    route('198.51.100.4/30', 'ebgp'),
    route('203.0.113.0/24', 'ebgp'),
    route('203.0.113.0/24', 'ebgp', { communities: [65001 * 65536 + 7] }),
    route('203.0.113.0/24', 'ebgp', path(65001, 65002)),
    route('203.0.113.0/24', 'ebgp', path(65001, 65003)),
    route('0.0.0.0/0', 'ebgp'),
  ];
  t.strictSame(accepted(importPolicy, ...routes), [true, true, false, true, false, false, true, false]);
  const only = planPeerPolicies(
    peer(', importFilter: [{action: accept, prefixes: [203.0.113.0/24]}, {action: reject}]'),
    policies,
  );
  t.strictSame(accepted(only.importPolicy, ...routes), [false, false, false, true, true, true, true, false]);
  t.end();
});

t.test('import: the local preference of what the peer sends', (t) => {
  const { importPolicy } = planPeerPolicies(peer(', localPreference: 200, importFilter: [{action: accept}]'), policies);
  const { actions } = compilePolicy(importPolicy).evaluate(route('203.0.113.0/24', 'ebgp'));
  t.strictSame(actions, [{ kind: 'set-local-preference', value: 200 }]);
  t.end();
});

t.test('export: a filter only takes away, and actions stay', (t) => {
  const all = planPeerPolicies(peer(', exportFilter: [{action: accept}]'), policies).exportPolicy;
  t.strictSame(accepted(all, route('10.244.1.0/24', 'local'), route('203.0.113.0/24', 'ebgp')), [true, false]);
  const none = planPeerPolicies(peer(', exportFilter: [{action: reject, prefixes: [10.244.1.0/24]}]'), policies);
  t.strictSame(accepted(none.exportPolicy, route('10.244.1.0/24', 'local')), [false]);
  t.strictSame(actions(', exportFilter: [{action: accept}]'), actions(''));
  t.end();
});

t.test('export: what the peer says of path, communities and next hop', (t) => {
  const kinds = (keys: string) => actions(keys).map(({ kind }) => kind);
  t.strictSame(kinds(''), ['prepend', 'add-communities', 'next-hop-self']);
  t.strictSame(kinds(', nextHopSelf: false'), ['prepend', 'add-communities']);
  t.match(actions(', pathPrepend: {as: 64512, count: 3}'), [
    { kind: 'add-communities' },
    { kind: 'next-hop-self' },
    { kind: 'prepend', asn: 64512, count: 3 },
  ]);
  const edited = (keys: string) => {
    const { exportPolicy } = planPeerPolicies(peer(keys), policies);
    const outcome = compilePolicy(exportPolicy).evaluate(route('10.244.1.0/24', 'local'));
    return outcome.edit({
      attributes: {},
      nextHop: undefined,
      ownNextHop: false,
      ownMultiExitDisc: false,
      addressBytes: 4,
    }).attributes;
  };
  const three = ', communities: ["65000:2"], largeCommunities: ["65000:1:2"], extendedCommunities: ["rt:65000:3"]';
  t.match(edited(three), {
    communities: [65000 * 65536 + 1, 65000 * 65536 + 2],
    largeCommunities: [[65000, 1, 2]],
    extendedCommunities: [0x0002fde800000003n],
  });
  t.end();
});
