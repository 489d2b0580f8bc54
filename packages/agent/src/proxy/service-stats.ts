/** The counters that IPVS keeps of each service, read in one dump when somebody scrapes (M-7). */
import type { Ipvs, IpvsStats } from '@routelet/netlink-wire';
import type { Metrics } from '../metrics/registry.ts';
import { ipvsKey } from './ipvs-plan.ts';
import type { ProxyTable } from './proxy-table.ts';

const counters = {
  serviceTotalConnections: 'connections',
  servicePacketsIn: 'inPackets',
  servicePacketsOut: 'outPackets',
  serviceBytesIn: 'inBytes',
  serviceBytesOut: 'outBytes',
} as const satisfies Partial<Record<keyof Metrics, keyof IpvsStats>>;

const gauges = {
  serviceCps: 'connectionRate',
  servicePpsIn: 'inPacketRate',
  servicePpsOut: 'outPacketRate',
  serviceBpsIn: 'inByteRate',
  serviceBpsOut: 'outByteRate',
} as const satisfies Partial<Record<keyof Metrics, keyof IpvsStats>>;

/** prom-client calls it before it reads a metric. */
interface Collected {
  collect?: () => Promise<void>;
}

export class ServiceStats {
  readonly #client: Pick<Ipvs, 'services'>;
  readonly #table: ProxyTable;
  readonly #metrics: Metrics;
  /** All metrics of one scrape share one dump. */
  #reading: Promise<void> | undefined;

  constructor(client: Pick<Ipvs, 'services'>, table: ProxyTable, metrics: Metrics) {
    this.#client = client;
    this.#table = table;
    this.#metrics = metrics;
    for (const metric of this.#all()) {
      metric.collect = () => {
        this.#reading ??= this.#read().finally(() => {
          this.#reading = undefined;
        });
        return this.#reading;
      };
    }
  }

  close(): void {
    for (const metric of this.#all()) delete metric.collect;
  }

  #all(): Collected[] {
    return [...names(counters), ...names(gauges)].map((name) => this.#metrics[name] as Collected);
  }

  async #read(): Promise<void> {
    const end = this.#metrics.ipvsMetricsExportSeconds.startTimer();
    // A kernel that gives no answer leaves the last figures: the scrape is about all of the agent.
    const services = await this.#client.services().catch(() => undefined);
    if (services === undefined) return;
    for (const name of [...names(counters), ...names(gauges)]) this.#metrics[name].reset();
    for (const { stats, ...key } of services) {
      const virtual = this.#table.entry(ipvsKey(key) ?? '');
      if (!virtual || !stats) continue;
      const [svc_namespace = '', service_name = ''] = virtual.service.split('/');
      const labels = {
        svc_namespace,
        service_name,
        service_vip: virtual.address.text,
        protocol: virtual.protocol.toLowerCase(),
        port: String(virtual.port),
      };
      for (const name of names(counters)) this.#metrics[name].inc(labels, Number(stats[counters[name]]));
      for (const name of names(gauges)) this.#metrics[name].set(labels, Number(stats[gauges[name]]));
    }
    end();
  }
}

function names<T extends object>(table: T): (keyof T)[] {
  return Object.keys(table) as (keyof T)[];
}
