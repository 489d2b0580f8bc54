/**
 * Random wishes of sources, random deeds of another hand, notifications that come late or never: in the end every wanted
 * route stands where nobody else's does, no foreign route was ever taken away, and there is nothing left to do.
 */

import assert from 'node:assert/strict';
import { AF_INET, AF_INET6, type Route, RTN_UNICAST, RTPROT_STATIC } from '@routelet/netlink-wire';
import fc from 'fast-check';
import t from 'tap';
import { createRib } from '../../src/index.ts';
import { parsePrefix } from '../../src/table/address.ts';
import { SimulatedKernel } from '../simulated-kernel.ts';

const destinations = ['10.1.0.0/24', 'fd01::/64'] as const;
const hosts = [2, 3, 4];

function gatewayOf(destination: string, host: number): string {
  return destination.includes(':') ? `fd00:9::${host}` : `10.9.0.${host}`;
}

function foreignRoute(destination: string, host: number, protocol: number): Route {
  const { address, length } = parsePrefix(destination);
  const ipv6 = address.length === 16;
  const gateway = parsePrefix(`${gatewayOf(destination, host)}/${ipv6 ? 128 : 32}`).address;
  return {
    family: ipv6 ? AF_INET6 : AF_INET,
    destination: address,
    destinationLength: length,
    tos: 0,
    table: 254,
    protocol,
    scope: 0,
    type: RTN_UNICAST,
    flags: 0,
    ...(ipv6 && { priority: 1024 }),
    nextHops: [{ gateway, index: 5 }],
  };
}

type StepOf<T> = T extends fc.Arbitrary<infer Step> ? Step : never;

const destination = fc.constantFrom(...destinations);
const host = fc.constantFrom(...hosts);
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('set' as const),
      destination,
      hosts: fc.uniqueArray(host, { minLength: 1, maxLength: 3 }),
      distance: fc.constantFrom(1, 20),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('unset' as const), destination, distance: fc.constantFrom(1, 20) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('foreign' as const),
      destination,
      host,
      action: fc.constantFrom(
        'add' as const,
        'append' as const,
        'prepend' as const,
        'replace' as const,
        'delete' as const,
      ),
      named: fc.constantFrom(17, RTPROT_STATIC),
    }),
  },
  { weight: 3, arbitrary: fc.constant({ kind: 'tell' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'overrun' as const }) },
  { weight: 9, arbitrary: fc.constant({ kind: 'settle' as const }) },
);

/** What random runs have found, kept for ever. */
const found: [(typeof destinations)[number][], StepOf<typeof step>[]][] = [
  [
    // News of a delete from before our route came after it.
    ['fd01::/64'],
    [
      { kind: 'set', destination: 'fd01::/64', hosts: [2, 3], distance: 1 },
      { kind: 'foreign', destination: 'fd01::/64', host: 2, action: 'delete', named: 17 },
      { kind: 'settle' },
    ],
  ],
  [
    // A next hop of ours was deleted, and put in again by another hand.
    [],
    [
      { kind: 'set', destination: 'fd01::/64', hosts: [2, 3], distance: 1 },
      { kind: 'settle' },
      { kind: 'foreign', destination: 'fd01::/64', host: 3, action: 'delete', named: 17 },
      { kind: 'foreign', destination: 'fd01::/64', host: 3, action: 'append', named: 17 },
    ],
  ],
];

t.test('the kernel becomes what is wanted, and what is foreign stays', async (t) => {
  let met = 0;
  await fc.assert(
    fc.asyncProperty(fc.subarray([...destinations]), fc.array(step, { maxLength: 60 }), async (strangers, steps) => {
      const kernel = new SimulatedKernel();
      for (const destination of strangers) kernel.foreign('add', foreignRoute(destination, 2, 17));
      const rib = createRib({ netlink: kernel });
      await rib.start();
      const sources = { 1: rib.source('static', { distance: 1 }), 20: rib.source('bgp', { distance: 20 }) };
      const wanted = { 1: new Map<string, number[]>(), 20: new Map<string, number[]>() };
      for (const one of steps) {
        if (one.kind === 'set') {
          const nextHops = one.hosts.map((n) => ({ gateway: gatewayOf(one.destination, n) }));
          sources[one.distance as 1 | 20].set({ destination: one.destination, nextHops });
          wanted[one.distance as 1 | 20].set(one.destination, one.hosts);
        } else if (one.kind === 'unset') {
          sources[one.distance as 1 | 20].delete(one.destination);
          wanted[one.distance as 1 | 20].delete(one.destination);
        } else if (one.kind === 'foreign') {
          // A hand that deletes ours names our number; one that makes routes with it was here before us (below).
          kernel.foreign(
            one.action,
            foreignRoute(one.destination, one.host, one.action === 'delete' ? one.named : RTPROT_STATIC),
          );
          // A request of ours that is under way cannot know; the kernel has no compare-and-swap.
          if (one.action !== 'delete') kernel.tell();
        } else if (one.kind === 'tell') kernel.tell();
        else if (one.kind === 'overrun') kernel.overrun();
        else await rib.settled();
      }
      kernel.tell();
      await rib.settled();
      await rib.resync();
      assert.deepEqual(kernel.violations, []);
      for (const destination of destinations) {
        const hostsWanted = wanted[1].get(destination) ?? wanted[20].get(destination);
        const entries = [...kernel.table].find(([key]) => key === destination)?.[1] ?? [];
        const ours = entries
          .filter((entry) => entry.ours)
          .flatMap(({ route }) => route.nextHops.map((hop) => hop.gateway?.at(-1)));
        const foreign = entries.filter((entry) => !entry.ours);
        if (hostsWanted === undefined) assert.deepEqual(ours, [], 'what nobody wants is gone');
        else if (foreign.length === 0) {
          assert.deepEqual(ours.toSorted(), hostsWanted.toSorted(), 'what is wanted stands');
          met++;
        } else
          assert.ok(
            rib
              .counts()
              .problems.some((problem) => problem.route.destination === destination && problem.kind === 'foreign'),
          );
      }
      const before = kernel.changes;
      assert.equal(await rib.resync(), 0);
      assert.equal(kernel.changes, before, 'nothing is left to do');
      await rib.stop();
    }),
    { numRuns: 1000, examples: found },
  );
  t.ok(met > 100, 'routes were made');
});
