import t from 'tap';
import { parsePrefix } from '../../../src/address.ts';
import type { PathAttributes } from '../../../src/attribute/registry.ts';
import { BgpError } from '../../../src/errors.ts';
import { familyKey } from '../../../src/family/model.ts';
import { ipv4Unicast, ipv6Unicast } from '../../../src/family/registry.ts';
import type { UpdateContext, UpdateMessage } from '../../../src/message/model.ts';
import { encodeEndOfRib, encodeUpdate } from '../../../src/message/update.ts';
import { type ImportRules, refusalOf } from '../../../src/speaker/import-rules.ts';
import { prefixText } from '../../../src/speaker/path-view.ts';
import { UpdateIntake, type UpdateSource } from '../../../src/speaker/update-intake.ts';
import { AttributeStore } from '../../../src/table/attribute-store.ts';
import { PeerColumn } from '../../../src/table/peer-column.ts';
import { Rib } from '../../../src/table/rib.ts';
import { NO_PATH } from '../../../src/table/route-table.ts';
import { decodeStored } from '../../../src/table/stored-attributes.ts';

const HEADER = 19;
const context: UpdateContext = {
  fourOctetAs: true,
  peerType: 'ebgp',
  addPathReceive: [],
  addPathSend: [],
  extendedMessages: false,
};
const attributes: PathAttributes = {
  origin: 'igp',
  asPath: [{ kind: 'sequence', asns: [65001] }],
  nextHop: 0xc000_0201,
};

const defaults: ImportRules = {
  type: 'ebgp',
  peerAsn: 65001,
  enforceFirstAs: false,
  allowAsSets: false,
  allowOwnAs: 0,
  own: [65000],
  localAsn: undefined,
  prepended: undefined,
  role: undefined,
  gracefulShutdown: false,
  longLivedLast: false,
};

function fixture(rules = defaults) {
  const store = new AttributeStore({ asn: 65000, routerId: 1, clusterId: 1 }, () => 0);
  const peers = new PeerColumn();
  const ribs = [new Rib(ipv4Unicast.key, 1, store, peers), new Rib(ipv6Unicast.key, 4, store, peers)];
  const warnings: string[] = [];
  const ended: number[] = [];
  const source: UpdateSource = {
    address: '192.0.2.1',
    type: 'ebgp',
    importPolicy: undefined,
    importRules: rules,
    refusal: (id) => refusalOf(store, id, rules),
    peer: peers.add('1', 'ebgp', false),
    ribOf: (family) => ribs.find((rib) => rib.family === family),
    generationOf: () => 0,
    endOfRib: (family) => ended.push(family),
    warning: (text) => warnings.push(text),
  };
  const intake = new UpdateIntake(store);
  const take = (message: Partial<UpdateMessage>, edit: (body: Uint8Array) => void = () => {}, over = context): void => {
    const full: UpdateMessage = { kind: 'update', withdrawn: [], attributes: {}, nlri: [], ...message };
    const body = encodeUpdate(full, over).slice(HEADER);
    edit(body);
    intake.take(body, source, over);
  };
  const table = (): Record<string, PathAttributes> => {
    const routes: Record<string, PathAttributes> = {};
    for (const { prefixes, routes: paths } of ribs) {
      for (let prefix = 0; prefix < prefixes.limit; prefix++) {
        const path = paths.best(prefix);
        if (path !== NO_PATH)
          routes[prefixText(prefixes, prefix)] = decodeStored(store.bytesOf(paths.usableOf(path))).attributes;
      }
    }
    return routes;
  };
  return { store, warnings, ended, intake, source, take, table };
}

const nlri = [parsePrefix('192.0.2.0/24')];
/** Where the value of ORIGIN stands: behind two lengths and the attribute's header. */
const ORIGIN = 2 + 2 + 3;

t.test('announced, replaced, withdrawn', async (t) => {
  const { store, take, table } = fixture();
  take({ attributes, nlri });
  take({ attributes, nlri: [parsePrefix('198.51.100.0/24')] });
  t.equal(store.size, 1, 'one set for both');
  take({ attributes: { ...attributes, multiExitDisc: 1 }, nlri });
  t.strictSame(table(), { '192.0.2.0/24': { ...attributes, multiExitDisc: 1 }, '198.51.100.0/24': attributes });
  take({ withdrawn: [...nlri, parsePrefix('203.0.113.0/24')] });
  t.strictSame(Object.keys(table()), ['198.51.100.0/24']);
  t.equal(store.size, 1);
});

t.test('RFC 7606: treat-as-withdraw, attribute discard, session reset', async (t) => {
  const { take, table, warnings, store } = fixture();
  take({ attributes, nlri });
  take({ attributes, nlri }, (body) => {
    body[ORIGIN] = 9;
  });
  t.strictSame(table(), {}, 'an undefined ORIGIN withdraws');
  t.match(warnings, [/ORIGIN.*treat-as-withdraw/]);
  t.equal(store.size, 0);
  take({ attributes: { ...attributes, localPref: 7 }, nlri });
  t.strictSame(table(), { '192.0.2.0/24': attributes }, 'LOCAL_PREF of another AS is discarded');
  const { asPath: _none, ...incomplete } = attributes;
  take({ attributes: incomplete, nlri });
  t.strictSame(table(), {}, 'a missing AS_PATH withdraws');
  t.throws(() => take({ attributes, nlri }, (body) => body.fill(0xff, 2, 4)), BgpError, 'lengths that cannot be');
  t.throws(
    () => take({ attributes, nlri }, (body) => body.fill(33, body.length - 4, body.length - 3)),
    BgpError,
    'a /33',
  );
});

t.test('AS numbers of two octets are stored in four', async (t) => {
  const { take, table } = fixture();
  const long = { ...attributes, asPath: [{ kind: 'sequence' as const, asns: [65001, 4_200_000_000] }] };
  take({ attributes: long, nlri }, undefined, { ...context, fourOctetAs: false });
  take({ attributes: long, nlri: [parsePrefix('198.51.100.0/24')] });
  t.strictSame(table(), { '192.0.2.0/24': long, '198.51.100.0/24': long });
});

t.test('IPv6, a family nobody negotiated, and End-of-RIB', async (t) => {
  const { take, table, ended, intake, source } = fixture();
  const { nextHop: _none, ...bare } = attributes;
  const nextHop = new Uint8Array(16).fill(1);
  const six = [parsePrefix('2001:db8::/32')];
  take({ attributes: bare, mpReach: { family: ipv6Unicast.key, nextHop, nlri: six } });
  take({
    attributes: bare,
    mpReach: { family: familyKey(1, 2), nextHop: nextHop.slice(0, 4), nlri: { raw: Uint8Array.of(8, 10) } },
  });
  t.strictSame(table(), { '2001:db8::/32': bare });
  take({ mpUnreach: { family: ipv6Unicast.key, nlri: six } });
  t.strictSame(table(), {});
  for (const family of [ipv4Unicast.key, ipv6Unicast.key])
    intake.take(encodeEndOfRib(family).slice(HEADER), source, context);
  t.strictSame(ended, [ipv4Unicast.key, ipv6Unicast.key]);
});

t.test('a loop stays in Adj-RIB-In and is not used', async (t) => {
  const { take, table, source } = fixture();
  take({ attributes: { ...attributes, asPath: [{ kind: 'sequence', asns: [65001, 65000] }] }, nlri });
  t.strictSame(table(), {});
  t.equal(source.ribOf(ipv4Unicast.key)?.routes.receivedCount(source.peer), 1);
});
