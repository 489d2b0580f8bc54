import { clos } from './large-network.ts';
import { runLargeScenario } from './large-scenario.ts';

await runLargeScenario(clos(40, 50, 4), clos(4, 6, 2));
