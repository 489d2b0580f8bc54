/**
 * The state machine of one asynchronous session, RFC 5880 §6.8, as a pure function. We take the active role (RFC 5881 §3),
 * never ask for Demand mode or Echo packets, and honour Demand mode of the neighbour.
 */
import type { BfdChangeReason } from './api.ts';
import type { ControlPacket } from './control-packet.ts';
import { type BfdStateName, diagnostic } from './iana.ts';
import { type BfdEffect, type BfdEvent, type BfdState, slowTxUs } from './state.ts';
import { detectionTimeUs, transmitIntervalUs } from './timing.ts';

export interface Step {
  readonly state: BfdState;
  readonly effects: readonly BfdEffect[];
}

/** RFC 5880 §6.8.6: our state and the received one give our next. A session in AdminDown discards what it receives. */
const transitions: Readonly<Record<Exclude<BfdStateName, 'AdminDown'>, Readonly<Record<BfdStateName, BfdStateName>>>> =
  {
    Down: { AdminDown: 'Down', Down: 'Init', Init: 'Up', Up: 'Down' },
    Init: { AdminDown: 'Down', Down: 'Init', Init: 'Up', Up: 'Up' },
    Up: { AdminDown: 'Down', Down: 'Down', Init: 'Up', Up: 'Up' },
  };

/** What an event did, before what follows from it for timers and packets is worked out. */
interface Outcome {
  readonly state: BfdState;
  readonly reason?: BfdChangeReason;
  /** The packet counts for the Detection Time. */
  readonly heard?: boolean;
  /** It asks for a Final. */
  readonly polled?: boolean;
}

/** One event in, the next state and what to do out. Never throws; every event is defined in every state. */
export function step(state: BfdState, event: BfdEvent): Step {
  const outcome = react(state, event);
  const next = advertise(outcome.state, outcome.state.session !== state.session);
  return { state: next, effects: [...follow(state, next, event, outcome)] };
}

function react(state: BfdState, event: BfdEvent): Outcome {
  switch (event.name) {
    case 'enabled':
      if (state.session !== 'AdminDown') return { state };
      return { state: { ...state, session: 'Down', diagnostic: diagnostic.none }, reason: 'enabled' };
    case 'disabled':
      if (state.session === 'AdminDown') return { state };
      return {
        state: { ...state, session: 'AdminDown', diagnostic: diagnostic.administrativelyDown },
        reason: 'disabled',
      };
    case 'configured':
      return { state: { ...state, config: event.config } };
    case 'packet-received':
      return receive(state, event.packet);
    case 'detection-time-expired':
      return expire(state);
    case 'transmit-due':
      return { state };
  }
}

/** RFC 5880 §6.8.4; and §6.8.1: bfd.RemoteDiscr "MUST be set to zero", in any state. */
function expire(state: BfdState): Outcome {
  const deaf: BfdState = { ...state, remote: undefined, poll: 'none' };
  if (state.session !== 'Init' && state.session !== 'Up') return { state: deaf };
  return {
    state: { ...deaf, session: 'Down', diagnostic: diagnostic.controlDetectionTimeExpired },
    reason: 'detection-time-expired',
  };
}

function receive(state: BfdState, packet: ControlPacket): Outcome {
  const known: BfdState = {
    ...state,
    remote: {
      discriminator: packet.myDiscriminator,
      state: packet.state,
      diagnostic: packet.diagnostic,
      desiredMinTxUs: packet.desiredMinTxUs,
      requiredMinRxUs: packet.requiredMinRxUs,
      detectMultiplier: packet.detectMultiplier,
      demand: packet.demand,
    },
    ...pollAfter(state, packet.final),
  };
  // "If bfd.SessionState is AdminDown, discard the packet": what was read from it above stays (§6.8.6 has it in this order).
  if (state.session === 'AdminDown') return { state: known, heard: true };
  const session = transitions[state.session][packet.state];
  const outcome = { heard: true, polled: packet.poll };
  if (session === state.session) return { ...outcome, state: known };
  if (session !== 'Down') {
    return { ...outcome, state: { ...known, session, diagnostic: diagnostic.none }, reason: 'handshake' };
  }
  return {
    ...outcome,
    state: { ...known, session, diagnostic: diagnostic.neighborSignaledSessionDown },
    reason: packet.state === 'AdminDown' ? 'neighbor-admin-down' : 'neighbor-down',
  };
}

/** RFC 5880 §6.5: a Final ends the Poll Sequence; §6.8.3: "an additional BFD Control packet with the Final (F) bit clear" is waited for. */
function pollAfter(state: BfdState, final: boolean): Pick<BfdState, 'poll' | 'effective'> {
  if (final && state.poll === 'polling') return { poll: 'settling', effective: state.advertised };
  if (!final && state.poll === 'settling') return { poll: 'none', effective: state.effective };
  return { poll: state.poll, effective: state.effective };
}

/** RFC 5880 §6.8.3: changes what packets say of our timing when it is not what we want, and when we act on it. */
function advertise(state: BfdState, transitioned: boolean): BfdState {
  const { config, session, advertised, effective } = state;
  const up = session === 'Up';
  const wanted = {
    desiredMinTxUs: up ? config.desiredMinTxUs : Math.max(config.desiredMinTxUs, slowTxUs),
    requiredMinRxUs: config.requiredMinRxUs,
  };
  const same =
    wanted.desiredMinTxUs === advertised.desiredMinTxUs && wanted.requiredMinRxUs === advertised.requiredMinRxUs;
  if (same) return up ? state : { ...state, effective: advertised };
  // One Poll Sequence at a time, or its Final would be ambiguous; what a change of state brings never waits for one.
  if (up && !transitioned && state.poll !== 'none') return state;
  return {
    ...state,
    advertised: wanted,
    effective: up
      ? {
          // "... the actual transmission interval used MUST NOT change until the Poll Sequence described above has terminated."
          desiredMinTxUs: Math.min(effective.desiredMinTxUs, wanted.desiredMinTxUs),
          // "... the previous value of bfd.RequiredMinRxInterval MUST be used when calculating the Detection Time".
          requiredMinRxUs: Math.max(effective.requiredMinRxUs, wanted.requiredMinRxUs),
        }
      : wanted,
    poll: state.remote === undefined ? 'none' : 'polling',
  };
}

function* follow(before: BfdState, after: BfdState, event: BfdEvent, outcome: Outcome): Generator<BfdEffect> {
  const packet = controlPacket(after);
  if (outcome.polled) {
    // §6.8.6: "... send a BFD Control packet to the remote system with the Poll (P) bit clear, and the Final (F) bit set".
    yield { kind: 'send', packet: { ...packet, poll: false, final: true }, periodic: false };
  } else if (event.name === 'transmit-due' ? transmitIntervalUs(after) > 0 : differs(packet, controlPacket(before))) {
    // §6.8.7: a packet "SHOULD be transmitted during the interval between periodic Control packet transmissions when the
    // contents of that packet would differ from that in the previously transmitted packet (other than the Poll and Final bits)".
    yield { kind: 'send', packet, periodic: true };
  }
  const interval = transmitIntervalUs(after);
  if (interval !== transmitIntervalUs(before) || event.name === 'enabled') {
    yield { kind: 'transmit-interval', us: interval };
  }
  const detectionTime = detectionTimeUs(after);
  if (outcome.heard || detectionTime !== detectionTimeUs(before)) {
    yield { kind: 'detection-time', us: detectionTime, restart: outcome.heard === true };
  }
  if (outcome.reason !== undefined) {
    const { reason } = outcome;
    yield {
      kind: 'changed',
      change: {
        from: before.session,
        state: after.session,
        reason,
        pathDown: before.session === 'Up' && (reason === 'detection-time-expired' || reason === 'neighbor-down'),
        diagnostic: after.diagnostic,
        remoteDiagnostic: (after.remote ?? before.remote)?.diagnostic ?? diagnostic.none,
      },
    };
  }
}

/** The periodic packet of a state, RFC 5880 §6.8.7. */
export function controlPacket(state: BfdState): ControlPacket {
  return {
    diagnostic: state.diagnostic,
    state: state.session,
    poll: state.poll === 'polling',
    final: false,
    controlPlaneIndependent: false,
    demand: false,
    detectMultiplier: state.config.detectMultiplier,
    myDiscriminator: state.localDiscriminator,
    yourDiscriminator: state.remote?.discriminator ?? 0,
    ...state.advertised,
    requiredMinEchoRxUs: 0,
  };
}

const contents = [
  'diagnostic',
  'state',
  'detectMultiplier',
  'yourDiscriminator',
  'desiredMinTxUs',
  'requiredMinRxUs',
] as const satisfies readonly (keyof ControlPacket)[];

function differs(a: ControlPacket, b: ControlPacket): boolean {
  return contents.some((field) => a[field] !== b[field]);
}
