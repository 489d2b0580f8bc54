import t from 'tap';
import { parseAddress } from '../../../src/address.ts';
import type { PathAttributes } from '../../../src/attribute/registry.ts';
import { actions, compileAction, type EditedRoute } from '../../../src/policy/actions.ts';
import type { PolicyAction } from '../../../src/policy/model.ts';

const path = (...asns: number[]) => [{ kind: 'sequence' as const, asns }];
const NO_EXPORT = 0xffff_ff01;

const cases: [before: PathAttributes, action: PolicyAction, after: PathAttributes][] = [
  [{ asPath: path(1) }, { kind: 'prepend', asn: 7, count: 2 }, { asPath: path(7, 7, 1) }],
  [{}, { kind: 'prepend', asn: 7, count: 1 }, { asPath: path(7) }],
  [{ asPath: path(1) }, { kind: 'prepend', asn: 7, count: 0 }, { asPath: path(1) }],
  [
    { asPath: [{ kind: 'set', asns: [1] }] },
    { kind: 'prepend', asn: 7, count: 1 },
    { asPath: [...path(7), { kind: 'set', asns: [1] }] },
  ],
  // RFC 5065 §4: what is taken away on the way out of the confederation stands in front.
  [
    { asPath: [{ kind: 'confederation-sequence', asns: [64512] }, ...path(1)] },
    { kind: 'prepend', asn: 7, count: 1 },
    { asPath: [{ kind: 'confederation-sequence', asns: [64512] }, ...path(7, 1)] },
  ],
  [{ communities: [2] }, { kind: 'add-communities', communities: [1, '0:2'] }, { communities: [2, 1] }],
  [{}, { kind: 'add-communities', communities: ['no-export'] }, { communities: [NO_EXPORT] }],
  [{ communities: [1, 2] }, { kind: 'set-communities', communities: ['0:3'] }, { communities: [3] }],
  [{ communities: [1, 2] }, { kind: 'set-communities', communities: [] }, {}],
  [
    { communities: [65536, 65537, NO_EXPORT] },
    { kind: 'delete-communities', communities: ['1:*'] },
    { communities: [NO_EXPORT] },
  ],
  [{ communities: [65536] }, { kind: 'delete-communities', communities: [65536] }, {}],
  [{}, { kind: 'delete-communities', communities: ['*:*'] }, {}],
  [
    { largeCommunities: [[1, 2, 3]] },
    { kind: 'add-large-communities', communities: [[1, 2, 3], '4:5:6'] },
    {
      largeCommunities: [
        [1, 2, 3],
        [4, 5, 6],
      ],
    },
  ],
  [
    { largeCommunities: [[1, 2, 3]] },
    { kind: 'set-large-communities', communities: ['4:5:6'] },
    { largeCommunities: [[4, 5, 6]] },
  ],
  [
    {
      largeCommunities: [
        [1, 2, 3],
        [4, 2, 3],
      ],
    },
    { kind: 'delete-large-communities', communities: ['1-3:*:*'] },
    { largeCommunities: [[4, 2, 3]] },
  ],
  [
    {},
    { kind: 'add-extended-communities', communities: ['rt:65001:100', 'rt:192.0.2.1:7', 'ro:4200000000:9', 5n] },
    { extendedCommunities: [0x0002_fde9_0000_0064n, 0x0102_c000_0201_0007n, 0x0203_fa56_ea00_0009n, 5n] },
  ],
  [
    { extendedCommunities: [1n, 2n] },
    { kind: 'set-extended-communities', communities: ['0x0000000000000003'] },
    { extendedCommunities: [3n] },
  ],
  [
    { extendedCommunities: [0x0002_fde9_0000_0064n, 0x0003_fde9_0000_0064n] },
    { kind: 'delete-extended-communities', communities: ['rt:*:*'] },
    { extendedCommunities: [0x0003_fde9_0000_0064n] },
  ],
  [{ origin: 'igp' }, { kind: 'set-origin', origin: 'incomplete' }, { origin: 'incomplete' }],
  [{}, { kind: 'set-local-preference', value: 0 }, { localPref: 0 }],
  [{ multiExitDisc: 1 }, { kind: 'set-med', value: 4 }, { multiExitDisc: 4 }],
  [{ multiExitDisc: 1, localPref: 2 }, { kind: 'delete-med' }, { localPref: 2 }],
];

function routeOf(attributes: PathAttributes): EditedRoute {
  return {
    attributes,
    nextHop: parseAddress('192.0.2.1'),
    ownNextHop: false,
    ownMultiExitDisc: false,
    addressBytes: 4,
  };
}

t.test('actions on attributes', async (t) => {
  t.ok(cases.length > 0);
  for (const [before, action, after] of cases) {
    const route = routeOf(before);
    const edited = compileAction(action)(route);
    const shown = JSON.stringify(action, (_key, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part));
    t.strictSame(edited.attributes, after, shown);
    t.strictSame(route.attributes, before, 'what came in is as it was');
    t.strictSame(
      { ...edited, attributes: undefined },
      { ...route, attributes: undefined, ownMultiExitDisc: action.kind === 'set-med' },
    );
  }
  const done = new Set<string>(cases.map(([, { kind }]) => kind));
  t.strictSame(
    Object.keys(actions).filter((kind) => !done.has(kind)),
    ['set-next-hop', 'next-hop-self', 'next-hop-unchanged'],
    'every other action stands in the table',
  );
});

t.test('actions on the next hop', async (t) => {
  const route = routeOf({});
  const edited = (action: PolicyAction, before = route) => compileAction(action)(before);
  const own = edited({ kind: 'set-next-hop', address: '198.51.100.7' });
  t.match(own, { nextHop: parseAddress('198.51.100.7'), ownNextHop: true });
  t.strictSame(edited({ kind: 'set-next-hop', address: '2001:db8::7' }), route, 'not for the other family');
  t.match(edited({ kind: 'set-next-hop', address: '2001:db8::7' }, { ...route, addressBytes: 16 }), {
    nextHop: parseAddress('2001:db8::7'),
  });
  t.match(edited({ kind: 'next-hop-self' }, own), { nextHop: 'self', ownNextHop: false });
  t.match(edited({ kind: 'next-hop-unchanged' }), { nextHop: route.nextHop, ownNextHop: true });
});
