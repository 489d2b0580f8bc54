/** Carries what the rib tells into metrics and log. */
import type { Rib } from '@routelet/rib';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics/registry.ts';

export function observeRib(rib: Rib, metrics: Metrics, log: Log): void {
  rib.on('programmed', ({ added, removed, replaced, latencyMs }) => {
    metrics.hostRoutesAdded.inc(added);
    metrics.hostRoutesRemoved.inc(removed);
    metrics.routeLatencySeconds.observe(latencyMs / 1000);
    log.info('kernel routes changed', { added, replaced, removed });
    updateRouteGauges(rib, metrics);
  });
  rib.on('problem', ({ kind, text }) => {
    log.error(text, { kind });
    updateRouteGauges(rib, metrics);
  });
  rib.on('resolved', ({ destination }) => {
    log.info('route is no problem any more', { destination });
    updateRouteGauges(rib, metrics);
  });
  rib.on('drift', ({ destination, found, repairedMs }) => {
    metrics.hostRoutesDrift.inc({ found });
    log.warn('a kernel route of ours was changed by somebody else', { destination, found, repairedMs });
  });
  rib.on('warning', ({ code, text }) => log.warn(text, { code }));
}

export function updateRouteGauges(rib: Rib, metrics: Metrics): void {
  const { programmed, problems } = rib.counts();
  const foreign = problems.filter(({ kind }) => kind === 'foreign').length;
  metrics.hostRoutesSynced.set(programmed);
  metrics.hostRoutesForeign.set(foreign);
  metrics.hostRoutesFailed.set(problems.length - foreign);
}
