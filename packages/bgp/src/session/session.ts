/**
 * The shell around one neighbour's state machine: it feeds events in, one at a time, and carries the effects out over the
 * ports. What happens when is decided in `fsm/`; what an UPDATE means, by the speaker.
 */
import { BgpError } from '../errors.ts';
import { defaultIdleHold } from '../fsm/backoff.ts';
import type { FsmEffect } from '../fsm/effect.ts';
import type { FsmEvent } from '../fsm/event.ts';
import {
  initialNeighbour,
  type NeighbourEffect,
  type NeighbourEvent,
  type NeighbourState,
  slotOf,
  stateName,
  stepNeighbour,
} from '../fsm/neighbour.ts';
import type { DownReason, FsmStateName } from '../fsm/state.ts';
import { ceaseSubcode, errorCode, messageType, openSubcode } from '../iana.ts';
import { headerBytes } from '../message/header.ts';
import { encodeKeepalive } from '../message/keepalive.ts';
import { encodeNotification } from '../message/notification.ts';
import type { Connection } from '../ports.ts';
import { cease } from './cease.ts';
import { closeGently, refuse } from './farewell.ts';
import { Link } from './link.ts';
import type { Session, SessionConfig, SessionEvents, SessionPorts, SessionStop } from './model.ts';
import { limitWarnings } from './warning-limit.ts';

/** RFC 4271 §10 suggests 120 s; a node's neighbours are near, and a refused SYN costs nothing. */
export const defaultConnectRetryMs = 10_000;

/** Makes a session in Idle; nothing happens before `start`. */
export function createSession(config: SessionConfig, events: SessionEvents, ports: SessionPorts): Session {
  return new NeighbourSession(config, events, ports);
}

interface Queued {
  readonly event: NeighbourEvent;
  /** The connection of an `incoming` event. */
  readonly connection?: Connection;
}

const keepalive = encodeKeepalive();

class NeighbourSession implements Session {
  readonly counters = { messagesReceived: 0, messagesSent: 0, updatesReceived: 0, updatesSent: 0 };
  readonly #config: SessionConfig;
  readonly #events: SessionEvents;
  readonly #ports: SessionPorts;
  readonly #warn: (text: string) => void;
  #state: NeighbourState;
  readonly #links = new Map<number, Link>();
  #established: Link | undefined;
  #parked: Connection | undefined;
  #paused = false;
  /** For the next OPEN. */
  #localAsn: number;
  readonly #queue: Queued[] = [];
  #running = false;

  constructor(config: SessionConfig, events: SessionEvents, ports: SessionPorts) {
    this.#config = config;
    this.#events = events;
    this.#ports = ports;
    this.#localAsn = config.localAsn;
    this.#warn = limitWarnings(ports.clock, (text) => events.warning(text));
    this.#state = initialNeighbour({
      passive: config.passive ?? false,
      connectRetryMs: config.connectRetryMs ?? defaultConnectRetryMs,
      idleHold: defaultIdleHold,
      localIdentifier: config.localIdentifier,
      localAsn: config.localAsn,
    });
  }

  get state(): FsmStateName {
    return stateName(this.#state);
  }

  start(): void {
    this.#enqueue({ event: { kind: 'start' } });
  }

  stop({ notify, subcode, text, data }: SessionStop): void {
    this.#stop('ManualStop', notify ? (subcode ?? ceaseSubcode.administrativeShutdown) : undefined, { text, data });
  }

  reset({ subcode, text }: { subcode: number; text?: string }): void {
    this.#stop('AutomaticStop', subcode, { text });
  }

  accept(connection: Connection): void {
    connection.pause();
    this.#enqueue({ event: { kind: 'incoming' }, connection });
  }

  send(messages: Uint8Array): boolean {
    const link = this.#established;
    if (link === undefined) return false;
    for (let at = 0; at + headerBytes <= messages.length; ) {
      this.counters.messagesSent += 1;
      if (messages[at + 18] === messageType.update) this.counters.updatesSent += 1;
      at += Math.max(headerBytes, ((messages[at + 16] ?? 0) << 8) | (messages[at + 17] ?? 0));
    }
    return link.send(messages);
  }

  pause(): void {
    this.#paused = true;
    this.#established?.channel?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#established?.channel?.resume();
  }

  #stop(
    name: 'ManualStop' | 'AutomaticStop',
    subcode: number | undefined,
    content: { readonly text?: string | undefined; readonly data?: Uint8Array | undefined },
  ): void {
    const restartOnNotification = this.#established?.negotiated?.gracefulRestart?.notification ?? false;
    const notification = subcode === undefined ? {} : { notification: cease(subcode, content, restartOnNotification) };
    const reason = content.text ?? (name === 'ManualStop' ? 'stopped' : 'reset');
    this.#enqueue({ event: { kind: 'stop', event: { name, text: reason, ...notification } } });
  }

  /** Events that come while one is carried out, from inside the speaker's callbacks, wait for their turn. */
  #enqueue(queued: Queued): void {
    if (this.#running) this.#queue.push(queued);
    else this.#inTurn(() => this.#carryOut(queued));
  }

  #inTurn(first: () => void): void {
    this.#running = true;
    try {
      first();
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) this.#carryOut(next);
    } finally {
      this.#running = false;
    }
  }

  #carryOut({ event, connection }: Queued): void {
    const before = this.#state;
    const { state, effects } = stepNeighbour(before, event);
    this.#state = state;
    const turn: Turn = { before, ...(connection === undefined ? {} : { incoming: connection }) };
    for (const effect of effects) this.#apply(effect, turn);
    if (state === before) return;
    const [from, to] = [stateName(before), stateName(state)];
    if (turn.lost !== undefined) {
      this.#paused = false;
      this.#events.down(turn.lost);
    }
    if (from !== to) this.#events.stateChanged(from, to, turn.reason);
    if (turn.established !== undefined) this.#announceEstablished(turn.established);
  }

  #apply(effect: NeighbourEffect, turn: Turn): void {
    switch (effect.kind) {
      case 'connection':
        this.#applyToLink(this.#link(effect.id), effect.effect, turn);
        return;
      case 'adopt': {
        const connection = turn.incoming ?? this.#parked;
        if (turn.incoming === undefined) this.#releaseParked();
        if (connection !== undefined) this.#link(effect.id).adopt(connection);
        return;
      }
      case 'park':
        this.#dropParked();
        if (turn.incoming !== undefined) this.#park(turn.incoming);
        return;
      case 'drop-parked':
        this.#dropParked();
        return;
      case 'refuse':
        if (turn.incoming === undefined) return;
        refuse(turn.incoming, this.#ports.clock);
        this.#warn(`${this.#peer()} connects while it is shut down here: refused`);
        return;
      case 'forget': {
        const link = this.#links.get(effect.id);
        link?.timers.stopAll();
        link?.drop();
        this.#links.delete(effect.id);
        return;
      }
    }
  }

  #applyToLink(link: Link, effect: FsmEffect, turn: Turn): void {
    switch (effect.kind) {
      case 'connect':
        link.connect();
        return;
      case 'drop':
        if (link.connecting && slotOf(this.#state, link.id)?.fsm.name === 'Connect') this.#warn(this.#unanswered());
        if (this.#established === link) this.#established = undefined;
        link.drop();
        return;
      case 'send-open':
        this.counters.messagesSent += 1;
        link.sendOpen();
        return;
      case 'send-keepalive':
        this.counters.messagesSent += 1;
        link.write(keepalive);
        return;
      case 'notify':
        this.counters.messagesSent += 1;
        link.write(encodeNotification(effect.notification));
        return;
      case 'start-timer':
        link.timers.start(effect.timer, effect.ms);
        return;
      case 'stop-timer':
        link.timers.stop(effect.timer);
        return;
      case 'stop-timers':
        link.timers.stopAll();
        return;
      case 'established':
        this.#established = link;
        turn.established = link;
        return;
      case 'deliver-update':
        this.counters.updatesReceived += 1;
        this.#deliver(link, effect.body);
        return;
      case 'deliver-route-refresh':
        this.#events.routeRefresh({ family: effect.family, subtype: effect.subtype });
        return;
      case 'down':
        turn.reason = effect.reason;
        if (slotOf(turn.before, link.id)?.fsm.name === 'Established') turn.lost = effect.reason;
        else if (isNews(effect.reason)) this.#warn(`${this.#peer()}: no session: ${effect.reason.text}`);
        return;
    }
  }

  /**
   * RFC 4271 §8.2.2, event 27 in Established: the machine's two effects without the machine, which made thirty objects
   * for each of the 170,000 UPDATEs of a full table. False in all other states.
   */
  #takeUpdate(link: Link, body: Uint8Array): boolean {
    const { name, holdTimeMs } = slotOf(this.#state, link.id)?.fsm ?? {};
    if (this.#running || name !== 'Established' || holdTimeMs === undefined) return false;
    this.#inTurn(() => {
      if (holdTimeMs > 0) link.timers.start('HoldTimer', holdTimeMs);
      this.counters.updatesReceived += 1;
      this.#deliver(link, body);
    });
    return true;
  }

  /** The same for event 26, whose one effect it is to restart the hold timer; most of what a mesh at rest does. */
  #takeKeepalive(link: Link): boolean {
    const { name, holdTimeMs } = slotOf(this.#state, link.id)?.fsm ?? {};
    if (this.#running || name !== 'Established' || holdTimeMs === undefined) return false;
    if (holdTimeMs > 0) link.timers.start('HoldTimer', holdTimeMs);
    return true;
  }

  /** The same for event 11, the other half of a mesh at rest: its two effects. */
  #keepaliveDue(link: Link): boolean {
    const { name, keepaliveMs } = slotOf(this.#state, link.id)?.fsm ?? {};
    if (this.#running || name !== 'Established' || keepaliveMs === undefined) return false;
    this.counters.messagesSent += 1;
    link.write(keepalive);
    link.timers.start('KeepaliveTimer', keepaliveMs);
    return true;
  }

  #deliver(link: Link, body: Uint8Array): void {
    try {
      this.#events.update(body);
    } catch (error) {
      if (!(error instanceof BgpError)) throw error;
      this.#raise(link, { name: 'UpdateMsgErr', notification: error.notification, text: error.message });
    }
  }

  #announceEstablished(link: Link): void {
    const connection = link.channel?.connection;
    if (link.negotiated === undefined || connection === undefined) return;
    if (this.#paused) link.channel?.pause();
    this.#events.established(link.negotiated, connection);
  }

  #link(id: number): Link {
    const known = this.#links.get(id);
    if (known !== undefined) return known;
    const link = new Link(id, this.#config, this.#ports, {
      localAsn: () => this.#localAsn,
      event: (from, event) => {
        if (event.name === 'NotifMsg' && isBadPeerAs(event)) this.#otherNumber(from.sentAsn);
        if (event.name === 'TcpConnectionFails' && slotOf(this.#state, id)?.fsm.name === 'Connect') {
          this.#warn(`${this.#peer()}: connecting failed: ${event.text}`);
        }
        this.#raise(from, event);
      },
      update: (from, body) => this.#takeUpdate(from, body),
      keepalive: (from) => this.#takeKeepalive(from),
      keepaliveDue: (from) => this.#keepaliveDue(from),
      received: () => {
        this.counters.messagesReceived += 1;
      },
      drained: (from) => {
        if (from === this.#established) this.#events.writable();
      },
    });
    this.#links.set(id, link);
    return link;
  }

  /** RFC 7705 §4.2: the peer knows us by our other number. Both connections of a collision say so. */
  #otherNumber(refused: number | undefined): void {
    const { localAsn, otherLocalAsn } = this.#config;
    if (otherLocalAsn !== undefined) this.#localAsn = refused === localAsn ? otherLocalAsn : localAsn;
  }

  #raise(link: Link, event: FsmEvent): void {
    if (this.#links.get(link.id) === link) this.#enqueue({ event: { kind: 'connection', id: link.id, event } });
  }

  #park(connection: Connection): void {
    this.#parked = connection;
    connection.onClose = () => {
      if (this.#parked !== connection) return;
      this.#parked = undefined;
      this.#enqueue({ event: { kind: 'parked-lost' } });
    };
  }

  #releaseParked(): void {
    if (this.#parked !== undefined) this.#parked.onClose = undefined;
    this.#parked = undefined;
  }

  #dropParked(): void {
    const connection = this.#parked;
    this.#releaseParked();
    if (connection !== undefined) closeGently(connection, this.#ports.clock);
  }

  #peer(): string {
    return `peer ${this.#config.peerAddress} (AS ${this.#config.peerAsn})`;
  }

  #unanswered(): string {
    const { peerPort, password } = this.#config;
    const hint =
      password === undefined
        ? 'a peer that expects a TCP MD5 password does not answer either'
        : 'a wrong or missing TCP MD5 password on one side looks like this';
    return `${this.#peer()}: no answer on TCP port ${peerPort ?? 179}; ${hint}`;
  }
}

/** What one step has come to beside its effects. */
interface Turn {
  readonly before: NeighbourState;
  readonly incoming?: Connection;
  reason?: DownReason;
  /** The end of an Established session. */
  lost?: DownReason;
  established?: Link;
}

function isBadPeerAs({ code, subcode }: Pick<DownReason, 'code' | 'subcode'>): boolean {
  return code === errorCode.openMessage && subcode === openSubcode.badPeerAs;
}

/** A stop that was asked for, and the losing connection of a collision, are none. */
function isNews({ kind, code, subcode }: DownReason): boolean {
  return kind !== 'admin' && !(code === errorCode.cease && subcode === ceaseSubcode.connectionCollisionResolution);
}
