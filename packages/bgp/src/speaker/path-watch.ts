/**
 * BFD beside one BGP session (RFC 5882 §4): opens the BFD session that a peer's options ask for, takes the BGP session down
 * when the path fails, and with `strict` keeps it down until the path works. How BFD finds out is BFD's; without BFD, or
 * where it cannot run, it only hands starts and stops on.
 */
import type { BfdChange, BfdSession, BfdSessionOptions } from '../bfd/api.ts';
import { ceaseSubcode } from '../iana.ts';
import type { Session, SessionStop } from '../session/model.ts';
import type { BfdPeerOptions, BfdSource, PeerOptions, PeerStatus } from './api.ts';
import { contentOf } from './content.ts';

/** What FRR takes where nothing is configured: a failure is noticed within a second. */
const defaults = { desiredMinTxMs: 300, requiredMinRxMs: 300, detectMultiplier: 3 } as const;
/** TTL of BFD packets, RFC 5881 §5. */
const sentTtl = 255;

export interface PathWatchHost {
  readonly bfd: BfdSource | undefined;
  readonly session: Session;
  /** A graceful restart of the peer is taking place: its routes wait for it, or for its End-of-RIB. */
  isRestarting(): boolean;
  warning(text: string): void;
}

export class PathWatch {
  readonly #host: PathWatchHost;
  #peer: PeerOptions;
  #bfd: BfdSession | undefined;
  /** Between `start` and `close`. */
  #open = false;
  /** Counts what was asked of BFD, so that an answer to an older question is known as such. */
  #asked = 0;
  /** The BGP session is to run as soon as the path does. */
  #waiting = false;
  /** The BGP session was started and not stopped by its owner. */
  #wanted = false;

  constructor(peer: PeerOptions, host: PathWatchHost) {
    this.#peer = peer;
    this.#host = host;
  }

  /** Undefined while there is no BFD session. */
  get status(): PeerStatus['bfd'] {
    return this.#bfd === undefined ? undefined : { state: this.#bfd.state };
  }

  /** Begins to watch, and starts the BGP session when it may run. */
  start(): void {
    this.#wanted = true;
    if (!this.#open) {
      this.#open = true;
      this.#watch();
    }
    if (this.#isStrict && this.#bfd?.state !== 'Up') this.#waiting = true;
    else this.#host.session.start();
  }

  /** Stops the BGP session until `start`; the path is watched on. */
  stop(options: SessionStop): void {
    this.#wanted = false;
    this.#waiting = false;
    this.#host.session.stop(options);
  }

  /** Takes changed options; the BGP session goes on, and a BFD session with the same neighbour stays as it is. */
  update(peer: PeerOptions): void {
    const changed = contentOf(peer.bfd) !== contentOf(this.#peer.bfd);
    this.#peer = peer;
    if (!changed || !this.#open) return;
    this.#watch();
    if (!this.#isStrict) this.#release();
  }

  /** Ends watching; the neighbour is told that this is no failure (RFC 5882 §3.2). The BGP session is left alone. */
  close(): void {
    this.#open = false;
    this.#wanted = false;
    this.#waiting = false;
    this.#replace(undefined);
  }

  get #isStrict(): boolean {
    return optionsOf(this.#peer)?.strict === true;
  }

  #watch(): void {
    const options = bfdSessionOf(this.#peer);
    if (options === undefined) {
      this.#replace(undefined);
      return;
    }
    this.#asked += 1;
    void this.#ask(options, this.#asked);
  }

  async #ask(options: BfdSessionOptions, asked: number): Promise<void> {
    let bfd: BfdSession;
    try {
      if (this.#host.bfd === undefined) throw new Error('this speaker has none');
      const source = await this.#host.bfd();
      if (asked !== this.#asked) return;
      bfd = source.session(options);
    } catch (error) {
      if (asked === this.#asked) this.#lack(error instanceof Error ? error.message : String(error));
      return;
    }
    // The old hold is closed after: where both are on the same session, it goes on.
    this.#replace(bfd);
  }

  #lack(why: string): void {
    this.#replace(undefined);
    const { address, asn } = this.#peer;
    const so = this.#isStrict ? 'no BGP session without it (strict)' : 'the BGP session goes on without it';
    this.#host.warning(`peer ${address} (AS ${asn}): no BFD: ${why}; ${so}`);
  }

  #replace(bfd: BfdSession | undefined): void {
    this.#asked += 1;
    const before = this.#bfd;
    this.#bfd = bfd;
    before?.close();
    if (bfd === undefined) return;
    bfd.onChange = (change) => this.#onChange(change);
    if (bfd.state === 'Up') this.#release();
  }

  #onChange({ state, pathDown, reason }: BfdChange): void {
    if (state === 'Up') this.#release();
    // RFC 5882 §3.2 and §3.3: neither AdminDown nor a session that never was Up says that the path failed.
    else if (pathDown) this.#fail(`BFD: the path failed (${reason})`);
  }

  #release(): void {
    if (!this.#waiting) return;
    this.#waiting = false;
    this.#host.session.start();
  }

  #fail(text: string): void {
    const { session } = this.#host;
    const isEstablished = session.state === 'Established';
    // RFC 5882 §4.3.2: our BFD shares the fate of our BGP, so that its C bit is clear, and then "it would be best to avoid
    // aborting any Graceful Restart taking place": a peer that restarts takes its BFD session with it.
    if (isEstablished && this.#host.isRestarting()) return;
    if (this.#isStrict) {
      if (!this.#wanted) return;
      this.#waiting = true;
      session.stop({ notify: true, subcode: ceaseSubcode.bfdDown, text });
    } else if (isEstablished) session.reset({ subcode: ceaseSubcode.bfdDown, text });
  }
}

function optionsOf({ bfd }: PeerOptions): BfdPeerOptions | undefined {
  return bfd === true ? {} : bfd;
}

/** Undefined when the peer wants no BFD. */
function bfdSessionOf(peer: PeerOptions): BfdSessionOptions | undefined {
  const options = optionsOf(peer);
  if (options === undefined) return undefined;
  const { address, localAddress, device, multihopTtl = 1, ttlSecurity = 1 } = peer;
  const { multihop = multihopTtl > 1 || ttlSecurity > 1, strict: _, ...timing } = options;
  return {
    ...defaults,
    ...timing,
    address,
    multihop,
    ...(localAddress !== undefined && { localAddress }),
    // A zone names the link already; a device may be the VRF that it is in.
    ...(device !== undefined && !address.includes('%') && { interface: device }),
    ...(multihop && ttlSecurity > 1 && { minimumTtl: sentTtl + 1 - ttlSecurity }),
  };
}
