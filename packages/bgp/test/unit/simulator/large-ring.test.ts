import { ring } from './large-network.ts';
import { runLargeScenario } from './large-scenario.ts';

await runLargeScenario(ring(2000), ring(40));
