import { exabgp } from './daemons.ts';
import { runScenarios } from './session-scenarios.ts';

await runScenarios(exabgp);
