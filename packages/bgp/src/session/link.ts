/**
 * The resources of one connection's state machine: its timers, the attempt to connect or the connection, and what the
 * OPENs agreed. It turns received bytes into the machine's events.
 */
import { BgpError } from '../errors.ts';
import type { FsmEvent } from '../fsm/event.ts';
import { largeHoldTimeMs, sendHoldTimeMs, type TimerName, timers } from '../fsm/timer.ts';
import { errorCode, messageType, openSubcode } from '../iana.ts';
import type { Negotiated, OpenMessage } from '../message/model.ts';
import { asnOf } from '../message/negotiation.ts';
import { decodeNotification } from '../message/notification.ts';
import { decodeOpen, encodeOpen } from '../message/open.ts';
import { decodeRouteRefresh } from '../message/route-refresh.ts';
import type { Connection } from '../ports.ts';
import { Channel } from './channel.ts';
import type { SessionConfig, SessionPorts } from './model.ts';
import { notificationText } from './notification-text.ts';
import { judgeOpen, localOpen } from './open.ts';
import { ReadingTurns } from './reading-turns.ts';
import { TimerSet } from './timer-set.ts';

/** Calls come one at a time and never from inside a call to the link. */
export interface LinkListener {
  /** AS number for the next OPEN. */
  localAsn(): number;
  event(link: Link, event: FsmEvent): void;
  /** An UPDATE. False: it is to come as an event. */
  update(link: Link, body: Uint8Array): boolean;
  /** A KEEPALIVE that needs no step of the machine; false: it does. */
  keepalive(link: Link): boolean;
  /** The KeepaliveTimer has expired; false: that is to come as an event. */
  keepaliveDue(link: Link): boolean;
  received(type: number): void;
  drained(link: Link): void;
}

export class Link {
  readonly id: number;
  readonly timers: TimerSet;
  readonly #config: SessionConfig;
  readonly #ports: SessionPorts;
  readonly #listener: LinkListener;
  #attempt: { cancel(): void } | undefined;
  #channel: Channel | undefined;
  #sentOpen: OpenMessage | undefined;
  #negotiated: Negotiated | undefined;
  /** `takenBytes` of the channel when the peer last was seen to take something. */
  #takenBytes = 0;

  constructor(id: number, config: SessionConfig, ports: SessionPorts, listener: LinkListener) {
    this.id = id;
    this.#config = config;
    this.#ports = ports;
    this.#listener = listener;
    this.timers = new TimerSet(ports.clock, ports.random, (name) => this.#expired(name));
  }

  get channel(): Channel | undefined {
    return this.#channel;
  }

  get negotiated(): Negotiated | undefined {
    return this.#negotiated;
  }

  /** AS number in the OPEN that was sent. */
  get sentAsn(): number | undefined {
    return this.#sentOpen && asnOf(this.#sentOpen);
  }

  /** Whether a TCP connection is being made. */
  get connecting(): boolean {
    return this.#attempt !== undefined;
  }

  connect(): void {
    const { peerAddress, peerPort, localAddress, password, tcpAo, ttl, minimumTtl, device } = this.#config;
    this.#attempt = this.#ports.transport.connect(
      {
        remoteAddress: peerAddress,
        remotePort: peerPort ?? 179,
        ...(localAddress === undefined ? {} : { localAddress }),
        ...(password === undefined ? {} : { password }),
        ...(tcpAo === undefined ? {} : { tcpAo }),
        ...(device === undefined ? {} : { device }),
        ...(ttl === undefined ? {} : { ttl }),
        ...(minimumTtl === undefined ? {} : { minimumTtl }),
      },
      (connection) => {
        this.#attempt = undefined;
        this.adopt(connection);
        this.#listener.event(this, { name: 'Tcp_CR_Acked' });
      },
      (error) => {
        this.#attempt = undefined;
        this.#listener.event(this, { name: 'TcpConnectionFails', text: error.message });
      },
    );
  }

  adopt(connection: Connection): void {
    const { clock, turns = new ReadingTurns(clock) } = this.#ports;
    this.#channel = new Channel(connection, clock, turns, {
      message: (type, body) => {
        this.#listener.received(type);
        if (type === messageType.update && this.#listener.update(this, body)) return;
        if (type === messageType.keepalive && this.#listener.keepalive(this)) return;
        this.#listener.event(this, this.#eventOf(type, body));
      },
      defective: ({ notification, message }) =>
        this.#listener.event(this, { name: 'BGPHeaderErr', notification, text: message }),
      lost: (text) => this.#listener.event(this, { name: 'TcpConnectionFails', text }),
      drained: () => this.#listener.drained(this),
    });
    connection.resume();
  }

  sendOpen(): void {
    this.#sentOpen = localOpen(this.#config, this.#listener.localAsn());
    this.write(encodeOpen(this.#sentOpen));
  }

  /** False: over the high-water mark, or no connection. */
  write(bytes: Uint8Array): boolean {
    if (this.#channel === undefined) return false;
    const room = this.#channel.write(bytes);
    // RFC 9687 §4.3: the timer restarts when the local system has sent a message; that is, when TCP took bytes.
    if (this.#channel.takenBytes > this.#takenBytes) this.#restartSendHold();
    return room;
  }

  /** RFC 4271 §8.2.2: "Each time the local system sends a KEEPALIVE or UPDATE message, it restarts its KeepaliveTimer". */
  send(messages: Uint8Array): boolean {
    this.timers.extend('KeepaliveTimer', this.#negotiated?.keepaliveMs ?? 0);
    return this.write(messages);
  }

  /** Gives up the attempt, or closes the connection once what is queued is sent. */
  drop(): void {
    this.#attempt?.cancel();
    this.#attempt = undefined;
    this.#channel?.close();
    this.#channel = undefined;
    this.#sentOpen = undefined;
    this.#negotiated = undefined;
    this.#takenBytes = 0;
  }

  #expired(name: TimerName): void {
    // What this side chose not to read, or had nothing to send for, is no fault of the peer.
    if (name === 'HoldTimer' && this.#channel?.holdsBack) {
      this.timers.start(name, this.#negotiated?.holdTimeMs ?? largeHoldTimeMs);
    } else if (name === 'SendHoldTimer' && this.#channel?.connection.queuedBytes === 0) {
      this.timers.start(name, sendHoldTimeMs(this.#negotiated?.holdTimeMs ?? 0));
    } else {
      if (name === 'KeepaliveTimer' && this.#listener.keepaliveDue(this)) return;
      this.#listener.event(this, { name: timers[name].event });
    }
  }

  #restartSendHold(): void {
    this.#takenBytes = this.#channel?.takenBytes ?? 0;
    this.timers.extend('SendHoldTimer', sendHoldTimeMs(this.#negotiated?.holdTimeMs ?? 0));
  }

  #eventOf(type: number, body: Uint8Array): FsmEvent {
    switch (type) {
      case messageType.open:
        return this.#openEvent(body);
      case messageType.update:
        return { name: 'UpdateMsg', body };
      case messageType.notification: {
        const message = decodeNotification(body);
        const text = notificationText(message);
        const { code, subcode } = message;
        const isVersion = code === errorCode.openMessage && subcode === openSubcode.unsupportedVersionNumber;
        return isVersion ? { name: 'NotifMsgVerErr', text } : { name: 'NotifMsg', code, subcode, text };
      }
      case messageType.routeRefresh:
        return caught('RouteRefreshMsgErr', () => {
          const { family, subtype } = decodeRouteRefresh(body);
          return { name: 'RouteRefreshMsg', family, subtype };
        });
      default:
        return { name: 'KeepAliveMsg' };
    }
  }

  #openEvent(body: Uint8Array): FsmEvent {
    return caught('BGPOpenMsgErr', () => {
      const remote = decodeOpen(body);
      const { event, negotiated } = judgeOpen(
        this.#sentOpen ?? localOpen(this.#config, this.#listener.localAsn()),
        remote,
        this.#config,
      );
      if (negotiated !== undefined) {
        this.#negotiated = negotiated;
        if (negotiated.extendedMessages) this.#channel?.allowExtendedMessages();
      }
      return event;
    });
  }
}

function caught(name: 'BGPOpenMsgErr' | 'RouteRefreshMsgErr', read: () => FsmEvent): FsmEvent {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof BgpError)) throw error;
    return { name, notification: error.notification, text: error.message };
  }
}
