/**
 * One neighbour as a pure function: the connection it lives by (`primary`) and at times a second one that came in and is
 * tracked until collision detection has decided (RFC 4271 §6.8, §8.2.1). It routes events to the two state machines,
 * takes or refuses incoming connections, and keeps to one session.
 */
import { type Direction, survivor } from './collision.ts';
import type { FsmEffect } from './effect.ts';
import type { FsmEvent, OpenFacts } from './event.ts';
import { type FsmConfig, type FsmState, initialState, step } from './machine.ts';
import type { FsmStateName } from './state.ts';

export interface NeighbourConfig extends FsmConfig {
  readonly localIdentifier: number;
  readonly localAsn: number;
}

/** A connection's machine; `id` names the connection in effects and events. */
export interface Slot {
  readonly id: number;
  readonly direction: Direction;
  readonly fsm: FsmState;
}

export interface NeighbourState {
  readonly config: NeighbourConfig;
  readonly primary: Slot;
  readonly secondary?: Slot;
  /** Between ManualStart and ManualStop. */
  readonly started: boolean;
  /** An accepted connection waits for the idle hold to end. */
  readonly parked: boolean;
  readonly nextId: number;
}

type StopEvent = Extract<FsmEvent, { name: 'ManualStop' | 'AutomaticStop' }>;

export type NeighbourEvent =
  | { readonly kind: 'start' }
  | { readonly kind: 'stop'; readonly event: StopEvent }
  /** A connection from the neighbour's address was accepted by TCP. */
  | { readonly kind: 'incoming' }
  /** The parked connection is gone. */
  | { readonly kind: 'parked-lost' }
  | { readonly kind: 'connection'; readonly id: number; readonly event: FsmEvent };

export type NeighbourEffect =
  | { readonly kind: 'connection'; readonly id: number; readonly effect: FsmEffect }
  /** The incoming (or the parked) connection becomes connection `id`. */
  | { readonly kind: 'adopt'; readonly id: number }
  /** Keep the incoming connection, unread; close the one parked before. */
  | { readonly kind: 'park' }
  /** Close the incoming connection with CEASE, connection rejected (RFC 4486 §4). */
  | { readonly kind: 'refuse' }
  | { readonly kind: 'drop-parked' }
  /** Connection `id` is named no more: its timers stop, and what is left of it is closed. */
  | { readonly kind: 'forget'; readonly id: number };

export interface NeighbourStep {
  readonly state: NeighbourState;
  readonly effects: readonly NeighbourEffect[];
}

export function initialNeighbour(config: NeighbourConfig): NeighbourState {
  const primary: Slot = { id: 0, direction: 'outgoing', fsm: initialState(config) };
  return { config, primary, started: false, parked: false, nextId: 1 };
}

const progress: readonly FsmStateName[] = ['Idle', 'Active', 'Connect', 'OpenSent', 'OpenConfirm', 'Established'];

/** The neighbour's state for people: that of the connection which is furthest. */
export function stateName({ primary, secondary }: NeighbourState): FsmStateName {
  if (secondary === undefined) return primary.fsm.name;
  const [a, b] = [primary.fsm.name, secondary.fsm.name];
  return progress.indexOf(a) >= progress.indexOf(b) ? a : b;
}

/** Whether connection `id` still has a machine; events of others come too late and are dropped. */
export function slotOf({ primary, secondary }: NeighbourState, id: number): Slot | undefined {
  if (primary.id === id) return primary;
  return secondary?.id === id ? secondary : undefined;
}

export function stepNeighbour(state: NeighbourState, event: NeighbourEvent): NeighbourStep {
  const turn = new Turn(state);
  switch (event.kind) {
    case 'start':
      turn.start();
      break;
    case 'stop':
      turn.stop(event.event);
      break;
    case 'incoming':
      turn.incoming();
      break;
    case 'parked-lost':
      turn.state = { ...turn.state, parked: false };
      break;
    case 'connection':
      turn.connection(event.id, event.event);
      break;
  }
  return { state: turn.state, effects: turn.effects };
}

/** One step in the making. It lives inside `stepNeighbour` only. */
class Turn {
  state: NeighbourState;
  readonly effects: NeighbourEffect[] = [];

  constructor(state: NeighbourState) {
    this.state = state;
  }

  start(): void {
    if (this.state.started) return;
    this.state = { ...this.state, started: true };
    const name = this.state.config.passive ? 'ManualStart_with_PassiveTcpEstablishment' : 'ManualStart';
    this.#run(this.state.primary.id, { name });
  }

  stop(event: StopEvent): void {
    const { secondary, primary, parked } = this.state;
    if (secondary !== undefined) this.#end(secondary, event);
    if (parked) this.#dropParked();
    this.#run(primary.id, event);
    if (event.name === 'ManualStop') this.state = { ...this.state, started: false };
  }

  incoming(): void {
    const { primary, secondary, started } = this.state;
    if (!started) {
      this.effects.push({ kind: 'refuse' });
      return;
    }
    switch (primary.fsm.name) {
      // Deviates from RFC 4271 §8.2.2 (Idle "refuses all incoming BGP connections"): the peer would count a failure of
      // its own and two damped neighbours could refuse each other in turn. Unread, it costs the peer only the wait.
      case 'Idle':
        this.state = { ...this.state, parked: true };
        this.effects.push({ kind: 'park' });
        return;
      case 'Active':
        this.state = { ...this.state, primary: { ...primary, direction: 'incoming' } };
        this.effects.push({ kind: 'adopt', id: primary.id });
        this.#run(primary.id, { name: 'TcpConnectionConfirmed' });
        return;
      default:
        break;
    }
    // "the second connection SHALL be tracked until it sends an OPEN message"; a third replaces the second.
    if (secondary !== undefined) this.#end(secondary, { name: 'OpenCollisionDump' });
    const id = this.state.nextId;
    const fsm: FsmState = {
      ...initialState(this.state.config),
      name: 'Active',
      connectRetryCounter: primary.fsm.connectRetryCounter,
    };
    this.state = { ...this.state, secondary: { id, direction: 'incoming', fsm }, nextId: id + 1 };
    // RFC 4724 §5: with graceful restart received, the new connection takes the place of the Established one at once,
    // whose routes are retained: the peer has restarted and does not know the old connection.
    if (primary.fsm.name === 'Established' && primary.fsm.gracefulRestart) {
      this.#run(primary.id, {
        name: 'TcpConnectionFails',
        text: 'the peer opened a new connection in place of the established one (RFC 4724 §5)',
      });
    }
    this.effects.push({ kind: 'adopt', id });
    this.#run(id, { name: 'TcpConnectionConfirmed' });
  }

  connection(id: number, event: FsmEvent): void {
    if (slotOf(this.state, id) === undefined) return;
    if (event.name === 'IdleHoldTimer_Expires' && this.state.parked) {
      this.#takeParked(id);
      return;
    }
    if (event.name === 'BGPOpen' && !this.#collide(id, event)) return;
    this.#run(id, event);
  }

  #takeParked(id: number): void {
    this.#run(id, { name: 'AutomaticStart_with_DampPeerOscillations_and_PassiveTcpEstablishment' });
    this.state = { ...this.state, parked: false };
    this.incoming();
  }

  #dropParked(): void {
    this.state = { ...this.state, parked: false };
    this.effects.push({ kind: 'drop-parked' });
  }

  /** RFC 4271 §6.8 on the OPEN of connection `id`. False: it lost, and its OPEN is not processed. */
  #collide(id: number, open: OpenFacts): boolean {
    const { config, primary, secondary } = this.state;
    if (secondary === undefined) return true;
    const [opening, other] = primary.id === id ? [primary, secondary] : [secondary, primary];
    // Only an OPEN in OpenSent opens anything; elsewhere it is an unexpected message.
    if (opening.fsm.name !== 'OpenSent') return true;
    const { localIdentifier, localAsn } = config;
    const { peerIdentifier, peerAsn } = open;
    const winner = survivor(
      { name: opening.fsm.name, direction: opening.direction },
      { name: other.fsm.name, direction: other.direction },
      { localIdentifier, localAsn, peerIdentifier, peerAsn },
    );
    this.#end(winner === 'opening' ? other : opening, { name: 'OpenCollisionDump' });
    return winner === 'opening';
  }

  /** Steps one machine, then drops a connection that ended while the other is there. */
  #run(id: number, event: FsmEvent): void {
    const slot = slotOf(this.state, id);
    if (slot === undefined) return;
    const { state: fsm, effects } = step(slot.fsm, event);
    const { primary, secondary } = this.state;
    const ended =
      secondary !== undefined && (fsm.name === 'Idle' || fsm.name === 'Active') && fsm.name !== slot.fsm.name;
    if (ended) {
      this.#leave(slot, effects);
    } else {
      if (fsm !== slot.fsm) {
        const next = { ...slot, fsm };
        this.state = { ...this.state, ...(primary.id === id ? { primary: next } : { secondary: next }) };
      }
      for (const effect of effects) this.effects.push({ kind: 'connection', id, effect });
    }
  }

  /** Ends a connection for the sake of the other one. */
  #end(slot: Slot, event: FsmEvent): void {
    this.#leave(slot, step(slot.fsm, event).effects);
  }

  /** Forgets one of two connections: its last effects are carried out, its timers go with it and no retry follows. */
  #leave(slot: Slot, effects: readonly FsmEffect[]): void {
    for (const effect of effects) this.effects.push({ kind: 'connection', id: slot.id, effect });
    this.effects.push({ kind: 'forget', id: slot.id });
    const { secondary, ...rest } = this.state;
    this.state = slot.id === this.state.primary.id && secondary !== undefined ? { ...rest, primary: secondary } : rest;
  }
}
