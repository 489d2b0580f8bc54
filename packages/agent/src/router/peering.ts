/**
 * Owns the speaker: makes it for an identity, keeps its peers, announcements and policies as planned, and makes a new one
 * only when the identity itself changed. What it plans comes from outside; what it hears goes to log and metrics.
 */
import { type Announcement, createSpeaker, type PeerOptions, type Speaker, type SpeakerOptions } from '@routelet/bgp';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics/registry.ts';
import type { AgentOptions } from '../options/options.ts';
import type { Problem } from '../problem.ts';
import type { VipRouteChanges } from './announcements.ts';
import type { Identity } from './identity.ts';
import { PeerMetrics } from './peer-metrics.ts';
import { EXTERNAL } from './peers.ts';
import type { Policies } from './policies.ts';

export interface PeeringPlan {
  readonly identity: Identity;
  readonly policies: Policies;
  readonly peers: readonly PeerOptions[];
  readonly announcements: readonly Announcement[];
  /** Of addresses of Services, by prefix; what did not change is the same object. */
  readonly vips: ReadonlyMap<string, Announcement>;
}

export interface PeeringDependencies {
  readonly options: Pick<
    AgentOptions,
    'bgpGracefulRestart' | 'bgpGracefulRestartTimeMs' | 'bgpGracefulRestartDeferralTimeMs' | 'bgpMaximumPaths'
  >;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Called with each speaker once it runs. `deferred`: it selects no route before it says `settled` (RFC 4724 §4.1). */
  readonly started: (speaker: Speaker, deferred: boolean) => void;
  /** The speaker has heard from all its peers what they have. */
  readonly settled: () => void;
}

export class Peering {
  readonly #options: PeeringDependencies['options'];
  readonly #log: Log;
  readonly #metrics: Metrics;
  readonly #peerMetrics: PeerMetrics;
  readonly #started: PeeringDependencies['started'];
  readonly #settled: () => void;
  #speaker: Speaker | undefined;
  #identityKey = '';
  /** What is announced, by prefix. */
  #announced: Announced = { pods: new Map(), vips: new Map() };
  /** Name of each peer for log and metrics; a peer that was just removed still has one. */
  #descriptions: ReadonlyMap<string, string> = new Map();

  constructor({ options, log, metrics, started, settled }: PeeringDependencies) {
    this.#options = options;
    this.#log = log;
    this.#metrics = metrics;
    this.#peerMetrics = new PeerMetrics(metrics);
    this.#started = started;
    this.#settled = settled;
  }

  /**
   * Brings the speaker in line. `forwarding`: routes of an earlier life are in the kernel, which a restarting speaker says
   * to its helpers (RFC 4724 §3). The problem returned is that the speaker cannot start; the next call tries again.
   */
  async apply(plan: PeeringPlan, forwarding: boolean): Promise<Problem | undefined> {
    const { asn, routerId, clusterId, listen } = plan.identity;
    const key = speakerKey(plan.identity);
    if (this.#speaker && key !== this.#identityKey) {
      this.#log.warn('the identity of this node changed: all sessions start again', {
        asn,
        routerId,
        clusterId,
        listen,
      });
      await this.stop();
    }
    this.#identityKey = key;
    if (this.#speaker) {
      this.#announce(this.#speaker, plan);
      this.#setPeers(this.#speaker, plan.peers);
      return undefined;
    }
    const deferred = forwarding && this.#options.bgpGracefulRestart;
    const speaker = this.#create(plan, deferred);
    try {
      await speaker.start();
    } catch (error) {
      await speaker.stop();
      const where = listen.map(({ address, port }) => `${address} port ${port}`).join(', ');
      const text = `BGP does not run: cannot listen on ${where}: ${error instanceof Error ? error.message : error}`;
      return { code: 'speaker', subject: plan.identity.name, text };
    }
    this.#speaker = speaker;
    this.#countAnnounced(plan);
    this.#log.info('BGP runs', { asn, routerId, listen, peers: plan.peers.length });
    this.updateMetrics();
    this.#started(speaker, deferred);
    return undefined;
  }

  async stop(): Promise<void> {
    const speaker = this.#speaker;
    this.#speaker = undefined;
    await speaker?.stop({ graceful: this.#options.bgpGracefulRestart });
  }

  /** Announces and withdraws single addresses; nothing while no speaker runs, as `apply` will make one with all of them. */
  announceVips(changes: VipRouteChanges): void {
    const speaker = this.#speaker;
    if (!speaker) return;
    const { vips } = this.#announced;
    for (const [prefix, route] of changes) {
      if (route === undefined) {
        if (!vips.delete(prefix)) continue;
        speaker.withdraw(prefix);
        this.#metrics.bgpAdvertisementsSent.inc({ type: 'withdraw-vip' });
      } else if (vips.get(prefix) !== route) {
        vips.set(prefix, route);
        speaker.announce(route);
        this.#metrics.bgpAdvertisementsSent.inc({ type: 'advertise-vip' });
      }
    }
    this.#metrics.bgpAdvertisedVips.set(vips.size);
  }

  updateMetrics(): void {
    const external = (address: string) => this.#descriptions.get(address) === EXTERNAL;
    this.#peerMetrics.replaceAll(this.#speaker?.peers() ?? [], external);
  }

  get speaker(): Speaker | undefined {
    return this.#speaker;
  }

  #create(plan: PeeringPlan, deferred: boolean): Speaker {
    const { peers, announcements, vips } = plan;
    const speaker = createSpeaker(speakerOptions(plan, this.#options, deferred));
    speaker.on('peer-state', ({ address, from, to, reason }) => {
      this.#peerMetrics.changed(address, to);
      // Why a session does not come up, the speaker says in a warning.
      const peer = { peer: address, name: this.#descriptions.get(address) };
      if (to === 'Established') {
        this.#log.info('session established', peer);
      } else if (from === 'Established') {
        const level = reason?.kind === 'admin' ? 'info' : 'warn';
        this.#log[level](`session lost: ${reason?.text}`, peer);
      }
    });
    speaker.on('warning', ({ address, text }) => this.#log.warn(text, address === undefined ? {} : { peer: address }));
    if (deferred) this.#awaitSelection(speaker);
    else this.#awaitEndOfRib(speaker);
    // Policies and routes are in place before the first session can start.
    speaker.setAnnouncements([...announcements, ...vips.values()]);
    speaker.setPeers(peers);
    this.#descriptions = describe(peers);
    return speaker;
  }

  /** A peer that restarts as well is not waited for by selection, but its routes are still to come. */
  #awaitSelection(speaker: Speaker): void {
    let left = 2;
    const listener = () => {
      if (--left === 0) this.#settled();
    };
    speaker.on('selection-complete', listener);
    speaker.on('peers-complete', listener);
  }

  /** Every peer sends End-of-RIB behind its first routes (RFC 4724 §2), also without graceful restart. */
  #awaitEndOfRib(speaker: Speaker): void {
    const ended = new Set<string>();
    const listener = ({ address, family }: { readonly address: string; readonly family: string }) => {
      ended.add(`${address} ${family}`);
      const complete = speaker
        .peers()
        .every(
          (peer) => peer.state === 'Established' && peer.families.every((name) => ended.has(`${peer.address} ${name}`)),
        );
      if (!complete) return;
      speaker.off('end-of-rib', listener);
      this.#settled();
    };
    speaker.on('end-of-rib', listener);
  }

  #setPeers(speaker: Speaker, peers: readonly PeerOptions[]): void {
    const descriptions = describe(peers);
    this.#descriptions = new Map([...this.#descriptions, ...descriptions]);
    for (const { address, action } of speaker.setPeers(peers)) {
      // The speaker says itself why a peer could not be taken.
      if (action === 'failed') continue;
      // A changed policy touches no session, and one Service can change that of every peer.
      this.#log[action === 'updated' ? 'debug' : 'info'](`peer ${action}`, {
        peer: address,
        name: this.#descriptions.get(address),
      });
    }
    this.#descriptions = descriptions;
    this.updateMetrics();
  }

  /** Says to the speaker what changed, in the order of pod CIDRs, new addresses, gone ones. */
  #announce(speaker: Speaker, plan: Pick<PeeringPlan, 'announcements' | 'vips'>): void {
    const before = this.#announced;
    const after = this.#countAnnounced(plan);
    for (const part of ['pods', 'vips'] as const) {
      for (const [prefix, route] of after[part]) if (before[part].get(prefix) !== route) speaker.announce(route);
    }
    for (const prefix of [...before.pods.keys(), ...before.vips.keys()]) {
      if (!after.pods.has(prefix) && !after.vips.has(prefix)) speaker.withdraw(prefix);
    }
  }

  #countAnnounced({ announcements, vips }: Pick<PeeringPlan, 'announcements' | 'vips'>): Announced {
    const before = this.#announced;
    const pods = new Map(announcements.map((route) => [route.prefix, route]));
    const count = (type: string, number: number) => this.#metrics.bgpAdvertisementsSent.inc({ type }, number);
    count('pod-route', [...pods.keys()].filter((prefix) => !before.pods.has(prefix)).length);
    count('advertise-vip', [...vips].filter(([prefix, route]) => before.vips.get(prefix) !== route).length);
    count('withdraw-vip', [...before.vips.keys()].filter((prefix) => !vips.has(prefix)).length);
    this.#metrics.bgpAdvertisedVips.set(vips.size);
    this.#announced = { pods, vips: new Map(vips) };
    return this.#announced;
  }
}

interface Announced {
  readonly pods: ReadonlyMap<string, Announcement>;
  readonly vips: Map<string, Announcement>;
}

function describe(peers: readonly PeerOptions[]): ReadonlyMap<string, string> {
  return new Map(peers.map(({ address, description = '' }) => [address, description]));
}

/** What a speaker of this plan is made of. */
export function speakerOptions(
  { identity, policies }: Pick<PeeringPlan, 'identity' | 'policies'>,
  options: PeeringDependencies['options'],
  deferred: boolean,
): SpeakerOptions {
  return {
    asn: identity.asn,
    routerId: identity.routerId,
    ...(identity.clusterId !== undefined && { clusterId: identity.clusterId }),
    listen: identity.listen,
    maximumPaths: options.bgpMaximumPaths,
    // Each peer has the chains of its class; a peer without any would import nothing harmful and export nothing.
    importPolicy: policies.import,
    exportPolicy: { name: 'kube_router_export', statements: [], defaultVerdict: 'reject' },
    ...(options.bgpGracefulRestart && {
      gracefulRestart: {
        restartTimeMs: options.bgpGracefulRestartTimeMs,
        deferralTimeMs: options.bgpGracefulRestartDeferralTimeMs,
        restarting: deferred,
      },
    }),
  };
}

/** What a speaker cannot change while it runs, as text. */
export function speakerKey({ asn, routerId, clusterId, listen }: Identity): string {
  return JSON.stringify({ asn, routerId, clusterId, listen });
}
