import type { Answerers, StandingProblem } from './ask/model.ts';
import type { ClusterView, Kind } from './cluster/model.ts';
import type { Health } from './health/health.ts';
import type { Ruleset } from './kernel/ruleset.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics/registry.ts';
import type { AgentOptions } from './options/options.ts';
import type { ServedAddresses } from './service/served-addresses.ts';

/** One part of the daemon with a life of its own: the daemon starts modules in order and stops them in reverse. */
export interface Module {
  readonly name: string;
  /** Resolves when the module does its work. Rejects when it can never do it; the daemon then exits. */
  start(): Promise<void>;
  /** Ends the module's work. What it programmed in the kernel stays as it is. */
  stop(): Promise<void>;
  /** What it has to say to `routelet status`. */
  report?(): ModuleReport;
  /** The questions of the command `routelet` that it answers. */
  readonly answers?: Answerers;
}

export interface ModuleReport {
  readonly counts: Readonly<Record<string, number>>;
  readonly problems: readonly StandingProblem[];
}

/** What a module is made of. */
export interface ModuleContext {
  readonly options: AgentOptions;
  readonly nodeName: string;
  readonly cluster: ClusterView;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly health: Health;
  /** The one owner of our iptables rules. */
  readonly ruleset: Ruleset;
  /** Which addresses of Services are served here, between those who serve and those who announce. */
  readonly served: ServedAddresses;
}

/** A module before it is made. */
export interface ModuleDefinition {
  /** What it reads of the cluster: these kinds are in the store, others only when another module asks for them. */
  readonly kinds: readonly Kind[];
  create(context: ModuleContext): Module;
}
