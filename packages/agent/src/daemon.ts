import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answerers } from './ask/model.ts';
import { startAskServer } from './ask/server.ts';
import { answerStatus } from './ask/status.ts';
import { ApiClient } from './cluster/kubernetes/api.ts';
import { connectKubernetes } from './cluster/kubernetes/connect.ts';
import { KubernetesSource } from './cluster/kubernetes/source.ts';
import { ManifestsSource } from './cluster/manifests/source.ts';
import type { ClusterSource } from './cluster/model.ts';
import { ClusterStore } from './cluster/store.ts';
import { startHealthServer } from './health/server.ts';
import { runCommand } from './kernel/command.ts';
import { Ruleset } from './kernel/ruleset.ts';
import type { Log } from './log.ts';
import { collectProcess, createMetrics } from './metrics/create.ts';
import type { Metrics } from './metrics/registry.ts';
import { startMetricsServer } from './metrics/server.ts';
import type { Module, ModuleDefinition } from './module.ts';
import { formatDuration } from './options/duration.ts';
import type { AgentOptions } from './options/options.ts';
import { flags } from './options/registry.ts';
import { ServedAddresses } from './service/served-addresses.ts';

export interface DaemonOptions {
  readonly options: AgentOptions;
  readonly nodeName: string;
  /** The package's version. */
  readonly version: string;
  readonly log: Log;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Modules in the order of their start. */
  readonly modules: readonly ModuleDefinition[];
}

/** The cluster could not be read in the time that --cache-sync-timeout gives. */
export class CacheSyncTimeoutError extends Error {
  readonly code = 'cache-sync-timeout';

  constructor(source: string, timeoutMs: number) {
    super(`the cluster (${source}) was not readable within ${formatDuration(timeoutMs)} (--cache-sync-timeout)`);
    this.name = 'CacheSyncTimeoutError';
  }
}

/**
 * Starts and stops the parts of the agent in the original's order (P-4): health listener, cluster cache, metrics,
 * modules. What was started when a later part fails is stopped again, in reverse. It never ends the process.
 */
export class Daemon {
  readonly #setup: DaemonOptions;
  readonly #log: Log;
  readonly #stops: { readonly name: string; readonly stop: () => Promise<void> }[] = [];
  readonly #aborted = new AbortController();

  constructor(setup: DaemonOptions) {
    this.#setup = setup;
    this.#log = setup.log;
  }

  /** Resolves when everything runs, or when `stop` was called in between. Rejects with the error of the part that cannot start. */
  async start(): Promise<void> {
    try {
      await this.#start();
    } catch (error) {
      // A part whose start was cut short by `stop` may well complain.
      if (this.#aborted.signal.aborted) return;
      await this.stop();
      throw error;
    }
  }

  /** Stops everything. What is programmed in the kernel stays. */
  async stop(): Promise<void> {
    this.#aborted.abort();
    for (let part = this.#stops.pop(); part !== undefined; part = this.#stops.pop()) {
      try {
        await part.stop();
      } catch (error) {
        this.#log.error(`${part.name} did not stop cleanly`, { error });
      }
    }
  }

  async #start(): Promise<void> {
    const { options, nodeName, version, modules } = this.#setup;
    const { metrics, registry } = createMetrics(version);
    const healthServer = await startHealthServer(options, this.#log.child('health'));
    this.#stops.push({ name: 'health', stop: () => healthServer.stop() });
    const running: Module[] = [];
    const startedMs = performance.now();
    const own: Answerers = {
      status: async () =>
        answerStatus({
          version,
          runtime: process.version,
          node: nodeName,
          uptimeMs: Math.round(performance.now() - startedMs),
          source: this.#setup.options.manifests === '' ? 'the API server' : `manifests in ${options.manifests}`,
          modules: running,
          components: healthServer.components(),
        }),
    };
    const askServer = await startAskServer({
      path: this.#askSocket(),
      answerers: () => [own, ...running.flatMap(({ answers = {} }) => answers)],
      log: this.#log.child('ask'),
    });
    this.#stops.push({ name: 'ask', stop: () => askServer.stop() });
    if (this.#aborted.signal.aborted) return;

    const store = new ClusterStore();
    const source = await this.#createSource(store, metrics);
    this.#stops.push({ name: source.name, stop: () => source.stop() });
    await this.#sync(source);
    if (this.#aborted.signal.aborted) return;
    this.#log.info('cluster read', { source: source.name, nodes: store.list('Node').length });

    collectProcess(registry);
    const metricsServer = await startMetricsServer(options, registry, this.#log.child('metrics'));
    if (metricsServer !== undefined) this.#stops.push({ name: 'metrics', stop: () => metricsServer.close() });

    const ruleset = new Ruleset(runCommand);
    const served = new ServedAddresses();
    for (const definition of modules) {
      if (this.#aborted.signal.aborted) return;
      const module = definition.create({
        options,
        nodeName,
        cluster: store,
        log: this.#log,
        metrics,
        health: healthServer.health,
        ruleset,
        served,
      });
      this.#stops.push({ name: module.name, stop: () => module.stop() });
      running.push(module);
      await module.start();
    }
  }

  /** The environment names another socket than the default, for nodes that share a file system. */
  #askSocket(): string {
    const { options, env } = this.#setup;
    const named = env['ROUTELET_SOCKET'];
    return named !== undefined && options.askSocket === flags.askSocket.default ? named : options.askSocket;
  }

  async #createSource(store: ClusterStore, metrics: Metrics): Promise<ClusterSource> {
    const { options, env, modules } = this.#setup;
    const log = this.#log.child('cluster');
    const kinds = [...new Set(modules.flatMap((module) => module.kinds))];
    if (options.manifests !== '') return new ManifestsSource(options.manifests, kinds, store, log);
    return new KubernetesSource(kinds, {
      api: new ApiClient(await connectKubernetes(options, env)),
      store,
      log,
      now: () => performance.now(),
      random: Math.random,
      pause: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => {}),
      listed: (kind) => metrics.clusterRelists.inc({ kind }),
    });
  }

  async #sync(source: ClusterSource): Promise<void> {
    const { signal } = this.#aborted;
    const { cacheSyncTimeoutMs } = this.#setup.options;
    const { promise: timedOut, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => reject(new CacheSyncTimeoutError(source.name, cacheSyncTimeoutMs)),
      // setTimeout fires at once for more than 2^31-1 ms.
      Math.min(cacheSyncTimeoutMs, 2 ** 31 - 1),
    );
    try {
      await Promise.race([source.start(signal), timedOut]);
    } finally {
      clearTimeout(timer);
    }
  }
}
