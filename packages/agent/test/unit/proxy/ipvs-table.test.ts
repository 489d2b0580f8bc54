import { type IpvsDestination, type IpvsOperation, type IpvsService, NetlinkError } from '@routelet/netlink-wire';
import fc from 'fast-check';
import t from 'tap';
import { destinationKey, ipvsKey } from '../../../src/proxy/ipvs-plan.ts';
import { type IpvsClient, IpvsTable } from '../../../src/proxy/ipvs-table.ts';
import type { VirtualService } from '../../../src/proxy/model.ts';
import { entryKey } from '../../../src/proxy/model.ts';
import { planService } from '../../../src/proxy/service-plan.ts';
import { node, type ServiceInput, service, settings, slice, words } from './fixture.ts';

const refusal = (code: string) => new NetlinkError({ code, errno: 1, request: 'ipvs' });

/** An IPVS table with the kernel's answers: EEXIST, ESRCH, ENOENT, and whatever a test has it refuse. */
class Kernel {
  readonly services = new Map<string, { object: IpvsService; destinations: Map<string, IpvsDestination> }>();
  readonly connections = new Map<string, number>();
  refuse: (operation: IpvsOperation) => string | undefined = () => undefined;
  log: string[] = [];

  readonly client: IpvsClient = {
    services: async () => [...this.services.values()].map(({ object }) => ({ ...object, flags: object.flags | 2 })),
    service: async (key) => {
      const found = this.services.get(ipvsKey(key) ?? '');
      if (!found) throw refusal('ESRCH');
      return { ...found.object, flags: found.object.flags | 2 };
    },
    destinations: async (key) =>
      [...(this.services.get(ipvsKey(key) ?? '')?.destinations.values() ?? [])].map((one) => ({
        ...one,
        connections: { active: this.connections.get(destinationKey(one)) ?? 0, inactive: 0, persistent: 0 },
      })),
    apply: async (operations) => operations.map((operation) => this.#apply(operation)),
  };

  #apply(operation: IpvsOperation): NetlinkError | undefined {
    const code = this.refuse(operation) ?? this.#change(operation);
    if (code !== undefined) return refusal(code);
    this.log.push(describe(operation));
    return undefined;
  }

  #change(operation: IpvsOperation): string | undefined {
    if (operation.kind === 'service') {
      const key = ipvsKey(operation.object) ?? '';
      const standing = this.services.get(key);
      if (operation.action === 'add') {
        if (standing) return 'EEXIST';
        this.services.set(key, { object: operation.object, destinations: new Map() });
      } else if (!standing) return 'ESRCH';
      else if (operation.action === 'set') standing.object = operation.object;
      else this.services.delete(key);
    } else if (operation.kind === 'destination') {
      const destinations = this.services.get(ipvsKey(operation.service) ?? '')?.destinations;
      const key = destinationKey(operation.object);
      if (!destinations) return 'ESRCH';
      if (operation.action === 'add' && destinations.has(key)) return 'EEXIST';
      if (operation.action !== 'add' && !destinations.has(key)) return 'ENOENT';
      if (operation.action === 'delete') destinations.delete(key);
      else destinations.set(key, operation.object);
    }
    return undefined;
  }

  content(): string[] {
    return [...this.services]
      .map(([key, { object, destinations }]) =>
        [
          key,
          object.scheduler,
          object.flags,
          ...[...destinations].map(([name, { weight }]) => `${name}=${weight}`).sort(),
        ].join(' '),
      )
      .sort();
  }
}

function describe(operation: IpvsOperation): string {
  if (operation.kind === 'service') return `${operation.action} ${ipvsKey(operation.object)}`;
  if (operation.kind !== 'destination') return operation.kind;
  const weight = operation.action === 'delete' ? '' : `=${operation.object.weight}`;
  return `${operation.action} ${ipvsKey(operation.service)} > ${destinationKey(operation.object)}${weight}`;
}

function setUp(graceMs = 0) {
  const kernel = new Kernel();
  const wanted = new Map<string, VirtualService>();
  let nowMs = 0;
  const table = new IpvsTable({
    client: kernel.client,
    wanted: (key) => wanted.get(key),
    owns: ({ address }) => address.text.startsWith('10.96.'),
    graceMs: () => graceMs,
    nowMs: () => nowMs,
  });
  const want = (endpoints: readonly string[], input: ServiceInput = {}, name = 'web') => {
    const plan = planService(
      service(name, {
        spec: { clusterIPs: ['10.96.0.10'], ...input.spec },
        ...(input.annotations && { annotations: input.annotations }),
      }),
      [slice('a', name, 4, endpoints, protocolOf(input))],
      node,
      settings,
    );
    const keys = plan.virtualServices.map((virtual) => {
      wanted.set(entryKey(virtual), virtual);
      return entryKey(virtual);
    });
    return table.sync(keys);
  };
  const pass = (ms: number) => {
    nowMs += ms;
  };
  const log = () => kernel.log.splice(0);
  return { kernel, table, wanted, want, pass, log };
}

/** The slice of the fixture has the protocol of the Service. */
function protocolOf({ spec }: ServiceInput): object {
  const [port] = (spec as { ports?: readonly { protocol?: string }[] } | undefined)?.ports ?? [];
  return port?.protocol === undefined ? {} : { ports: [{ name: '', port: 8080, protocol: port.protocol }] };
}

t.test('only what differs is sent, what is new before what goes', async (t) => {
  const { want, log } = setUp();
  await want(['5 n1', '6 n2']);
  t.same(log(), [
    'add tcp 10.96.0.10:80',
    'add tcp 10.96.0.10:80 > 10.244.0.5:8080=1',
    'add tcp 10.96.0.10:80 > 10.244.0.6:8080=1',
  ]);
  await want(['5 n1', '7 n2']);
  t.same(log(), ['add tcp 10.96.0.10:80 > 10.244.0.7:8080=1', 'delete tcp 10.96.0.10:80 > 10.244.0.6:8080']);
  await want(['5 n1', '7 n2']);
  t.same(log(), []);
  await want(['5 n1', '7 n2'], { annotations: { 'kube-router.io/service.scheduler': 'lc' } });
  t.same(log(), ['set tcp 10.96.0.10:80']);
});

t.test('what stands is adopted, what nobody wants goes, what is not ours stays', async (t) => {
  const { kernel, table, wanted, want, log } = setUp();
  await want(['5 n1', '6 n2'], { spec: { sessionAffinity: 'ClientIP' } });
  for (const [address, last] of [
    ['10.96.0.99', 99],
    ['172.16.0.1', 1],
  ] as const) {
    const bytes = Uint8Array.from(address.split('.').map(Number));
    t.equal(bytes[3], last);
    await kernel.client.apply([
      {
        kind: 'service',
        action: 'add',
        object: {
          family: 2,
          protocol: 6,
          address: bytes,
          port: 80,
          scheduler: 'rr',
          flags: 0,
          timeout: 0,
          netmask: 32,
        },
      },
    ]);
  }
  log();
  const again = new IpvsTable({
    client: kernel.client,
    wanted: (key) => wanted.get(key),
    owns: ({ address }) => address.text.startsWith('10.96.'),
    graceMs: () => 0,
    nowMs: () => 0,
  });
  await again.read();
  const { operations } = await again.sync([...wanted.keys(), ...again.standingKeys()]);
  t.equal(operations, 1);
  t.same(log(), ['delete tcp 10.96.0.99:80']);
  t.ok(kernel.services.has('tcp 172.16.0.1:80'));
  t.ok(table.size > 0);
});

t.test('a service that the kernel refuses is named, the others stand (T-26)', async (t) => {
  const { kernel, table, wanted, want, log } = setUp();
  await want(['5 n1']);
  await want(['5 n1'], { spec: { clusterIPs: ['10.96.0.11'] } }, 'api');
  log();
  kernel.services.clear();
  await table.read();
  kernel.refuse = ({ kind, object }) =>
    kind === 'service' && ipvsKey(object) === 'tcp 10.96.0.10:80' ? 'ENOENT' : undefined;
  const { refused } = await table.sync(wanted.keys());
  t.same(
    [...refused].map(([key, { code }]) => [key, code]),
    [['tcp 10.96.0.10:80', 'ENOENT']],
  );
  t.same(kernel.content(), ['tcp 10.96.0.11:80 rr 0 10.244.0.5:8080=1']);
  kernel.refuse = () => undefined;
  t.equal((await table.sync(refused.keys())).refused.size, 0);
  t.equal(kernel.services.size, 2);
});

t.test('what others changed since is read again and put right', async (t) => {
  const { kernel, table, wanted, want } = setUp();
  await want(['5 n1', '6 n2']);
  kernel.services.clear();
  wanted.delete('tcp 10.96.0.10:80');
  t.equal((await table.sync(['tcp 10.96.0.10:80'])).refused.size, 0, 'it went by other hands');
  await want(['5 n1']);
  kernel.services.get('tcp 10.96.0.10:80')?.destinations.clear();
  t.equal((await want(['6 n2'])).refused.size, 0);
  t.same(kernel.content(), ['tcp 10.96.0.10:80 rr 0 10.244.0.6:8080=1']);
});

t.test('V-60: an endpoint that goes keeps its connections, for so long', async (t) => {
  const { kernel, table, want, pass, log } = setUp(30_000);
  await want(['5 n1', '6 n2', '7 n2']);
  kernel.connections.set('10.244.0.6:8080', 3);
  log();
  await want(['5 n1']);
  t.same(log(), ['set tcp 10.96.0.10:80 > 10.244.0.6:8080=0', 'set tcp 10.96.0.10:80 > 10.244.0.7:8080=0']);
  pass(5000);
  await table.drain();
  t.same(log(), ['delete tcp 10.96.0.10:80 > 10.244.0.7:8080'], 'one without connections');
  await want(['5 n1']);
  t.same(log(), []);
  pass(24_999);
  await table.drain();
  t.same(log(), []);
  pass(1);
  await table.drain();
  t.same(log(), ['delete tcp 10.96.0.10:80 > 10.244.0.6:8080'], 'one that had its time');
  t.same(table.draining, []);
});

t.test('V-60: an endpoint that comes back is whole again; UDP keeps none', async (t) => {
  const { kernel, want, log } = setUp(30_000);
  await want(['5 n1', '6 n2']);
  kernel.connections.set('10.244.0.6:8080', 3);
  await want(['5 n1']);
  log();
  await want(['5 n1', '6 n2']);
  t.same(log(), ['set tcp 10.96.0.10:80 > 10.244.0.6:8080=1']);
  const udp = { spec: { ports: [{ port: 53, protocol: 'UDP' }] } };
  await want(['5 n1', '6 n2'], udp);
  log();
  const { rerouted } = await want(['5 n1'], udp);
  t.same(log(), ['delete udp 10.96.0.10:53 > 10.244.0.6:8080']);
  t.same(rerouted, ['udp 10.96.0.10:53']);
});

t.test('property: whatever the kernel refuses meanwhile, in the end the table is as wanted', async (t) => {
  const codes = ['ENOMEM', 'EINTR', 'EEXIST', 'ENOENT', 'ESRCH'] as const;
  const step = fc.record({
    endpoints: fc.subarray(['1 n1', '2 n1', '3 n2', '4 n2']),
    scheduler: fc.constantFrom('rr', 'lc', 'mh'),
    gone: fc.boolean(),
    faults: fc.array(fc.option(fc.constantFrom(...codes), { nil: undefined }), { maxLength: 8 }),
    graceful: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 10 }), async (steps) => {
      const { kernel, table, wanted, want } = setUp(0);
      let last: string[] = [];
      for (const { endpoints, scheduler, gone, faults } of steps) {
        const queue = [...faults];
        kernel.refuse = () => queue.shift();
        if (gone) {
          wanted.clear();
          await table.sync(['tcp 10.96.0.10:80']);
        } else await want(endpoints, { annotations: { 'kube-router.io/service.scheduler': scheduler } });
        last = [...wanted.values()].map(words);
      }
      kernel.refuse = () => undefined;
      t.equal((await table.sync(['tcp 10.96.0.10:80'])).refused.size, 0);
      const found = kernel.content();
      t.equal(found.length, last.length);
      const [virtual] = wanted.values();
      if (!virtual) return;
      t.same(found, [
        [
          'tcp 10.96.0.10:80',
          virtual.scheduler,
          0,
          ...virtual.backends.map(({ address: { text }, port }) => `${text}:${port}=1`).sort(),
        ].join(' '),
      ]);
      t.equal((await table.sync(['tcp 10.96.0.10:80'])).operations, 0);
    }),
    { numRuns: 200 },
  );
});
