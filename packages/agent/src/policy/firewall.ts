/**
 * The firewall module: Pods, Namespaces and NetworkPolicies in, rules and sets of the kernel out. A change is compiled and
 * written by what it touches; a full pass each period must find nothing to do. Rules stay when the module stops.
 */
import type { Answerers } from '../ask/model.ts';
import type { ClusterChange, ClusterView } from '../cluster/model.ts';
import type { Heartbeat } from '../health/health.ts';
import { describeMixedBackends } from '../kernel/backend-plan.ts';
import { runCommand } from '../kernel/command.ts';
import { Ipset } from '../kernel/ipset.ts';
import { ensureModule } from '../kernel/module.ts';
import type { Ruleset } from '../kernel/ruleset.ts';
import { applySysctls } from '../kernel/sysctl.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics/registry.ts';
import type { Module, ModuleContext, ModuleDefinition, ModuleReport } from '../module.ts';
import type { AgentOptions } from '../options/options.ts';
import type { Problem } from '../problem.ts';
import { ProblemLog } from '../problem-log.ts';
import { WorkLoop } from '../work-loop.ts';
import { answerPolicy, answerVerdict } from './answers.ts';
import type { BackendResult, PolicyBackend } from './backend.ts';
import { PolicyCompiler } from './compile/compiler.ts';
import type { MeaningChange, PodKey, PolicyKey, PolicyProblem } from './compile/model.ts';
import { IptablesBackend } from './iptables-backend.ts';
import { firewallClaim } from './iptables-plan.ts';
import { NftablesBackend } from './nftables-backend.ts';
import { type FirewallSettings, planSettings } from './settings.ts';
import { claimFirewall } from './sole-firewall.ts';

export const firewall: ModuleDefinition = {
  kinds: ['Node', 'Namespace', 'Pod', 'NetworkPolicy'],
  create: (context) => new Firewall(context),
};

/** `full`: all of the kernel is compared; `changes`: what the cluster said. */
type Part = 'full' | 'changes';

/** Until the next try of a pass that failed. */
const RETRY_MS = 1000;

class Firewall implements Module {
  readonly name = 'firewall';
  readonly answers: Answerers = {
    policy: async ({ pod }) => answerPolicy(this.#compiler, pod, this.#complete && !this.#closed.has(pod)),
    verdict: async (question) => answerVerdict(this.#compiler, question, (pod) => this.#addressesOf(pod)),
  };
  readonly #options: AgentOptions;
  readonly #nodeName: string;
  readonly #cluster: ClusterView;
  readonly #log: Log;
  readonly #metrics: Metrics;
  readonly #ruleset: Ruleset;
  readonly #heartbeat: Heartbeat;
  readonly #problems: ProblemLog;
  readonly #loop: WorkLoop<Part>;
  readonly #compiler: PolicyCompiler;
  readonly #backend: PolicyBackend;
  /** The one that is not chosen: what it left in an earlier life goes once the chosen one stands. */
  readonly #other: PolicyBackend;
  readonly #closers: (() => void | Promise<void>)[] = [];
  #queued: ClusterChange[] = [];
  #settings: FirewallSettings;
  /** Problems of policies, of those that have some. */
  readonly #policyProblems = new Map<PolicyKey, readonly PolicyProblem[]>();
  /** When a pod of this node was first seen with an address, until its rules are in. */
  readonly #seenMs = new Map<PodKey, number>();
  #complete = false;
  /** Pods that the kernel refused. */
  #closed: ReadonlySet<PodKey> = new Set();
  #counts: BackendResult['counts'] = { chains: 0, sets: 0 };
  #switched = false;
  #retry: NodeJS.Timeout | undefined;

  constructor({ options, nodeName, cluster, log, metrics, health, ruleset }: ModuleContext) {
    this.#options = options;
    this.#nodeName = nodeName;
    this.#cluster = cluster;
    this.#log = log.child('firewall');
    this.#metrics = metrics;
    this.#ruleset = ruleset;
    this.#heartbeat = health.register('NPC', options.iptablesSyncPeriodMs);
    this.#problems = new ProblemLog(this.#log);
    this.#loop = new WorkLoop(
      (parts) => this.#pass(parts),
      (error) => this.#failed(error),
    );
    this.#compiler = new PolicyCompiler(nodeName);
    this.#settings = planSettings(options, cluster.get('Node', nodeName));
    const iptables = new IptablesBackend(ruleset.module('firewall', firewallClaim), new Ipset());
    const nftables = new NftablesBackend(runCommand);
    [this.#backend, this.#other] = options.useNftablesForNetpol ? [nftables, iptables] : [iptables, nftables];
  }

  /** Resolves after the first pass, whatever came of it. Rejects when another firewall runs here. */
  async start(): Promise<void> {
    this.#closers.push(await claimFirewall());
    await this.#seeBridgedPackets();
    for (const kind of ['Namespace', 'Pod', 'NetworkPolicy'] as const) {
      for (const object of this.#cluster.list(kind)) {
        this.#queued.push({ type: 'added', kind, object } as ClusterChange);
      }
    }
    this.#closers.push(this.#cluster.subscribe((changes) => this.#clusterChanged(changes)));
    const timer = setInterval(
      () => this.#loop.mark(['full']),
      Math.min(this.#options.iptablesSyncPeriodMs, 0x7fff_ffff),
    );
    this.#closers.push(() => clearInterval(timer));
    this.#loop.mark(['full']);
    await this.#loop.idle();
  }

  report(): ModuleReport {
    const { chains, sets } = this.#counts;
    const counts = { policyPods: this.#compiler.localPods().length, policyChains: chains, policySets: sets };
    return { counts, problems: this.#problems.standing };
  }

  async stop(): Promise<void> {
    clearTimeout(this.#retry);
    await this.#loop.stop();
    clearTimeout(this.#retry);
    for (const close of this.#closers.splice(0).reverse()) await close();
  }

  #clusterChanged(changes: readonly ClusterChange[]): void {
    const nowMs = performance.now();
    for (const change of changes) {
      if (change.kind === 'Pod' && change.type !== 'deleted' && change.object.spec.nodeName === this.#nodeName) {
        const { namespace, name } = change.object.metadata;
        const key = `${namespace}/${name}`;
        const had = change.type === 'modified' && change.old.status.podIPs.length > 0;
        if (!had && change.object.status.podIPs.length > 0) this.#seenMs.set(key, nowMs);
      }
    }
    this.#queued.push(...changes);
    this.#loop.mark(['changes']);
  }

  async #pass(parts: ReadonlySet<Part>): Promise<void> {
    const startedMs = performance.now();
    const queued = this.#queued;
    this.#queued = [];
    const change = this.#compiler.apply(queued);
    this.#notePolicyProblems(change);
    const newSettings = this.#readSettings();
    const full = parts.has('full') || newSettings || !this.#complete;
    if (!full && change.policies.size + change.pods.size + change.sets.size === 0) return;
    const wanted = { compiler: this.#compiler, settings: this.#settings };
    this.#complete = false;
    const result = full ? await this.#backend.sync(wanted) : await this.#backend.update(wanted, change);
    this.#complete = true;
    this.#report(result, full, (performance.now() - startedMs) / 1000);
    this.#podsProgrammed(result);
    if (full && !this.#switched) await this.#removeOther();
    this.#problems.report('pass', []);
    if (full) this.#problems.report('backend', await this.#backendProblems());
    this.#heartbeat.beat();
  }

  #addressesOf(pod: string): readonly string[] | undefined {
    const [namespace, name = ''] = pod.split('/');
    return this.#cluster.get('Pod', name, namespace)?.status.podIPs;
  }

  async #removeOther(): Promise<void> {
    try {
      if (await this.#other.remove(this.#settings.families)) this.#log.info('rules of the other backend removed');
      this.#switched = true;
      this.#problems.report('other backend', []);
    } catch (error) {
      const text = `rules of the other backend cannot be removed, both are in force: ${error instanceof Error ? error.message : String(error)}`;
      this.#problems.report('other backend', [{ code: 'kernel', subject: 'other backend', text, level: 'warn' }]);
    }
  }

  /** A Node that is gone for a moment must not open the pods: the last CIDRs stay. */
  #readSettings(): boolean {
    const node = this.#cluster.get('Node', this.#nodeName);
    const planned = planSettings(this.#options, node);
    const kept =
      planned.closedCidrs.length === 0 && node === undefined ? this.#settings.closedCidrs : planned.closedCidrs;
    const settings = { ...planned, closedCidrs: kept };
    const cidrs = ({ closedCidrs }: FirewallSettings) => closedCidrs.map(({ text }) => text).join();
    const changed = cidrs(settings) !== cidrs(this.#settings);
    this.#settings = settings;
    const missing = this.#options.netpolDefaultDeny && settings.closedCidrs.length === 0;
    const text = `node ${this.#nodeName}: no pod CIDR, expected spec.podCIDRs or the annotation kube-router.io/pod-cidrs: new pods are open until their rules are in`;
    this.#problems.report('settings', missing ? [{ code: 'no-pod-cidr', subject: this.#nodeName, text }] : []);
    return changed;
  }

  #report(result: BackendResult, full: boolean, seconds: number): void {
    const { changes, drifted, counts, timings, problems } = result;
    if (drifted.length > 0) {
      this.#metrics.policyDrift.inc(drifted.length);
      this.#log.warn('rules of the firewall were changed by others and are put back', { found: drifted.slice(0, 20) });
    }
    if (changes > 0) this.#log.debug('rules of the firewall changed', { changes, full });
    this.#problems.report('kernel', problems);
    this.#closed = result.closed;
    this.#counts = counts;
    const { iptablesSyncSeconds, policyChainsSyncSeconds, policyChains, policyIpsets } = this.#metrics;
    if (full) iptablesSyncSeconds.observe(seconds);
    policyChainsSyncSeconds.observe(seconds);
    policyChains.set(counts.chains);
    policyIpsets.set(counts.sets);
    for (const timing of timings) this.#timingMetric(timing)?.observe(timing.seconds);
  }

  #timingMetric({ what, family }: BackendResult['timings'][number]) {
    const metrics = this.#metrics;
    const [save, restore, sets] =
      family === 4
        ? [metrics.iptablesV4SaveSeconds, metrics.iptablesV4RestoreSeconds, metrics.policyIpsetV4RestoreSeconds]
        : [metrics.iptablesV6SaveSeconds, metrics.iptablesV6RestoreSeconds, metrics.policyIpsetV6RestoreSeconds];
    return { save, restore, sets }[what];
  }

  #podsProgrammed({ closed }: BackendResult): void {
    const nowMs = performance.now();
    for (const [key, seenMs] of this.#seenMs) {
      if (closed.has(key)) continue;
      // A change that came during the pass is of the next one.
      if (this.#compiler.localPod(key) !== undefined)
        this.#metrics.policyPodClosedSeconds.observe((nowMs - seenMs) / 1000);
      else if (this.#queued.length > 0) continue;
      this.#seenMs.delete(key);
    }
  }

  #notePolicyProblems({ policies }: MeaningChange): void {
    if (policies.size === 0) return;
    for (const key of policies) {
      const problems = this.#compiler.policy(key)?.problems ?? [];
      if (problems.length > 0) this.#policyProblems.set(key, problems);
      else this.#policyProblems.delete(key);
    }
    this.#metrics.policyProblems.set(this.#policyProblems.size);
    const all = [...this.#policyProblems.values()].flat();
    this.#problems.report(
      'policies',
      all.map(({ policy, path, text }) => ({
        code: 'policy',
        subject: `${policy} ${path}`,
        text: `NetworkPolicy ${policy}: ${path}: ${text}; its pods are closed in its directions`,
      })),
    );
  }

  #failed(error: unknown): void {
    const text = `rules of the firewall cannot be written, what stands stays and new pods stay closed: ${error instanceof Error ? error.message : String(error)}`;
    this.#problems.report('pass', [{ code: 'kernel', subject: 'firewall', text }]);
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#loop.mark(['full']), RETRY_MS);
  }

  /** Traffic between pods of one bridge passes the rules only by br_netfilter (linux/net/bridge/br_netfilter_hooks.c). */
  async #seeBridgedPackets(): Promise<void> {
    const failure = await ensureModule('br_netfilter', '/proc/sys/net/bridge', runCommand);
    const wanted = [
      { key: 'net/bridge/bridge-nf-call-iptables', value: '1' },
      ...(this.#options.enableIpv6 ? [{ key: 'net/bridge/bridge-nf-call-ip6tables', value: '1' }] : []),
    ];
    const problems = failure === undefined ? [] : [`kernel module br_netfilter: ${failure}`];
    try {
      problems.push(...(await applySysctls(wanted)).missing.map((key) => `sysctl ${key} is not there`));
    } catch (error) {
      problems.push(`sysctl: ${error instanceof Error ? error.message : String(error)}`);
    }
    this.#problems.report(
      'bridge',
      problems.map(
        (what): Problem => ({
          ...{ code: 'kernel', subject: what, level: 'warn' },
          text: `${what}: policies do not hold between pods of one bridge`,
        }),
      ),
    );
  }

  /** Rules in both backends of iptables: who comes before whom cannot be said any more. */
  async #backendProblems(): Promise<Problem[]> {
    if (this.#options.useNftablesForNetpol) return [];
    const text = describeMixedBackends(await this.#ruleset.backend());
    return text === undefined ? [] : [{ code: 'rules', subject: 'backend', text }];
  }
}
