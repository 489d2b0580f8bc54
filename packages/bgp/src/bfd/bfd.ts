/**
 * All sessions of a process: opens and shares them, and brings each packet to its session. Packets and time come through
 * ports, so that a test can run it on a network in memory.
 */
import type { Clock, Random, Timer } from '../ports.ts';
import { canonicalAddress } from '../session/peer-address.ts';
import type { Bfd, BfdOptions, BfdSession, BfdSessionOptions, BfdStatus } from './api.ts';
import { decodeControlPacket } from './control-packet.ts';
import { BfdError, BfdPacketError, type DiscardReason } from './errors.ts';
import { udpPort } from './iana.ts';
import { configOf, type Neighbor, neighborOf } from './neighbor.ts';
import { type ReceiverPlace, Receivers } from './receivers.ts';
import { selectSession } from './reception.ts';
import { RunningSession } from './running-session.ts';
import { SharedSession } from './shared-session.ts';
import { remoteDetectionTimeUs } from './timing.ts';
import type { MinimumTtls, UdpSender, UdpTransport } from './udp-transport.ts';

export interface BfdPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly transport: UdpTransport;
}

interface Entry {
  readonly session: SharedSession;
  readonly sender: UdpSender;
  /** Runs while the neighbour is told of AdminDown, after the last user left. */
  farewell: Timer | undefined;
}

/** RFC 5881 §5: "... MUST be discarded if the received TTL or Hop Limit is not equal to 255". */
const singleHopTtls: MinimumTtls = { fallback: 255, exceptions: [] };

export class BfdInstance implements Bfd {
  readonly #ports: BfdPorts;
  readonly #onDiscard: BfdOptions['onDiscard'];
  readonly #receivers: Receivers;
  readonly #byKey = new Map<string, Entry>();
  readonly #byDiscriminator = new Map<number, Entry>();

  constructor(ports: BfdPorts, onDiscard: BfdOptions['onDiscard']) {
    this.#ports = ports;
    this.#onDiscard = onDiscard;
    this.#receivers = new Receivers(
      ports.transport,
      (place) => this.#minimumTtls(place),
      (bytes, remoteAddress, place) => this.#receive(bytes, remoteAddress, place),
    );
  }

  session(options: BfdSessionOptions): BfdSession {
    const neighbor = neighborOf(options);
    const wishes = { ...configOf(options), minimumTtl: options.minimumTtl ?? 0 };
    const entry = this.#byKey.get(neighbor.key) ?? this.#open(neighbor, options);
    const user = entry.session.add(wishes, () => this.#left(entry));
    try {
      this.#updateTtls(neighbor);
    } catch (error) {
      user.close();
      throw error;
    }
    entry.farewell?.cancel();
    entry.farewell = undefined;
    entry.session.running.dispatch({ name: 'enabled' });
    return user;
  }

  sessions(): BfdStatus[] {
    return [...this.#byKey.values()].filter(({ session }) => session.used).map(({ session }) => session.status);
  }

  close(): void {
    for (const entry of [...this.#byKey.values()]) {
      entry.session.running.dispatch({ name: 'disabled' });
      this.#remove(entry);
    }
  }

  #open(neighbor: Neighbor, options: BfdSessionOptions): Entry {
    const { clock, random, transport } = this.#ports;
    const place = placeOf(neighbor);
    this.#receivers.hold(place);
    let sender: UdpSender;
    try {
      sender = transport.openSender({ ...place, remoteAddress: neighbor.address, remotePort: neighbor.port });
    } catch (error) {
      this.#receivers.release(place);
      throw error;
    }
    const discriminator = this.#freeDiscriminator();
    const running = new RunningSession(configOf(options), discriminator, {
      clock,
      random,
      send: (bytes) => sender.send(bytes),
      changed: (change) => session.changed(change),
    });
    const session = new SharedSession(neighbor, running);
    const entry: Entry = { session, sender, farewell: undefined };
    this.#byKey.set(neighbor.key, entry);
    this.#byDiscriminator.set(discriminator, entry);
    return entry;
  }

  /** RFC 5880 §10 recommends random ones: what an attacker must guess. */
  #freeDiscriminator(): number {
    for (;;) {
      const discriminator = Math.floor(this.#ports.random.next() * 2 ** 32);
      if (discriminator !== 0 && !this.#byDiscriminator.has(discriminator)) return discriminator;
    }
  }

  #left(entry: Entry): void {
    const { session } = entry;
    if (this.#byKey.get(session.neighbor.key) !== entry) return;
    this.#relaxTtls(session.neighbor);
    if (session.used) return;
    session.running.dispatch({ name: 'disabled' });
    // RFC 5880 §6.8.16: control packets "SHOULD be transmitted for at least a Detection Time after transitioning to AdminDown".
    const farewellMs = remoteDetectionTimeUs(session.running.state) / 1000;
    if (farewellMs === 0) this.#remove(entry);
    else entry.farewell = this.#ports.clock.after(farewellMs, () => this.#remove(entry));
  }

  #remove(entry: Entry): void {
    const { neighbor, running } = entry.session;
    entry.farewell?.cancel();
    running.stop();
    entry.sender.close();
    this.#byKey.delete(neighbor.key);
    this.#byDiscriminator.delete(running.state.localDiscriminator);
    this.#receivers.release(placeOf(neighbor));
    this.#relaxTtls(neighbor);
  }

  /** A single hop's check never changes. */
  #updateTtls(neighbor: Neighbor): void {
    if (neighbor.multihop) this.#receivers.updateTtls((place) => serves(place, neighbor));
  }

  /** After someone left: what was asked for by others holds in any case. */
  #relaxTtls(neighbor: Neighbor): void {
    try {
      this.#updateTtls(neighbor);
    } catch (error) {
      // The kernel has no memory for a new filter: the old one stays, which is stricter.
      if (!(error instanceof BfdError)) throw error;
    }
  }

  #receive(bytes: Uint8Array, remoteAddress: string, place: ReceiverPlace): void {
    const from = canonicalAddress(remoteAddress);
    const discard = (reason: DiscardReason): void => this.#onDiscard?.({ reason, remoteAddress: from });
    let packet: ReturnType<typeof decodeControlPacket>;
    try {
      packet = decodeControlPacket(bytes);
    } catch (error) {
      if (!(error instanceof BfdPacketError)) throw error;
      discard(error.code);
      return;
    }
    const selected = selectSession(packet, {
      byDiscriminator: (discriminator) => {
        const entry = this.#byDiscriminator.get(discriminator);
        // A session takes packets only by the port of its kind: the TTL was checked for that one.
        return entry?.session.neighbor.port === place.port ? entry : undefined;
      },
      byNeighbor: () => this.#byNeighbor(from, place),
    });
    if ('discard' in selected) discard(selected.discard);
    else selected.session.session.running.dispatch({ name: 'packet-received', packet });
  }

  /** The session with that neighbour which says most of where it stands, among those that the socket serves. */
  #byNeighbor(address: string, place: ReceiverPlace): Entry | undefined {
    const said = ({ session: { neighbor } }: Entry): number =>
      Number(neighbor.localAddress !== undefined) + Number(neighbor.interface !== undefined);
    return [...this.#byKey.values()]
      .filter(({ session: { neighbor } }) => neighbor.address === address && serves(place, neighbor))
      .sort((a, b) => said(b) - said(a))[0];
  }

  #minimumTtls(place: ReceiverPlace): MinimumTtls {
    if (place.port !== udpPort.multihop) return singleHopTtls;
    const sessions = [...this.#byKey.values()].map(({ session }) => session);
    const served = sessions.filter(({ neighbor }) => serves(place, neighbor));
    // Whoever is no neighbour here must pass the strictest check: its packet may carry the discriminator of any session.
    const fallback = Math.max(0, ...served.map(({ minimumTtl }) => minimumTtl));
    return {
      fallback,
      exceptions: served
        .filter(({ minimumTtl }) => minimumTtl !== fallback)
        .map(({ neighbor: { address }, minimumTtl }) => ({ remoteAddress: address, minimumTtl })),
    };
  }
}

function placeOf({ family, localAddress, interface: device, port }: Neighbor): ReceiverPlace {
  return {
    family,
    port,
    ...(localAddress === undefined ? {} : { localAddress }),
    ...(device === undefined ? {} : { interface: device }),
  };
}

/** Whether packets of a session with this neighbour can come to the socket: the more exact of two sockets gets them. */
function serves(place: ReceiverPlace, { family, port, localAddress, interface: device }: Neighbor): boolean {
  return (
    place.port === port &&
    place.family === family &&
    (localAddress === undefined || localAddress === place.localAddress) &&
    (device === undefined || device === place.interface)
  );
}
