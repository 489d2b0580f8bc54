import { gobgp } from './daemons.ts';
import { runScenarios } from './session-scenarios.ts';

await runScenarios(gobgp);
