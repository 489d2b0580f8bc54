import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { type CounterRow, type GaugeRow, type HistogramRow, type Metrics, PREFIX, rows } from './registry.ts';

export interface MetricsSet {
  readonly metrics: Metrics;
  readonly registry: Registry;
}

/** Makes every metric of the table in a registry of its own. `version` is the package's. */
export function createMetrics(version: string): MetricsSet {
  const registry = new Registry();
  const make = (row: CounterRow<string> | GaugeRow<string> | HistogramRow<string>) => {
    const config = { name: PREFIX + row.name, help: row.help, labelNames: row.labels, registers: [registry] };
    switch (row.type) {
      case 'counter':
        return new Counter(config);
      case 'gauge':
        return new Gauge(config);
      case 'histogram':
        return new Histogram({ ...config, buckets: [...row.buckets] });
    }
  };
  const metrics = Object.fromEntries(Object.entries(rows).map(([key, row]) => [key, make(row)])) as unknown as Metrics;
  metrics.buildInfo.set({ goversion: process.version, version }, 1);
  return { metrics, registry };
}

/** Adds the collectors of the process itself (CPU, memory, event loop), under the names of the Go client where it has them. */
export function collectProcess(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
}
