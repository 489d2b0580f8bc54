/**
 * The public surface of @routelet/bgp: the speaker with its options and events, policy, and all of the codec. Tools that
 * only decode or encode messages import `@routelet/bgp/codec`, which loads neither the speaker nor sockets.
 */
export * from './codec.ts';
export type { DownReason, FsmStateName } from './fsm/state.ts';
export type { EditedRoute } from './policy/actions.ts';
export { type BlackholeOptions, blackholeStatement } from './policy/blackhole.ts';
export { type CompiledPolicy, compilePolicy, type PolicyOutcome, type PolicyTraceStep } from './policy/compile.ts';
export { describePolicyProblem, PolicyError, type PolicyProblem } from './policy/errors.ts';
export type * from './policy/model.ts';
export type { PrefixWords } from './policy/prefix-set.ts';
export type * from './policy/route.ts';
export { validatePolicy } from './policy/validate.ts';
export type * from './ports.ts';
export type * from './speaker/api.ts';
export { createSpeaker } from './speaker/create-speaker.ts';
export { warmUp } from './speaker/node-warm-up.ts';
