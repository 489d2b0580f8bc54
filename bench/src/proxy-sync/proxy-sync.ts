/**
 * The service proxy without its kernel: Services of ten endpoints are planned, compared, encoded and sent to a sink that
 * acknowledges as the kernel does. From nothing, again with nothing to do, and after the change of one endpoint.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { Ipvs } from '@routelet/netlink-wire';
import { sink } from '@routelet/netlink-wire/fake';
import { parseAddress } from '../../../packages/agent/src/annotations/prefix.ts';
import { readEndpointSlice } from '../../../packages/agent/src/cluster/endpoint-slice.ts';
import type { EndpointSlice, Service } from '../../../packages/agent/src/cluster/model.ts';
import { readService } from '../../../packages/agent/src/cluster/service.ts';
import { ClusterStore } from '../../../packages/agent/src/cluster/store.ts';
import { destinationObject, ipvsKey, serviceObject } from '../../../packages/agent/src/proxy/ipvs-plan.ts';
import { type IpvsClient, IpvsTable } from '../../../packages/agent/src/proxy/ipvs-table.ts';
import { ProxyTable, type TableChange } from '../../../packages/agent/src/proxy/proxy-table.ts';
import { planInTurns } from '../../../packages/agent/src/proxy/turns.ts';
import { addressCheck } from '../../../packages/agent/src/service/address-ranges.ts';
import { median, row } from '../figures.ts';
import type { BenchRow } from '../row.ts';

const NAME = 'proxy-sync';
const ENDPOINTS = 10;
const ROUNDS = 5;
/** Changes of one endpoint in a round, to have something to measure. */
const CHANGES = 100;

interface Measure {
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Most CPU time between two turns of the event loop. */
  readonly pauseMs: number;
}

async function measure(work: () => Promise<void>): Promise<Measure> {
  let [pauseMs, last, running] = [0, process.cpuUsage(), true];
  const look = () => {
    const now = process.cpuUsage(last);
    pauseMs = Math.max(pauseMs, (now.user + now.system) / 1000);
    last = process.cpuUsage();
    if (running) setImmediate(look);
  };
  await turn();
  const started = performance.now();
  const before = process.cpuUsage();
  last = before;
  setImmediate(look);
  await work();
  const { user, system } = process.cpuUsage(before);
  const seconds = (performance.now() - started) / 1000;
  running = false;
  await turn();
  return { seconds, cpuSeconds: (user + system) / 1e6, pauseMs };
}

function valid<T extends object>(object: T | { readonly problem: string }): T {
  if ('problem' in object) throw new Error(object.problem as string);
  return object as T;
}

function makeService(number: number): Service {
  return valid(
    readService({
      metadata: { name: `s${number}`, namespace: 'bench' },
      spec: { clusterIPs: [`10.96.${number >> 8}.${number & 255}`], ports: [{ port: 80 }] },
    }),
  );
}

/** The endpoints of a Service; `first` is the last number of the first one. */
function makeSlice(number: number, first = 0): EndpointSlice {
  return valid(
    readEndpointSlice({
      metadata: { name: `s${number}`, namespace: 'bench', labels: { 'kubernetes.io/service-name': `s${number}` } },
      addressType: 'IPv4',
      endpoints: Array.from({ length: ENDPOINTS }, (_, index) => ({
        addresses: [`10.${128 + (number >> 8)}.${number & 255}.${index === 0 ? 100 + first : index}`],
        conditions: { ready: true },
        nodeName: `node-${index}`,
      })),
      ports: [{ port: 8080 }],
    }),
  );
}

function proxyTable(store: ClusterStore): ProxyTable {
  const address = parseAddress('192.0.2.1');
  const node = {
    ...{ name: 'node-1', zone: undefined, addresses: new Set(['192.0.2.1']), families: [4 as const] },
    nodePortAddresses: address ? [address] : [],
  };
  const ranges = { serviceClusterIpRange: ['10.96.0.0/12'], serviceExternalIpRange: [], loadBalancerIpRange: [] };
  const check = addressCheck({ ...ranges, strictExternalIpValidation: true });
  return new ProxyTable(store, node, { check, hairpinMode: false, namesAnnotations: false });
}

/** A kernel in which all of a table stands, and that must not be asked for more. */
function standing(table: ProxyTable, unexpected: (count: number) => void): IpvsClient {
  const services = [...table.entries()].map(([, virtual]) => virtual);
  const destinations = new Map(
    [...table.entries()].map(([key, { backends }]) => [key, backends.map(destinationObject)]),
  );
  return {
    services: async () => services.map(serviceObject),
    service: async () => Promise.reject(new Error('not asked for')),
    destinations: async (service) => destinations.get(ipvsKey(service) ?? '') ?? [],
    apply: async (operations) => {
      unexpected(operations.length);
      return operations.map(() => undefined);
    },
  };
}

function ipvsTable(client: IpvsClient, table: ProxyTable): IpvsTable {
  return new IpvsTable({
    ...{ client, wanted: (key: string) => table.entry(key), owns: () => true },
    ...{ graceMs: () => 0, nowMs: () => performance.now() },
  });
}

export async function benchProxySync(say: (text: string) => void, services: number): Promise<BenchRow[]> {
  const measures: Record<'full' | 'again' | 'change', Measure[]> = { full: [], again: [], change: [] };
  let counts = { datagrams: 0, messages: 0, bytes: 0 };
  for (let round = 1; round <= ROUNDS; round++) {
    const store = new ClusterStore();
    for (let number = 0; number < services; number++) {
      store.set(makeService(number));
      store.set(makeSlice(number));
    }
    await turn();
    const { dial, counts: swallowed } = sink();
    const client = await Ipvs.open({ dial });
    const table = proxyTable(store);
    const ipvs = ipvsTable(client, table);
    const dirty = new Set<string>();
    const take = ({ entries }: TableChange) => {
      for (const key of entries) dirty.add(key);
    };
    const full = await measure(async () => {
      await planInTurns(table, take);
      await ipvs.sync(dirty);
    });
    counts = { ...swallowed };
    if (ipvs.size !== services) throw new Error(`${ipvs.size} services stand, expected ${services}`);

    let sent = 0;
    const second = proxyTable(store);
    const adopting = ipvsTable(
      standing(table, (count) => (sent += count)),
      second,
    );
    const again = await measure(async () => {
      await planInTurns(second, () => undefined);
      await adopting.read();
      await adopting.sync(adopting.standingKeys());
    });
    if (sent > 0) throw new Error(`${sent} operations with nothing to do`);

    let told: TableChange | undefined;
    const stop = store.subscribe((changes) => {
      told = table.apply(changes);
    });
    const slices = Array.from({ length: CHANGES }, (_, index) => makeSlice((index * 7) % services, 1 + index));
    const before = swallowed.messages;
    const all = await measure(async () => {
      for (const slice of slices) {
        store.set(slice);
        await undefined;
        if (!told) throw new Error('no change was told');
        await ipvs.sync(told.entries);
        told = undefined;
      }
    });
    stop();
    const each = (swallowed.messages - before) / CHANGES;
    if (each !== 2) throw new Error(`${each} messages for one endpoint, expected 2`);
    const change = { ...all, seconds: all.seconds / CHANGES, cpuSeconds: all.cpuSeconds / CHANGES };
    client.close();
    for (const [name, value] of Object.entries({ full, again, change }))
      measures[name as keyof typeof measures].push(value);
    say(
      `${services} services, round ${round}: full ${full.seconds.toFixed(3)} s, cpu ${full.cpuSeconds.toFixed(3)} s, longest ${full.pauseMs.toFixed(0)} ms; ` +
        `again ${again.seconds.toFixed(3)} s, longest ${again.pauseMs.toFixed(0)} ms; one endpoint ${(change.seconds * 1e6).toFixed(0)} µs`,
    );
  }
  const memory = Math.round(process.memoryUsage.rss() / 1e6);
  say(
    `${services} services: ${counts.messages} messages in ${counts.datagrams} datagrams, ${counts.bytes} bytes; rss ${memory} MB`,
  );
  const of = (name: keyof typeof measures, figure: keyof Measure) => median(measures[name].map((one) => one[figure]));
  const rows = (work: string, name: 'again' | 'change') =>
    (['seconds', 'cpuSeconds'] as const).map((figure) =>
      row(
        { bench: NAME, peer: 'full sync', work, unit: figure === 'seconds' ? 's' : 'cpu-s' },
        of(name, figure),
        of('full', figure),
      ),
    );
  return [
    ...rows(`one endpoint change of ${services}`, 'change'),
    ...rows(`restart with ${services} as wanted`, 'again'),
  ];
}
