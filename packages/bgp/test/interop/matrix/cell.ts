/**
 * One feature with one implementation: a speaker of ours, the daemon in its namespace, and what a feature's `drive` may
 * do with them. All waiting is for what the speaker knows or what the daemon's client says.
 */
import type { Announcement, FamilyName, Path, PeerOptions, Speaker, SpeakerOptions } from '../../../src/index.ts';
import { createSpeaker } from '../../../src/index.ts';
import type { PolicyChain } from '../../../src/policy/model.ts';
import { type DaemonKind, startDaemon } from '../daemons.ts';
import type { PeerNamespace } from './namespace.ts';
import type { Fragment, PeerImplementation, PeerName, PeerSetup, RunningPeer, SeenPath } from './peer.ts';
import { peers } from './peers.ts';
import type { Terms } from './terms.ts';

const all: PolicyChain = { name: 'all', statements: [], defaultVerdict: 'accept' };

const deadlineMs = 20_000;

/** Asks until there is an answer; the pauses grow, as each question may start a client program. */
export async function eventually<T>(
  what: () => string,
  ask: () => Promise<T | undefined> | T | undefined,
  within = deadlineMs,
): Promise<T> {
  const end = performance.now() + within;
  for (let pauseMs = 25; ; pauseMs = Math.min(pauseMs * 1.5, 200)) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > end) throw new Error(`not within ${within} ms: ${what()}`);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

/** What a daemon says about lines that it does not understand when it starts nevertheless. */
const notUnderstood = /No such command on config line.*|invalid keyword.*/;

export class Cell {
  readonly feature: Terms;
  readonly namespace: PeerNamespace;
  readonly name: PeerName;
  readonly implementation: PeerImplementation;
  readonly warnings: string[] = [];
  #speaker: Speaker | undefined;
  #running: RunningPeer | undefined;
  readonly #others: Speaker[] = [];

  constructor(feature: Terms, name: PeerName, namespace: PeerNamespace) {
    this.feature = feature;
    this.name = name;
    this.implementation = peers[name];
    this.namespace = namespace;
  }

  get speaker(): Speaker {
    if (this.#speaker === undefined) throw new Error('no speaker runs');
    return this.#speaker;
  }

  get running(): RunningPeer {
    if (this.#running === undefined) throw new Error('no daemon runs');
    return this.#running;
  }

  /** Addresses of the session. */
  get ourAddress(): string {
    return this.namespace.addresses.ours[this.feature.transport ?? 'ipv4'];
  }

  get theirAddress(): string {
    return this.namespace.addresses.theirs[this.feature.transport ?? 'ipv4'];
  }

  get asn(): number {
    return this.feature.asn ?? 65001;
  }

  get peerAsn(): number {
    return this.feature.peerAsn ?? 65002;
  }

  /** The options of our one peer, with changes. */
  peerOptions(changes: Partial<PeerOptions> = {}): PeerOptions {
    return {
      address: this.theirAddress,
      asn: this.peerAsn,
      localAddress: this.ourAddress,
      families: (this.feature.families ?? ['ipv4']).map((family): FamilyName => `${family}-unicast`),
      connectRetryMs: 1000,
      ...(this.feature.password !== undefined && { password: this.feature.password }),
      ...this.feature.ours?.peer,
      ...changes,
    };
  }

  async startSpeaker(
    changes: Partial<SpeakerOptions> = {},
    routes: readonly Announcement[] = [],
    peer = this.peerOptions(),
  ): Promise<void> {
    const speaker = createSpeaker({
      asn: this.asn,
      routerId: this.namespace.addresses.ours.ipv4,
      listen: [{ address: this.ourAddress }],
      importPolicy: all,
      exportPolicy: all,
      ...this.feature.ours?.speaker,
      ...changes,
    });
    this.#speaker = speaker;
    speaker.on('warning', ({ text }) => this.warnings.push(text));
    speaker.addPeer(peer);
    speaker.setAnnouncements(routes);
    await speaker.start();
  }

  /** Further speakers on our end have sessions with ours. They are its reflector clients where their AS is ours. */
  acceptFeeders(...asns: readonly number[]): void {
    asns.forEach((asn, index) => {
      this.speaker.addPeer({
        address: this.namespace.addresses.feeders[index] ?? '',
        asn,
        localAddress: this.ourAddress,
        passive: true,
        routeReflectorClient: asn === this.asn,
      });
    });
  }

  /** A further speaker on our end, AS `asn`, that has a session with the peer or with our speaker and announces `prefix`. */
  async feed(index: 0 | 1, asn: number, to: 'peer' | 'speaker', prefix: string): Promise<void> {
    const address = this.namespace.addresses.feeders[index];
    const speaker = createSpeaker({
      asn,
      routerId: address,
      listen: [{ address }],
      importPolicy: all,
      exportPolicy: all,
    });
    this.#others.push(speaker);
    const target = to === 'peer' ? this.theirAddress : this.ourAddress;
    speaker.addPeer({
      address: target,
      asn: to === 'peer' ? this.peerAsn : this.asn,
      localAddress: address,
      connectRetryMs: 1000,
    });
    speaker.announce({ prefix });
    await speaker.start();
  }

  async startPeer(fragment: Fragment, recovering = false): Promise<void> {
    const { implementation, namespace } = this;
    const setup: PeerSetup = {
      localAddress: this.theirAddress,
      localAsn: this.peerAsn,
      routerId: namespace.addresses.theirs.ipv4,
      peerAddress: this.ourAddress,
      peerAsn: this.asn,
      families: this.feature.families ?? ['ipv4'],
      others: (this.feature.feedersOfPeer ?? []).map((asn, index) => ({
        address: namespace.addresses.feeders[index] ?? '',
        asn,
      })),
      fragment,
      recovering,
      ...(this.feature.password !== undefined && { password: this.feature.password }),
    };
    const kind = implementation.kind(namespace);
    const daemon = await startDaemon(
      {
        ...kind,
        files: (_, folder) => kind.files(setup, folder),
        command: (_, folder) => kind.command(setup, folder) as ReturnType<DaemonKind['command']>,
      },
      setup,
    );
    this.#running = { daemon, setup, namespace };
    const complaint = notUnderstood.exec(daemon.output());
    if (complaint !== null) throw new Error(complaint[0]);
  }

  /** As after a crash: it closes its sockets without a word, and is started again, told so where it wants to be. */
  async crashPeer(): Promise<void> {
    const { daemon } = this.running;
    daemon.process.kill('SIGKILL');
    await daemon.stop();
  }

  async recoverPeer(): Promise<void> {
    await this.startPeer(this.running.setup.fragment, true);
  }

  /** Both sides say that the session is up. */
  async established(): Promise<void> {
    let word = '';
    await eventually(
      () => `Established; ours ${JSON.stringify(this.speaker.peers())}, theirs ${word}; ${this.warnings.join('; ')}`,
      async () => {
        if (this.speaker.peers().find(({ address }) => address === this.theirAddress)?.state !== 'Established') return;
        word = await this.running.daemon.sessionState();
        return /^(established|up)$/i.test(word) || undefined;
      },
    );
  }

  /** The daemon's client says that the session is not up. */
  async notEstablished(): Promise<void> {
    const word = await this.running.daemon.sessionState();
    if (/^(established|up)$/i.test(word)) throw new Error(`the peer says ${word}`);
  }

  /** Waits until the daemon's paths for a prefix are as asked for. */
  async shows(prefix: string, what: string, holds: (paths: readonly SeenPath[]) => boolean): Promise<void> {
    let paths: readonly SeenPath[] = [];
    await eventually(
      () => `${prefix} ${what} there: ${JSON.stringify(paths)}; ${this.warnings.join('; ')}`,
      async () => {
        paths = await this.implementation.paths(this.running, prefix);
        return holds(paths) || undefined;
      },
    );
  }

  /** Waits until our speaker's paths for a prefix are as asked for. */
  async knows(prefix: string, what: string, holds: (paths: readonly Path[]) => boolean): Promise<void> {
    await eventually(
      () => `${prefix} ${what} here: ${JSON.stringify(this.speaker.paths(prefix))}; ${this.warnings.join('; ')}`,
      () => holds(this.speaker.paths(prefix)) || undefined,
    );
  }

  /** Waits until what the daemon's client says about the session matches. */
  async says(pattern: RegExp, ask = () => this.implementation.neighbor(this.running)): Promise<string> {
    let text = '';
    return eventually(
      () => `${pattern} said there: ${text.slice(-3000)}; ${this.warnings.join('; ')}`,
      async () => {
        text = await ask();
        return pattern.exec(text)?.[0];
      },
    );
  }

  /** Waits until a warning of our speaker matches. */
  async warns(pattern: RegExp): Promise<void> {
    await eventually(
      () => `a warning ${pattern}: ${this.warnings.join('; ')}`,
      () => this.warnings.some((text) => pattern.test(text)) || undefined,
    );
  }

  /** Waits until our speaker's reason for the end of the session matches. */
  async hears(pattern: RegExp): Promise<void> {
    const reason = () =>
      this.speaker.peers().find(({ address }) => address === this.theirAddress)?.lastDown?.text ?? '';
    await eventually(
      () => `an end for ${pattern}: ${reason()}`,
      () => pattern.test(reason()) || undefined,
    );
  }

  async stop(): Promise<void> {
    await Promise.allSettled([this.#speaker, ...this.#others].map((each) => each?.stop()));
    await this.#running?.daemon.stop();
    await this.namespace.close();
  }
}
