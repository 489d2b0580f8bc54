/** The simulator, for tests of speakers and of what is built on them. */
export { Network, type NetworkOptions } from './network.ts';
export { SeededRandom } from './seeded-random.ts';
export { Simulation, type SimulationOptions } from './simulation.ts';
export { Trace, type TraceEvent } from './trace.ts';
export { VirtualClock } from './virtual-clock.ts';
